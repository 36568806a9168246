//! The bindings that a policy names for secrets and keys.

use super::keys::SourceKind;
use crate::headers;
use crate::issuer_id::IssuerId;
use serde_json::Value;

/// The purpose of a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A secret.
    Secret,
    /// A public key, or a set of keys.
    PublicKey,
    /// A private key of the gate's own.
    PrivateKey,
}

/// A value in a policy that names a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingReference {
    /// The value's JSON Pointer (RFC 6901) in the policy.
    pub pointer: String,
    /// The binding's name.
    pub binding: String,
    /// The binding's purpose.
    pub purpose: Purpose,
    /// The issuer whose keys the binding contains, if it contains keys of an issuer.
    pub issuer: Option<IssuerId>,
}

/// Lists the bindings that a raw policy names for secrets and keys. Leaves out malformed values,
/// which the compiler reports.
pub(super) fn all(raw: &Value) -> Vec<BindingReference> {
    let mut references = Vec::new();
    let mut add = |pointer: String, purpose, issuer| {
        let named = match raw.pointer(&pointer) {
            Some(Value::String(name)) => vec![(pointer, name.as_str())],
            Some(Value::Array(names)) => names
                .iter()
                .enumerate()
                .filter_map(|(index, name)| Some((format!("{pointer}/{index}"), name.as_str()?)))
                .collect(),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
                Vec::new()
            }
        };
        references.extend(named.into_iter().map(|(pointer, binding)| BindingReference {
            pointer,
            binding: binding.to_owned(),
            purpose,
            issuer,
        }));
    };
    let issuers = raw.get("issuers").and_then(Value::as_array).map_or(0, Vec::len);
    for index in 0..issuers {
        for kind in SourceKind::ALL {
            if let Some(purpose) = kind.purpose() {
                let pointer = format!("/issuers/{index}/keys/{}", kind.key());
                add(pointer, purpose, Some(IssuerId::new(index)));
            }
        }
        let introspection = format!("/issuers/{index}/introspection");
        add(format!("{introspection}/client_secret"), Purpose::Secret, None);
        add(format!("{introspection}/private_key"), Purpose::PrivateKey, None);
    }
    let written = raw.pointer("/forward/headers").and_then(Value::as_object);
    let names = written.into_iter().flat_map(|headers| headers.keys());
    // Another name is no header's, and would have to be escaped in the pointer.
    for name in names.filter(|name| headers::is_name(name)) {
        add(format!("/forward/headers/{name}"), Purpose::Secret, None);
    }
    for pointer in ["/forward/proof/secret", "/key_cache/secret", "/dpop/nonce"] {
        add(pointer.to_owned(), Purpose::Secret, None);
    }
    add("/forward/identity/key".to_owned(), Purpose::PrivateKey, None);
    references
}
