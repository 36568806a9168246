//! Compiles `keys`: the one source of an issuer's keys. Keys in the policy and in bindings are
//! imported here; published keys are fetched later.

use super::Bindings;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::references::Purpose;
use crate::alg::Algorithm;
use crate::budget;
use crate::issuer::KeySource;
use crate::json::{self, NotStrictJson};
use crate::keys::remote::{self, Location};
use crate::keys::{
    Key, KeyFault, KeySet, Material, RemoteKeys, Secret, SecretEncoding, cache, jwk, pem,
};
use crate::rules::{Expected, Rules};
use crate::signature;
use crate::url::Url;
use serde_json::Value;

/// The members of `keys` that name a source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceKind {
    Secret,
    Pem,
    Jwks,
    JwksUri,
    Discovery,
}

impl SourceKind {
    pub(super) const ALL: [Self; 5] =
        [Self::Secret, Self::Pem, Self::Jwks, Self::JwksUri, Self::Discovery];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Pem => "pem",
            Self::Jwks => "jwks",
            Self::JwksUri => "jwks_uri",
            Self::Discovery => "discovery",
        }
    }

    /// The purpose of the binding that it names, or `None` if it names no binding.
    pub(super) const fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Secret => Some(Purpose::Secret),
            Self::Pem | Self::Jwks => Some(Purpose::PublicKey),
            Self::JwksUri | Self::Discovery => None,
        }
    }

    const fn is_fetched(self) -> bool {
        match self {
            Self::Secret | Self::Pem | Self::Jwks => false,
            Self::JwksUri | Self::Discovery => true,
        }
    }
}

/// Compiles an issuer's keys. `rules` and `algorithms` are `None` if they have faults of their own;
/// faults that follow from those are not reported.
#[inline(never)]
pub(super) fn compile(
    table: &Table<'_>,
    rules: Option<&Rules>,
    algorithms: Option<&[Algorithm]>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<KeySource, Faulty> {
    const REMEDY: &str = "write keys = { secret = \"BINDING\" }, { pem = \"BINDING\" }, \
                          { jwks = \"BINDING\" }, { jwks_uri = \"https://…\" } or \
                          { discovery = true }";
    let known = ["secret", "encoding", "pem", "jwks", "jwks_uri", "discovery", "service"];
    let found = table.table("keys", &known, faults);
    let stale_if_error =
        table.seconds("stale_if_error", 0..=budget::STALE_IF_ERROR_SECONDS, faults);
    let keys = table.require("keys", found, REMEDY, faults)?;
    let named: Vec<_> = SourceKind::ALL.into_iter().filter(|kind| keys.has(kind.key())).collect();
    let &[kind] = named.as_slice() else {
        let problem = match named.len() {
            0 => "there is no source of keys".to_owned(),
            _ => format!("there are {} sources of keys, but only one is possible", named.len()),
        };
        faults.fault(keys.path(), problem, REMEDY);
        return Err(Faulty);
    };
    if kind != SourceKind::Secret && keys.has("encoding") {
        faults.fault(keys.at("encoding"), "only secrets have an encoding", "remove it");
    }
    for (table, key) in [(&keys, "service"), (table, "stale_if_error")] {
        if !kind.is_fetched() && table.has(key) {
            faults.fault(
                table.at(key),
                "it applies only to keys that the gate fetches",
                "remove it",
            );
        }
    }
    let source = Source { keys, key: kind.key(), bindings };
    let location = match kind {
        SourceKind::Secret => return source.secrets(algorithms, faults).map(KeySource::Held),
        SourceKind::Pem => return source.pem(algorithms, faults).map(KeySource::Held),
        SourceKind::Jwks => return source.jwks(algorithms, faults).map(KeySource::Held),
        SourceKind::JwksUri => source.jwks_uri(faults),
        SourceKind::Discovery => {
            let metadata =
                Metadata { table: &source.keys, remedy: "keys = { jwks_uri = \"https://…\" }" };
            metadata.issuer(&table.at("issuer"), rules, faults).map(Location::Discovery)
        }
    };
    source.check_side(algorithms, false, faults);
    let service = source.service(faults);
    let stale_if_error = stale_if_error?.unwrap_or(cache::STALE_IF_ERROR);
    Ok(KeySource::Remote(RemoteKeys { location: location?, service: service?, stale_if_error }))
}

/// Imports a secret of the gate's own, from this key of a table, and from `encoding` if the table
/// has it. It must meet the same requirements as an issuer's secret, and differ from each of
/// `others`, because others know those and could sign in the gate's name.
pub(super) fn compile_own_secret<'k>(
    table: Table<'_>,
    key: &'static str,
    remedy: &str,
    others: impl Iterator<Item = &'k Key>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Key, Faulty> {
    let source = Source { keys: table, key, bindings };
    let found = source.keys.text(source.key, faults);
    let encoding = source.encoding(faults);
    let name = source.keys.require(source.key, found, remedy, faults)?;
    let key = source.secret(name, encoding, Some(&[Algorithm::HS256]), faults)?;
    if others.into_iter().any(|other| is_same_secret(&key, other)) {
        faults.fault(
            source.keys.at(source.key),
            "the policy uses the same secret for something else, and everyone who knows it from \
             there could sign in the gate's name",
            "generate a secret for this purpose only, for example with `openssl rand -base64 48`",
        );
        return Err(Faulty);
    }
    Ok(key)
}

/// Whether two keys are the same HMAC key, even if their bindings encode it differently.
fn is_same_secret(one: &Key, other: &Key) -> bool {
    const MESSAGE: &[u8] = b"portcullis";
    let tag = signature::tag(other, MESSAGE);
    signature::is_valid(Algorithm::HS256, one, MESSAGE, &tag)
}

/// A table with `discovery`, and what to write instead of it.
pub(super) struct Metadata<'t, 'v> {
    pub(super) table: &'t Table<'v>,
    pub(super) remedy: &'static str,
}

impl Metadata<'_, '_> {
    /// Returns the issuer whose metadata is discovered. Metadata describes one issuer: it must
    /// contain the name of the issuer that it was requested for (RFC 8414 section 3.3).
    pub(super) fn issuer(
        &self,
        issuer_path: &str,
        rules: Option<&Rules>,
        faults: &mut Faults,
    ) -> Result<String, Faulty> {
        if self.table.get("discovery") != Some(&Value::Bool(true)) {
            faults.fault(
                self.table.at("discovery"),
                "the value must be true",
                "write discovery = true",
            );
        }
        let rules = rules.ok_or(Faulty)?;
        let problem = match (&rules.issuer, &rules.tenant) {
            (Expected::OneOf(names), None) => match names.as_slice() {
                [name] => match remote::metadata_urls(name) {
                    Ok(_) => return Ok(name.clone()),
                    Err(problem) => problem,
                },
                _ => "metadata describes one issuer, and several are listed",
            },
            (Expected::OneOf(_), Some(_)) => {
                "metadata describes one issuer, and this is a template"
            }
            (Expected::Any, _) => "metadata describes one issuer, and any is accepted",
        };
        faults.fault(
            issuer_path,
            format!("discovery is not possible: {problem}"),
            format!("write one issuer, by its https URL, or write {}", self.remedy),
        );
        Err(Faulty)
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
                format!(
                    "there are {} secrets, but at most {} are possible",
                    names.len(),
                    budget::SECRETS_HELD
                ),
                "keep the newest secret and the one before it",
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
            let former = self.bindings.former_secret(name);
            keys.extend(former.and_then(|text| secret_key(&text, encoding.ok()?, algorithms).ok()));
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
        self.report(name, algorithms, secret_key(&text, encoding?, algorithms), faults)
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
        let object = |value: &Value| value.as_object().cloned().ok_or(NotStrictJson::NotAnObject);
        let (name, set) = match self.keys.get("jwks") {
            Some(Value::String(name)) => match self.bindings.value(name) {
                None => return Err(missing(name, &self.keys.at(self.key), faults)),
                Some(Value::String(text)) => (name.as_str(), json::parse_object(text.as_bytes())),
                Some(other) => (name.as_str(), object(&other)),
            },
            Some(value) => ("the policy", object(value)),
            None => return Err(Faulty),
        };
        let keys =
            set.map_err(|reason| KeyFault::new(format!("the JWK Set {reason}"))).and_then(|set| {
                jwk::import(&set, algorithms.unwrap_or(&[]), jwk::Provenance::Operator)
            });
        let keys = self.report(name, algorithms, keys, faults)?;
        for skipped in keys.skipped() {
            faults.warning(
                format!("{}.keys[{}]", self.keys.at("jwks"), skipped.index),
                format!("this key is not used: {}", skipped.fault),
                "correct it or remove it from the set",
            );
        }
        Ok(keys)
    }

    fn jwks_uri(&self, faults: &mut Faults) -> Result<Location, Faulty> {
        let text = self.keys.text("jwks_uri", faults)?.unwrap_or_default();
        let problem = match Url::parse(text) {
            Ok(url) if !url.rest.contains('#') => return Ok(Location::JwksUri(text.to_owned())),
            Ok(_) => "it has a fragment",
            Err(problem) => problem,
        };
        faults.fault(
            self.keys.at("jwks_uri"),
            problem,
            "write the https URL of the provider's JWK Set",
        );
        Err(Faulty)
    }

    fn service(&self, faults: &mut Faults) -> Result<Option<String>, Faulty> {
        let Some(name) = self.keys.text("service", faults)? else { return Ok(None) };
        if self.bindings.is_service(name) {
            return Ok(Some(name.to_owned()));
        }
        faults.fault(
            self.keys.at("service"),
            format!("there is no service binding {name}"),
            format!(
                "add it under services in wrangler.toml: {{ binding = \"{name}\", \
                 service = \"…\" }}"
            ),
        );
        Err(Faulty)
    }

    fn text(&self, name: &str, faults: &mut Faults) -> Result<String, Faulty> {
        text_of(name, &self.keys.at(self.key), self.bindings, faults)
    }

    /// Reports a secret for asymmetric algorithms, and a public key for HMAC (RFC 8725 section
    /// 3.1).
    fn check_side(&self, algorithms: Option<&[Algorithm]>, symmetric: bool, faults: &mut Faults) {
        let Some(algorithms) = algorithms else { return };
        if algorithms.iter().any(|one| one.is_symmetric() != symmetric) {
            let (problem, remedy) = if symmetric {
                (
                    "algorithms that verify with a public key cannot use a shared secret",
                    "use pem or jwks, or the algorithm HS256",
                )
            } else {
                (
                    "HMAC cannot use a public key, because everybody would know the secret",
                    "use secret, or the algorithm RS256",
                )
            };
            faults.fault(self.keys.at(self.key), problem, remedy);
        }
    }

    /// Reports why a key cannot be used, unless that follows from faults in `algorithms`.
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
                    "replace it with a valid key",
                );
            }
            Faulty
        })
    }
}

/// Returns the text of the binding that a value of the policy names, or reports that there is none.
pub(super) fn binding_text(
    name: &Value,
    path: &str,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<String, Faulty> {
    let Some(name) = name.as_str().filter(|name| !name.is_empty()) else {
        faults.fault(path, "not the name of a binding", "name the binding of a secret");
        return Err(Faulty);
    };
    text_of(name, path, bindings, faults)
}

/// Returns the text of the binding with this name, or reports that there is none.
pub(super) fn text_of(
    name: &str,
    path: &str,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<String, Faulty> {
    match bindings.value(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => {
            faults.fault(
                path,
                format!("the binding {name} is not a string"),
                format!("set it with `npx wrangler secret put {name}`"),
            );
            Err(Faulty)
        }
        None => Err(missing(name, path, faults)),
    }
}

fn missing(name: &str, path: &str, faults: &mut Faults) -> Faulty {
    let (problem, remedy) = if may_be_shown(name) {
        (
            format!("there is no binding {name}"),
            format!("set it with `npx wrangler secret put {name}`, or in .dev.vars for local use"),
        )
    } else {
        (
            "there is no binding of this name, which is not shown because it looks like a secret"
                .to_owned(),
            "write the name of a binding, set the secret with `npx wrangler secret put NAME`, and \
             use a new secret, because this one was in the policy"
                .to_owned(),
        )
    };
    faults.fault(path, problem, remedy);
    Faulty
}

fn secret_key(
    text: &str,
    encoding: SecretEncoding,
    algorithms: Option<&[Algorithm]>,
) -> Result<Key, KeyFault> {
    let secret = Secret::from_text(text, encoding)?;
    Key::new(Material::Secret(secret), None, algorithms.unwrap_or(&[]))
}

/// Whether a name of a binding may appear in a fault. A name that is long enough to be a secret may
/// be the secret itself, written in the wrong place.
fn may_be_shown(name: &str) -> bool {
    name.len() < 32 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
