//! Introspected tokens that are bound to a key or to a certificate: the `cnf` of a response
//! (RFC 9449 section 6.2, RFC 8705 section 3.2).

use super::signed::{HEADER, TYPE, signed_claims};
use super::{
    Asking, OPAQUE, active, at, bindings, both, gate, json_response, opaque_issuer,
    opaque_issuer_with, response,
};
use crate::kit::{Call, Gate, Signer, payload, policy, with};
use crate::possession::{Proof, jkt, jwk, key, other_key};
use portcullis::introspection::Response;
use portcullis::possession::{ClientCertificate, Thumbprint};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ASK: &str = "needs introspection";

/// The thumbprint of a certificate.
const CERTIFICATE: &str = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";

fn accepting(kind: &str) -> Gate {
    gate(with(opaque_issuer(), json!({ "sender_constrained": kind })))
}

/// The members of a response for a token with this `cnf`.
fn bound_to(cnf: Value) -> Value {
    let mut members = active();
    members["cnf"] = cnf;
    members
}

/// The members of a response for a token that is bound to the client's key.
fn bound() -> Value {
    bound_to(json!({ "jkt": jkt(&jwk(&key())) }))
}

fn dpop(token: &str) -> Call {
    Call::get("/api").header("Authorization", &format!("DPoP {token}"))
}

fn bearer() -> Call {
    Call::get("/api").bearer(OPAQUE)
}

/// The client's request, with a proof of its own.
fn proved(id: &str) -> Call {
    dpop(OPAQUE).header("DPoP", &Proof::of(&key(), OPAQUE).claim("jti", id).text())
}

/// A thief's request: the token, with a proof by another key.
fn stolen() -> Call {
    dpop(OPAQUE).header("DPoP", &Proof::of(&other_key(), OPAQUE).text())
}

/// The verdict on a request, for which the endpoint is asked at most once.
fn verdict(gate: &Gate, call: &Call, members: &Value, seconds: i64) -> String {
    presenting(gate, call, &json_response(members), None, seconds)
}

/// The same for a client that presents a certificate.
fn presenting(
    gate: &Gate,
    call: &Call,
    response: &Response,
    certificate: Option<&ClientCertificate>,
    seconds: i64,
) -> String {
    let read = || certificate.cloned();
    let mut asking = Asking::new(gate, call).with_certificate(&read);
    let first = asking.run(at(seconds));
    if first != ASK {
        return first;
    }
    assert!(asking.answer(response, at(seconds), at(seconds)).is_ok());
    asking.run(at(seconds))
}

/// The verdict on a request, for which the endpoint is not asked.
fn cached(gate: &Gate, call: &Call) -> String {
    Asking::new(gate, call).run(at(1))
}

#[test]
fn rfc9449_section_6_2_an_introspected_token_is_accepted_with_a_proof_by_its_key() {
    for kind in ["accepted", "required"] {
        let gate = accepting(kind);
        assert_eq!(verdict(&gate, &proved("first"), &bound(), 0), "200", "{kind}");
        assert_eq!(cached(&gate, &proved("second")), "200", "{kind}");
        assert_eq!(cached(&gate, &proved("second")), "401 proof_replayed", "{kind}");
    }
}

#[test]
fn attack_42_an_introspected_token_is_rejected_without_a_proof_by_its_key() {
    for (name, call, expected) in [
        ("as a bearer token", bearer(), "401 missing_proof"),
        ("as a bearer token with a proof", with_proof(bearer()), "401 missing_proof"),
        ("without a proof", dpop(OPAQUE), "401 missing_proof"),
        ("with another key's proof", stolen(), "401 invalid_proof"),
        ("with a proof for another token", for_another_token(), "401 invalid_proof"),
    ] {
        assert_eq!(verdict(&accepting("accepted"), &call, &bound(), 0), expected, "{name}");
        // The answer is in the cache because the client itself has used the token.
        let gate = accepting("accepted");
        assert_eq!(verdict(&gate, &proved("first"), &bound(), 0), "200");
        assert_eq!(cached(&gate, &call), expected, "{name}, cached");
        // A thief's attempt does not keep the client out.
        assert_eq!(cached(&gate, &proved("second")), "200", "{name}");
    }
}

fn with_proof(call: Call) -> Call {
    call.header("DPoP", &Proof::of(&key(), OPAQUE).text())
}

fn for_another_token() -> Call {
    dpop(OPAQUE).header("DPoP", &Proof::of(&key(), "another").text())
}

/// The thief comes first: that the answer is in the cache proves nothing.
#[test]
fn attack_42_a_thief_whose_request_is_introspected_first_is_rejected_every_time() {
    let gate = accepting("accepted");
    assert_eq!(verdict(&gate, &bearer(), &bound(), 0), "401 missing_proof");
    assert_eq!(cached(&gate, &bearer()), "401 missing_proof");
    assert_eq!(cached(&gate, &stolen()), "401 invalid_proof");
    assert_eq!(cached(&gate, &proved("first")), "200");
}

/// With `cache = 0`, the requests that waited for an answer share it, but not their proofs.
#[test]
fn attack_42_a_thief_who_waits_for_the_clients_answer_is_rejected() {
    let issuer = opaque_issuer_with(json!({ "cache": 0 }));
    let gate = gate(with(issuer, json!({ "sender_constrained": "accepted" })));
    let (own, thief) = (proved("first"), stolen());
    let (mut own, mut thief) = (Asking::new(&gate, &own), Asking::new(&gate, &thief));
    assert_eq!((own.run(at(0)).as_str(), thief.run(at(0)).as_str()), (ASK, ASK));
    assert!(own.answer(&json_response(&bound()), at(0), at(0)).is_ok());
    assert_eq!(own.run(at(0)), "200");
    assert_eq!(thief.run(at(0)), "401 invalid_proof");
}

/// A later answer may name another key, or none.
#[test]
fn attack_42_the_current_answer_names_the_key() {
    let gate = accepting("accepted");
    assert_eq!(verdict(&gate, &bearer(), &active(), 0), "200");
    assert_eq!(verdict(&gate, &bearer(), &bound(), 60), "401 missing_proof");
    let call =
        dpop(OPAQUE).header("DPoP", &Proof::of(&key(), OPAQUE).claim("iat", at(60).get()).text());
    assert_eq!(Asking::new(&gate, &call).run(at(60)), "200");
}

#[test]
fn an_introspected_token_with_cnf_is_rejected_by_default() {
    for gate in [gate(opaque_issuer()), accepting("refused")] {
        assert_eq!(verdict(&gate, &bearer(), &bound(), 0), "401 invalid_claim");
        // The endpoint is not asked again.
        assert_eq!(cached(&gate, &bearer()), "401 invalid_claim");
        // If no issuer accepts sender-constrained tokens, the scheme DPoP is one like any other.
        assert_eq!(verdict(&gate, &proved("first"), &bound(), 0), "401 missing_token");
    }
}

#[test]
fn an_introspected_token_without_cnf_is_rejected_where_cnf_is_required() {
    let gate = accepting("required");
    for call in [bearer(), proved("first")] {
        assert_eq!(verdict(&gate, &call, &active(), 0), "401 missing_claim");
        assert_eq!(cached(&gate, &call), "401 missing_claim");
    }
    assert_eq!(verdict(&accepting("accepted"), &bearer(), &active(), 0), "200");
    // RFC 9449 section 7.1: a token that is bound to nothing is a bearer token.
    assert_eq!(verdict(&accepting("accepted"), &proved("x"), &active(), 0), "401 invalid_proof");
}

#[test]
fn rfc7800_section_3_1_rejects_a_response_with_a_cnf_that_it_cannot_check() {
    let own = jkt(&jwk(&key()));
    for cnf in [
        json!(null),
        json!(true),
        json!(1),
        json!("x"),
        json!(own),
        json!([own]),
        json!({}),
        json!({ "jkt": null }),
        json!({ "jkt": 1 }),
        json!({ "jkt": "x" }),
        json!({ "jkt": [own] }),
        json!({ "x5t#S256": true }),
        json!({ "x5t#S256": &CERTIFICATE[1..] }),
        json!({ "kid": "k" }),
        json!({ "jkt": own, "kid": "k" }),
        json!({ "jwk": jwk(&key()) }),
    ] {
        for kind in ["accepted", "required"] {
            for call in [bearer(), proved("first")] {
                let gate = accepting(kind);
                let members = bound_to(cnf.clone());
                assert_eq!(verdict(&gate, &call, &members, 0), "401 invalid_claim", "{cnf}");
                assert_eq!(cached(&gate, &call), "401 invalid_claim", "{cnf}");
            }
        }
    }
}

#[test]
fn attack_43_an_introspected_token_needs_the_certificate_that_its_cnf_names() {
    let own = ClientCertificate {
        thumbprint: Thumbprint::parse(CERTIFICATE),
        is_verified: true,
        is_revoked: false,
    };
    let other = ClientCertificate { thumbprint: Thumbprint::from_hex(&"00".repeat(32)), ..own };
    let revoked = ClientCertificate { is_revoked: true, ..own };
    let unverified = ClientCertificate { is_verified: false, ..own };
    let rows = [
        (Some(&own), "200"),
        (None, "401 missing_certificate"),
        (Some(&other), "401 wrong_certificate"),
        (Some(&revoked), "401 wrong_certificate"),
        (Some(&unverified), "401 wrong_certificate"),
    ];
    let members = bound_to(json!({ "x5t#S256": CERTIFICATE }));
    let response = json_response(&members);
    for (certificate, expected) in rows {
        let gate = accepting("accepted");
        assert_eq!(presenting(&gate, &bearer(), &response, certificate, 0), expected);
        // The answer is now in the cache.
        for (certificate, expected) in rows {
            assert_eq!(presenting(&gate, &bearer(), &response, certificate, 1), expected);
        }
        assert_eq!(
            presenting(&accepting("refused"), &bearer(), &response, certificate, 0),
            "401 invalid_claim"
        );
        assert_eq!(
            presenting(&accepting("required"), &bearer(), &response, certificate, 0),
            expected
        );
        let unbound = json_response(&active());
        assert_eq!(
            presenting(&accepting("required"), &bearer(), &unbound, certificate, 0),
            "401 missing_claim"
        );
    }
    let members = bound_to(json!({ "x5t#S256": CERTIFICATE, "jkt": jkt(&jwk(&key())) }));
    let response = json_response(&members);
    for (call, certificate, expected) in [
        (proved("first"), Some(&own), "200"),
        (proved("first"), None, "401 missing_certificate"),
        (dpop(OPAQUE), Some(&own), "401 missing_proof"),
        (stolen(), Some(&own), "401 invalid_proof"),
    ] {
        let gate = accepting("accepted");
        assert_eq!(presenting(&gate, &call, &response, certificate, 0), expected);
    }
}

#[test]
fn rfc9701_section_5_the_cnf_of_a_signed_response_counts() {
    let issuer = both(json!({ "signed": true }));
    let issuer = with(issuer, json!({ "sender_constrained": "accepted" }));
    for (call, expected) in
        [(proved("first"), "200"), (bearer(), "401 missing_proof"), (stolen(), "401 invalid_proof")]
    {
        let gate = gate(issuer.clone());
        let claims = signed_claims(json!({ "token_introspection": bound() }));
        let response = response(200, TYPE, Signer::hs256().token(HEADER, claims));
        assert_eq!(presenting(&gate, &call, &response, None, 0), expected);
        assert_eq!(cached(&gate, &bearer()), "401 missing_proof");
    }
}

/// The claims of the response count, but the client of a JWT with `cnf` has to prove its key even
/// if the response says nothing about it.
#[test]
fn attack_42_tokens_all_the_cnf_of_a_jwt_counts_if_the_response_has_none() {
    let own = json!({ "jkt": jkt(&jwk(&key())) });
    let other = json!({ "jkt": jkt(&jwk(&other_key())) });
    for keyless in [false, true] {
        let issuer = both(json!({ "tokens": "all" }));
        let issuer = with(issuer, json!({ "sender_constrained": "accepted" }));
        let changes = json!({ "keys": null, "algorithms": null });
        let issuer = if keyless { with(issuer, changes) } else { issuer };
        let raw = policy(issuer);
        for (in_token, in_response, expected_proved, expected_bearer) in [
            (None, None, "401 invalid_proof", "200"),
            (None, Some(&own), "200", "401 missing_proof"),
            (Some(&own), None, "200", "401 missing_proof"),
            (Some(&own), Some(&own), "200", "401 missing_proof"),
            (Some(&other), None, "401 invalid_proof", "401 missing_proof"),
            (Some(&other), Some(&own), "401 invalid_claim", "401 invalid_claim"),
        ] {
            let claims = in_token.map(|cnf| ("cnf", cnf.to_string()));
            let claims: Vec<_> = claims.iter().map(|(name, cnf)| (*name, cnf.as_str())).collect();
            let token = Signer::hs256().signed(payload(&claims));
            let members = in_response.map_or_else(active, |cnf| bound_to(cnf.clone()));
            let own_call = dpop(&token).header("DPoP", &Proof::of(&key(), &token).text());
            let gate = Gate::bound(&raw, &bindings());
            let what = format!("{in_token:?} {in_response:?} keyless: {keyless}");
            let call = Call::get("/api").bearer(&token);
            assert_eq!(verdict(&gate, &own_call, &members, 0), expected_proved, "{what}");
            assert_eq!(verdict(&gate, &call, &members, 0), expected_bearer, "{what}");
        }
    }
}

#[test]
fn tokens_all_a_jwt_with_cnf_is_rejected_by_default_whatever_the_response_says() {
    let gate = Gate::bound(&policy(both(json!({ "tokens": "all" }))), &bindings());
    let cnf = json!({ "jkt": jkt(&jwk(&key())) }).to_string();
    let token = Signer::hs256().signed(payload(&[("cnf", &cnf)]));
    let call = Call::get("/api").bearer(&token);
    assert_eq!(verdict(&gate, &call, &active(), 0), "401 invalid_claim");
    assert_eq!(cached(&gate, &call), "401 invalid_claim");
}
