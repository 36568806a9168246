//! The function `inspect`.

use crate::judge::good;
use crate::kit::{Signer, payload, table};
use portcullis_console::functions::inspect;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_token_is_found_in_pasted_text() {
    let token = good();
    let rows = [
        token.clone(),
        format!("  {token}\n"),
        format!("\"{token}\""),
        format!("Bearer {token}"),
        format!("Authorization: Bearer {token}"),
        format!("authorization:bearer {token}\r\n"),
        format!("Cookie: a=b; __Host-token={token}; c=d"),
        format!("https://api.example.com/v1?access_token={token}&a=b"),
        format!("curl https://api.example.com/v1 -H 'Authorization: Bearer {token}'"),
        format!("{{\"access_token\":\"{token}\",\"token_type\":\"Bearer\"}}"),
    ];
    table(rows.map(|text| (text, json!(token))), |text| inspect(text)["token"].clone());
}

#[test]
fn invalid_tokens_are_shown_too() {
    let none = Value::Null;
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.";
    let duplicate = Signer::hs256().token(r#"{"alg":"HS256","alg":"HS256"}"#, payload(&[]));
    let rows = [
        (unsigned.to_owned(), (json!("none"), json!("u"), json!("malformed_token"))),
        (
            "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0".to_owned(),
            (json!("none"), json!("u"), json!("malformed_token")),
        ),
        (duplicate, (json!("HS256"), json!("u"), json!("malformed_token"))),
        (good(), (json!("HS256"), json!("u"), none.clone())),
        ("opaque".to_owned(), (none.clone(), none.clone(), json!("malformed_token"))),
        (
            "eyJhbGciOiJkaXIifQ..aXY.Yw.dA".to_owned(),
            (json!("dir"), none, json!("malformed_token")),
        ),
    ];
    table(rows, |text| {
        let shown = inspect(text);
        let member = |name: &str, of: &str| shown[name][of].clone();
        (member("header", "alg"), member("claims", "sub"), member("fault", "code"))
    });
}

#[test]
fn the_position_of_each_segment_is_shown() {
    let shown = inspect("Bearer ab.c.def");
    assert_eq!(
        (&shown["token"], &shown["segments"]),
        (&json!("ab.c.def"), &json!([[0, 2], [3, 4], [5, 8]]))
    );
    for text in ["", "  ", "\u{1f6aa}", "hello there"] {
        assert_eq!(inspect(text), json!({ "segments": [] }), "{text}");
    }
}

#[test]
fn curl_commands_are_parsed() {
    let request = |method: &str, url: &str, headers: &[(&str, &str)]| {
        json!({
            "method": method, "url": url, "headers": headers,
        })
    };
    let api = "https://a.example/x";
    let rows = [
        ("curl https://a.example/x", request("GET", api, &[])),
        ("$ curl -sS https://a.example/x", request("GET", api, &[])),
        ("curl a.example/x", request("GET", "http://a.example/x", &[])),
        ("curl -XPUT 'https://a.example/x'", request("PUT", api, &[])),
        ("curl -X PUT \"https://a.example/x\"", request("PUT", api, &[])),
        ("curl --request=PUT https://a.example/x", request("PUT", api, &[])),
        ("curl -I https://a.example/x", request("HEAD", api, &[])),
        ("curl -d a=b https://a.example/x", request("POST", api, &[])),
        ("curl --json '{}' --url https://a.example/x", request("POST", api, &[])),
        ("curl -G -d a=b https://a.example/x", request("GET", api, &[])),
        (
            "curl -H'A: b' \\\n  -H \"C: d \\\" e\" https://a.example/x",
            request("GET", api, &[("A", "b"), ("C", "d \" e")]),
        ),
        ("curl -sb a=b https://a.example/x", request("GET", api, &[("Cookie", "a=b")])),
        (
            "curl --oauth2-bearer t https://a.example/x",
            request("GET", api, &[("Authorization", "Bearer t")]),
        ),
        (
            "curl -u u:p https://a.example/x",
            request("GET", api, &[("Authorization", "Basic dTpw")]),
        ),
        ("curl -o out.json -w '%{http_code}' https://a.example/x", request("GET", api, &[])),
        ("curl", Value::Null),
        ("curl -H 'A: b", Value::Null),
        ("wget https://a.example/x", Value::Null),
    ];
    table(rows, |text| inspect(text)["curl"].clone());
}
