//! Checks a fetched document before its content is used.

use super::fetch::FetchedResponse;
use super::report::IssuerReport;
use portcullis::json::{self, Object};
use portcullis::keys::cache::{FRESH_AT_LEAST, FRESH_AT_MOST, FRESH_BY_DEFAULT, freshness};
use portcullis::time::Seconds;
use std::time::Duration;

/// A difference of clocks that is not reported: the response takes time to arrive, and `Date` has
/// no fractions of seconds.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// A document that was fetched.
pub(crate) struct Document<'a> {
    /// What the document is, for messages.
    pub(crate) what: &'static str,
    /// The URL of the document.
    pub(crate) url: &'a str,
    /// The path in the policy that names the document.
    pub(crate) path: &'a str,
}

impl Document<'_> {
    /// Parses the document. Reports its problems and returns `None` if the gate could not use it.
    pub(crate) fn read(
        &self,
        response: &Result<FetchedResponse, String>,
        leeway: Seconds,
        report: &mut IssuerReport,
    ) -> Option<Object> {
        let Self { what, url, path } = self;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                let problem = format!("{what} at {url} could not be fetched: {error}");
                let remedy = "check the URL and the server; the gate fetches over the internet, \
                              and trusts only public certificate authorities";
                report.fault(*path, problem, remedy);
                return None;
            }
        };
        self.compare_clocks(response, leeway, report);
        match response.status {
            200 => {}
            status @ 300..400 => {
                let to = response.location.as_deref().unwrap_or("no location");
                let problem = format!("{url} responded with {status}, a redirect to {to}");
                let remedy = "write the URL to which it redirects; the gate follows no redirects";
                report.fault(*path, problem, remedy);
                return None;
            }
            status => {
                let problem = format!("{url} responded with {status} instead of 200");
                report.fault(*path, problem, "correct the URL, or ask the provider for it");
                return None;
            }
        }
        if response.is_too_large {
            let problem =
                format!("{what} at {url} is larger than 256 KiB, and the gate rejects it");
            let remedy = "ask the provider to publish a smaller document";
            report.fault(*path, problem, remedy);
            return None;
        }
        let object = json::parse_object(&response.body);
        object
            .map_err(|reason| {
                let problem = format!("{what} at {url} {reason}");
                report.fault(*path, problem, "correct the URL, or ask the provider for it");
            })
            .ok()
    }

    /// Reports how long the gate caches the document, with a warning if that differs from what the
    /// server requests.
    pub(crate) fn compare_freshness(
        &self,
        response: &FetchedResponse,
        report: &mut IssuerReport,
    ) -> Seconds {
        let Self { what, path, .. } = self;
        let header = response.cache_control.as_deref();
        let fresh_for = freshness(header);
        let minutes = minutes(fresh_for);
        let shown = header.unwrap_or_default();
        let remedy = "nothing to do if this suits the provider's key rotation";
        if header.is_none() {
            let problem =
                format!("{what} has no Cache-Control header; the gate caches it for {minutes}");
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_AT_LEAST {
            let problem = format!(
                "{what} has Cache-Control: {shown}; the gate caches it for {minutes}, its minimum"
            );
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_AT_MOST {
            let problem = format!(
                "{what} has Cache-Control: {shown}; the gate caches it for {minutes}, its maximum"
            );
            report.warning(*path, problem, remedy);
        } else if fresh_for == FRESH_BY_DEFAULT {
            report
                .facts
                .push(format!("the gate caches {what} for {minutes} (Cache-Control: {shown})"));
        } else {
            report
                .facts
                .push(format!("the gate caches {what} for {minutes}, as its server requests"));
        }
        fresh_for
    }

    fn compare_clocks(
        &self,
        response: &FetchedResponse,
        leeway: Seconds,
        report: &mut IssuerReport,
    ) {
        let Some(date) = response.date else { return };
        let (difference, word) = match response.received.duration_since(date) {
            Ok(behind) => (behind, "behind"),
            Err(ahead) => (ahead.duration(), "ahead of"),
        };
        if difference <= CLOCK_TOLERANCE {
            return;
        }
        let problem = format!(
            "according to its Date header, the clock of {} is {} s {word} this machine's",
            self.url,
            difference.as_secs()
        );
        let remedy = "set the clock that is wrong; the gate uses Cloudflare's clock, and leeway \
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
