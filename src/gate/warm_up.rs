//! Judging made-up requests before an isolate receives its first one.
//!
//! A runtime compiles a WebAssembly function when it is first called, and the kernels test
//! themselves and compute tables for their first signature. Together that takes longer than a
//! hundred requests, so the edge has it done while the isolate starts.

use super::{Decision, Evaluation, Memory};
use crate::issuer::Issuer;
use crate::json::text::to_text;
use crate::keys::Key;
use crate::policy::Policy;
use crate::refusal::Code;
use crate::request::Request;
use crate::route::Access;
use crate::rules::Expected;
use crate::time::UnixSeconds;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

/// How many tokens are judged at most. The platform limits how long a Worker may take to start.
const TOKENS: usize = 8;

/// Judges a request with a made-up token for the first key of each issuer whose keys the policy
/// holds, and returns the reasons for which the requests are refused: the signatures do not verify.
/// Nothing is remembered of them.
pub fn warm_up(policy: &Policy) -> Vec<Code> {
    let guarded = policy.routes().iter().find(|route| route.access() != Access::Public);
    let Some(route) = guarded else { return Vec::new() };
    let url = format!("https://gate.invalid/{}", route.pattern().sample().join("/"));
    let memory = Memory::new(policy);
    let held = policy
        .issuers()
        .iter()
        .filter_map(|issuer| made_up_token(issuer, issuer.keys()?.keys().first()?));
    let code = |token| {
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        let request = Request { method: "GET", url: &url, headers: &headers };
        match Evaluation::new(policy, request).run(&memory, UnixSeconds::new(0)) {
            Ok(Decision::Refuse(refusal)) => Some(refusal.code()),
            Ok(Decision::Respond(_) | Decision::Forward(_)) | Err(_) => None,
        }
    };
    held.take(TOKENS).filter_map(code).collect()
}

/// A token that reaches the signature check, and fails it.
fn made_up_token(issuer: &Issuer, key: &Key) -> Option<String> {
    let algorithm = *key.algorithms().first()?;
    let mut header = json!({ "alg": algorithm.name() });
    if let (Some(id), Some(header)) = (key.id(), header.as_object_mut()) {
        header.insert("kid".to_owned(), id.into());
    }
    let name = match &issuer.rules().issuer {
        Expected::OneOf(names) => names.first()?,
        Expected::Any => issuer.name(),
    };
    let payload = json!({ "iss": name });
    let signature_bytes =
        algorithm.signature_bytes().or_else(|| Some(key.material().bits()?.div_ceil(8)))?;
    let encoded = |value: &Value| Base64UrlUnpadded::encode_string(to_text(value).as_bytes());
    let signature = Base64UrlUnpadded::encode_string(&vec![1; signature_bytes]);
    Some(format!("{}.{}.{signature}", encoded(&header), encoded(&payload)))
}
