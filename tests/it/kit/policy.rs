//! Policies as an operator would write them, and the bindings of a deployment.

use super::keys;
use portcullis::policy::{Bindings, Fault, Policy};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The bindings of a deployment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    values: BTreeMap<String, Value>,
    services: BTreeSet<String>,
    namespaces: BTreeSet<String>,
    limiters: BTreeSet<String>,
    datasets: BTreeSet<String>,
    durable_objects: BTreeSet<String>,
}

impl Held {
    /// The bindings that the policies in this file refer to.
    pub(crate) fn usual() -> Self {
        Self::default()
            .value("SECRET", keys::SECRET)
            .value("OTHER_SECRET", keys::OTHER_SECRET)
            .value("PEM", keys::RSA_SPKI)
            .value("CLIENT_SECRET", keys::CLIENT_SECRET)
            .service("API")
    }

    pub(crate) fn value(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn namespace(mut self, name: &str) -> Self {
        self.namespaces.insert(name.to_owned());
        self
    }

    pub(crate) fn limiter(mut self, name: &str) -> Self {
        self.limiters.insert(name.to_owned());
        self
    }

    pub(crate) fn dataset(mut self, name: &str) -> Self {
        self.datasets.insert(name.to_owned());
        self
    }

    pub(crate) fn durable_object(mut self, name: &str) -> Self {
        self.durable_objects.insert(name.to_owned());
        self
    }

    pub(crate) fn service(mut self, name: &str) -> Self {
        self.services.insert(name.to_owned());
        self
    }
}

impl Bindings for Held {
    fn value(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }

    fn is_service(&self, name: &str) -> bool {
        self.services.contains(name)
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    fn is_rate_limiter(&self, name: &str) -> bool {
        self.limiters.contains(name)
    }

    fn is_durable_object(&self, name: &str) -> bool {
        self.durable_objects.contains(name)
    }

    fn is_analytics_dataset(&self, name: &str) -> bool {
        self.datasets.contains(name)
    }
}

/// Returns a table with some keys replaced or added. `null` removes a key.
pub(crate) fn with(mut table: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("changes are a table") };
    for (name, value) in changes {
        if value.is_null() {
            table.as_object_mut().unwrap().remove(&name);
        } else {
            table[&name] = value;
        }
    }
    table
}

/// The issuer of the base token.
pub(crate) fn hs_issuer() -> Value {
    json!({
        "name": "i",
        "issuer": "https://i",
        "audience": "api",
        "algorithms": ["HS256"],
        "leeway": 0,
        "keys": { "secret": "SECRET" },
    })
}

/// The same issuer with RS256 and a public key in PEM.
pub(crate) fn rs_issuer() -> Value {
    with(hs_issuer(), json!({ "algorithms": ["RS256"], "keys": { "pem": "PEM" } }))
}

/// Returns a policy with one issuer, whose tokens are required on every path.
pub(crate) fn policy(issuer: Value) -> Value {
    json!({
        "origin": "https://origin.example",
        "issuers": [issuer],
        "routes": [{ "path": "/*" }],
    })
}

/// Returns the faults of a policy, or an empty list if it compiles.
pub(crate) fn faults(raw: &Value, bindings: &Held) -> Vec<Fault> {
    Policy::compile(raw, bindings).outcome.err().unwrap_or_default()
}

/// Checks the faults of a policy, in order: the path of each, and some words of its problem.
pub(crate) fn assert_faults(raw: &Value, bindings: &Held, expected: &[(&str, &str)]) {
    let found = faults(raw, bindings);
    let matches = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(fault, (path, problem))| fault.path == *path && fault.problem.contains(problem));
    assert!(matches, "{raw}: {found:#?}");
}

/// Returns the warnings about a policy.
pub(crate) fn warnings(raw: &Value, bindings: &Held) -> Vec<Fault> {
    Policy::compile(raw, bindings).warnings
}
