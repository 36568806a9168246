//! The function `describe`.

use crate::judge::question;
use crate::kit::keys::{RSA_PRIVATE, SECRET, rsa_jwk};
use crate::kit::{NOW, now, policy, rs_issuer};
use portcullis_console::functions;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn describe(question: &Value) -> Value {
    functions::describe(question, now()).unwrap()
}

#[test]
fn routes_are_described_in_the_order_in_which_they_are_tried() {
    let mut question = question("");
    question["policy"]["routes"] = json!([
        { "path": "/*", "access": "public" },
        { "path": "/admin/*", "methods": ["GET"], "scopes": ["admin"], "max_auth_age": 60,
          "claims": [{ "path": "/tenant", "equals": "acme" }] },
    ]);
    let routes = describe(&question)["routes"].take();
    assert_eq!(routes[0]["path"], "/admin/*", "{routes}");
    assert_eq!(routes[0]["methods"], json!(["GET", "HEAD"]));
    assert_eq!(routes[0]["scopes"], json!(["admin"]));
    assert_eq!(routes[0]["claims"], json!([r#"/tenant = "acme""#]));
    assert_eq!(routes[0]["max_auth_age"], 60);
    assert_eq!(routes[0]["encoded_slash"], "refuse");
    assert_eq!((&routes[0]["cache"], &routes[1]["cache"]), (&json!("no-store"), &json!("origin")));
    assert_eq!((&routes[1]["access"], &routes[1]["mode"]), (&json!("public"), &json!("enforce")));
}

#[test]
fn the_secret_of_an_issuer_is_not_shown() {
    let described = describe(&question(""));
    assert!(!described.to_string().contains(SECRET));
    let issuer = &described["issuers"][0];
    assert_eq!((&issuer["source"], &issuer["names"]), (&json!("secret"), &json!(["SECRET"])));
    assert_eq!(issuer["keys"][0]["kind"], "secret");
    assert_eq!(issuer["keys"][0]["thumbprint"], Value::Null);
    assert_eq!(issuer["withheld"], false);

    let mut withheld = question("");
    withheld["bindings"] = json!({});
    withheld["secrets"] = json!(["SECRET"]);
    let issuer = describe(&withheld)["issuers"][0].take();
    assert_eq!((&issuer["withheld"], &issuer["keys"]), (&json!(true), &json!([])));
}

#[test]
fn published_keys_are_described_with_their_age() {
    let mut question = question("");
    question["policy"] = policy(rs_issuer());
    let name = question["policy"]["issuers"][0]["name"].as_str().unwrap().to_owned();
    question["policy"]["issuers"][0]["keys"] = json!({ "jwks_uri": "https://i/keys" });
    let issuer = describe(&question)["issuers"][0].take();
    assert_eq!((&issuer["keys"], &issuer["age_seconds"]), (&json!([]), &Value::Null));
    question["keys"] = json!({ name: {
        "jwks": { "keys": [rsa_jwk(RSA_PRIVATE)] },
        "skipped": [{ "index": 1, "why": "\"use\" is not \"sig\"" }],
        "url": "https://i/keys", "fetched": NOW - 100, "fresh_for": 600,
    } });
    let issuer = describe(&question)["issuers"][0].take();
    assert_eq!((&issuer["source"], &issuer["url"]), (&json!("jwks_uri"), &json!("https://i/keys")));
    assert_eq!((&issuer["age_seconds"], &issuer["refresh_seconds"]), (&json!(100), &json!(500)));
    assert_eq!(
        (&issuer["keys"][0]["kind"], &issuer["keys"][0]["bits"]),
        (&json!("RSA"), &json!(2048))
    );
    assert!(issuer["keys"][0]["thumbprint"].is_string());
    assert_eq!(issuer["skipped"][0]["index"], 1);
}
