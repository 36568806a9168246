//! The list of the bindings for secrets and keys that a policy names.

use portcullis::issuer_id::IssuerId;
use portcullis::policy::{Policy, Purpose};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn lists_every_binding_for_a_secret_or_a_key() {
    let policy = json!({
        "issuers": [
            { "keys": { "secret": ["NEW", "OLD"], "encoding": "hex" } },
            { "keys": { "pem": "PEM" } },
            { "keys": { "jwks": { "keys": [] } } },
            { "keys": { "jwks": "JWKS" } },
            { "keys": "nonsense", "introspection": { "client_secret": "CLIENT_SECRET" } },
            { "introspection": { "private_key": "CLIENT_KEY" } },
        ],
        "forward": { "proof": { "secret": "HOP" }, "identity": { "key": ["NEWER", "OLDER"] } },
        "key_cache": { "secret": "CACHE" },
    });
    let found: Vec<_> = Policy::binding_references(&policy)
        .into_iter()
        .map(|one| (one.pointer, one.binding, one.purpose, one.issuer.map(IssuerId::index)))
        .collect();
    let expected = [
        ("/issuers/0/keys/secret/0", "NEW", Purpose::Secret, Some(0)),
        ("/issuers/0/keys/secret/1", "OLD", Purpose::Secret, Some(0)),
        ("/issuers/1/keys/pem", "PEM", Purpose::PublicKey, Some(1)),
        ("/issuers/3/keys/jwks", "JWKS", Purpose::PublicKey, Some(3)),
        ("/issuers/4/introspection/client_secret", "CLIENT_SECRET", Purpose::Secret, None),
        ("/issuers/5/introspection/private_key", "CLIENT_KEY", Purpose::PrivateKey, None),
        ("/forward/proof/secret", "HOP", Purpose::Secret, None),
        ("/key_cache/secret", "CACHE", Purpose::Secret, None),
        ("/forward/identity/key/0", "NEWER", Purpose::PrivateKey, None),
        ("/forward/identity/key/1", "OLDER", Purpose::PrivateKey, None),
    ]
    .map(|(pointer, binding, purpose, issuer)| {
        (pointer.to_owned(), binding.to_owned(), purpose, issuer)
    });
    assert_eq!(found, expected);
}
