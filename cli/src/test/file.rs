//! Reads test files.

use super::case::{Case, Credential, Expected, Introspection, Signed, SignedProof};
use crate::config::file::{dotted, escape};
use crate::config::{ConfigFile, Finding, Severity};
use crate::dpop::Changes;
use crate::mint::{self, Lifetime};
use portcullis::policy::remedy_for_unknown_key;
use portcullis::refusal::Code;
use portcullis::revocation::Subject;
use portcullis::time::UnixSeconds;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The time of the requests unless the file names another: 2027-01-15T08:00:00Z.
const NOW: i64 = 1_800_000_000;

/// The token of a case that only says what an introspection endpoint answers.
const OPAQUE: &str = "an-opaque-token";

/// Paths are below this URL.
const BASE: &str = "https://gate.example";

/// The claims whose values are times.
const TIMES: [&str; 4] = ["auth_time", "exp", "iat", "nbf"];

const FILE_KEYS: [&str; 3] = ["$schema", "cases", "now"];
const PROOF_KEYS: [&str; 5] = ["claims", "header", "omit", "signature", "key"];
const CASE_KEYS: [&str; 16] = [
    "name",
    "method",
    "url",
    "headers",
    "token",
    "claims",
    "issuer",
    "algorithm",
    "header",
    "omit",
    "signature",
    "introspection",
    "proof",
    "now",
    "revoked",
    "expect",
];
const EXPECT_KEYS: [&str; 8] = [
    "status",
    "code",
    "challenge",
    "api_url",
    "api_receives",
    "api_identity",
    "api_does_not_receive",
    "response_headers",
];

/// A test file.
#[derive(Debug)]
pub(super) struct TestFile {
    /// The file's name, for messages.
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
}

/// Reads the cases.
///
/// # Errors
///
/// All faults of the file.
pub(super) fn read(file: &ConfigFile) -> Result<TestFile, Vec<Finding>> {
    let mut reader = Reader { file, faults: Vec::new() };
    let cases = reader.file();
    if reader.faults.is_empty() {
        return Ok(TestFile { name: file.name.clone(), cases });
    }
    reader.faults.sort_by_key(|fault| fault.line);
    Err(reader.faults)
}

struct Reader<'f> {
    file: &'f ConfigFile,
    faults: Vec<Finding>,
}

/// A table with the JSON Pointer of its place.
struct Table<'f> {
    pointer: String,
    members: &'f Map<String, Value>,
}

impl<'f> Table<'f> {
    fn at(&self, key: &str) -> String {
        format!("{}/{}", self.pointer, escape(key))
    }

    fn get(&self, key: &str) -> Option<&'f Value> {
        self.members.get(key)
    }
}

impl<'f> Reader<'f> {
    fn fault(&mut self, pointer: &str, problem: impl Into<String>, remedy: impl Into<String>) {
        self.faults.push(Finding {
            severity: Severity::Fault,
            line: self.file.line(pointer),
            path: dotted(pointer),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    fn table(&mut self, value: &'f Value, pointer: &str, known: &[&str]) -> Option<Table<'f>> {
        let Value::Object(members) = value else {
            self.fault(pointer, "not a table", "write a table");
            return None;
        };
        let table = Table { pointer: pointer.to_owned(), members };
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.fault(&table.at(name), "unknown key", remedy_for_unknown_key(name, known));
        }
        Some(table)
    }

    fn file(&mut self) -> Vec<Case> {
        let Some(table) = self.table(&self.file.value, "", &FILE_KEYS) else { return Vec::new() };
        let now = self.now(&table).unwrap_or(UnixSeconds::new(NOW));
        let cases = match table.get("cases") {
            Some(Value::Array(cases)) if !cases.is_empty() => cases.as_slice(),
            _ => {
                self.fault("/cases", "there are no cases", "write at least one [[cases]]");
                return Vec::new();
            }
        };
        let mut names = BTreeSet::new();
        let mut read = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            let pointer = format!("/cases/{index}");
            let Some(case) = self.case(case, &pointer, now) else { continue };
            if !names.insert(case.name.clone()) {
                let remedy = "give each case a name of its own";
                self.fault(&format!("{pointer}/name"), "another case has this name", remedy);
            }
            read.push(case);
        }
        read
    }

    fn case(&mut self, value: &'f Value, pointer: &str, now: UnixSeconds) -> Option<Case> {
        let table = self.table(value, pointer, &CASE_KEYS)?;
        let now = self.now(&table).unwrap_or(now);
        let name = self.text(&table, "name");
        if name.is_none() && table.get("name").is_none() {
            self.fault(pointer, "the case has no name", "write name = \"what is expected\"");
        }
        let url = self.url(&table);
        let headers = self.texts_by_name(&table, "headers");
        let credential = self.credential(&table, now);
        let introspection = self.introspection(&table, now);
        let proof = self.proof(&table, now);
        let method = self.text(&table, "method").unwrap_or_else(|| "GET".to_owned());
        let revoked = self.revoked(&table);
        let expected = match table.get("expect") {
            Some(expect) => self.expected(expect, &table.at("expect")),
            None => {
                self.fault(pointer, "nothing is expected", "write expect = { status = 200 }");
                None
            }
        };
        Some(Case {
            name: name?,
            line: self.file.line(pointer),
            method,
            url: url?,
            headers,
            credential,
            proof,
            now,
            introspection,
            revoked,
            expected: expected?,
        })
    }

    fn url(&mut self, table: &Table<'f>) -> Option<String> {
        match table.get("url") {
            None => {
                self.fault(&table.pointer, "the request has no URL", "write url = \"/path\"");
                None
            }
            Some(Value::String(path)) if path.starts_with('/') => Some(format!("{BASE}{path}")),
            Some(Value::String(url))
                if url.starts_with("https://") || url.starts_with("http://") =>
            {
                Some(url.clone())
            }
            Some(_) => {
                let remedy = "write a path such as \"/api/users\", or a whole URL";
                self.fault(&table.at("url"), "not a URL", remedy);
                None
            }
        }
    }

    fn credential(&mut self, table: &Table<'f>, now: UnixSeconds) -> Credential {
        let of_signed = ["claims", "issuer", "algorithm", "header", "omit", "signature"];
        let signs = of_signed.iter().any(|key| table.get(key).is_some());
        if let Some(token) = self.text(table, "token") {
            if signs {
                let remedy = "write either the token or its claims";
                self.fault(&table.at("token"), "the case has a token and claims", remedy);
            }
            return Credential::Token(token);
        }
        if table.get("introspection").is_some() && !signs {
            return Credential::Token(OPAQUE.to_owned());
        }
        // Only a token can be revoked, or bound to the key of a proof.
        let needs_token = ["revoked", "proof"].iter().any(|key| table.get(key).is_some());
        if !(signs || needs_token) || table.get("token").is_some() {
            return Credential::None;
        }
        Credential::Signed(Signed {
            issuer: self.text(table, "issuer"),
            algorithm: self.text(table, "algorithm").and_then(|name| {
                let found = mint::algorithm(&name);
                found
                    .map_err(|remedy| {
                        self.fault(&table.at("algorithm"), "not an algorithm", remedy);
                    })
                    .ok()
            }),
            header: self.object(table, "header"),
            claims: self.claims(table, "claims", now),
            omit: self.texts(table, "omit"),
            has_wrong_signature: self.wrong_signature(table),
        })
    }

    fn introspection(&mut self, table: &Table<'f>, now: UnixSeconds) -> Option<Introspection> {
        match table.get("introspection")? {
            Value::String(text) if text == "unavailable" => Some(Introspection::Unavailable),
            Value::Object(_) => {
                Some(Introspection::Members(self.claims(table, "introspection", now)))
            }
            _ => {
                let remedy = "write the members of the response, such as { scope = \"read\" } or \
                              { active = false }, or \"unavailable\"";
                self.fault(&table.at("introspection"), "not a response", remedy);
                None
            }
        }
    }

    fn proof(&mut self, table: &Table<'f>, now: UnixSeconds) -> Option<SignedProof> {
        let value = match table.get("proof")? {
            Value::Bool(true) => return Some(SignedProof::default()),
            value => value,
        };
        let pointer = table.at("proof");
        if !value.is_object() {
            self.fault(&pointer, "not a proof", "write proof = true, or a table with changes");
            return None;
        }
        let table = self.table(value, &pointer, &PROOF_KEYS)?;
        let key = self.text(&table, "key");
        if key.as_deref().is_some_and(|key| key != "other") {
            let remedy = "write key = \"other\", or remove the key";
            self.fault(&table.at("key"), "not a known key", remedy);
        }
        let changes = Changes {
            header: self.object(&table, "header"),
            claims: self.claims(&table, "claims", now),
            omit: self.texts(&table, "omit"),
        };
        let has_wrong_signature = self.wrong_signature(&table);
        Some(SignedProof { changes, is_of_other_key: key.is_some(), has_wrong_signature })
    }

    /// Reads claims. Times may be relative to the time of the request.
    fn claims(&mut self, table: &Table<'f>, key: &str, now: UnixSeconds) -> Map<String, Value> {
        let mut claims = self.object(table, key);
        for name in TIMES {
            let Some(Value::String(text)) = claims.get(name) else { continue };
            match relative(text, now) {
                Some(time) => drop(claims.insert(name.to_owned(), json!(time))),
                None => {
                    let pointer = format!("{}/{name}", table.at(key));
                    let remedy = "write seconds since 1970, or \"now\", \"now+10m\" or \"now-1h\"";
                    self.fault(&pointer, "not a time", remedy);
                }
            }
        }
        claims
    }

    fn wrong_signature(&mut self, table: &Table<'f>) -> bool {
        match table.get("signature").map(Value::as_str) {
            None => false,
            Some(Some("wrong")) => true,
            Some(_) => {
                let remedy = "write signature = \"wrong\", or remove the key";
                self.fault(&table.at("signature"), "not a known kind of signature", remedy);
                false
            }
        }
    }

    fn revoked(&mut self, table: &Table<'f>) -> Vec<Subject> {
        let mut revoked = Vec::new();
        for name in self.texts(table, "revoked") {
            match name.as_str() {
                "jti" => revoked.push(Subject::Jti),
                "sub" => revoked.push(Subject::Sub),
                "sid" => revoked.push(Subject::Sid),
                "kid" => revoked.push(Subject::Kid),
                _ => {
                    let problem = format!("{name} cannot be revoked");
                    self.fault(&table.at("revoked"), problem, "choose from jti, sub, sid, kid");
                }
            }
        }
        revoked
    }

    fn expected(&mut self, value: &'f Value, pointer: &str) -> Option<Expected> {
        let table = self.table(value, pointer, &EXPECT_KEYS)?;
        let status = table.get("status").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok());
        if !status.is_some_and(|status| (100..600).contains(&status)) {
            let remedy = "write status = 200 if the request reaches the API, or else the status of \
                          the refusal, such as 401";
            self.fault(&table.at("status"), "the expected status is missing", remedy);
        }
        let code = self.text(&table, "code").and_then(|name| {
            let code = Code::from_name(&name);
            if code.is_none() {
                let names: Vec<_> = Code::ALL.into_iter().map(Code::as_str).collect();
                let remedy = remedy_for_unknown_key(&name, &names);
                self.fault(&table.at("code"), format!("there is no code {name}"), remedy);
            }
            code
        });
        let challenge = self.text(&table, "challenge");
        let api_url = self.text(&table, "api_url");
        let api_receives = self.received(&table);
        let api_identity = self.object(&table, "api_identity");
        let api_does_not_receive = self.texts(&table, "api_does_not_receive");
        let response_headers = self.texts_by_name(&table, "response_headers");
        Some(Expected {
            status: status?,
            code,
            challenge,
            api_url,
            api_receives,
            api_identity,
            api_does_not_receive,
            response_headers,
        })
    }

    /// Reads the headers that the API receives: the value, or `true` for any value.
    fn received(&mut self, table: &Table<'f>) -> Vec<(String, Option<String>)> {
        let mut received = Vec::new();
        for (name, value) in self.object(table, "api_receives") {
            match value {
                Value::String(text) => received.push((name, Some(text))),
                Value::Bool(true) => received.push((name, None)),
                _ => {
                    let pointer = format!("{}/{}", table.at("api_receives"), escape(&name));
                    self.fault(&pointer, "not a text", "write the value, or true for any value");
                }
            }
        }
        received
    }

    fn now(&mut self, table: &Table<'f>) -> Option<UnixSeconds> {
        let value = table.get("now")?;
        let seconds = value.as_i64().filter(|seconds| *seconds >= 0);
        if seconds.is_none() {
            let remedy = "write seconds since 1970, such as 1800000000";
            self.fault(&table.at("now"), "not a time", remedy);
        }
        seconds.map(UnixSeconds::new)
    }

    fn text(&mut self, table: &Table<'f>, key: &str) -> Option<String> {
        match table.get(key) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                self.fault(&table.at(key), "not a text", "write a text in quotes");
                None
            }
        }
    }

    fn object(&mut self, table: &Table<'f>, key: &str) -> Map<String, Value> {
        match table.get(key) {
            None => Map::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(_) => {
                self.fault(&table.at(key), "not a table", "write a table");
                Map::new()
            }
        }
    }

    fn texts(&mut self, table: &Table<'f>, key: &str) -> Vec<String> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let items = value.as_array().into_iter().flatten();
        let texts: Option<Vec<_>> = items.map(|item| item.as_str().map(str::to_owned)).collect();
        match texts {
            Some(texts) if value.is_array() => texts,
            _ => {
                self.fault(&table.at(key), "not a list of texts", "write [\"…\", \"…\"]");
                Vec::new()
            }
        }
    }

    /// Reads names with one text or with a list of texts.
    fn texts_by_name(&mut self, table: &Table<'f>, key: &str) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        for (name, value) in self.object(table, key) {
            match &value {
                Value::String(text) => lines.push((name, text.clone())),
                Value::Array(items) if items.iter().all(Value::is_string) => {
                    let texts = items.iter().filter_map(Value::as_str);
                    lines.extend(texts.map(|text| (name.clone(), text.to_owned())));
                }
                _ => {
                    let pointer = format!("{}/{}", table.at(key), escape(&name));
                    self.fault(&pointer, "not a text", "write a text, or a list of texts");
                }
            }
        }
        lines
    }
}

/// Reads `now`, `now+10m` or `now-10m`.
fn relative(text: &str, now: UnixSeconds) -> Option<i64> {
    let rest = text.strip_prefix("now")?;
    if rest.is_empty() {
        return Some(now.get());
    }
    let lifetime: Lifetime = match rest.strip_prefix('+') {
        Some(lifetime) if !lifetime.starts_with('-') => lifetime.parse().ok()?,
        _ if rest.starts_with('-') => rest.parse().ok()?,
        _ => return None,
    };
    now.get().checked_add(lifetime.seconds())
}
