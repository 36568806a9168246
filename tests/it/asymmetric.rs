//! ECDSA, Ed25519 and ML-DSA keys, in JWK and PEM, and tokens signed with them.

mod curves;
mod edwards;
mod embedded;
#[cfg(feature = "mldsa")]
mod lattice;
mod pem;
mod points;
mod signing;

use self::signing::Pair;
use crate::kit::{
    Gate, Held, Signer, faults, hs_issuer, keys, payload, policy, table, warnings, with,
};
use serde_json::{Value, json};

const ADMITTED: &str = "200";
const BAD_SIGNATURE: &str = "401 bad_signature";
const NOT_ALLOWED: &str = "401 algorithm_not_allowed";
const UNKNOWN_KEY: &str = "401 unknown_key";

/// Returns a policy whose issuer has these algorithms and this JWK Set.
fn with_keys(algorithms: &[&str], keys: &[Value]) -> Value {
    let source = json!({ "algorithms": algorithms, "keys": { "jwks": { "keys": keys } } });
    policy(with(hs_issuer(), source))
}

fn gate(algorithms: &[&str], keys: &[Value]) -> Gate {
    Gate::new(&with_keys(algorithms, keys))
}

/// Checks each key for an issuer with the pair's algorithm. With empty words, the key must verify
/// the pair's tokens. Otherwise it must be skipped for a reason that contains the words, and a set
/// with only that key must be a fault of the policy. A valid key in the same set must always be
/// imported.
fn check_keys(pair: Pair, rows: impl IntoIterator<Item = (Value, &'static str)>) {
    let algorithms = ["RS256", pair.algorithm()];
    let mine = pair.signed(payload(&[]));
    let others = Signer::rs256().signed(payload(&[]));
    table(rows.into_iter().map(|(jwk, words)| ((jwk, words), true)), |(jwk, words)| {
        let set = [jwk.clone(), keys::rsa_jwk(keys::RSA_PRIVATE)];
        let raw = with_keys(&algorithms, &set);
        let gate = Gate::new(&raw);
        assert_eq!(gate.token(&others), ADMITTED, "{jwk}: the valid key in the same set");
        let warnings = warnings(&raw, &Held::default());
        let alone = faults(&with_keys(&algorithms, &set[..1]), &Held::default());
        if words.is_empty() {
            return gate.token(&mine) == ADMITTED && warnings.is_empty() && alone.is_empty();
        }
        assert_eq!(warnings.len(), 1, "{jwk}: {warnings:?}");
        assert_eq!(warnings[0].path, "issuers[0].keys.jwks.keys[0]");
        assert_eq!(alone.len(), 1, "{jwk}: {alone:?}");
        assert_eq!(alone[0].path, "issuers[0].keys.jwks");
        let reasons = [&warnings[0].problem, &alone[0].problem];
        assert!(reasons.iter().all(|reason| reason.contains(words)), "{jwk}: {reasons:?}");
        gate.token(&mine) == UNKNOWN_KEY
    });
}
