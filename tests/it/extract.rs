//! Where the gate reads a token from, and the syntax of the `Authorization` header.

use crate::kit::{Call, Gate, Signer, keys, payload, policy, table};
use serde_json::json;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const NO_TOKEN: &str = "401 missing_token";
const MALFORMED: &str = "400 malformed_authorization";
const SEVERAL: &str = "400 multiple_tokens";
const BAD_TOKEN: &str = "401 malformed_token";

fn good() -> String {
    Signer::hs256().signed(payload(&[]))
}

/// Checks the verdict on a request with a single `Authorization` header of each value, in which `T`
/// stands for a valid token.
fn check<'r>(rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let gate = Gate::hs();
    let token = good();
    table(rows, |value| {
        let value = value.replace('T', &token);
        gate.verdict(&Call::get("/").header("Authorization", &value))
    });
}

/// RFC 9110 section 11.1 makes the scheme case-insensitive.
#[test]
fn rfc6750_section_2_1_accepts_the_scheme_in_any_letter_case_and_several_spaces() {
    check([
        ("Bearer T", ADMITTED),
        ("bearer T", ADMITTED),
        ("BEARER T", ADMITTED),
        ("bEaReR T", ADMITTED),
        ("Bearer  T", ADMITTED),
        ("Bearer        T", ADMITTED),
    ]);
}

#[test]
fn attack_27_rejects_malformed_authorization_headers() {
    check([
        ("Bearer", MALFORMED),
        ("Bearer ", MALFORMED),
        ("Bearer    ", MALFORMED),
        ("Bearer\tT", MALFORMED),
        ("Bearer \tT", MALFORMED),
        ("Bearer T\t", MALFORMED),
        ("Bearer T ", MALFORMED),
        (" Bearer T", MALFORMED),
        ("Bearer a b", MALFORMED),
        ("Bearer T T", MALFORMED),
        ("Bearer T b", MALFORMED),
        ("Bearer \"a\"", MALFORMED),
        ("Bearer \"T\"", MALFORMED),
        ("Bearer 'T'", MALFORMED),
        ("Bearer <T>", MALFORMED),
        ("Bearer token=\"T\"", MALFORMED),
        ("Bearer=T", MALFORMED),
        ("Bearer:T", MALFORMED),
        ("Bearer: T", MALFORMED),
        ("Bearer,T", MALFORMED),
        ("Bearer T,", MALFORMED),
        ("Bearer T;x", MALFORMED),
        ("Bearer \u{a0}T", MALFORMED),
        ("Bearer\u{a0}T", MALFORMED),
        ("\u{a0}Bearer T", MALFORMED),
        ("Bearer T\u{a0}", MALFORMED),
        ("Bearer \u{feff}T", MALFORMED),
        ("Bearer \u{200b}T", MALFORMED),
        ("Bearer T\0", MALFORMED),
        ("Bearer T\r\nX: y", MALFORMED),
        ("", MALFORMED),
        (" ", MALFORMED),
        (",", MALFORMED),
        ("T", NO_TOKEN),
        // U+2010, which looks like a hyphen, in the token and in the scheme.
        ("Bearer a\u{2010}b", MALFORMED),
        ("Bear\u{2010}er T", NO_TOKEN),
        // A b64token that is not a JWS, or not even a b64token.
        ("Bearer a", BAD_TOKEN),
        ("Bearer a=", BAD_TOKEN),
        ("Bearer =", MALFORMED),
        ("Bearer null", BAD_TOKEN),
        ("Bearer undefined", BAD_TOKEN),
        ("Bearer ~~~", BAD_TOKEN),
    ]);
}

#[test]
fn attack_27_ignores_credentials_of_other_schemes() {
    check([
        ("Basic dTpw", NO_TOKEN),
        ("DPoP T", NO_TOKEN),
        ("dpop T", NO_TOKEN),
        ("JWT T", NO_TOKEN),
        ("Token T", NO_TOKEN),
        ("Bearerx T", NO_TOKEN),
        ("Bearer-x T", NO_TOKEN),
        ("XBearer T", NO_TOKEN),
        ("Negotiate", NO_TOKEN),
        ("Digest username=\"u\", realm=\"r\"", NO_TOKEN),
    ]);
}

#[test]
fn attack_27_rejects_two_credentials_in_one_header() {
    check([
        ("Bearer a, Bearer b", SEVERAL),
        ("Bearer T, Bearer T", SEVERAL),
        ("Bearer T,Bearer T", SEVERAL),
        ("Bearer T , \tBearer x", SEVERAL),
        ("Bearer T, bearer x", SEVERAL),
        ("Bearer T, BEARER", SEVERAL),
        ("Basic dTpw, Bearer T", SEVERAL),
        ("DPoP T, Bearer T", SEVERAL),
        ("Bearer T, Basic dTpw", MALFORMED),
        ("Bearer T, T", MALFORMED),
        (", Bearer T", MALFORMED),
    ]);
}

#[test]
fn attack_27_rejects_two_authorization_headers() {
    let gate = Gate::hs();
    let line = |value: &str| value.replace('T', &good());
    let rows = [
        (["Bearer T", "Bearer T"], SEVERAL),
        (["Bearer T", "Bearer x"], SEVERAL),
        (["Bearer x", "Bearer T"], SEVERAL),
        (["Basic dTpw", "Bearer T"], SEVERAL),
        (["Bearer T", "Basic dTpw"], MALFORMED),
        (["Bearer T", ""], MALFORMED),
        (["", "Bearer T"], MALFORMED),
        (["Basic dTpw", "Basic dTpw"], NO_TOKEN),
    ];
    table(rows, |[first, second]| {
        let call = Call::get("/")
            .header("Authorization", &line(first))
            .header("authorization", &line(second));
        gate.verdict(&call)
    });
}

#[test]
fn attack_28_reads_tokens_only_from_the_configured_source() {
    let gate = Gate::hs();
    let good = good();
    let other = Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&[]));
    let rows = [
        (Call::get("/").header("Cookie", &format!("token={good}")), NO_TOKEN),
        (Call::get("/").header("X-Auth-Token", &good), NO_TOKEN),
        (Call::get("/").header("Cf-Access-Jwt-Assertion", &good), NO_TOKEN),
        (Call::get("/").header("Proxy-Authorization", &format!("Bearer {good}")), NO_TOKEN),
        (Call::get("/").header("X-Forwarded-Authorization", &format!("Bearer {good}")), NO_TOKEN),
        (Call::get("/").header("Sec-WebSocket-Protocol", &format!("bearer, {good}")), NO_TOKEN),
        (Call::get(&format!("/?access_token={good}")), NO_TOKEN),
        // A token elsewhere does not change the verdict on the token in the header.
        (Call::get(&format!("/?access_token={other}")).bearer(&good), ADMITTED),
        (Call::get("/").header("Cookie", &format!("token={other}")).bearer(&good), ADMITTED),
        (Call::get(&format!("/?access_token={good}")).bearer(&other), "401 bad_signature"),
    ];
    table(rows, |call| gate.verdict(call));
}

#[test]
fn access_decides_whether_a_token_is_required_and_read() {
    let mut raw = policy(crate::kit::hs_issuer());
    raw["routes"] = json!([
        { "path": "/required" },
        { "path": "/optional", "access": "optional" },
        { "path": "/public", "access": "public" },
    ]);
    let gate = Gate::new(&raw);
    let bearer = |path: &str, value: &str| {
        Call::get(path).header("Authorization", &value.replace('T', &good()))
    };
    let rows = [
        (Call::get("/required"), NO_TOKEN),
        (Call::get("/optional"), ADMITTED),
        (Call::get("/public"), ADMITTED),
        (bearer("/required", "Basic x"), NO_TOKEN),
        (bearer("/optional", "Basic x"), ADMITTED),
        (bearer("/optional", "DPoP T"), ADMITTED),
        // An invalid token is rejected although the route does not require a token.
        (bearer("/optional", "Bearer x.y.z"), BAD_TOKEN),
        (bearer("/optional", "Bearer"), MALFORMED),
        (bearer("/optional", "Bearer T, Bearer T"), SEVERAL),
        // A public route does not read tokens.
        (bearer("/public", "Bearer x.y.z"), ADMITTED),
        (bearer("/public", "Bearer"), ADMITTED),
        (bearer("/public", "Bearer T, Bearer T"), ADMITTED),
    ];
    table(rows, |call| gate.verdict(call));

    assert!(!gate.ask(&bearer("/optional", "Bearer T")).unwrap().anonymous);
    for call in
        [Call::get("/optional"), bearer("/optional", "Basic x"), bearer("/public", "Bearer T")]
    {
        let sent = gate.ask(&call).unwrap();
        assert!(sent.anonymous);
        assert!(!sent.removed.iter().any(|name| name.eq_ignore_ascii_case("authorization")));
    }
}
