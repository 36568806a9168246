//! The browser's face gives the gate's own verdict.

use crate::kit::keys::SECRET;
use crate::kit::{NOW, Signer, hs_issuer, payload, policy};
use portcullis::web;
use serde::Serialize as _;
use serde_json::{Value, json};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen_test::wasm_bindgen_test as test;

fn ask(question: &Value) -> Value {
    let question = question.serialize(&Serializer::json_compatible()).unwrap();
    let now = 1000.0 * f64::from(u32::try_from(NOW).unwrap());
    serde_wasm_bindgen::from_value(web::judge(question, now).unwrap()).unwrap()
}

fn question(token: &str) -> Value {
    json!({
        "policy": policy(hs_issuer()),
        "bindings": { "SECRET": SECRET },
        "method": "GET",
        "url": "https://gate.example/api/items",
        "headers": [["Authorization", format!("Bearer {token}")]],
    })
}

#[test]
fn a_good_token_and_what_would_be_sent() {
    let verdict = ask(&question(&Signer::hs256().signed(payload(&[]))));
    assert_eq!(verdict["refusal"], Value::Null, "{verdict}");
    assert_eq!(verdict["steps"]["alg"], "HS256");
    assert_eq!(verdict["outgoing"]["url"], "https://origin.example/api/items");
}

#[test]
fn a_bad_token_and_why() {
    let token = Signer::hs256().signed(payload(&[("exp", "1")]));
    let verdict = ask(&question(&token));
    assert_eq!(verdict["refusal"]["code"], "expired", "{verdict}");
    assert_eq!(verdict["refusal"]["status"], 401);
    let forged = ask(&question(&format!("{token}A")));
    assert_ne!(forged["refusal"]["code"], "expired");
    assert_eq!(forged["outgoing"], Value::Null);
}

#[test]
fn a_policy_with_faults() {
    let mut question = question("a.b.c");
    question["bindings"] = json!({});
    question["policy"]["orign"] = json!("https://origin.example");
    let faults = ask(&question)["faults"].clone();
    let paths: Vec<_> = faults.as_array().unwrap().iter().map(|fault| &fault["path"]).collect();
    assert_eq!(paths, ["orign", "issuers[0].keys.secret"], "{faults}");
}

#[test]
fn a_question_of_the_wrong_shape_is_an_error() {
    let question = json!({ "policy": {} }).serialize(&Serializer::json_compatible()).unwrap();
    assert!(web::judge(question, 0.0).is_err());
}
