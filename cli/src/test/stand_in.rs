//! Stand-in keys, which take the place of the issuers' keys.

use crate::config::Environment;
use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::key::Key;
use crate::mint::signer::Signer;
use anyhow::{Context as _, Result, anyhow, bail};
use portcullis::alg::{Algorithm, Family};
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use rsa::BoxedUint;
use serde_json::{Value, json};

/// The name of every stand-in key.
pub(super) const KID: &str = "stand-in";

/// Primes of 1024 bits, in hexadecimal. Each pair makes a key for one issuer, because generating
/// RSA keys takes long. The keys protect nothing: they exist only during a test.
const PRIMES: &str = include_str!("primes.txt");

/// The size of the RSA keys that are generated if the pairs do not suffice, in bits.
const RSA_BITS: usize = 2048;

/// The policy with stand-in keys, and a signer for each of them.
pub(super) struct StandIns {
    pub(super) policy: Policy,
    signers: Vec<(IssuerId, Signer)>,
}

impl StandIns {
    /// Replaces the keys of every issuer.
    pub(super) fn of(
        environment: &Environment<'_>,
        policy: &Policy,
        raw: &Value,
        mut dev_vars: DevVars,
    ) -> Result<Self> {
        let mut raw = raw.clone();
        let mut signers = Vec::new();
        let presets = Policy::presets(&raw);
        let written = raw.get_mut("issuers").and_then(Value::as_array_mut);
        for (issuer, written) in policy.issuers().iter().zip(written.into_iter().flatten()) {
            let path = format!("issuers[{}]", issuer.id().index());
            if let Some(preset) = presets.iter().find(|preset| preset.path == path) {
                *written = preset.issuer.clone();
            }
            let mut jwks = Vec::new();
            for algorithm in issuer.algorithms() {
                let (signer, jwk) = stand_in(issuer.id(), *algorithm)?;
                signers.push((issuer.id(), signer));
                jwks.extend(jwk);
            }
            if !issuer.has_keys() {
                continue;
            }
            let keys = if jwks.is_empty() {
                let binding = format!("PORTCULLIS_TEST_SECRET_{}", issuer.id().index());
                dev_vars.values.insert(binding.clone(), secret(issuer.id()));
                json!({ "secret": binding })
            } else {
                json!({ "jwks": { "keys": jwks } })
            };
            let members = written.as_object_mut().context("an issuer is not a table")?;
            members.remove("stale_if_error");
            members.insert("keys".to_owned(), keys);
        }
        // Only keys that are fetched can be shared.
        raw.as_object_mut().map(|members| members.remove("key_cache"));
        let compiled = bindings::compile(environment, &raw, &dev_vars, MissingBindings::Warn);
        match compiled.policy {
            Some(policy) => Ok(Self { policy, signers }),
            None => {
                let found = compiled.findings.iter();
                let lines: Vec<_> =
                    found.map(|one| format!("{}: {}", one.path, one.problem)).collect();
                bail!("the policy cannot be tested with stand-in keys:\n{}", lines.join("\n"))
            }
        }
    }

    /// Returns the signer of an issuer for one of its algorithms.
    pub(super) fn signer(&self, issuer: IssuerId, algorithm: Algorithm) -> Result<&Signer> {
        let mut signers = self.signers.iter();
        let found = signers.find(|(id, signer)| *id == issuer && signer.algorithm() == algorithm);
        found.map(|(_, signer)| signer).with_context(|| {
            format!("the policy does not list {algorithm} for the issuer: choose a listed one")
        })
    }
}

/// Returns a signer for an issuer and an algorithm, and the public half of its key if it has one.
/// The issuers' keys differ, so that no issuer can sign for another.
fn stand_in(issuer: IssuerId, algorithm: Algorithm) -> Result<(Signer, Option<Value>)> {
    let key = match (algorithm.family(), pair(issuer.index())) {
        (Family::Hmac(_), _) => {
            return Ok((Signer::secret(Some(algorithm), secret(issuer).into())?, None));
        }
        (Family::RsaPkcs1(_) | Family::RsaPss(_), Some((p, q))) => rsa_key(p, q)?,
        _ => Key::generate(algorithm, RSA_BITS)?,
    };
    let mut jwk = key.public().jwk(algorithm);
    jwk.insert("kid".to_owned(), json!(KID));
    Ok((Signer::key(Some(algorithm), key)?, Some(Value::Object(jwk))))
}

/// A secret that is long enough for HS512. It protects nothing.
fn secret(issuer: IssuerId) -> String {
    format!(
        "the stand-in for the secret of an issuer in a policy that is tested, {}",
        issuer.index()
    )
}

/// The primes for an issuer: the first of the list with each later one, then the second with each
/// later one, and so on.
fn pair(issuer: usize) -> Option<(&'static str, &'static str)> {
    let primes = || PRIMES.lines();
    let pairs = primes()
        .enumerate()
        .flat_map(|(index, one)| primes().skip(index).skip(1).map(move |other| (one, other)));
    pairs.into_iter().nth(issuer)
}

fn rsa_key(p: &str, q: &str) -> Result<Key> {
    let number =
        |hex: &str| BoxedUint::from_str_radix_vartime(hex, 16).map_err(|error| anyhow!("{error}"));
    let exponent = BoxedUint::from(65_537_u32);
    let key = rsa::PrivateKey::from_p_q(number(p)?, number(q)?, exponent);
    Ok(Key::Rsa(Box::new(key.context("the stand-in for an RSA key is not valid")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_pair_of_primes_makes_a_key_that_the_gate_accepts() {
        let pairs: BTreeSet<_> = (0..28).map(|issuer| pair(issuer).unwrap()).collect();
        assert_eq!((pairs.len(), pair(28)), (28, None));
        for (p, q) in pairs {
            assert!(rsa_key(p, q).unwrap().public().thumbprint(Algorithm::RS256).is_ok());
        }
    }
}
