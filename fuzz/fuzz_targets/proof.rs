//! Checks a random DPoP proof: one of any bytes, or one that the target signs, so that fuzzing
//! reaches the checks after the signature. An accepted proof must be for the request.

#![no_main]

use arbitrary::Arbitrary;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use libfuzzer_sys::fuzz_target;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use portcullis::json;
use portcullis::possession::{ProofMemory, Settings, Thumbprint, examine, is_same_uri};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// The value of the header.
    Raw(&'a str),
    /// Further members of the JOSE header and of the claims, which come after the usual ones.
    Signed { header: &'a str, claims: &'a str, url: &'a str, leaves_out: u8 },
}

struct Client {
    key: SigningKey,
    jwk: Value,
    thumbprint: Thumbprint,
}

const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const URL: &str = "https://resource.example.org/protectedresource";
const NOW: i64 = 1_562_262_618;

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let key = SigningKey::from_slice(&[0x5e; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    let encode = Base64UrlUnpadded::encode_string;
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) });
    let thumbprint = Thumbprint::of_jwk(jwk.as_object().unwrap()).unwrap();
    Client { key, jwk, thumbprint }
});

fn sign(header: &str, claims: &str, url: &str, leaves_out: u8) -> String {
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let jwk = &CLIENT.jwk;
    let hash = Base64UrlUnpadded::encode_string(&Sha256::digest(TOKEN));
    let usual = [
        ("jti", json!("x")),
        ("htm", json!("GET")),
        ("htu", json!(if url.is_empty() { URL } else { url })),
        ("iat", json!(NOW)),
        ("ath", json!(hash)),
    ];
    let mut members: Vec<String> = usual
        .iter()
        .enumerate()
        .filter(|(index, _)| leaves_out >> index & 1 == 0)
        .map(|(_, (name, value))| format!("\"{name}\":{value}"))
        .collect();
    members.extend((!claims.is_empty()).then(|| claims.to_owned()));
    let header = encode(&format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}{header}}}"#));
    let input = format!("{header}.{}", encode(&format!("{{{}}}", members.join(","))));
    let signature: Signature = CLIENT.key.sign(input.as_bytes());
    format!("{input}.{}", Base64UrlUnpadded::encode_string(&signature.to_bytes()))
}

fuzz_target!(|input: Input<'_>| {
    let proof = match input {
        Input::Raw(text) => text.to_owned(),
        Input::Signed { header, claims, url, leaves_out } => {
            sign(header, claims, url, leaves_out)
        }
    };
    let headers = vec![("DPoP", proof.as_str())];
    let request = Request { method: "GET", url: URL, headers: &headers };
    let settings = Settings::default().dpop;
    let memory = ProofMemory::default();
    let now = UnixSeconds::new(NOW);
    if examine(&request, TOKEN, &CLIENT.thumbprint, &settings, &memory, now).is_err() {
        return;
    }
    let claims = proof.split('.').nth(1).unwrap();
    let claims = json::parse_object(&Base64UrlUnpadded::decode_vec(claims).unwrap()).unwrap();
    assert_eq!(claims["htm"], "GET");
    assert!(is_same_uri(claims["htu"].as_str().unwrap(), URL));
    assert!((1..=128).contains(&claims["jti"].as_str().unwrap().len()));
    let issued = UnixSeconds::from_numeric_date(&claims["iat"]).unwrap().get();
    assert!((NOW - 60..=NOW + 60).contains(&issued));
});
