//! A fetched document, before anything is read out of it.

use super::fetch::Answer;
use super::report::IssuerReport;
use portcullis::json::{self, Object};
use portcullis::keys::cache::{FRESH_AT_LEAST, FRESH_AT_MOST, FRESH_BY_DEFAULT, freshness};
use portcullis::time::Seconds;
use std::time::Duration;

/// A difference of clocks that is not worth a word: the answer was under way, and `Date` has no fractions.
const CLOCKS_AGREE: Duration = Duration::from_secs(5);

/// A document to be judged.
pub(crate) struct Document<'a> {
    /// What it is, in words.
    pub(crate) what: &'static str,
    /// Where it was.
    pub(crate) url: &'a str,
    /// The place in the policy that led there.
    pub(crate) path: &'a str,
}

impl Document<'_> {
    /// Whether the server says that there is none; the gate then asks elsewhere.
    pub(crate) fn is_absent(answer: &Answer) -> bool {
        matches!(answer.status, 404 | 410)
    }

    /// Reads the document, and notes what is wrong with it.
    pub(crate) fn read(
        &self,
        answer: &Result<Answer, String>,
        leeway: Seconds,
        report: &mut IssuerReport,
    ) -> Option<Object> {
        let Self { what, url, path } = self;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let problem = format!("{what} at {url} could not be fetched: {error}");
                let remedy = "mind that the gate trusts only public certificate authorities, and \
                              fetches from the internet and not from this machine";
                report.fault(*path, problem, remedy);
                return None;
            }
        };
        self.compare_clocks(answer, leeway, report);
        match answer.status {
            200 => {}
            status @ 300..400 => {
                let to = answer.location.as_deref().unwrap_or("nowhere");
                let problem = format!("{what} at {url} answered {status}, a redirect to {to}");
                let remedy = "the gate follows no redirect: write the URL that they lead to";
                report.fault(*path, problem, remedy);
                return None;
            }
            status => {
                let problem = format!("{what} at {url} answered {status} instead of 200");
                report.fault(*path, problem, "correct the URL, or ask the provider for it");
                return None;
            }
        }
        if answer.is_cut {
            let problem = format!("{what} at {url} has more than 256 KiB");
            let remedy = "the gate reads no more: the provider has to publish less";
            report.fault(*path, problem, remedy);
            return None;
        }
        let Ok(object) = json::parse_object(&answer.body) else {
            let begins = answer.body.trim_ascii_start().first();
            let instead = if begins == Some(&b'<') { ", but a web page" } else { "" };
            let problem =
                format!("{what} at {url} is not a JSON object without repeated names{instead}");
            report.fault(*path, problem, "correct the URL, or ask the provider for it");
            return None;
        };
        Some(object)
    }

    /// Says how long the document serves, and where that is not what its server says.
    pub(crate) fn compare_freshness(&self, answer: &Answer, report: &mut IssuerReport) -> Seconds {
        let Self { what, path, .. } = self;
        let header = answer.cache_control.as_deref();
        let fresh_for = freshness(header);
        let minutes = minutes(fresh_for);
        let shown = header.unwrap_or_default();
        let remedy = "nothing, if that suits the provider's way to change keys";
        if header.is_none() {
            let problem = format!("{what} has no Cache-Control: it is kept for {minutes}");
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_AT_LEAST {
            let problem =
                format!("{what} has Cache-Control: {shown}, and is kept for {minutes}, the least");
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_AT_MOST {
            let problem =
                format!("{what} has Cache-Control: {shown}, and is kept for {minutes}, the most");
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_BY_DEFAULT {
            report.facts.push(format!("{what} is kept for {minutes} (Cache-Control: {shown})"));
        } else {
            report.facts.push(format!("{what} is kept for {minutes}, as its server says"));
        }
        fresh_for
    }

    fn compare_clocks(&self, answer: &Answer, leeway: Seconds, report: &mut IssuerReport) {
        let Some(date) = answer.date else { return };
        let (difference, word) = match answer.received.duration_since(date) {
            Ok(behind) => (behind, "behind"),
            Err(ahead) => (ahead.duration(), "ahead of"),
        };
        if difference <= CLOCKS_AGREE {
            return;
        }
        let problem = format!(
            "by its Date header, the clock of {} is {} s {word} this machine's",
            self.url,
            difference.as_secs()
        );
        let remedy = "set whichever is wrong; the gate's own clock is the platform's, and leeway \
                      allows for a difference";
        if difference > Duration::from_secs(leeway.get().into()) {
            report.fault(self.path, problem, remedy);
        } else {
            report.warning(self.path, problem, remedy);
        }
    }
}

fn minutes(span: Seconds) -> String {
    match span.get() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
