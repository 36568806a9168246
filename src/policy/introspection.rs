//! Compiles an issuer's `introspection`.

use super::Bindings;
use super::fault::Faults;
use super::keys::{self, Metadata};
use super::reader::{Faulty, Table};
use crate::budget;
use crate::introspection::{
    Client, ClientAuthentication, ClientSecret, Endpoint, Introspection, Tokens,
};
use crate::rules::{Expected, Rules};
use crate::signing::SigningKey;
use crate::time::Seconds;
use crate::url::Url;
use serde_json::Value;

const FIELDS: [&str; 9] = [
    "endpoint",
    "discovery",
    "client_id",
    "client_secret",
    "private_key",
    "auth",
    "cache",
    "tokens",
    "signed",
];

/// The keys of an issuer that apply only to JWTs, and so have no effect without keys.
const NEED_KEYS: [&str; 4] = ["algorithms", "types", "profile", "stale_if_error"];

/// How the client secret is sent.
#[derive(Clone, Copy)]
enum Manner {
    Basic,
    Post,
}

/// Compiles `introspection`. `rules` is `None` if the issuer has faults of its own. Returns `None`
/// if the issuer has no such table.
#[cold]
#[inline(never)]
pub(super) fn compile(
    issuer: &Table<'_>,
    rules: Option<&Rules>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Option<Introspection>, Faulty> {
    let Some(table) = issuer.table("introspection", &FIELDS, faults)? else { return Ok(None) };
    let endpoint = compile_endpoint(issuer, &table, rules, faults);
    let found = table.text("client_id", faults);
    let remedy = "write the client ID that the provider has given the gate";
    let id = table.require("client_id", found, remedy, faults).and_then(|id| {
        let is_plain = !id.is_empty() && id.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if !is_plain {
            let problem = "not a client ID (RFC 6749 appendix A.1)";
            faults.fault(table.at("client_id"), problem, remedy);
        }
        is_plain.then(|| id.to_owned()).ok_or(Faulty)
    });
    let authentication = compile_authentication(&table, bindings, faults);
    let audience = rules.and_then(|rules| match (&rules.issuer, &rules.tenant) {
        (Expected::OneOf(names), None) if names.len() == 1 => names.first().cloned(),
        _ => None,
    });
    let cache = table.seconds("cache", 0..=budget::INTROSPECTION_CACHE_SECONDS, faults);
    let choices = [Tokens::Opaque, Tokens::All].map(|one| (one.as_str(), one));
    let tokens = table.choice("tokens", &choices, faults);
    let signed = table.flag("signed", faults);
    if !issuer.has("keys") {
        for key in NEED_KEYS.into_iter().filter(|key| issuer.has(key)) {
            faults.fault(
                issuer.at(key),
                "it applies only to tokens that the gate verifies, and the issuer has no keys",
                "remove it, or add keys",
            );
        }
        if let Ok(Some(true)) = signed {
            faults.fault(
                table.at("signed"),
                "signed responses are verified with the issuer's keys, and it has none",
                "add keys and algorithms, or remove it",
            );
        }
    }
    Ok(Some(Introspection {
        endpoint: endpoint?,
        client: Client { id: id?, authentication: authentication?, audience },
        cache: cache?.unwrap_or(Seconds::new(60)),
        tokens: tokens?.unwrap_or_default(),
        signed: signed?.unwrap_or(false),
    }))
}

#[cold]
#[inline(never)]
fn compile_endpoint(
    issuer: &Table<'_>,
    table: &Table<'_>,
    rules: Option<&Rules>,
    faults: &mut Faults,
) -> Result<Endpoint, Faulty> {
    let remedy = "write endpoint = \"https://…\", the provider's introspection endpoint, or \
                  discovery = true";
    let problem = match (table.has("endpoint"), table.has("discovery")) {
        (false, true) => {
            let metadata = Metadata { table, remedy: "endpoint = \"https://…\"" };
            return metadata.issuer(&issuer.at("issuer"), rules, faults).map(Endpoint::Discovery);
        }
        (true, false) => {
            let text = table.text("endpoint", faults)?.unwrap_or_default();
            match Url::parse(text) {
                Ok(url) if !url.rest.contains('#') => return Ok(Endpoint::Url(text.to_owned())),
                Ok(_) => "it has a fragment",
                Err(problem) => problem,
            }
        }
        (false, false) => "missing",
        (true, true) => "endpoint and discovery exclude each other",
    };
    faults.fault(table.at("endpoint"), problem, remedy);
    Err(Faulty)
}

#[cold]
#[inline(never)]
fn compile_authentication(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<ClientAuthentication, Faulty> {
    let choices = [("basic", Manner::Basic), ("post", Manner::Post)];
    let manner = table.choice("auth", &choices, faults);
    let key = match (table.has("client_secret"), table.has("private_key")) {
        (true, false) => "client_secret",
        (false, true) => "private_key",
        (both, _) => {
            let problem =
                if both { "client_secret and private_key exclude each other" } else { "missing" };
            let remedy = "name the binding of the client's secret, client_secret = \"BINDING\", or \
                          of its private key, private_key = \"BINDING\"";
            faults.fault(table.at("client_secret"), problem, remedy);
            return Err(Faulty);
        }
    };
    let path = table.at(key);
    if key == "private_key" && table.has("auth") {
        faults.fault(table.at("auth"), "it says how a secret is sent", "remove it");
    }
    let authentication = if key == "private_key" {
        let name = table.text(key, faults)?.unwrap_or_default();
        let key = SigningKey::from_text(&keys::text_of(name, &path, bindings, faults)?);
        let remedy = "set it to a private key, PKCS #8 in PEM or a JWK, for EdDSA or ES256";
        key.map(|key| ClientAuthentication::PrivateKey(Box::new(key)))
            .map_err(|fault| (format!("{name}: {fault}"), remedy))
    } else {
        let name = table.get(key).unwrap_or(&Value::Null);
        let text = keys::binding_text(name, &path, bindings, faults)?;
        let manner = manner?.unwrap_or(Manner::Basic);
        let remedy = "set it again, without a line break at its end";
        ClientSecret::new(text)
            .map(|secret| match manner {
                Manner::Basic => ClientAuthentication::Basic(secret),
                Manner::Post => ClientAuthentication::Post(secret),
            })
            .map_err(|problem| (problem.to_owned(), remedy))
    };
    authentication.map_err(|(problem, remedy)| {
        faults.fault(path, problem, remedy);
        Faulty
    })
}
