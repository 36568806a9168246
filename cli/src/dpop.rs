//! Makes DPoP proofs (RFC 9449), for `mint` and `test`.

use crate::key::Key;
use crate::key::generate::random;
use crate::mint;
use crate::mint::signer::Signer;
use anyhow::{Context as _, Result};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::alg::Algorithm;
use portcullis::possession::Thumbprint;
use portcullis::time::UnixSeconds;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The key of a client, with which it signs proofs.
pub(crate) struct ProofKey {
    signer: Signer,
    jwk: Map<String, Value>,
}

/// What a proof is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven<'p> {
    /// The access token.
    pub(crate) token: &'p str,
    /// The method of the request.
    pub(crate) method: &'p str,
    /// The URL of the request.
    pub(crate) url: &'p str,
    /// The nonce of the gate, if it has given one.
    pub(crate) nonce: Option<&'p str>,
    /// The time of the request.
    pub(crate) now: UnixSeconds,
}

/// How a proof differs from a good one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Members of the JOSE header in addition to the usual ones, or instead of them.
    pub(crate) header: Map<String, Value>,
    /// Claims in addition to the usual ones, or instead of them.
    pub(crate) claims: Map<String, Value>,
    /// The claims to leave out, and members of the header after `header.`.
    pub(crate) omit: Vec<String>,
}

impl ProofKey {
    /// Generates a key for ES256.
    pub(crate) fn generate() -> Result<Self> {
        Self::of(Key::generate(Algorithm::ES256, 0)?)
    }

    fn of(key: Key) -> Result<Self> {
        let jwk = key.public().jwk(Algorithm::ES256);
        Ok(Self { signer: Signer::key(Some(Algorithm::ES256), key)?, jwk })
    }

    /// The claim `cnf` of a token that is bound to the key.
    pub(crate) fn confirmation(&self) -> Result<Value> {
        let thumbprint = Thumbprint::of_jwk(&self.jwk).context("the key has no thumbprint")?;
        Ok(json!({ "jkt": thumbprint.to_string() }))
    }

    /// Makes a proof.
    pub(crate) fn proof(&self, proven: Proven<'_>, changes: &Changes) -> Result<String> {
        let Proven { token, method, url, nonce, now } = proven;
        let mut header = Map::new();
        let mut claims = Map::new();
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        set("jti", json!(Base64UrlUnpadded::encode_string(&random::<12>()?)));
        set("htm", json!(method));
        set("htu", json!(url.split(['?', '#']).next().unwrap_or_default()));
        set("iat", json!(now.get()));
        set("ath", json!(Base64UrlUnpadded::encode_string(&Sha256::digest(token))));
        if let Some(nonce) = nonce {
            set("nonce", json!(nonce));
        }
        header.insert("typ".to_owned(), json!("dpop+jwt"));
        header.insert("jwk".to_owned(), Value::Object(self.jwk.clone()));
        header.extend(changes.header.clone());
        claims.extend(changes.claims.clone());
        claims.retain(|name, _| !changes.omit.contains(name));
        header.retain(|name, _| !changes.omit.contains(&format!("header.{name}")));
        mint::sign(&self.signer, header, claims)
    }
}
