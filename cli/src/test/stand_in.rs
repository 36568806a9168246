//! Stand-in keys, which take the place of the issuers' keys.

use crate::config::Environment;
use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::key::Key;
use crate::mint::signer::Signer;
use anyhow::{Context as _, Result, bail};
use portcullis::alg::{Algorithm, Family};
use portcullis::issuer_id::IssuerId;
use portcullis::policy::Policy;
use serde_json::{Value, json};

/// The name of every stand-in key.
pub(super) const KID: &str = "stand-in";

/// The binding of the secret that takes the place of every issuer's secret.
const BINDING: &str = "PORTCULLIS_TEST_SECRET";

/// The secret. It protects nothing.
const SECRET: &str = "a stand-in for the secret of an issuer, as long as HS512 demands it to be";

/// The key for RSA. It protects nothing, and generating one takes long.
const RSA: &str = include_str!("rsa.pem");

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
                let (signer, jwk) = stand_in(*algorithm)?;
                signers.push((issuer.id(), signer));
                jwks.extend(jwk);
            }
            let keys = if jwks.is_empty() {
                json!({ "secret": BINDING })
            } else {
                json!({ "jwks": { "keys": jwks } })
            };
            let members = written.as_object_mut().context("an issuer is not a table")?;
            members.remove("stale_if_error");
            members.insert("keys".to_owned(), keys);
        }
        // Only keys that are fetched can be shared.
        raw.as_object_mut().map(|members| members.remove("key_cache"));
        dev_vars.values.insert(BINDING.to_owned(), SECRET.to_owned());
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

/// Returns a signer for an algorithm, and the public half of its key if it has one.
fn stand_in(algorithm: Algorithm) -> Result<(Signer, Option<Value>)> {
    let key = match algorithm.family() {
        Family::Hmac(_) => return Ok((Signer::secret(Some(algorithm), SECRET.into())?, None)),
        Family::RsaPkcs1(_) | Family::RsaPss(_) => Key::read(RSA)?,
        Family::Ecdsa(..) | Family::Ed25519 | Family::MlDsa(_) => Key::generate(algorithm, 0)?,
    };
    let mut jwk = key.public().jwk(algorithm);
    jwk.insert("kid".to_owned(), json!(KID));
    Ok((Signer::key(Some(algorithm), key)?, Some(Value::Object(jwk))))
}
