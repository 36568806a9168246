//! The gate's core, the same code as in the Worker: a whole request with the token in
//! `Authorization`, judged by a policy with one issuer.

use crate::{Corpus, Key, Verify};
use portcullis::gate::{Decision, Evaluation, Memory};
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use serde_json::{Value, json};
use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

/// The binding `KEY`.
struct OneBinding(String);

impl Bindings for OneBinding {
    fn value(&self, name: &str) -> Option<Value> {
        (name == "KEY").then(|| Value::String(self.0.clone()))
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

pub(crate) fn configure(key: &Key, corpus: &Corpus) -> Result<Verify, Box<dyn Error>> {
    let (kind, value) = match (&key.secret, &key.pem) {
        (Some(secret), _) => ("secret", secret),
        (None, Some(pem)) => ("pem", pem),
        (None, None) => return Err("no key".into()),
    };
    let raw = json!({
        "origin": "https://origin.example",
        "issuers": [{
            "name": "issuer",
            "issuer": corpus.issuer,
            "audience": corpus.audience,
            "algorithms": [key.algorithm],
            "leeway": 0,
            "keys": { (kind): "KEY" },
        }],
        "routes": [{ "path": "/*" }],
    });
    let policy = Policy::compile(&raw, &OneBinding(value.clone()))
        .outcome
        .map_err(|faults| format!("{faults:?}"))?;
    Ok(Box::new(move |token| {
        let headers = vec![("Authorization".to_owned(), format!("Bearer {token}"))];
        let request = Request { method: "GET", url: "https://gate.example/", headers: &headers };
        // New memory for each token, so that no verdict depends on an earlier token.
        match Evaluation::new(&policy, request).run(&Memory::new(&policy), now()) {
            Ok(Decision::Forward(_)) => Ok(()),
            Ok(Decision::Refuse(refusal)) => Err(refusal.code().to_string()),
            Ok(Decision::Respond(_)) => Err("a response of the gate's own".to_owned()),
            Err(need) => Err(format!("needs {need:?}")),
        }
    }))
}

#[expect(clippy::disallowed_methods, reason = "as the edge does; the core gets the time from it")]
fn now() -> UnixSeconds {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    UnixSeconds::new(i64::try_from(seconds).unwrap_or(i64::MAX))
}
