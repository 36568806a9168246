//! The examples of the RFCs, by section.
//!
//! `examples/rfc.json` holds those of RFC 7515, 7520, 7797 and 8037 (code components under the IETF
//! Trust's license), `examples/mldsa.json` those of ML-DSA for JOSE and COSE (the same license). In
//! many examples the payload is text instead of a claims set. The gate rejects such a token even if
//! its signature verifies, so the signature step is tested alone.

mod access_tokens;
mod jwk;
mod jws;

use crate::kit::{Call, Gate, Held, policy};
use portcullis::alg::Algorithm;
use portcullis::keys::jwk::{Provenance, import};
use portcullis::keys::{Key, KeySet};
use portcullis::policy::Policy;
use portcullis::refusal::Code;
use portcullis::signature::{is_valid, verify};
use portcullis::time::UnixSeconds;
use portcullis::token::Unverified;
use serde_json::{Value, json};

/// A key, its algorithm, and a token that is signed with the key.
struct Example {
    algorithm: String,
    jwk: Value,
    token: String,
}

impl Example {
    /// Returns all examples of a file, with their names.
    fn all(text: &str) -> Vec<(String, Self)> {
        let rows: Vec<Value> = serde_json::from_str(text).unwrap();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        rows.iter()
            .map(|row| {
                let (algorithm, token) = (text(row, "algorithm"), text(row, "token"));
                (text(row, "name"), Self { algorithm, jwk: row["jwk"].clone(), token })
            })
            .collect()
    }

    fn rfc(name: &str) -> Self {
        let all = Self::all(include_str!("examples/rfc.json"));
        all.into_iter().find(|(found, _)| found == name).unwrap().1
    }

    /// Returns `None` if the algorithm is not compiled in.
    fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::from_name(&self.algorithm)
    }

    fn keys(&self, allowed: &[Algorithm]) -> Option<KeySet> {
        import(self.jwk.as_object().unwrap(), allowed, Provenance::Operator).ok()
    }

    /// Runs the signature step on the token with these keys.
    fn verify(&self, keys: &KeySet) -> Result<(), Code> {
        let token = Unverified::parse(&self.token).map_err(|refusal| refusal.code())?;
        let fitting = keys.pick(token.header()).map_err(|refusal| refusal.code())?;
        verify(token, &fitting).map(drop).map_err(|refusal| refusal.code())
    }

    /// Checks that the token verifies under its key and algorithm, but not under another algorithm
    /// and not with a changed signature.
    fn check_signature(&self) {
        let algorithm = self.algorithm().unwrap();
        let keys = self.keys(&[algorithm]).unwrap();
        assert_eq!(self.verify(&keys), Ok(()));
        let others: Vec<_> =
            Algorithm::ALL.iter().copied().filter(|other| *other != algorithm).collect();
        if let Some(keys) = self.keys(&others) {
            assert_eq!(self.verify(&keys), Err(Code::UnknownKey));
        }
        self.check_changes(algorithm, &keys.keys()[0]);
    }

    fn check_changes(&self, algorithm: Algorithm, key: &Key) {
        use base64ct::{Base64UrlUnpadded, Encoding as _};
        let (input, signature) = self.token.rsplit_once('.').unwrap();
        let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
        assert!(is_valid(algorithm, key, input.as_bytes(), &signature));
        for at in (0..signature.len()).step_by(signature.len().div_ceil(16)) {
            let mut changed = signature.clone();
            changed[at] ^= 0x10;
            assert!(!is_valid(algorithm, key, input.as_bytes(), &changed), "byte {at}");
        }
        assert!(!is_valid(
            algorithm,
            key,
            input.trim_end_matches(char::is_alphanumeric).as_bytes(),
            &signature
        ));
    }

    /// Returns a gate with this key that accepts every audience.
    fn gate(&self, issuer: &str) -> Gate {
        let raw = policy(json!({
            "name": "example",
            "issuer": issuer,
            "audience": "*",
            "algorithms": [self.algorithm],
            "leeway": 0,
            "keys": { "jwks": { "keys": [self.jwk] } },
        }));
        match Policy::compile(&raw, &Held::default()).outcome {
            Ok(policy) => Gate::of(policy),
            Err(faults) => panic!("{faults:#?}"),
        }
    }

    /// Returns the verdict of that gate on the token at a given time.
    fn verdict_at(&self, issuer: &str, seconds: i64) -> Result<(), Code> {
        let call = Call::get("/").bearer(&self.token);
        let sent = self.gate(issuer).trace(&call, UnixSeconds::new(seconds)).1;
        sent.map(drop).map_err(|refusal| refusal.code())
    }
}
