//! Compiles `forward.identity`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, keys};
use crate::budget;
use crate::headers::is_authorization;
use crate::issuer::Issuer;
use crate::json;
use crate::json::text::array;
use crate::keys::{Key, KeySet};
use crate::path::CanonicalPath;
use crate::signed_identity::{KEY_SET_PATH, OWN_CLAIMS, SignedIdentity};
use crate::signing::SigningKey;
use crate::time::Seconds;
use crate::url::Url;

const KEYS: [&str; 6] = ["key", "issuer", "audience", "header", "claims", "lifetime"];

/// The claims of an identity, unless the policy lists others (RFC 9068 sections 2.2 and 2.2.3).
const CLAIMS: [&str; 3] = ["sub", "scope", "client_id"];

/// Compiles `forward.identity`. `check_header` reports a header that the gate cannot write.
pub(super) fn compile(
    forward: &Table<'_>,
    issuers: &[Issuer],
    bindings: &dyn Bindings,
    check_header: impl FnOnce(&str, &str, &mut Faults) -> bool,
    faults: &mut Faults,
) -> Result<Option<SignedIdentity>, Faulty> {
    let Some(table) = forward.table("identity", &KEYS, faults)? else { return Ok(None) };
    let header = table.text("header", faults).map(|header| header.unwrap_or("Authorization"));
    let header = header.and_then(|header| {
        let is_good = check_header(header, &table.at("header"), faults);
        is_good.then(|| header.to_owned()).ok_or(Faulty)
    });
    if let Ok(header) = &header
        && is_authorization(header)
        && forward.get("authorization").is_some_and(|choice| choice == "keep")
    {
        faults.fault(
            forward.at("authorization"),
            "the identity replaces the token in Authorization",
            "remove it, or give the identity a header of its own: forward.identity.header = \
             \"X-Identity\"",
        );
    }
    let keys = compile_keys(&table, issuers, bindings, faults);
    let issuer = compile_issuer(&table, issuers, faults);
    let audience = table.text("audience", faults).map(|text| text.filter(|it| !it.is_empty()));
    let remedy = "name the API, for example by its URL: the API accepts only identities for it";
    let audience = table.require("audience", audience, remedy, faults);
    let claims = compile_claims(&table, faults);
    let lifetime = table.seconds("lifetime", 60..=3600, faults);
    if issuers.len() > 1 && !states_issuer(forward) {
        faults.warning(
            table.path(),
            "the policy has several issuers, and the identity does not say which of them vouched \
             for its sub: two issuers may use the same sub for different users",
            "forward the issuer as well: forward.claims = { X-Issuer = \"iss\" }",
        );
    }
    let (issuer, key_set_path) = issuer?;
    let (key, key_set) = keys?;
    Ok(Some(SignedIdentity {
        header: header?,
        issuer,
        audience: audience?.to_owned(),
        claims: claims?,
        lifetime: lifetime?.unwrap_or(Seconds::new(300)),
        key,
        key_set_path,
        key_set,
    }))
}

/// Whether the API learns the issuer from a header.
fn states_issuer(forward: &Table<'_>) -> bool {
    let claims = forward.get("claims").and_then(|claims| claims.as_object());
    forward.has("payload")
        || claims
            .is_some_and(|claims| claims.values().any(|claim| claim == "iss" || claim == "/iss"))
}

/// Returns the key that signs, and the key set, which also has the keys before and after it.
fn compile_keys(
    table: &Table<'_>,
    issuers: &[Issuer],
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<(SigningKey, String), Faulty> {
    const REMEDY: &str = "generate a key with `portcullis keygen --alg EdDSA --identity`, and name \
                          its binding";
    let names = table.texts("key", true, faults);
    let names = table.require("key", names, REMEDY, faults)?;
    if names.len() > budget::SECRETS_HELD {
        faults.fault(
            table.at("key"),
            format!(
                "there are {} keys, but at most {} are possible",
                names.len(),
                budget::SECRETS_HELD
            ),
            "keep the newest key and the one before it",
        );
    }
    let mut held: Vec<SigningKey> = Vec::new();
    // APIs must still be able to verify what an isolate signed before a Secrets Store replaced the
    // key.
    let mut former = Vec::new();
    let mut outcome = Ok(());
    let is_list = table.get("key").is_some_and(serde_json::Value::is_array);
    for (index, name) in names.iter().enumerate() {
        let path = if is_list { format!("{}[{index}]", table.at("key")) } else { table.at("key") };
        let Ok(text) = keys::text_of(name, &path, bindings, faults) else {
            outcome = Err(Faulty);
            continue;
        };
        let read = SigningKey::from_text(&text);
        let problem = match &read {
            Err(fault) => Some((format!("{name}: {fault}"), REMEDY)),
            Ok(key) if held.iter().any(|other| other.id() == key.id()) => {
                Some((format!("{name}: the key is listed twice"), "remove one of them"))
            }
            Ok(key) if issuers.iter().any(|issuer| is_key_of(key, issuer)) => Some((
                format!(
                    "{name}: an issuer of the policy has the same key, so the issuer's tokens \
                     could pass for identities, and identities for the issuer's tokens"
                ),
                "generate a key for this purpose only: `portcullis keygen --alg EdDSA --identity`",
            )),
            Ok(_) => None,
        };
        if let Some((problem, remedy)) = problem {
            faults.fault(path, problem, remedy);
            outcome = Err(Faulty);
        }
        held.extend(read);
        let text = bindings.former_secret(name);
        former.extend(text.and_then(|text| SigningKey::from_text(&text).ok()));
    }
    outcome?;
    let mut jwks: Vec<String> = Vec::new();
    for jwk in held.iter().chain(&former).map(SigningKey::public_jwk) {
        if !jwks.contains(&jwk) {
            jwks.push(jwk);
        }
    }
    let key_set = format!("{{\"keys\":{}}}", array(&jwks));
    Ok((held.into_iter().next().ok_or(Faulty)?, key_set))
}

/// Whether the key is one of the issuer's, as far as the policy and its bindings contain those.
fn is_key_of(key: &SigningKey, issuer: &Issuer) -> bool {
    let keys = issuer.keys().map_or(&[][..], KeySet::keys);
    let thumbprints = keys.iter().map(|one: &Key| one.material().thumbprint());
    thumbprints.flatten().any(|thumbprint| thumbprint == key.id())
}

/// Returns the issuer as written, and the path of the key set.
fn compile_issuer(
    table: &Table<'_>,
    issuers: &[Issuer],
    faults: &mut Faults,
) -> Result<(String, String), Faulty> {
    const REMEDY: &str = "write the https URL of the gate, such as https://api.example.com: the \
                          key set is served below it, at /.well-known/jwks.json";
    let found = table.text("issuer", faults);
    let text = table.require("issuer", found, REMEDY, faults)?;
    let parsed = Url::parse(text).and_then(|Url { base, rest }| {
        let path = rest.strip_suffix('/').unwrap_or(rest);
        if !text.starts_with(&base) {
            Err("its scheme and host are not in lower case")
        } else if !path.is_empty() && CanonicalPath::parse(path).is_err() {
            Err("it has a query, a fragment, or a path that the gate refuses in requests")
        } else {
            Ok((text.to_owned(), format!("{path}{KEY_SET_PATH}")))
        }
    });
    let problem = match parsed {
        Ok(_) if issuers.iter().any(|issuer| issuer.is_named(text)) => {
            "an issuer of the policy has the same name, so the API could mistake its tokens for \
             identities"
        }
        Ok(parsed) => return Ok(parsed),
        Err(problem) => problem,
    };
    faults.fault(table.at("issuer"), problem, REMEDY);
    Err(Faulty)
}

fn compile_claims(table: &Table<'_>, faults: &mut Faults) -> Result<Vec<Vec<String>>, Faulty> {
    let paths = table.texts("claims", false, faults)?.unwrap_or_else(|| CLAIMS.to_vec());
    let mut known: Vec<Vec<String>> = Vec::new();
    let mut outcome = Ok(());
    for (index, path) in paths.iter().enumerate() {
        let names: Vec<String> = match path.strip_prefix('/') {
            Some(pointer) => json::tokens(pointer).collect(),
            None => vec![(*path).to_owned()],
        };
        let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
        let overlaps = |other: &Vec<String>| other.starts_with(&names) || names.starts_with(other);
        let problem = if names.first().is_some_and(|name| OWN_CLAIMS.contains(&name.as_str())) {
            Some((
                "the gate sets this claim itself, or the API cannot check it",
                "remove it; to forward the token's own, use forward.claims",
            ))
        } else if names.iter().any(is_number) {
            Some(("the pointer leads into a list, or a name in it is empty", "name the whole list"))
        } else if known.iter().any(overlaps) {
            Some((
                "another entry already contains this claim, or a part of it",
                "remove one of them",
            ))
        } else {
            None
        };
        if let Some((problem, remedy)) = problem {
            faults.fault(format!("{}[{index}]", table.at("claims")), problem, remedy);
            outcome = Err(Faulty);
        }
        known.push(names);
    }
    outcome.map(|()| known)
}
