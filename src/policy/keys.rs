//! The keys of an issuer: from one source, imported or refused while the policy compiles.

use super::Bindings;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::alg::Algorithm;
use crate::budget;
use crate::json;
use crate::keys::{Key, KeyFault, KeySet, Material, Secret, SecretEncoding, jwk, pem};
use serde_json::Value;

const SOURCES: [&str; 3] = ["secret", "pem", "jwks"];

/// Imports an issuer's keys; without `algorithms`, which then have a fault of their own, no further
/// than their names.
pub(super) fn compile(
    table: &Table<'_>,
    algorithms: Option<&[Algorithm]>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<KeySet, Faulty> {
    const REMEDY: &str =
        "write keys = { secret = \"BINDING\" }, { pem = \"BINDING\" } or { jwks = \"BINDING\" }";
    let found = table.table("keys", &["secret", "encoding", "pem", "jwks"], faults);
    let keys = table.require("keys", found, REMEDY, faults)?;
    let named: Vec<_> = SOURCES.into_iter().filter(|source| keys.has(source)).collect();
    let &[source] = named.as_slice() else {
        let problem = match named.len() {
            0 => "no source of keys".to_owned(),
            _ => format!("{} sources of keys, and only one can count", named.len()),
        };
        faults.fault(keys.path(), problem, REMEDY);
        return Err(Faulty);
    };
    if source != "secret" && keys.has("encoding") {
        faults.fault(keys.at("encoding"), "only a secret has an encoding", "leave it out");
    }
    let source = Source { keys, key: source, bindings };
    match source.key {
        "secret" => source.secrets(algorithms, faults),
        "pem" => source.pem(algorithms, faults),
        _ => source.jwks(algorithms, faults),
    }
}

/// The one source of an issuer's keys.
struct Source<'t> {
    keys: Table<'t>,
    key: &'static str,
    bindings: &'t dyn Bindings,
}

impl Source<'_> {
    fn secrets(
        &self,
        algorithms: Option<&[Algorithm]>,
        faults: &mut Faults,
    ) -> Result<KeySet, Faulty> {
        let names = self.keys.texts("secret", true, faults);
        let encoding = self.encoding(faults);
        let names = names?.unwrap_or_default();
        if names.len() > budget::SECRETS_HELD {
            faults.fault(
                self.keys.at("secret"),
                format!("{} secrets, and {} are the most", names.len(), budget::SECRETS_HELD),
                "keep the newest and the one before",
            );
        }
        self.check_side(algorithms, true, faults);
        let mut keys = Vec::new();
        let mut outcome = Ok(());
        for name in names {
            match self.secret(name, encoding, algorithms, faults) {
                Ok(key) => keys.push(key),
                Err(faulty) => outcome = Err(faulty),
            }
        }
        outcome.map(|()| KeySet::new(keys, Vec::new()))
    }

    fn secret(
        &self,
        name: &str,
        encoding: Result<SecretEncoding, Faulty>,
        algorithms: Option<&[Algorithm]>,
        faults: &mut Faults,
    ) -> Result<Key, Faulty> {
        let text = self.text(name, faults)?;
        let key = Secret::from_text(&text, encoding?)
            .and_then(|secret| Key::new(Material::Secret(secret), None, algorithms.unwrap_or(&[])));
        self.report(name, algorithms, key, faults)
    }

    fn encoding(&self, faults: &mut Faults) -> Result<SecretEncoding, Faulty> {
        Ok(self.keys.choice("encoding", &SecretEncoding::NAMES, faults)?.unwrap_or_default())
    }

    fn pem(&self, algorithms: Option<&[Algorithm]>, faults: &mut Faults) -> Result<KeySet, Faulty> {
        let name = self.keys.text("pem", faults)?.unwrap_or_default();
        self.check_side(algorithms, false, faults);
        let text = self.text(name, faults)?;
        let keys = pem::import(&text, algorithms.unwrap_or(&[]));
        self.report(name, algorithms, keys, faults)
    }

    fn jwks(
        &self,
        algorithms: Option<&[Algorithm]>,
        faults: &mut Faults,
    ) -> Result<KeySet, Faulty> {
        let inline;
        let (name, set) = match self.keys.get("jwks") {
            Some(Value::String(name)) => match self.bindings.value(name) {
                None => return Err(self.missing(name, faults)),
                Some(Value::String(text)) => {
                    (name.as_str(), json::parse_object(text.as_bytes()).ok())
                }
                Some(other) => {
                    inline = other;
                    (name.as_str(), inline.as_object().cloned())
                }
            },
            Some(value) => ("the policy", value.as_object().cloned()),
            None => return Err(Faulty),
        };
        let keys = set
            .ok_or_else(|| KeyFault::new("it is not a JSON object without repeated names"))
            .and_then(|set| {
                jwk::import(&set, algorithms.unwrap_or(&[]), jwk::Provenance::Operator)
            });
        let keys = self.report(name, algorithms, keys, faults)?;
        for skipped in keys.skipped() {
            faults.warning(
                format!("{}.keys[{}]", self.keys.at("jwks"), skipped.index),
                format!("this key is not used: {}", skipped.fault),
                "mend it or take it out of the set",
            );
        }
        Ok(keys)
    }

    /// The text of a binding, which must be there.
    fn text(&self, name: &str, faults: &mut Faults) -> Result<String, Faulty> {
        match self.bindings.value(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => {
                faults.fault(
                    self.keys.at(self.key),
                    format!("the binding {name} is not a text"),
                    format!("set it with `npx wrangler secret put {name}`"),
                );
                Err(Faulty)
            }
            None => Err(self.missing(name, faults)),
        }
    }

    fn missing(&self, name: &str, faults: &mut Faults) -> Faulty {
        faults.fault(
            self.keys.at(self.key),
            format!("there is no binding {name}"),
            format!("set it with `npx wrangler secret put {name}`, for local use in .dev.vars"),
        );
        Faulty
    }

    /// Secrets go with HS…, public keys with the others (RFC 8725 section 3.1).
    fn check_side(&self, algorithms: Option<&[Algorithm]>, symmetric: bool, faults: &mut Faults) {
        let Some(algorithms) = algorithms else { return };
        if algorithms.iter().any(|one| one.is_symmetric() != symmetric) {
            let (problem, remedy) = if symmetric {
                (
                    "a shared secret for algorithms that verify with a public key",
                    "use pem or jwks, or HS256",
                )
            } else {
                (
                    "a public key for HMAC, where it would be a secret that everybody knows",
                    "use secret, or RS256",
                )
            };
            faults.fault(self.keys.at(self.key), problem, remedy);
        }
    }

    /// Reports why a key cannot be used, unless that follows from another fault.
    fn report<T>(
        &self,
        name: &str,
        algorithms: Option<&[Algorithm]>,
        imported: Result<T, KeyFault>,
        faults: &mut Faults,
    ) -> Result<T, Faulty> {
        imported.map_err(|fault| {
            if algorithms.is_some() {
                faults.fault(
                    self.keys.at(self.key),
                    format!("{name}: {fault}"),
                    "replace it with a key that holds to this",
                );
            }
            Faulty
        })
    }
}
