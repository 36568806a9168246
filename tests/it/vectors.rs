//! External test vectors: Wycheproof for the algorithms, and compact JWS for the whole gate.
//!
//! Every known divergence has an entry in `vectors/exceptions.json` with the expected verdict, the
//! actual verdict and the reason. A divergence without an entry fails the test, and so does an
//! entry that no longer applies. Cases whose key is rejected at import, or that need something that
//! JOSE does not have, are rejected by rule: each such case must name its rule, and the test
//! reports how many cases each rule has.

mod elliptic;
#[cfg(not(target_arch = "wasm32"))]
mod jws;
#[cfg(feature = "mldsa")]
mod lattice;
mod wycheproof;

use std::collections::BTreeMap;

/// The results of a suite.
struct Tally {
    suite: String,
    agreed: [u32; 2],
    by_rule: BTreeMap<&'static str, u32>,
    skipped: u32,
    divergences: Vec<Divergence>,
}

#[derive(Debug, PartialEq)]
struct Divergence {
    case: String,
    expected: String,
    actual: String,
}

impl Tally {
    fn new(suite: impl Into<String>) -> Self {
        Self {
            suite: suite.into(),
            agreed: [0; 2],
            by_rule: BTreeMap::new(),
            skipped: 0,
            divergences: Vec::new(),
        }
    }

    /// Records the verdict on a case. `rule` is the reason why the gate may reject the case
    /// although the suite accepts it, or `None`.
    fn case(
        &mut self,
        case: impl ToString,
        expected: bool,
        actual: bool,
        rule: Option<&'static str>,
    ) {
        match (expected == actual, expected, rule) {
            (true, ..) => self.agreed[usize::from(actual)] += 1,
            (false, true, Some(rule)) => *self.by_rule.entry(rule).or_default() += 1,
            (false, ..) => {
                let word = |accepted| if accepted { "accept" } else { "reject" }.to_owned();
                self.divergences.push(Divergence {
                    case: case.to_string(),
                    expected: word(expected),
                    actual: word(actual),
                });
            }
        }
    }

    /// Reports the numbers, and compares the divergences with the entries of `exceptions.json`.
    fn finish(self) {
        let [rejected, accepted] = self.agreed;
        let mut line = format!("{}: {accepted} accepted, {rejected} rejected", self.suite);
        for (rule, count) in &self.by_rule {
            line.push_str(&format!(", {count} rejected by rule ({rule})"));
        }
        if !self.divergences.is_empty() {
            line.push_str(&format!(", {} divergences", self.divergences.len()));
        }
        if self.skipped > 0 {
            line.push_str(&format!(", {} skipped", self.skipped));
        }
        report(&line);
        let known = exceptions(&self.suite);
        let unknown: Vec<_> = self.divergences.iter().filter(|one| !known.contains(one)).collect();
        assert!(unknown.is_empty(), "{}: divergences without an entry: {unknown:#?}", self.suite);
        let stale: Vec<_> = known.iter().filter(|one| !self.divergences.contains(one)).collect();
        assert!(stale.is_empty(), "{}: entries that no longer apply: {stale:#?}", self.suite);
        assert!(rejected + accepted + self.skipped > 0, "{}: no cases", self.suite);
    }
}

/// Returns the entries of `exceptions.json` for a suite.
fn exceptions(suite: &str) -> Vec<Divergence> {
    let entries: Vec<BTreeMap<String, String>> =
        serde_json::from_str(include_str!("vectors/exceptions.json")).unwrap();
    let of_suite = entries.into_iter().filter(|entry| entry["suite"] == suite);
    of_suite
        .map(|entry| {
            assert!(entry["reason"].len() > 10, "an exception without a reason: {entry:?}");
            let [case, expected, actual] =
                ["case", "expected", "actual"].map(|name| entry[name].clone());
            Divergence { case, expected, actual }
        })
        .collect()
}

/// Prints a line. `println!` would not do, because the test harness hides its output if the test
/// passes.
fn report(line: &str) {
    #[cfg(not(target_arch = "wasm32"))]
    {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "{line}").expect("standard output is open");
    }
    #[cfg(target_arch = "wasm32")]
    wasm_bindgen_test::console_log!("{line}");
}
