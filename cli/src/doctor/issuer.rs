//! One issuer: its metadata and its keys, asked for as the gate would.

use super::document::Document;
use super::fetch::{self, Answer};
use super::key_set;
use super::report::IssuerReport;
use crate::clock::unix;
use portcullis::issuer::Issuer;
use portcullis::keys::cache::Dated;
use portcullis::keys::remote::{self, Location};
use portcullis::keys::{KeySet, RemoteKeys};
use portcullis::rules::Expected;
use portcullis::time::Seconds;
use portcullis::url::Url;
use serde_json::Value;

/// Examines an issuer. Returns the keys that were fetched.
pub(crate) fn examine(issuer: &Issuer) -> (IssuerReport, Option<Dated<KeySet>>) {
    let mut report = IssuerReport { name: issuer.name().to_owned(), ..IssuerReport::default() };
    let Some(remote) = issuer.remote() else {
        "a binding, or the policy itself".clone_into(&mut report.source);
        let keys = issuer.keys().map_or(&[][..], KeySet::keys);
        report.keys.extend(keys.iter().map(key_set::described));
        return (report, None);
    };
    let mut examination = Examination {
        issuer,
        remote,
        leeway: issuer.rules().leeway,
        path: format!("issuers[{}].keys", issuer.id().index()),
        issuer_path: format!("issuers[{}].issuer", issuer.id().index()),
        report,
    };
    let keys = examination.run();
    (examination.report, keys)
}

struct Examination<'i> {
    issuer: &'i Issuer,
    remote: &'i RemoteKeys,
    leeway: Seconds,
    path: String,
    issuer_path: String,
    report: IssuerReport,
}

impl Examination<'_> {
    fn run(&mut self) -> Option<Dated<KeySet>> {
        if let Some(service) = &self.remote.service {
            self.report.facts.push(format!(
                "the gate fetches through the service binding {service}; here it was the network"
            ));
        }
        let url = match &self.remote.location {
            Location::JwksUri(url) => {
                self.report.source = url.clone();
                self.compare_with_metadata(url);
                url.clone()
            }
            Location::Discovery(issuer) => {
                self.report.source = format!("the metadata of {issuer}");
                self.discover(issuer)?
            }
        };
        self.key_set(&url)
    }

    fn key_set(&mut self, url: &str) -> Option<Dated<KeySet>> {
        let document = Document { what: "the JWK Set", url, path: &self.path };
        let answer = fetch::get(url);
        let set = document.read(&answer, self.leeway, &mut self.report)?;
        let answer = answer.ok()?;
        let fresh_for = document.compare_freshness(&answer, &mut self.report);
        let algorithms = self.issuer.algorithms();
        let value = key_set::import(&set, algorithms, &self.path, &mut self.report)?;
        Some(Dated { value, fetched: unix(answer.received), fresh_for })
    }

    /// Discovers the key set's URL in the same order as the gate.
    fn discover(&mut self, issuer: &str) -> Option<String> {
        let urls = remote::metadata_urls(issuer).ok()?;
        let found = urls.iter().find_map(|url| {
            let answer = fetch::get(url);
            (!answer.as_ref().is_ok_and(Document::is_absent)).then_some((url, answer))
        });
        let Some((url, answer)) = found else {
            let problem =
                format!("the issuer has no metadata, neither at {}", urls.join(" nor at "));
            let remedy = "correct the issuer, or write keys = { jwks_uri = \"https://…\" }";
            self.report.fault(&self.issuer_path, problem, remedy);
            return None;
        };
        let document = Document { what: "the metadata", url, path: &self.path };
        let metadata = document.read(&answer, self.leeway, &mut self.report)?;
        let answer = answer.ok()?;
        if let Some(Value::String(named)) = metadata.get("issuer")
            && named != issuer
        {
            let problem = format!(
                "the metadata at {url} is of the issuer \"{named}\", and the policy's is \
                 \"{issuer}\"{}",
                difference(named, issuer)
            );
            let remedy = format!("if that is the provider, write issuer = \"{named}\"");
            self.report.fault(&self.issuer_path, problem, remedy);
            return None;
        }
        match remote::jwks_uri_of(&answer.body, issuer) {
            Ok(jwks_uri) => {
                self.report.facts.push(format!("the keys are at {jwks_uri}"));
                Some(jwks_uri)
            }
            Err(fault) => {
                let problem = format!("{url}: {fault}");
                let remedy = "ask the provider, or write keys = { jwks_uri = \"https://…\" }";
                self.report.fault(&self.path, problem, remedy);
                None
            }
        }
    }

    /// Where the policy names the key set, metadata need not be there; if it is, it knows how the
    /// provider spells its name.
    fn compare_with_metadata(&mut self, jwks_uri: &str) {
        let Expected::OneOf(names) = &self.issuer.rules().issuer else { return };
        let [issuer] = names.as_slice() else { return };
        if self.issuer.rules().tenant.is_some() || !is_alike(issuer, jwks_uri) {
            return;
        }
        let Ok(urls) = remote::metadata_urls(issuer) else { return };
        let found = urls.iter().find_map(|url| {
            let answer: Answer = fetch::get(url).ok().filter(|answer| answer.status == 200)?;
            Some((url, portcullis::json::parse_object(&answer.body).ok()?))
        });
        let Some((url, metadata)) = found else { return };
        if let Some(Value::String(named)) = metadata.get("issuer")
            && named != issuer
        {
            let problem = format!(
                "the metadata at {url} calls the issuer \"{named}\", and the policy \
                 \"{issuer}\"{}: tokens of that iss are refused",
                difference(named, issuer)
            );
            let remedy = format!("if tokens have that iss, write issuer = \"{named}\"");
            self.report.warning(&self.issuer_path, problem, remedy);
        }
        if let Some(Value::String(named)) = metadata.get("jwks_uri")
            && named != jwks_uri
        {
            let problem = format!("the metadata at {url} says that the keys are at {named}");
            let remedy =
                format!("write keys = {{ jwks_uri = \"{named}\" }} if it is the newer one");
            self.report.warning(&self.path, problem, remedy);
        }
    }
}

/// Whether both are on the network, or both on this machine.
fn is_alike(issuer: &str, jwks_uri: &str) -> bool {
    match (Url::parse(issuer), Url::parse(jwks_uri)) {
        (Ok(issuer), Ok(jwks_uri)) => issuer.is_plain_http() == jwks_uri.is_plain_http(),
        _ => false,
    }
}

/// What makes two names differ that a reader would take for the same.
fn difference(one: &str, other: &str) -> &'static str {
    if one.trim_end_matches('/') == other.trim_end_matches('/') {
        " (they differ in the slash at the end)"
    } else if one.eq_ignore_ascii_case(other) {
        " (they differ in upper and lower case)"
    } else {
        ""
    }
}
