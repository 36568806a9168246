//! Every refusal code, and the response that the client gets for it.

use crate::kit::{
    Call, Gate, Signer, answered, hs_issuer, keys, payload, policy, respond, rs_issuer, table, with,
};
use portcullis::error_response::{Detail, ErrorResponses};
use portcullis::refusal::{Code, Refusal};
use portcullis::response::OwnResponse;
use serde_json::{Value, json};
use std::collections::BTreeSet;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const BARE: &str = r#"Bearer realm="api""#;
const INVALID_TOKEN: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;
const EXPIRED: &str =
    r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#;

/// Each row: the code, its name, the status, the status phrase, and the challenge. The challenge is
/// the whole header, only its `error`, or `None` if the response has no challenge.
const CODES: [(Code, &str, u16, &str, Option<&str>); 32] = [
    (Code::MissingToken, "missing_token", 401, "Unauthorized", Some(BARE)),
    (Code::MultipleTokens, "multiple_tokens", 400, "Bad Request", Some("invalid_request")),
    (
        Code::MalformedAuthorization,
        "malformed_authorization",
        400,
        "Bad Request",
        Some("invalid_request"),
    ),
    (Code::TokenTooLarge, "token_too_large", 400, "Bad Request", Some("invalid_request")),
    (Code::AmbiguousPath, "ambiguous_path", 400, "Bad Request", None),
    (Code::MalformedToken, "malformed_token", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::UnsupportedCritical, "unsupported_critical", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::AlgorithmNotAllowed, "algorithm_not_allowed", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::UnknownKey, "unknown_key", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::BadSignature, "bad_signature", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::UnknownIssuer, "unknown_issuer", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::WrongAudience, "wrong_audience", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::WrongType, "wrong_type", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::MissingClaim, "missing_claim", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::InvalidClaim, "invalid_claim", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::NotYetValid, "not_yet_valid", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::TooOld, "too_old", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::Expired, "expired", 401, "Unauthorized", Some(EXPIRED)),
    (Code::InactiveToken, "inactive_token", 401, "Unauthorized", Some(INVALID_TOKEN)),
    (Code::IntrospectionUnavailable, "introspection_unavailable", 503, "Service Unavailable", None),
    (Code::InsufficientScope, "insufficient_scope", 403, "Forbidden", Some("insufficient_scope")),
    (Code::ClaimNotAllowed, "claim_not_allowed", 403, "Forbidden", Some("insufficient_scope")),
    (
        Code::InsufficientUserAuthentication,
        "insufficient_user_authentication",
        401,
        "Unauthorized",
        Some("insufficient_user_authentication"),
    ),
    (Code::CrossSite, "cross_site", 403, "Forbidden", None),
    (Code::NoRoute, "no_route", 404, "Not Found", None),
    (Code::MethodNotAllowed, "method_not_allowed", 405, "Method Not Allowed", None),
    (Code::ClaimTooLarge, "claim_too_large", 431, "Request Header Fields Too Large", None),
    (Code::RateLimited, "rate_limited", 429, "Too Many Requests", None),
    (Code::LoopDetected, "loop_detected", 508, "Loop Detected", None),
    (Code::Misconfigured, "misconfigured", 500, "Internal Server Error", None),
    (Code::OriginUnreachable, "origin_unreachable", 502, "Bad Gateway", None),
    (Code::OriginTimeout, "origin_timeout", 504, "Gateway Timeout", None),
];

/// Codes whose responses other files test.
const TESTED_ELSEWHERE: [Code; 11] = [
    Code::KeysUnavailable,
    Code::MissingProof,
    Code::InvalidProof,
    Code::ProofReplayed,
    Code::NonceRequired,
    Code::ReplayUnavailable,
    Code::MissingCertificate,
    Code::WrongCertificate,
    Code::Revoked,
    Code::RevocationUnavailable,
    Code::InvalidLogoutToken,
];

/// Every row of `docs/troubleshooting.md` starts with a code and its status.
#[test]
fn the_troubleshooting_page_lists_every_code_once() {
    const DOCUMENT: &str = include_str!("../../docs/troubleshooting.md");
    let rows: Vec<_> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter_map(|(name, rest)| Some((name, rest.split_once(" | ")?.0.to_owned())))
        .collect();
    let listed: BTreeSet<_> = rows.iter().cloned().collect();
    assert_eq!(listed.len(), rows.len(), "a row is repeated");
    let codes = CODES.iter().map(|row| row.0).chain(TESTED_ELSEWHERE);
    let known: BTreeSet<_> = codes.map(|code| (code.as_str(), code.status().to_string())).collect();
    assert_eq!(listed, known);
}

/// A new code needs a row in one of the tables above. The test above then requires a row in the
/// page.
#[test]
fn the_tables_in_this_file_contain_every_code() {
    assert_eq!(Code::ALL.len(), CODES.len() + TESTED_ELSEWHERE.len());
}

fn header(answer: &OwnResponse, name: &str) -> Option<String> {
    answered(answer, name).map(str::to_owned)
}

#[test]
fn each_code_has_its_status_body_and_challenge() {
    for (code, name, status, phrase, challenge) in CODES {
        assert_eq!(
            (code.as_str(), code.status(), code.to_string()),
            (name, status, name.to_owned())
        );
        let answer = respond(&ErrorResponses::default(), &Refusal::new(code, "because"), None);
        assert_eq!(answer.status, status, "{name}");
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let expected = json!({ "type": "about:blank", "title": phrase, "status": status });
        assert_eq!(body, expected, "{name}");
        assert_eq!(header(&answer, "Content-Type").unwrap(), "application/problem+json");
        assert_eq!(header(&answer, "Cache-Control").unwrap(), "no-store");
        assert_eq!(header(&answer, "Allow").is_some(), status == 405, "{name}");
        let sent = header(&answer, "WWW-Authenticate");
        match challenge {
            None => assert_eq!(sent, None, "{name}"),
            Some(whole) if whole.starts_with("Bearer") => {
                assert_eq!(sent.unwrap(), whole, "{name}")
            }
            Some(error) => {
                let start = format!(r#"{BARE}, error="{error}", error_description=""#);
                assert!(sent.unwrap().starts_with(&start), "{name}");
            }
        }
    }
    let names: BTreeSet<_> = CODES.iter().map(|row| row.1).collect();
    assert_eq!(names.len(), CODES.len());
}

/// RFC 6750 section 3 forbids characters that would need escaping in a quoted string.
#[test]
fn rfc6750_section_3_challenges_are_well_formed() {
    let style = ErrorResponses { realm: "The API, v1".to_owned(), ..ErrorResponses::default() };
    for (code, ..) in CODES {
        let refusal =
            Refusal::new(code, "because").needing_scopes(vec!["a".to_owned(), "b:c/d".to_owned()]);
        let answer = respond(&style, &refusal, None);
        let Some(challenge) = header(&answer, "WWW-Authenticate") else { continue };
        let parameters = challenge.strip_prefix("Bearer ").unwrap();
        assert!(challenge.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        assert_eq!(parameters.matches('"').count() % 2, 0, "{challenge}");
        assert!(parameters.starts_with(r#"realm="The API, v1""#), "{challenge}");
        assert!(challenge.ends_with(r#"scope="a b:c/d""#), "{challenge}");
        assert!(!challenge.contains('\\'), "{challenge}");
    }
}

#[test]
fn rfc9457_the_body_contains_the_ray_id_and_with_detail_the_code() {
    let body = |detail, ray| -> Value {
        let style = ErrorResponses { detail, ..ErrorResponses::default() };
        let answer = respond(&style, &Refusal::new(Code::BadSignature, "because"), ray);
        serde_json::from_str(&answer.body).unwrap()
    };
    let plain = json!({ "type": "about:blank", "title": "Unauthorized", "status": 401 });
    assert_eq!(body(Detail::None, None), plain);
    let ray = Some("8f2a-FRA");
    assert_eq!(body(Detail::None, ray), with(plain.clone(), json!({ "ray": "8f2a-FRA" })));
    let reason = json!({ "code": "bad_signature" });
    assert_eq!(body(Detail::Reason, None), with(plain.clone(), reason.clone()));
    assert_eq!(body(Detail::Reason, ray), with(with(plain, reason), json!({ "ray": "8f2a-FRA" })));
    // JSON escaping keeps any header value inside the string.
    let odd = "\",\"admin\":true,\"\r\n\u{2028}é";
    assert_eq!(body(Detail::None, Some(odd))["ray"], odd);
}

#[test]
fn the_response_lists_the_allowed_methods_and_the_required_scopes() {
    let refusal = Refusal::new(Code::MethodNotAllowed, "because")
        .allowing_methods(vec!["GET".to_owned(), "HEAD".to_owned()]);
    let answer = respond(&ErrorResponses::default(), &refusal, None);
    assert_eq!(header(&answer, "Allow").unwrap(), "GET, HEAD");
    let refusal = Refusal::new(Code::InsufficientScope, "because")
        .needing_scopes(vec!["read".to_owned(), "write".to_owned()]);
    let answer = respond(&ErrorResponses::default(), &refusal, None);
    assert!(header(&answer, "WWW-Authenticate").unwrap().ends_with(r#", scope="read write""#));
}

/// A client cannot tell which check a forged token failed. Only a token that is valid except for
/// its expiry gets a different response.
#[test]
fn attack_34_responses_to_rejected_tokens_are_identical_byte_for_byte() {
    let set = json!({ "keys": [with(keys::rsa_jwk(keys::RSA_PRIVATE), json!({ "kid": "k" }))] });
    let other = with(
        hs_issuer(),
        json!({ "name": "j", "issuer": "https://j", "require": ["tenant"], "subject": "u" }),
    );
    let mut raw = policy(with(rs_issuer(), json!({ "keys": { "jwks": set }, "max_age": 3600 })));
    raw["issuers"].as_array_mut().unwrap().push(other);
    let gate = Gate::new(&raw);
    let good = Signer::rs256();
    let attacker = Signer::rsa(256, keys::ATTACKER_PRIVATE);
    let named = r#"{"alg":"RS256","kid":"k"}"#;
    let fresh = |changes: &[(&str, &str)]| payload(&[&[("iat", "1799999999")], changes].concat());
    let from_j = Signer::hs256().signed(payload(&[("iss", r#""https://j""#)]));
    let rows = [
        ("bad_signature", attacker.token(named, fresh(&[]))),
        ("unknown_key", good.token(r#"{"alg":"RS256","kid":"z"}"#, fresh(&[]))),
        ("unknown_issuer", good.token(named, fresh(&[("iss", r#""https://z""#)]))),
        ("wrong_audience", good.token(named, fresh(&[("aud", r#""z""#)]))),
        ("algorithm_not_allowed", Signer::hs256().token(r#"{"alg":"HS256"}"#, fresh(&[]))),
        ("malformed_token", "a.b.c".to_owned()),
        ("unsupported_critical", good.token(r#"{"alg":"RS256","crit":[]}"#, fresh(&[]))),
        ("wrong_type", good.token(r#"{"alg":"RS256","kid":"k","typ":"x"}"#, fresh(&[]))),
        ("missing_claim", from_j),
        ("invalid_claim", good.token(named, fresh(&[("nbf", "null")]))),
        ("not_yet_valid", good.token(named, fresh(&[("nbf", "1800000001")]))),
        ("too_old", good.token(named, fresh(&[("iat", "1")]))),
    ];
    let answers: Vec<_> = rows
        .iter()
        .map(|(code, token)| {
            let call = Call::get("/").bearer(token);
            let refusal = gate.ask(&call).unwrap_err();
            assert_eq!(refusal.code().as_str(), *code);
            respond(gate.policy.error_responses(), &refusal, Some("ray"))
        })
        .collect();
    table(answers.iter().map(|answer| (answer, &answers[0])), |answer| *answer);
    assert_eq!(header(&answers[0], "WWW-Authenticate").unwrap(), INVALID_TOKEN);

    let expired = good.token(named, fresh(&[("exp", "1")]));
    let answer = gate.response(&Call::get("/").bearer(&expired));
    assert_eq!(header(&answer, "WWW-Authenticate").unwrap(), EXPIRED);
    // An expired token that also fails another check gets the general response.
    for forged in [
        attacker.token(named, fresh(&[("exp", "1")])),
        good.token(named, fresh(&[("exp", "1"), ("aud", r#""z""#)])),
        good.token(named, fresh(&[("exp", "1"), ("iss", r#""https://z""#)])),
    ] {
        let answer = gate.response(&Call::get("/").bearer(&forged));
        assert_eq!(header(&answer, "WWW-Authenticate").unwrap(), INVALID_TOKEN);
    }
}

#[test]
fn attack_34_responses_contain_nothing_from_the_request() {
    const MARK: &str = "mark5e11";
    let hostile = [r#"\"a\""#, r#"\r\nX-Admin: 1"#, r"\\", "é", r#"<script>"#, r"\u0000"];
    let gate = Gate::new(&with(policy(hs_issuer()), json!({ "errors": { "detail": "reason" } })));
    for hostile in hostile {
        let value = format!(r#""{MARK}{hostile}""#);
        let calls = [
            Call::get("/").bearer(&Signer::hs256().signed(payload(&[("iss", &value)]))),
            Call::get("/").bearer(&Signer::hs256().signed(payload(&[("aud", &value)]))),
            Call::get("/").bearer(&Signer::hs256().signed(payload(&[("exp", &value)]))),
            Call::get("/")
                .bearer(&Signer::hs256().token(format!(r#"{{"alg":{value}}}"#), payload(&[]))),
            Call::get("/").bearer(
                &Signer::hs256().token(format!(r#"{{"alg":"HS256","typ":{value}}}"#), payload(&[])),
            ),
            Call::get(&format!("/{MARK};")).bearer(MARK),
            Call::get("/").bearer(&format!("{MARK}.{MARK}.{MARK}")),
            Call::get("/").header("Authorization", &format!("Bearer {MARK}{hostile} x")),
            Call::new(MARK, "/").header("Authorization", "Bearer"),
        ];
        for call in calls {
            let refusal = gate.ask(&call).unwrap_err();
            let answer = respond(gate.policy.error_responses(), &refusal, None);
            assert!(
                !format!("{answer:?}{refusal:?}{}", refusal.because()).contains(MARK),
                "{call:?}"
            );
            assert!(answer.headers.iter().all(|(_, value)| !value.contains(['\r', '\n'])));
        }
    }
}
