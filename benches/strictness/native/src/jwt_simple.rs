//! The crate jwt-simple, with the options that its README names: `allowed_issuers`,
//! `allowed_audiences`, and a `time_tolerance` of zero instead of 15 minutes.

use crate::{Corpus, Key, Verify};
use jwt_simple::prelude::*;
use std::collections::HashSet;
use std::error::Error;

pub(crate) fn configure(key: &Key, corpus: &Corpus) -> Result<Verify, Box<dyn Error>> {
    let options = VerificationOptions {
        allowed_issuers: Some(HashSet::from([corpus.issuer.clone()])),
        allowed_audiences: Some(HashSet::from([corpus.audience.clone()])),
        time_tolerance: Some(Duration::from_secs(0)),
        ..VerificationOptions::default()
    };
    let pem = key.pem.as_deref().unwrap_or_default();
    macro_rules! verify {
        ($key:expr) => {{
            let key = $key;
            Box::new(move |token: &str| {
                key.verify_token::<NoCustomClaims>(token, Some(options.clone()))
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
        }};
    }
    Ok(match key.algorithm.as_str() {
        "HS256" => {
            verify!(HS256Key::from_bytes(key.secret.as_deref().unwrap_or_default().as_bytes()))
        }
        "RS256" => verify!(RS256PublicKey::from_pem(pem)?),
        "ES256" => verify!(ES256PublicKey::from_pem(pem)?),
        "EdDSA" => verify!(Ed25519PublicKey::from_pem(pem)?),
        other => return Err(format!("no such algorithm: {other}").into()),
    })
}
