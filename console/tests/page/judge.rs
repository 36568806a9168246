//! The function `judge`.

use crate::kit::keys::{OTHER_SECRET, SECRET};
use crate::kit::{Signer, hs_issuer, now, payload, policy, table, with};
use crate::steps;
use portcullis::refusal::{Code, Step};
use portcullis_console::functions;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub(crate) fn ask(question: &Value) -> Value {
    functions::judge(question, now()).unwrap()
}

/// Returns a question about the base policy and a request with this token.
pub(crate) fn question(token: &str) -> Value {
    json!({
        "policy": policy(hs_issuer()),
        "bindings": { "SECRET": SECRET },
        "method": "GET",
        "url": "https://gate.example/api/items",
        "headers": [["Authorization", format!("Bearer {token}")]],
    })
}

pub(crate) fn good() -> String {
    Signer::hs256().signed(payload(&[]))
}

#[test]
fn a_valid_token_is_admitted_and_the_outgoing_request_is_shown() {
    let verdict = ask(&question(&good()));
    assert_eq!(verdict["verdict"], "admitted", "{verdict}");
    assert_eq!(verdict["refusal"], Value::Null);
    assert_eq!((&verdict["alg"], &verdict["source"]), (&json!("HS256"), &json!("authorization")));
    assert_eq!(verdict["outgoing"]["url"], "https://origin.example/api/items");
}

#[test]
fn a_verdict_names_the_length_of_a_signature_even_for_a_malformed_token() {
    let whole = good();
    let truncated = whole.split_at(whole.len() - 3).0;
    for token in [whole.as_str(), truncated] {
        assert_eq!(ask(&question(token))["signature_bytes"], 32, "{token}");
    }
    let unknown = Signer::hs256().token(r#"{"alg":"XS256"}"#, payload(&[]));
    assert_eq!(ask(&question(&unknown))["signature_bytes"], Value::Null);
}

#[test]
fn an_expired_token_is_refused_with_code_and_remedy() {
    let token = Signer::hs256().signed(payload(&[("exp", "1")]));
    let verdict = ask(&question(&token));
    assert_eq!(verdict["verdict"], "refused", "{verdict}");
    assert_eq!(verdict["refusal"]["code"], "expired");
    assert_eq!(verdict["refusal"]["status"], 401);
    assert!(verdict["refusal"]["remedy"].as_str().unwrap().contains("get a new token"));
    assert_eq!(verdict["outgoing"], Value::Null);
    let problem: Value =
        serde_json::from_str(verdict["refusal"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["status"], 401);
}

#[test]
fn faults_of_the_policy_are_returned_instead_of_a_verdict() {
    let mut question = question("a.b.c");
    question["bindings"] = json!({});
    question["policy"]["orign"] = json!("https://origin.example");
    for answer in [ask(&question), functions::describe(&question, now()).unwrap()] {
        let faults = answer["faults"].as_array().unwrap();
        let paths: Vec<_> = faults.iter().map(|fault| &fault["path"]).collect();
        assert_eq!(paths, ["orign", "issuers[0].keys.secret"], "{answer}");
    }
}

#[test]
fn a_question_of_the_wrong_form_is_an_error() {
    let base = || question("a.b.c");
    let rows = [
        (json!({}), "there is no policy"),
        (json!({ "policy": null }), "there is no policy"),
        (json!({ "policy": "{" }), "the policy is JSON that ends too early"),
        (json!({ "policy": {} }), "method is not a string"),
        (with(base(), json!({ "url": 1 })), "url is not a string"),
        (with(base(), json!({ "bindings": [] })), "bindings is not an object"),
        (with(base(), json!({ "headers": {} })), "headers is not an array"),
        (with(base(), json!({ "headers": [["a"]] })), "a header is not a name and a value"),
        (json!("text"), "there is no policy"),
    ];
    table(rows, |question| functions::judge(question, now()).unwrap_err());
}

/// Returns a question without the value of the secret. The page only knows the name of its binding.
pub(crate) fn withheld(token: &str) -> Value {
    with(question(token), json!({ "bindings": {}, "secrets": ["SECRET"] }))
}

#[test]
fn the_verdict_is_unknown_if_the_secret_is_withheld() {
    // Without the secret, a valid token cannot be distinguished from a forged one.
    for token in [good(), Signer::hmac(256, OTHER_SECRET).signed(payload(&[]))] {
        let verdict = ask(&withheld(&token));
        assert_eq!(verdict["verdict"], "unknown", "{verdict}");
        assert_eq!((&verdict["refusal"], &verdict["outgoing"]), (&Value::Null, &Value::Null));
        let pasted = with(withheld(&token), json!({ "bindings": { "SECRET": SECRET } }));
        assert_eq!(ask(&pasted)["verdict"], ask(&question(&token))["verdict"]);
    }
    // Checks before the signature do not need the secret.
    let other = Signer::hs256().token(r#"{"alg":"HS512"}"#, payload(&[]));
    assert_eq!(ask(&withheld(&other))["refusal"]["code"], "algorithm_not_allowed");
}

#[test]
fn the_workers_verdict_replaces_the_modules_own() {
    let mut question = withheld(&good());
    question["answered"] = json!({
        "issuer": "main", "alg": "HS256", "key": "secret",
        "code": "revoked", "because": "revoked in the store", "step": "revocation",
        "response": { "status": 401, "headers": [], "body": "" },
    });
    let verdict = ask(&question);
    assert_eq!(verdict["verdict"], "refused", "{verdict}");
    assert_eq!(verdict["refusal"]["code"], "revoked");
    question["answered"] = json!({ "issuer": "main", "alg": "HS256", "key": "secret",
        "outgoing": { "url": "https://origin.example/", "remove": [], "set": [] } });
    assert_eq!(ask(&question)["verdict"], "admitted");
}

#[test]
fn codes_and_steps_can_be_parsed() {
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.as_str()), Some(code));
    }
    for step in Step::ALL {
        assert_eq!(Step::from_name(step.as_str()), Some(step));
    }
    assert_eq!((Code::from_name("good"), Step::from_name("")), (None, None));
    assert!(Step::ALL.is_sorted());
}

/// No input of the page causes a panic or a step without a valid state.
#[test]
fn mutated_questions_cause_no_panic() {
    let mut random = fastrand::Rng::with_seed(0x000c_0050_1e00);
    let base = withheld(&good()).to_string();
    let alphabet: Vec<char> = "{}[]\",:.eyJ09-_ \\u0\u{e9}\u{1f6aa}\n%/*'".chars().collect();
    for _ in 0..4_000 {
        let mut text: Vec<char> = base.chars().collect();
        for _ in 0..random.usize(1..6) {
            let place = random.usize(..text.len());
            match random.u8(..3) {
                0 => drop(text.remove(place)),
                1 => text.insert(place, alphabet[random.usize(..alphabet.len())]),
                _ => text[place] = alphabet[random.usize(..alphabet.len())],
            }
        }
        let text: String = text.into_iter().collect();
        let _ = functions::inspect(&text);
        let Ok(question) = serde_json::from_str(&text) else { continue };
        let _ = functions::describe(&question, now());
        let Ok(answer) = functions::judge(&question, now()) else { continue };
        if answer.get("faults").is_none() {
            steps::states(&answer);
            assert_ne!(answer["verdict"], Value::Null);
        }
    }
}
