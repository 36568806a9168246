//! Judges the corpus with Portcullis or another crate, and prints one line of JSON for each case.
//!
//! The arguments are the name of the subject, the file with the corpus, and the index of the first
//! case. Each crate is configured as its documentation advises, with no tolerance for times.

mod jsonwebtoken;
mod jwt_simple;
mod portcullis;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::{env, fs};

/// The corpus as `corpus.mjs` writes it.
#[derive(Deserialize)]
struct Corpus {
    issuer: String,
    audience: String,
    keys: BTreeMap<String, Key>,
    cases: Vec<Case>,
}

/// A key: a secret, or a public key in PEM.
#[derive(Deserialize)]
struct Key {
    algorithm: String,
    secret: Option<String>,
    pem: Option<String>,
}

#[derive(Deserialize)]
struct Case {
    key: String,
    token: String,
}

/// Returns `Ok` if the token is accepted, and otherwise a word for the reason.
type Verify = Box<dyn Fn(&str) -> Result<(), String>>;

/// Returns a verifier, or an error if the key or its algorithm is refused.
type Configure = fn(&Key, &Corpus) -> Result<Verify, Box<dyn Error>>;

#[derive(Serialize)]
struct Line {
    index: usize,
    accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undocumented: Option<bool>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: SUBJECT CORPUS FIRST");
    let configure: Configure = match next()?.as_str() {
        "portcullis" => portcullis::configure,
        "jsonwebtoken" => jsonwebtoken::configure,
        "jwt-simple" => jwt_simple::configure,
        other => return Err(format!("unknown subject: {other}").into()),
    };
    let corpus: Corpus = serde_json::from_slice(&fs::read(next()?)?)?;
    let first: usize = next()?.parse()?;
    let verifiers: BTreeMap<&String, Option<Verify>> =
        corpus.keys.iter().map(|(name, key)| (name, configure(key, &corpus).ok())).collect();
    let mut output = io::stdout().lock();
    for (index, case) in corpus.cases.iter().enumerate().skip(first) {
        let verdict = match verifiers.get(&case.key) {
            Some(Some(verify)) => {
                panic::catch_unwind(AssertUnwindSafe(|| verify(&case.token))).ok()
            }
            Some(None) => Some(Err("the key is refused".to_owned())),
            None => return Err(format!("no such key: {}", case.key).into()),
        };
        let line = Line {
            index,
            accepted: matches!(verdict, Some(Ok(()))),
            undocumented: verdict.is_none().then_some(true),
            error: match verdict {
                Some(Ok(())) => None,
                Some(Err(reason)) => Some(reason),
                None => Some("panic".to_owned()),
            },
        };
        writeln!(output, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}
