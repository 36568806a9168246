//! Compiles `issuers`.

mod names;

use self::names::{compile_name, expected, warn_of_any};
use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::route::compile_mode;
use super::{Bindings, Preset, claim_rule, introspection, keys, preset};
use crate::alg::Algorithm;
use crate::budget;
use crate::identity::PROOF_TYPE;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::possession;
use crate::rules::{Expected, Rules, SenderConstrained, TimeRules};
use crate::time::Seconds;
use crate::token::{INTROSPECTION_TYPE, media_subtype};
use serde_json::Value;

/// The longest name of an issuer, in bytes. With it, every key of the revocation store has room for
/// a value.
const NAME_BYTES: usize = 64;

const NAME_REMEDY: &str =
    "write a short name for logs and routes: 1 to 64 letters, digits, \".\", \"_\" or \"-\"";

const FIELDS: [&str; 20] = [
    "name",
    "issuer",
    "tenants",
    "profile",
    "audience",
    "algorithms",
    "keys",
    "introspection",
    "stale_if_error",
    "leeway",
    "max_age",
    "types",
    "require",
    "subject",
    "claims",
    "expiry",
    "scopes_claim",
    "roles_claim",
    "sender_constrained",
    "mode",
];

#[inline(never)]
pub(super) fn compile_all(
    policy: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Vec<Issuer>> {
    let items = policy.items("issuers", faults).ok()?;
    let presets: Vec<_> =
        items.iter().map(|(path, item)| preset::expand(item, path, &FIELDS, faults)).collect();
    let mut outcome = Some(());
    let mut tables = Vec::new();
    for ((path, item), preset) in items.into_iter().zip(&presets) {
        let item = match preset {
            Ok(Some(preset)) => Some(&preset.issuer),
            Ok(None) => Some(item),
            Err(Faulty) => None,
        };
        match item.and_then(|item| Table::open(item, path, &FIELDS, faults)) {
            Some(table) => tables.push(table),
            None => outcome = None,
        }
    }
    let issuers: Vec<_> = tables
        .iter()
        .enumerate()
        .map(|(index, table)| compile(IssuerId::new(index), table, bindings, faults).ok())
        .collect();
    report_duplicates(&tables, &issuers, faults);
    outcome.and_then(|()| issuers.into_iter().collect())
}

/// Returns the issuers that are written with presets, as the presets expand them. Leaves out those
/// with faults.
pub(super) fn presets(policy: &Table<'_>) -> Vec<Preset> {
    let written = |(path, item): (String, &Value)| {
        let mut faults = Faults::default();
        let preset = preset::expand(item, &path, &FIELDS, &mut faults).ok().flatten();
        preset.filter(|_| faults.is_empty())
    };
    let items = policy.items("issuers", &mut Faults::default()).unwrap_or_default();
    items.into_iter().filter_map(written).collect()
}

#[inline(never)]
fn compile(
    id: IssuerId,
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Issuer, Faulty> {
    let found = table.text("name", faults);
    let name = table.require("name", found, NAME_REMEDY, faults);
    if let Ok(name) = name
        && !is_name(name)
    {
        let problem = format!("\"{name}\" is not an accepted name");
        faults.fault(table.at("name"), problem, NAME_REMEDY);
    }
    // An issuer that only introspects has no keys, and needs no algorithms.
    let verifies = table.has("keys") || !table.has("introspection");
    let algorithms = if verifies { compile_algorithms(table, faults) } else { Ok(Vec::new()) };
    let rules = compile_rules(table, faults);
    let mode = compile_mode(table, faults);
    let usable_rules = rules.as_ref().ok();
    let keys = verifies
        .then(|| keys::compile(table, usable_rules, algorithms.as_deref().ok(), bindings, faults))
        .transpose();
    let introspection = introspection::compile(table, usable_rules, bindings, faults);
    Ok(Issuer {
        id,
        name: name?.to_owned(),
        rules: rules?,
        algorithms: algorithms?,
        keys: keys?,
        introspection: introspection?,
        mode: mode?,
    })
}

/// Whether a text may name an issuer. A `:` would make the keys of the revocation store ambiguous,
/// in which the name is followed by a `:` and a value that the issuer chooses.
fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[inline(never)]
fn compile_rules(table: &Table<'_>, faults: &mut Faults) -> Result<Rules, Faulty> {
    let issuer = compile_name(table, faults);
    let audience = expected(table, "audience", "the token's aud, or \"*\" to accept any", faults);
    let leeway = table.seconds("leeway", 0..=budget::LEEWAY_SECONDS, faults);
    let max_age = table.seconds("max_age", 1..=31_536_000, faults);
    let types = compile_types(table, faults);
    let require = table.texts("require", false, faults);
    let subject = table.texts("subject", true, faults);
    let claims = claim_rule::compile_all(table, faults);
    let expiry_required =
        table.choice("expiry", &[("required", true), ("optional", false)], faults);
    let choices = [
        ("refused", SenderConstrained::Refused),
        ("accepted", SenderConstrained::Accepted),
        ("required", SenderConstrained::Required),
    ];
    let sender_constrained = table.choice("sender_constrained", &choices, faults);
    let scopes_claim = table.text("scopes_claim", faults);
    let roles_claim = table.text("roles_claim", faults);
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let profile = compile_profile(table, faults);
    let (issuer, tenant) = issuer?;
    let (audience, claims) = (audience?, claims?);
    // Without `aud`, a rule for `client_id` or `azp` can restrict for whom a token was issued.
    let names_client = claims.iter().any(|rule| {
        matches!(rule.path.strip_prefix('/').unwrap_or(&rule.path), "client_id" | "azp")
    });
    warn_of_any(table, "issuer", &issuer, faults);
    if !names_client {
        warn_of_any(table, "audience", &audience, faults);
    }
    let subject = subject?;
    let any_listed = |expected: &Expected| match expected {
        Expected::OneOf(values) => values.iter().any(|value| claim_rule::has_wildcard(value)),
        Expected::Any => false,
    };
    for (key, is_found) in [
        ("issuer", any_listed(&issuer)),
        ("audience", any_listed(&audience)),
        ("subject", subject.iter().flatten().any(|value| claim_rule::has_wildcard(value))),
    ] {
        if is_found {
            claim_rule::warn_of_wildcard(table.at(key), faults);
        }
    }
    let mut rules = Rules {
        issuer,
        tenant,
        audience,
        times: TimeRules {
            leeway: leeway?.unwrap_or(Seconds::new(60)),
            max_age: max_age?,
            expiry_required: expiry_required?.unwrap_or(true),
        },
        types: types?,
        require: require?.map(owned).unwrap_or_default(),
        claims,
        subject: subject.map(owned),
        sender_constrained: sender_constrained?.unwrap_or_default(),
        scopes_claim: scopes_claim?.map(str::to_owned),
        roles_claim: roles_claim?.unwrap_or("roles").to_owned(),
    };
    if let Some(profile) = profile? {
        profile.tighten(&mut rules);
    }
    Ok(rules)
}

/// A predefined set of rules.
#[derive(Clone, Copy)]
enum Profile {
    /// JWT access tokens (RFC 9068 sections 2.1, 2.2 and 4).
    Rfc9068,
}

impl Profile {
    fn tighten(self, rules: &mut Rules) {
        match self {
            Self::Rfc9068 => {
                rules.types = Some(vec!["at+jwt".to_owned()]);
                let required = ["iss", "aud", "sub", "client_id", "iat", "jti"].map(str::to_owned);
                rules.require.extend(required);
            }
        }
    }
}

fn compile_profile(table: &Table<'_>, faults: &mut Faults) -> Result<Option<Profile>, Faulty> {
    let profile = table.choice("profile", &[("rfc9068", Profile::Rfc9068)], faults)?;
    if profile.is_none() {
        return Ok(None);
    }
    for key in ["types", "expiry"] {
        if table.has(key) {
            faults.fault(table.at(key), "the profile sets this key", "remove it or the profile");
        }
    }
    Ok(profile)
}

fn compile_types(table: &Table<'_>, faults: &mut Faults) -> Result<Option<Vec<String>>, Faulty> {
    let Some(types) = table.texts("types", false, faults)? else { return Ok(None) };
    let types: Vec<_> = types.into_iter().map(media_subtype).collect();
    for (media_type, what) in [
        (PROOF_TYPE, "the gate's hop proofs"),
        (possession::PROOF_TYPE, "DPoP proofs"),
        (INTROSPECTION_TYPE, "signed introspection responses"),
    ] {
        if types.iter().any(|one| one == media_type) {
            faults.fault(
                table.at("types"),
                format!("{media_type} is the type of {what}, which are never access tokens"),
                "remove it",
            );
            return Err(Faulty);
        }
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
                    None => format!("choose from {}", known.join(", ")),
                };
                let problem = format!("{name} is not an algorithm that this build supports");
                faults.fault(format!("{path}[{index}]"), problem, remedy);
                outcome = Err(Faulty);
            }
        }
    }
    let symmetric = algorithms.iter().filter(|one| one.is_symmetric()).count();
    if symmetric != 0 && symmetric != algorithms.len() {
        faults.fault(
            path,
            "symmetric and asymmetric algorithms cannot be combined, because a public key could \
             be used as a secret",
            "list only HS… or only the others, or write two issuers with the same issuer",
        );
        outcome = Err(Faulty);
    }
    outcome.map(|()| algorithms)
}

/// Reports issuers with the same name, and issuers that accept the same `iss` with the same
/// algorithm: it would be unclear whose rules apply.
fn report_duplicates(tables: &[Table<'_>], issuers: &[Option<Issuer>], faults: &mut Faults) {
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
                    "give each issuer a different name",
                );
            }
            let same = match (&issuer.rules.issuer, &earlier.rules.issuer) {
                (Expected::OneOf(values), other @ Expected::OneOf(_)) => {
                    values.iter().any(|value| other.accepts(value))
                }
                (Expected::Any, Expected::Any) => true,
                _ => false,
            };
            let shared = issuer.algorithms.iter().find(|one| earlier.algorithms.contains(one));
            if let Some(algorithm) = shared.filter(|_| same) {
                faults.fault(
                    table.at("issuer"),
                    format!("{} accepts the same iss with {algorithm}", earlier_table.path()),
                    "merge the two issuers, or give each its own algorithms",
                );
            }
        }
    }
}
