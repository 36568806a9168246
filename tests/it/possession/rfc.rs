//! The examples of RFC 9449.

use portcullis::possession::{ProofMemory, Settings, Thumbprint, examine};
use portcullis::refusal::Code;
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Section 7.1: a request to a protected resource.
const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dE\
    ZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG\
    10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUI\
    iwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxO\
    CwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey7\
    1EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const URL: &str = "https://resource.example.org/protectedresource";
const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
const IAT: i64 = 1_562_262_618;

/// Section 4.1: a token request, whose proof has no `ath`.
const TOKEN_REQUEST: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwie\
    CI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY\
    3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRt\
    IjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6\
    T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

fn check(
    proof: &str,
    method: &str,
    url: &str,
    token: &str,
    jkt: &str,
    now: i64,
) -> Result<(), (Code, String)> {
    let headers = vec![("DPoP", proof)];
    let request = Request { method, url, headers: &headers };
    let settings = Settings::default().dpop;
    let jkt = Thumbprint::parse(jkt).unwrap();
    let now = UnixSeconds::new(now);
    examine(&request, token, &jkt, &settings, &ProofMemory::default(), now)
        .map_err(|refusal| (refusal.code(), refusal.because().to_owned()))
}

#[test]
fn rfc9449_section_7_1_the_proof_of_the_example_is_valid() {
    for now in [IAT - 60, IAT, IAT + 60] {
        assert_eq!(check(PROOF, "GET", URL, TOKEN, JKT, now), Ok(()));
    }
    let query = format!("{URL}?page=2");
    assert_eq!(check(PROOF, "GET", &query, TOKEN, JKT, IAT), Ok(()));
}

#[test]
fn rfc9449_section_7_1_the_proof_of_the_example_is_invalid_for_anything_else() {
    let other = "cjcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let rows = [
        (check(PROOF, "POST", URL, TOKEN, JKT, IAT), "the proof is for another method"),
        (check(PROOF, "GET", &format!("{URL}/"), TOKEN, JKT, IAT), "the proof is for another URL"),
        (check(PROOF, "GET", URL, "other", JKT, IAT), "the proof is for another access token"),
        (check(PROOF, "GET", URL, TOKEN, other, IAT), "the access token is bound to another key"),
        (check(PROOF, "GET", URL, TOKEN, JKT, IAT + 61), "the proof is too old"),
        (check(PROOF, "GET", URL, TOKEN, JKT, IAT - 61), "the proof is from the future"),
    ];
    for (found, because) in rows {
        assert_eq!(found, Err((Code::InvalidProof, because.to_owned())));
    }
}

#[test]
fn rfc9449_section_4_1_the_proof_of_a_token_request_proves_nothing_to_a_resource() {
    let url = "https://server.example.com/token";
    let found = check(TOKEN_REQUEST, "POST", url, TOKEN, JKT, IAT);
    let because = "the proof lacks jti, htm, htu, iat or ath".to_owned();
    assert_eq!(found, Err((Code::InvalidProof, because)));
}
