//! A policy as it takes effect.

use crate::question::{Question, Withheld};
use crate::route::RouteDescription;
use portcullis::introspection::{Endpoint, Introspection};
use portcullis::issuer::Issuer;
use portcullis::keys::Key;
use portcullis::policy::Fault;
use portcullis::rules::Expected;
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::{Value, json};

/// Returns the description, as [`crate::functions::describe`] documents it.
pub(crate) fn description(question: &Question, now: UnixSeconds) -> Value {
    let compiled = question.compile();
    let warnings = faults(&compiled.warnings);
    match compiled.outcome {
        Err(found) => json!({ "faults": faults(&found), "warnings": warnings }),
        Ok(policy) => {
            let issuers = policy.issuers().iter();
            let issuers: Vec<_> = issuers.map(|one| issuer(question, one, now)).collect();
            let routes = RouteDescription::all(&policy);
            let routes: Vec<_> = routes.iter().map(RouteDescription::to_json).collect();
            json!({ "warnings": warnings, "issuers": issuers, "routes": routes })
        }
    }
}

/// Converts faults or warnings to JSON.
pub(crate) fn faults(faults: &[Fault]) -> Value {
    let to_json = |fault: &Fault| {
        json!({
            "path": fault.path, "problem": fault.problem, "remedy": fault.remedy,
        })
    };
    faults.iter().map(to_json).collect()
}

fn issuer(question: &Question, issuer: &Issuer, now: UnixSeconds) -> Value {
    let source = match (question.source(issuer.id()), issuer.remote()) {
        ("", Some(_)) => "jwks_uri",
        (source, _) => source,
    };
    let names = question.references(issuer.id()).into_iter().map(|reference| reference.binding);
    let facts = question.key_facts(issuer.name());
    let fact = |name: &str| facts.and_then(|facts| facts.get(name)).cloned();
    let published = issuer.remote().and_then(|_| question.published(issuer)).and_then(Result::ok);
    let keys = issuer.keys().or(published.as_ref());
    let keys: Vec<_> = keys.map(|keys| keys.keys().iter().map(key).collect()).unwrap_or_default();
    let is_withheld = question.withheld(issuer.id()) != Withheld::Nothing;
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
        "source": source,
        "names": names.collect::<Vec<_>>(),
        "withheld": is_withheld,
        "url": fact("url").or(configured),
        "service": remote.and_then(|remote| remote.service.as_deref()),
        "introspection": issuer.introspection().map(introspection),
        "mode": issuer.mode().as_str(),
        "leeway": issuer.rules().times.leeway.get(),
        "age_seconds": age.map(|fetched| now.since(fetched).get()),
        "refresh_seconds": fresh_until.map(|until| until.since(now).get()),
        // A placeholder is not a key of the issuer.
        "keys": if is_withheld { Vec::new() } else { keys },
        "skipped": fact("skipped").unwrap_or_else(|| json!([])),
    })
}

fn introspection(introspection: &Introspection) -> Value {
    let endpoint = match &introspection.endpoint {
        Endpoint::Url(url) => url.clone(),
        Endpoint::Discovery(issuer) => format!("the metadata of {issuer}"),
    };
    json!({
        "endpoint": endpoint,
        "client_id": introspection.client.id,
        "cache": introspection.cache.get(),
        "tokens": introspection.tokens.as_str(),
        "signed": introspection.signed,
    })
}

fn key(key: &Key) -> Value {
    json!({
        "name": key.name(),
        "kid": key.id(),
        "kind": key.material().kind(),
        "bits": key.material().bits(),
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
