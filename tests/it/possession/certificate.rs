//! Tokens that are bound to a client certificate (RFC 8705).

use super::{Proof, gate_with, jkt, jwk, key, token_with};
use crate::kit::{Call, Gate, now};
use portcullis::gate::{Decision, Evaluation};
use portcullis::possession::{ClientCertificate, Thumbprint};
use serde_json::{Value, json};
use std::cell::Cell;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The value of RFC 8705 section 3.1 and appendix A, and the same in hexadecimal.
const X5T: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
const HEX: &str = "0380ed2f626650c840b2f263e6d2b29fae12ab39ae5db32b25ad27efad72e6fd";

fn certificate() -> ClientCertificate {
    ClientCertificate {
        thumbprint: Thumbprint::from_hex(HEX),
        is_verified: true,
        is_revoked: false,
    }
}

fn verdict(gate: &Gate, call: &Call, certificate: Option<&ClientCertificate>) -> String {
    let read = || certificate.cloned();
    let mut evaluation = Evaluation::new(&gate.policy, call.request()).with_certificate(&read);
    match evaluation.run(&gate.memory, now()).unwrap() {
        Decision::Forward(_) => "200".to_owned(),
        Decision::Refuse(refusal) => format!("{} {}", refusal.code().status(), refusal.code()),
        Decision::Respond(_) => panic!("the gate responds itself"),
    }
}

fn trusting(trust: &str) -> Gate {
    gate_with(json!({ "mtls": { "trust": trust } }))
}

fn bound() -> String {
    token_with(&json!({ "x5t#S256": X5T }))
}

fn call() -> Call {
    Call::get("/api").bearer(&bound())
}

#[test]
fn rfc8705_section_3_the_certificate_of_the_example_proves_possession() {
    assert_eq!(Thumbprint::parse(X5T), Thumbprint::from_hex(HEX));
    for trust in ["ca", "any"] {
        assert_eq!(verdict(&trusting(trust), &call(), Some(&certificate())), "200");
    }
    // Without `mtls`, the platform must have verified the chain too.
    assert_eq!(verdict(&gate_with(json!({})), &call(), Some(&certificate())), "200");
}

#[test]
fn attack_43_a_token_without_its_certificate_is_rejected() {
    const WRONG: &str = "401 wrong_certificate";
    let unverified = ClientCertificate { is_verified: false, ..certificate() };
    let revoked = ClientCertificate { is_revoked: true, ..certificate() };
    let other =
        ClientCertificate { thumbprint: Thumbprint::from_hex(&"00".repeat(32)), ..certificate() };
    let unreadable = ClientCertificate { thumbprint: None, ..certificate() };
    let rows = [
        (None, "401 missing_certificate", "401 missing_certificate"),
        (Some(other), WRONG, WRONG),
        (Some(unreadable), WRONG, WRONG),
        (Some(revoked), WRONG, WRONG),
        (Some(unverified), WRONG, "200"),
    ];
    for (presented, with_ca, with_any) in rows {
        let presented = presented.as_ref();
        assert_eq!(verdict(&trusting("ca"), &call(), presented), with_ca, "{presented:?}");
        assert_eq!(verdict(&trusting("any"), &call(), presented), with_any, "{presented:?}");
    }
}

/// Every name under which a proxy passes on a certificate, in several spellings.
const HEADERS: [&str; 20] = [
    "Client-Cert",
    "Client-Cert-Chain",
    "client_cert",
    "X-SSL-Client-Cert",
    "X-SSL-CERT",
    "X-Ssl-Client-Verify",
    "X-Client-Cert",
    "X-Client-Cert-Sha256",
    "X-Client-Certificate",
    "X-Forwarded-Client-Cert",
    "X-Forwarded-Tls-Client-Cert",
    "X-ARR-ClientCert",
    "X-Amzn-Mtls-Clientcert",
    "Ssl-Client-Cert",
    "SSL_CLIENT_CERT",
    "Cf-Client-Cert-Sha256",
    "CF-Client-Cert-Der-Base64",
    "Cf-Cert-Verified",
    "X-Tls-Client-Fingerprint",
    "X_SSL_CLIENT_S_DN",
];

#[test]
fn attack_44_a_certificate_in_a_header_is_neither_believed_nor_forwarded() {
    let unbound = crate::kit::Signer::hs256().signed(crate::kit::payload(&[]));
    for header in HEADERS {
        let with = |token: &str, value| Call::get("/api").bearer(token).header(header, value);
        for value in [HEX, X5T, "SUCCESS", ":AAAA:"] {
            let found = verdict(&trusting("any"), &with(&bound(), value), None);
            assert_eq!(found, "401 missing_certificate", "{header}");
        }
        let sent = trusting("ca").ask(&with(&unbound, HEX)).unwrap();
        assert_eq!(sent.removed, [header]);
        let sent = Gate::hs().ask(&with(&unbound, HEX)).unwrap();
        assert!(sent.removed.is_empty(), "{header}: a policy without bound tokens keeps it");
    }
}

#[test]
fn the_certificate_is_read_only_for_tokens_that_are_bound_to_one() {
    let gate = trusting("ca");
    let reads = Cell::new(0);
    let read = || {
        reads.set(reads.get() + 1);
        Some(certificate())
    };
    let unbound = crate::kit::Signer::hs256().signed(crate::kit::payload(&[]));
    let (plain, bound) = (Call::get("/api").bearer(&unbound), call());
    let run = |call: &Call| {
        let mut evaluation = Evaluation::new(&gate.policy, call.request()).with_certificate(&read);
        evaluation.run(&gate.memory, now()).unwrap();
        reads.get()
    };
    assert_eq!(run(&plain), 0);
    assert_eq!(run(&bound), 1);
}

#[test]
fn a_token_that_is_bound_to_both_needs_both() {
    let cnf = json!({ "jkt": jkt(&jwk(&key())), "x5t#S256": X5T });
    let token = token_with(&cnf);
    let call = super::call(&token);
    let proved = |gate: &Gate, certificate: Option<&ClientCertificate>| {
        let proof = Proof::of(&key(), &token).text();
        verdict(gate, &call.clone().header("DPoP", &proof), certificate)
    };
    let (gate, certificate) = (trusting("ca"), certificate());
    assert_eq!(verdict(&gate, &call, Some(&certificate)), "401 missing_proof");
    assert_eq!(proved(&gate, None), "401 missing_certificate");
    // A proof without its certificate was not recorded.
    assert_eq!(proved(&gate, Some(&certificate)), "200");
    assert_eq!(proved(&gate, Some(&certificate)), "401 proof_replayed");
}

/// RFC 8705 section 3: such a token is sent as a bearer token.
#[test]
fn a_token_that_is_bound_to_a_certificate_only_is_rejected_with_the_scheme_dpop() {
    let proof = Proof::of(&key(), &bound()).text();
    let call = super::call(&bound()).header("DPoP", &proof);
    assert_eq!(verdict(&trusting("ca"), &call, Some(&certificate())), "401 invalid_proof");
}

#[test]
fn responses_to_wrong_certificates_are_those_to_any_invalid_token() {
    let gate = trusting("ca");
    let responses: Vec<Value> = [call(), Call::get("/api").bearer("x.y.z")]
        .iter()
        .map(|call| {
            let response = gate.response(call);
            json!([response.status, response.headers, response.body])
        })
        .collect();
    assert_eq!(responses[0], responses[1]);
}
