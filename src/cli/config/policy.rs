//! The raw policy of an environment, and the bindings that it names.

use serde_json::Value;

use super::source::pointer;
use super::{Environment, Finding, Severity};

/// The variable that holds the policy.
pub const VARIABLE: &str = "POLICY";

/// The variable that holds a policy that is tried out beside it.
pub const CANDIDATE: &str = "POLICY_CANDIDATE";

/// What a policy wants a binding for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// A secret: must not be readable in wrangler.toml.
    Secret,
    /// A public key: may stand anywhere.
    PublicKey,
}

/// A place in the policy that names a binding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference {
    /// Its JSON pointer in the policy.
    pub pointer: String,
    /// The binding's name.
    pub binding: String,
    /// What it is for.
    pub purpose: Purpose,
}

impl Reference {
    /// The place of the issuer that it belongs to, if it belongs to one.
    pub fn issuer(&self) -> Option<usize> {
        self.pointer.strip_prefix("/issuers/")?.split('/').next()?.parse().ok()
    }
}

/// The policy as it stands in the environment, whether as a table or as JSON text.
///
/// # Errors
///
/// The fault that there is none, or that its text is no JSON.
pub fn raw(environment: &Environment<'_>) -> Result<Value, Finding> {
    let fault = |line, problem: String, remedy: &str| Finding {
        severity: Severity::Fault,
        line,
        path: VARIABLE.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let Some(variable) = environment.variable(VARIABLE) else {
        let remedy = match environment.name() {
            Some(name) => {
                format!("environments do not inherit variables: write [env.{name}.vars.{VARIABLE}]")
            }
            None => format!("write [vars.{VARIABLE}]"),
        };
        return Err(fault(environment.line(), "there is no policy".to_owned(), &remedy));
    };
    match variable.value {
        Value::String(text) => serde_json::from_str(text).map_err(|error| {
            fault(
                variable.line,
                format!("this text is not JSON: {error}"),
                "write the policy as a table, or as one JSON object in a string",
            )
        }),
        other => Ok(other.clone()),
    }
}

/// The line in wrangler.toml that a path in the policy leads to.
pub fn line(environment: &Environment<'_>, path: &str) -> Option<usize> {
    environment.variable_line(&format!("/{VARIABLE}{}", pointer(path)))
}

/// Every place in a policy that names a binding with a value: secrets and public keys.
pub fn references(policy: &Value) -> Vec<Reference> {
    let mut references = Vec::new();
    let mut add = |pointer: String, purpose| {
        let named: Vec<(String, &str)> = match policy.pointer(&pointer) {
            Some(Value::String(name)) => vec![(pointer, name)],
            Some(Value::Array(names)) => names
                .iter()
                .enumerate()
                .filter_map(|(index, name)| Some((format!("{pointer}/{index}"), name.as_str()?)))
                .collect(),
            _ => Vec::new(),
        };
        references.extend(named.into_iter().map(|(pointer, binding)| Reference {
            pointer,
            binding: binding.to_owned(),
            purpose,
        }));
    };
    let issuers = policy.get("issuers").and_then(Value::as_array).map_or(0, Vec::len);
    for index in 0..issuers {
        let keys = format!("/issuers/{index}/keys");
        add(format!("{keys}/secret"), Purpose::Secret);
        add(format!("{keys}/pem"), Purpose::PublicKey);
        add(format!("{keys}/jwks"), Purpose::PublicKey);
    }
    add("/forward/proof/secret".to_owned(), Purpose::Secret);
    references
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_binding_is_found() {
        let policy = json!({
            "issuers": [
                { "keys": { "secret": ["NEW", "OLD"], "encoding": "hex" } },
                { "keys": { "pem": "PEM" } },
                { "keys": { "jwks": { "keys": [] } } },
                { "keys": { "jwks": "JWKS" } },
                { "keys": "nonsense" },
            ],
            "forward": { "proof": { "secret": "HOP" } },
        });
        let found: Vec<(String, String, Purpose)> = references(&policy)
            .into_iter()
            .map(|reference| (reference.pointer, reference.binding, reference.purpose))
            .collect();
        let expected = [
            ("/issuers/0/keys/secret/0", "NEW", Purpose::Secret),
            ("/issuers/0/keys/secret/1", "OLD", Purpose::Secret),
            ("/issuers/1/keys/pem", "PEM", Purpose::PublicKey),
            ("/issuers/3/keys/jwks", "JWKS", Purpose::PublicKey),
            ("/forward/proof/secret", "HOP", Purpose::Secret),
        ]
        .map(|(pointer, binding, purpose)| (pointer.to_owned(), binding.to_owned(), purpose));
        assert_eq!(found, expected);
    }
}
