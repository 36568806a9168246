//! The crate jsonwebtoken, with the options of the example of `Validation`: `set_audience`,
//! `set_issuer`, and `set_required_spec_claims(&["exp", "iss", "aud"])`. `validate_nbf` is off by
//! default; its README says that `nbf` is validated if present.

use crate::{Corpus, Key, Verify};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use std::error::Error;

/// "`claims` is your own struct": what an application would read.
#[derive(Deserialize)]
struct Claims {
    #[expect(dead_code, reason = "only its type matters")]
    sub: Option<String>,
}

pub(crate) fn configure(key: &Key, corpus: &Corpus) -> Result<Verify, Box<dyn Error>> {
    let pem = || key.pem.as_deref().unwrap_or_default().as_bytes();
    let (algorithm, decoding) = match key.algorithm.as_str() {
        "HS256" => {
            let secret = key.secret.as_deref().unwrap_or_default();
            (Algorithm::HS256, DecodingKey::from_secret(secret.as_bytes()))
        }
        "RS256" => (Algorithm::RS256, DecodingKey::from_rsa_pem(pem())?),
        "ES256" => (Algorithm::ES256, DecodingKey::from_ec_pem(pem())?),
        "EdDSA" => (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem())?),
        other => return Err(format!("no such algorithm: {other}").into()),
    };
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[&corpus.audience]);
    validation.set_issuer(&[&corpus.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.validate_nbf = true;
    validation.leeway = 0;
    Ok(Box::new(move |token| {
        decode::<Claims>(token, &decoding, &validation)
            .map(drop)
            .map_err(|error| format!("{:?}", error.kind()))
    }))
}
