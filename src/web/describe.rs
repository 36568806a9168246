//! A policy as it takes effect.

use super::question::{Question, Withheld};
use crate::claims::{ClaimRule, Condition, Expected};
use crate::keys::{Key, Material};
use crate::policy::{Fault, Issuer, Policy};
use crate::report::Mode;
use crate::route::{Access, Route};
use crate::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};

/// The description, as [`super::face::describe`] gives it.
pub(super) fn description(question: &Question, now: UnixSeconds) -> Value {
    let compiled = question.compile();
    let warnings = faults(&compiled.warnings);
    match compiled.outcome {
        Err(found) => json!({ "faults": faults(&found), "warnings": warnings }),
        Ok(policy) => {
            let issuers = policy.issuers().iter();
            let issuers: Vec<_> = issuers.map(|one| issuer(question, one, now)).collect();
            let routes: Vec<_> = policy.routes().iter().map(|one| route(&policy, one)).collect();
            json!({ "warnings": warnings, "issuers": issuers, "routes": routes })
        }
    }
}

/// Faults or warnings.
pub(super) fn faults(faults: &[Fault]) -> Value {
    let shown = |fault: &Fault| json!({ "path": fault.path, "problem": fault.problem, "remedy": fault.remedy });
    faults.iter().map(shown).collect()
}

/// A route.
pub(super) fn route(policy: &Policy, route: &Route) -> Value {
    let needs = &route.requirements;
    let issuers = policy.issuers().iter().filter(|issuer| {
        route.issuers.as_ref().is_some_and(|places| places.contains(&issuer.place()))
    });
    let issuers: Vec<_> = issuers.map(Issuer::name).collect();
    json!({
        "path": route.pattern.as_str(),
        "methods": route.methods.names(),
        "access": route.access.as_str(),
        "issuers": if route.access == Access::Public { Vec::new() } else { issuers },
        "scopes": needs.scopes,
        "any_scope": needs.any_scope,
        "roles": needs.roles,
        "any_role": needs.any_role,
        "claims": needs.claims.iter().map(in_words).collect::<Vec<_>>(),
        "acr": needs.acr,
        "max_auth_age": needs.max_auth_age.map(Seconds::get),
        "mode": mode(route.mode),
    })
}

fn issuer(question: &Question, issuer: &Issuer, now: UnixSeconds) -> Value {
    let source = question.source(issuer.place());
    let kind = match (source.kind, issuer.remote()) {
        ("", Some(_)) => "jwks_uri",
        (kind, _) => kind,
    };
    let facts = question.key_facts(issuer.name());
    let fact = |name: &str| facts.and_then(|facts| facts.get(name)).cloned();
    let published = issuer.remote().and_then(|_| question.published(issuer)).and_then(Result::ok);
    let keys = issuer.keys().or(published.as_ref());
    let keys: Vec<_> = keys.map(|keys| keys.keys().iter().map(key).collect()).unwrap_or_default();
    let is_withheld = question.withheld(issuer.place()) != Withheld::Nothing;
    let age = fact("fetched").and_then(|fetched| fetched.as_i64()).map(UnixSeconds::new);
    let fresh_for = fact("fresh_for").and_then(|it| u32::try_from(it.as_u64()?).ok());
    let fresh_until = age.zip(fresh_for).map(|(age, fresh)| age.plus(Seconds::new(fresh)));
    let remote = issuer.remote();
    let configured = remote.map(|remote| Value::from(remote.location.name()));
    json!({
        "name": issuer.name(),
        "issuer": expected(&issuer.rules().issuer),
        "audience": expected(&issuer.rules().audience),
        "algorithms": issuer.algorithms().iter().map(|one| one.name()).collect::<Vec<_>>(),
        "source": kind,
        "names": source.names(),
        "withheld": is_withheld,
        "url": fact("url").or(configured),
        "service": remote.and_then(|remote| remote.service.as_deref()),
        "mode": mode(issuer.mode()),
        "leeway": issuer.rules().leeway.get(),
        "age_seconds": age.map(|fetched| now.since(fetched).get()),
        "refresh_seconds": fresh_until.map(|until| until.since(now).get()),
        // A stand-in is no key of theirs.
        "keys": if is_withheld { Vec::new() } else { keys },
        "skipped": fact("skipped").unwrap_or_else(|| json!([])),
    })
}

fn key(key: &Key) -> Value {
    let (kind, bits) = match key.material() {
        Material::Secret(_) => ("secret", None),
        Material::Rsa(rsa) => ("RSA", Some(rsa.bits())),
        Material::Ec(ec) => (ec.curve().name(), None),
        Material::Edwards(_) => ("Ed25519", None),
        #[cfg(feature = "mldsa")]
        Material::Lattice(_) => ("ML-DSA", None),
    };
    json!({
        "name": key.name(),
        "kid": key.id(),
        "kind": kind,
        "bits": bits,
        "algorithms": key.algorithms().iter().map(|one| one.name()).collect::<Vec<_>>(),
        "thumbprint": key.material().thumbprint(),
    })
}

fn expected(expected: &Expected) -> Value {
    match expected {
        Expected::OneOf(values) => json!(values),
        Expected::Any => json!(["*"]),
    }
}

fn mode(mode: Mode) -> &'static str {
    Mode::NAMES.into_iter().find(|named| named.1 == mode).map_or("", |named| named.0)
}

fn in_words(rule: &ClaimRule) -> String {
    match &rule.condition {
        Condition::Equals(value) => format!("{} = {value}", rule.path),
        Condition::OneOf(values) => {
            let values: Vec<_> = values.iter().map(Value::to_string).collect();
            format!("{} = {}", rule.path, values.join(" or "))
        }
        Condition::Contains(value) => format!("{} contains {value}", rule.path),
    }
}
