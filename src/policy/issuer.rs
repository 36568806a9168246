//! The issuers of a policy, and their keys.

use super::Bindings;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::alg::Algorithm;
use crate::budget;
use crate::claims::{Expected, PROOF_TYPE, Rules};
use crate::json;
use crate::keys::{Key, KeyFault, KeySet, Material, Secret, SecretEncoding, jwk, pem};
use crate::refusal::{Code, Refusal};
use crate::time::Seconds;
use crate::token::{Header, media_subtype};
use serde_json::Value;

/// One issuer: whose tokens it is, what they must say, and the keys that bear them out.
#[derive(Debug)]
pub struct Issuer {
    name: String,
    rules: Rules,
    algorithms: Vec<Algorithm>,
    keys: KeySet,
}

impl Issuer {
    /// The policy's own name for it, as it stands in logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its tokens must say.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The algorithms with which it signs.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Its keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The keys that may bear out a token with this header.
    ///
    /// # Errors
    ///
    /// `algorithm_not_allowed` where its `alg` is none of the issuer's, `unknown_key` as
    /// [`KeySet::pick`] says.
    pub fn pick_keys(&self, header: &Header) -> Result<Vec<&Key>, Refusal> {
        if !self.algorithms.contains(&header.algorithm) {
            return Err(Refusal::new(Code::AlgorithmNotAllowed, "alg is none of the issuer's"));
        }
        self.keys.pick(header)
    }

    /// Whether a token's `iss` is one of its names.
    #[must_use]
    pub fn is_named(&self, issuer: &str) -> bool {
        !self.accepts_any_name() && self.rules.issuer.accepts(issuer)
    }

    /// Whether the policy waives `iss` for it.
    #[must_use]
    pub fn accepts_any_name(&self) -> bool {
        self.rules.issuer == Expected::Any
    }
}

const KEYS: [&str; 13] = [
    "name",
    "issuer",
    "audience",
    "algorithms",
    "keys",
    "leeway",
    "max_age",
    "types",
    "require",
    "subject",
    "expiry",
    "scopes_claim",
    "roles_claim",
];

pub(super) fn compile_all(
    policy: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Vec<Issuer>> {
    let tables = policy.tables("issuers", &KEYS, faults).ok()?;
    let issuers: Vec<_> =
        tables.iter().map(|table| compile(table, bindings, faults).ok()).collect();
    report_twins(&tables, &issuers, faults);
    issuers.into_iter().collect()
}

fn compile(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Issuer, Faulty> {
    let found = table.text("name", faults);
    let name = table.require("name", found, "write a short name for logs and routes", faults);
    let algorithms = compile_algorithms(table, faults);
    let rules = compile_rules(table, faults);
    let keys = compile_keys(table, algorithms.as_deref().ok(), bindings, faults);
    Ok(Issuer { name: name?.to_owned(), rules: rules?, algorithms: algorithms?, keys: keys? })
}

fn compile_rules(table: &Table<'_>, faults: &mut Faults) -> Result<Rules, Faulty> {
    let issuer = expected(table, "issuer", "the token's iss, or \"*\" to waive it", faults);
    let audience = expected(table, "audience", "the token's aud, or \"*\" to waive it", faults);
    let leeway = table.seconds("leeway", 0..=budget::LEEWAY_SECONDS, faults);
    let max_age = table.seconds("max_age", 1..=31_536_000, faults);
    let types = compile_types(table, faults);
    let require = table.texts("require", false, faults);
    let subject = table.texts("subject", true, faults);
    let expiry_required =
        table.choice("expiry", &[("required", true), ("optional", false)], faults);
    let scopes_claim = table.text("scopes_claim", faults);
    let roles_claim = table.text("roles_claim", faults);
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    Ok(Rules {
        issuer: issuer?,
        audience: audience?,
        leeway: leeway?.unwrap_or(Seconds::new(60)),
        max_age: max_age?,
        types: types?,
        require: require?.map(owned).unwrap_or_default(),
        expiry_required: expiry_required?.unwrap_or(true),
        subject: subject?.map(owned),
        scopes_claim: scopes_claim?.map(str::to_owned),
        roles_claim: roles_claim?.unwrap_or("roles").to_owned(),
    })
}

/// A string or list that a claim is compared with, or `"*"`.
fn expected(
    table: &Table<'_>,
    key: &str,
    what: &str,
    faults: &mut Faults,
) -> Result<Expected, Faulty> {
    let found = table.texts(key, true, faults);
    let values = table.require(key, found, &format!("write {what}"), faults)?;
    if values.as_slice() == ["*"] {
        faults.warning(
            table.at(key),
            format!("any {key} is accepted"),
            format!("name the {key} unless other rules make up for it"),
        );
        return Ok(Expected::Any);
    }
    if values.contains(&"*") {
        faults.fault(
            table.at(key),
            "\"*\" beside other values, which it would make pointless",
            "write \"*\" alone, or the values alone",
        );
        return Err(Faulty);
    }
    Ok(Expected::OneOf(values.into_iter().map(str::to_owned).collect()))
}

fn compile_types(table: &Table<'_>, faults: &mut Faults) -> Result<Option<Vec<String>>, Faulty> {
    let Some(types) = table.texts("types", false, faults)? else { return Ok(None) };
    let types: Vec<_> = types.into_iter().map(media_subtype).collect();
    if types.iter().any(|one| one == PROOF_TYPE) {
        faults.fault(
            table.at("types"),
            format!("{PROOF_TYPE} is the gate's own proof, never an access token"),
            "leave it out",
        );
        return Err(Faulty);
    }
    Ok(Some(types))
}

fn compile_algorithms(table: &Table<'_>, faults: &mut Faults) -> Result<Vec<Algorithm>, Faulty> {
    let path = table.at("algorithms");
    let found = table.texts("algorithms", false, faults);
    let names = table.require("algorithms", found, "write a list such as [\"RS256\"]", faults)?;
    let mut algorithms = Vec::new();
    let mut outcome = Ok(());
    for (index, name) in names.into_iter().enumerate() {
        match Algorithm::from_name(name) {
            Some(algorithm) if algorithms.contains(&algorithm) => {}
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let known: Vec<_> = Algorithm::ALL.iter().map(|one| one.name()).collect();
                let remedy = match Algorithm::missing_feature(name) {
                    Some(feature) => format!("build with `cargo xtask build --features {feature}`"),
                    None => format!("choose among {}", known.join(", ")),
                };
                let problem = format!("{name} is not an algorithm of this build");
                faults.fault(format!("{path}[{index}]"), problem, remedy);
                outcome = Err(Faulty);
            }
        }
    }
    let symmetric = algorithms.iter().filter(|one| one.is_symmetric()).count();
    if symmetric != 0 && symmetric != algorithms.len() {
        faults.fault(
            path,
            "symmetric and asymmetric algorithms for one issuer: a public key could be taken for a secret",
            "name HS… or the others, or make two issuers of it",
        );
        outcome = Err(Faulty);
    }
    outcome.map(|()| algorithms)
}

const SOURCES: [&str; 3] = ["secret", "pem", "jwks"];

/// Imports an issuer's keys; without `algorithms`, which then have a fault of their own, no further
/// than their names.
fn compile_keys(
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
            match self.secret(name, encoding?, algorithms, faults) {
                Ok(key) => keys.push(key),
                Err(faulty) => outcome = Err(faulty),
            }
        }
        outcome.map(|()| KeySet::new(keys, Vec::new()))
    }

    fn secret(
        &self,
        name: &str,
        encoding: SecretEncoding,
        algorithms: Option<&[Algorithm]>,
        faults: &mut Faults,
    ) -> Result<Key, Faulty> {
        let text = self.text(name, faults)?;
        let key = Secret::from_text(&text, encoding)
            .and_then(|secret| Key::new(Material::Secret(secret), None, algorithms.unwrap_or(&[])));
        self.report(name, algorithms, key, faults)
    }

    fn encoding(&self, faults: &mut Faults) -> Result<SecretEncoding, Faulty> {
        let choices = ["utf8", "base64", "base64url", "hex"]
            .map(|name| (name, SecretEncoding::from_name(name).unwrap_or_default()));
        Ok(self.keys.choice("encoding", &choices, faults)?.unwrap_or_default())
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

/// Two issuers of one name, or that claim the same `iss`: nothing says whose rules would count.
fn report_twins(tables: &[Table<'_>], issuers: &[Option<Issuer>], faults: &mut Faults) {
    let named: Vec<_> = tables
        .iter()
        .zip(issuers)
        .filter_map(|(table, issuer)| issuer.as_ref().map(|issuer| (table, issuer)))
        .collect();
    for (index, (table, issuer)) in named.iter().enumerate() {
        for (earlier_table, earlier) in named.iter().take(index) {
            if earlier.name == issuer.name {
                faults.fault(
                    table.at("name"),
                    format!("{} has the same name", earlier_table.path()),
                    "give each issuer a name of its own",
                );
            }
            let same = match (&issuer.rules.issuer, &earlier.rules.issuer) {
                (Expected::OneOf(values), other @ Expected::OneOf(_)) => {
                    values.iter().any(|value| other.accepts(value))
                }
                (Expected::Any, Expected::Any) => true,
                _ => false,
            };
            if same {
                faults.fault(
                    table.at("issuer"),
                    format!("{} claims the same iss", earlier_table.path()),
                    "make one issuer of both",
                );
            }
        }
    }
}
