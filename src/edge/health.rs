//! `/_portcullis/health`: whether the gate has a policy to work by, for whoever watches over it.
//!
//! It is there while the variable `CONSOLE` is `"on"`; else its path is one like any other.

use super::bindings::EnvBindings;
use crate::path::split_url;
use crate::policy::Bindings as _;
use crate::refusal::Answer;
use crate::request::Request;
use serde_json::{Value, json};
use worker::Env;

const PATH: &str = "/_portcullis/health";

/// The answer to a request for it; nothing for any other.
pub(super) fn answer(request: &Request<'_>, has_policy: bool, env: &Env) -> Option<Answer> {
    let is_asked = split_url(request.url).path == PATH && matches!(request.method, "GET" | "HEAD");
    let is_on = || EnvBindings(env).value("CONSOLE") == Some(Value::from("on"));
    if !is_asked || !is_on() {
        return None;
    }
    let (status, word) = if has_policy { (200, "ok") } else { (500, "misconfigured") };
    Some(Answer {
        status,
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ],
        body: json!({ "status": word, "version": env!("CARGO_PKG_VERSION") }).to_string(),
    })
}
