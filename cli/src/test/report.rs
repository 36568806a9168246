//! The results of all cases: for people, as JSON, and as JUnit XML.

use super::case::Case;
use super::coverage::Coverage;
use super::judge::{Judged, Received};
use anstyle::AnsiColor;
use portcullis::request::Headers as _;
use serde_json::{Value, json};

/// The results.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) cases: Vec<CaseReport>,
    pub(super) coverage: Coverage,
    /// The share that has to be covered, in percent.
    pub(super) wanted: Option<u8>,
}

/// The result of one case.
#[derive(Debug)]
pub(super) struct CaseReport {
    file: String,
    case: Case,
    judged: Judged,
    /// How the verdict differs from what is expected. Empty if the case passed.
    differences: Vec<String>,
}

impl CaseReport {
    /// Compares a verdict with what is expected.
    pub(super) fn new(file: &str, case: Case, judged: Judged) -> Self {
        let differences = differences(&case, &judged);
        Self { file: file.to_owned(), case, judged, differences }
    }

    /// Whether the case passed.
    pub(super) fn is_ok(&self) -> bool {
        self.differences.is_empty()
    }

    /// The verdict.
    pub(super) const fn judged(&self) -> &Judged {
        &self.judged
    }

    fn place(&self) -> String {
        match self.case.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }

    /// What went wrong, and what to do, one per line.
    fn details(&self) -> Vec<String> {
        let mut details = self.differences.clone();
        if let Some(reason) = &self.judged.reason {
            let (step, code) = (reason.step.as_str(), reason.code.as_str());
            details.push(format!("the step {step} refused it with {code}: {}", reason.because));
            details.push(format!("to have it admitted: {}", reason.remedy));
        }
        details
    }

    fn to_json(&self) -> Value {
        let reason = self.judged.reason.as_ref();
        json!({
            "name": self.case.name,
            "file": self.file,
            "line": self.case.line,
            "ok": self.is_ok(),
            "differences": self.differences,
            "status": self.judged.status,
            "code": reason.map(|reason| reason.code.as_str()),
            "step": reason.map(|reason| reason.step.as_str()),
            "because": reason.map(|reason| &reason.because),
            "remedy": reason.map(|reason| &reason.remedy),
        })
    }
}

fn differences(case: &Case, judged: &Judged) -> Vec<String> {
    let expected = &case.expected;
    let mut found = Vec::new();
    if judged.status != expected.status {
        found.push(format!("expected the status {}, but it is {}", expected.status, judged.status));
    }
    if let Some(code) = expected.code {
        let actual = judged.reason.as_ref().map(|reason| reason.code);
        if actual != Some(code) {
            let actual = actual
                .map_or("there is none".to_owned(), |code| format!("it is {}", code.as_str()));
            found.push(format!("expected the code {}, but {actual}", code.as_str()));
        }
    }
    if let (Some(reason), Some(_), None) = (&judged.reason, &judged.api, expected.code) {
        let code = reason.code.as_str();
        found.push(format!(
            "only report mode admits the request, which would be refused with {code}: if this is \
             expected, write code = \"{code}\""
        ));
    }
    if let Some(challenge) = &expected.challenge {
        match judged.response_header("WWW-Authenticate") {
            Some(actual) if actual.contains(challenge.as_str()) => {}
            Some(actual) => {
                found
                    .push(format!("expected `{challenge}` in the challenge, but it is `{actual}`"));
            }
            None => found.push(format!("expected the challenge `{challenge}`, but there is none")),
        }
    }
    for (name, value) in &expected.response_headers {
        match judged.response_header(name) {
            Some(actual) if actual == value => {}
            Some(actual) => {
                found.push(format!(
                    "expected the response's {name} `{value}`, but it is `{actual}`"
                ));
            }
            None => found.push(format!("expected the response's {name}, but there is none")),
        }
    }
    match &judged.api {
        Some(api) => found.extend(api_differences(case, api)),
        None if expected.api_url.is_some()
            || !expected.api_receives.is_empty()
            || !expected.api_identity.is_empty() =>
        {
            found.push("expected that the request reaches the API, but it does not".to_owned());
        }
        None => {}
    }
    found
}

fn api_differences(case: &Case, api: &Received) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(url) = &case.expected.api_url
        && *url != api.url
    {
        found.push(format!("expected the API to receive the URL {url}, but it is {}", api.url));
    }
    for (name, value) in &case.expected.api_receives {
        match (api.headers.get(name), value) {
            (None, _) => found.push(format!("expected the API to receive {name}, but it does not")),
            (Some(actual), Some(value)) if actual != value.as_str() => {
                found.push(format!(
                    "expected the API to receive {name}: {value}, but it is {actual}"
                ));
            }
            (Some(_), Some(_) | None) => {}
        }
    }
    let identity = api.identity.as_ref();
    if identity.is_none() && !case.expected.api_identity.is_empty() {
        found.push("expected a signed identity, but the API receives none".to_owned());
    }
    for (name, value) in identity.iter().flat_map(|_| &case.expected.api_identity) {
        match identity.and_then(|identity| identity.get(name)) {
            Some(actual) if actual == value => {}
            Some(actual) => found.push(format!(
                "expected {name} to be {value} in the signed identity, but it is {actual}"
            )),
            None => found.push(format!(
                "expected {name} to be {value} in the signed identity, but it is not there"
            )),
        }
    }
    for name in &case.expected.api_does_not_receive {
        if api.headers.get(name).is_some() {
            found.push(format!("expected the API not to receive {name}, but it does"));
        }
    }
    found
}

impl Report {
    /// Whether all cases passed, and enough is covered.
    pub(super) fn is_ok(&self) -> bool {
        self.failed() == 0 && self.is_covered()
    }

    fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.is_ok()).count()
    }

    fn is_covered(&self) -> bool {
        self.wanted.is_none_or(|wanted| self.coverage.percent() >= usize::from(wanted))
    }

    /// The results for people, the failures last.
    pub(super) fn text(&self) -> String {
        let (good, bad) = (AnsiColor::Green.on_default(), AnsiColor::Red.on_default());
        let mut text = String::new();
        for case in self.cases.iter().filter(|case| case.is_ok()) {
            text.push_str(&format!("{good}passed{good:#}  {}\n", case.case.name));
        }
        for case in self.cases.iter().filter(|case| !case.is_ok()) {
            let name = &case.case.name;
            text.push_str(&format!("{bad}FAILED{bad:#}  {name} ({})\n", case.place()));
            for detail in case.details() {
                text.push_str(&format!("    {detail}\n"));
            }
        }
        let failed = self.failed();
        let passed = self.cases.len().saturating_sub(failed);
        text.push_str(&format!("\n{}\n\n{passed} passed, {failed} failed", self.coverage.text()));
        if let Some(wanted) = self.wanted.filter(|_| !self.is_covered()) {
            text.push_str(&format!(", and the coverage is below {wanted} %"));
        }
        text
    }

    /// The results as JSON.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "ok": self.is_ok(),
            "cases": self.cases.iter().map(CaseReport::to_json).collect::<Vec<_>>(),
            "coverage": self.coverage.to_json(),
        })
    }

    /// The results as JUnit XML, which CI services show.
    pub(super) fn junit(&self) -> String {
        let mut cases = String::new();
        for case in &self.cases {
            let (name, file) = (escaped(&case.case.name), escaped(&case.file));
            let line = case.case.line.unwrap_or(1);
            let open = format!(
                "    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\""
            );
            match case.details().as_slice() {
                _ if case.is_ok() => cases.push_str(&format!("{open}/>\n")),
                details => {
                    let first = details.first().map(String::as_str).unwrap_or_default();
                    cases.push_str(&format!(
                        "{open}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
                        escaped(first),
                        escaped(&details.join("\n")),
                    ));
                }
            }
        }
        let (all, failed) = (self.cases.len(), self.failed());
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite \
             name=\"policy\" tests=\"{all}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">\n\
             {cases}  </testsuite>\n</testsuites>\n"
        )
    }
}

/// Escapes a text for XML 1.0, which has no form for most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(letter),
            _ if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
