//! Compiles `revocation`.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;
use crate::budget;
use crate::revocation::{
    CACHE_TTL, EXPIRATION_TTL, EXPIRATION_TTLS, LogoutEndpoint, OnError, Revocation,
};
use crate::time::Seconds;

const FIELDS: [&str; 6] =
    ["kv", "max_staleness", "on_error", "logout_path", "logout_audience", "expiration_ttl"];

/// Compiles `revocation`. Returns `Some(None)` if the policy has no such table.
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Option<Revocation>> {
    let Some(table) = policy.table("revocation", &FIELDS, faults).ok()? else { return Some(None) };
    let found = table.text("kv", faults);
    let namespace = table.require("kv", found, "name the binding of a KV namespace", faults);
    if let Ok(name) = namespace
        && !bindings.is_kv_namespace(name)
    {
        faults.fault(
            table.at("kv"),
            format!("there is no KV namespace binding {name}"),
            format!(
                "add it under kv_namespaces in wrangler.toml: {{ binding = \"{name}\", \
                 id = \"…\" }}"
            ),
        );
        return None;
    }
    let bounds = CACHE_TTL.get()..=budget::STALENESS_SECONDS;
    let max_staleness = table.seconds("max_staleness", bounds, faults);
    let choices = [("refuse", OnError::Refuse), ("allow", OnError::Allow)];
    let on_error = table.choice("on_error", &choices, faults);
    let logout = logout(&table, faults);
    Some(Some(Revocation {
        namespace: namespace.ok()?.to_owned(),
        max_staleness: max_staleness.ok()?.unwrap_or(Seconds::new(60)),
        on_error: on_error.ok()?.unwrap_or_default(),
        logout: logout?,
    }))
}

fn logout(table: &Table<'_>, faults: &mut Faults) -> Option<Option<LogoutEndpoint>> {
    let path = table.text("logout_path", faults);
    let audience = table.texts("logout_audience", true, faults);
    let expiration_ttl = table.seconds("expiration_ttl", EXPIRATION_TTLS, faults);
    let Some(path) = path.ok()? else {
        for key in ["logout_audience", "expiration_ttl"] {
            if table.has(key) {
                faults.fault(
                    table.at(key),
                    "it has no effect without logout_path",
                    "set logout_path, or remove it",
                );
            }
        }
        return Some(None);
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let is_plain = path.starts_with('/') && path.bytes().all(plain) && !path.contains("//");
    if !is_plain || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        faults.fault(
            table.at("logout_path"),
            "not a plain absolute path",
            "write a path of letters, digits, hyphens and slashes, such as \"/backchannel-logout\"",
        );
        return None;
    }
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    Some(Some(LogoutEndpoint {
        path: path.to_owned(),
        audience: audience.ok()?.map(owned),
        expiration_ttl: expiration_ttl.ok()?.unwrap_or(EXPIRATION_TTL),
    }))
}
