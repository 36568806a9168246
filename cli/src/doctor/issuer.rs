//! Examines one issuer: fetches its metadata and keys as the gate does.

use super::document::Document;
use super::fetch::{self, FetchedResponse};
use super::key_set;
use super::report::IssuerReport;
use crate::clock::unix;
use portcullis::issuer::Issuer;
use portcullis::json::Object;
use portcullis::keys::cache::Dated;
use portcullis::keys::remote::{self, Location};
use portcullis::keys::{KeySet, RemoteKeys};
use portcullis::rules::Expected;
use portcullis::time::Seconds;
use portcullis::url::Url;
use serde_json::Value;

/// Examines an issuer. Returns the keys that were fetched.
pub(crate) fn examine(issuer: &Issuer) -> (IssuerReport, Option<Dated<KeySet>>) {
    let only_introspects = !issuer.has_keys();
    let name = issuer.name().to_owned();
    let mut report = IssuerReport { name, only_introspects, ..IssuerReport::default() };
    if only_introspects {
        return (report, None);
    }
    let Some(remote) = issuer.remote() else {
        "a binding or the policy".clone_into(&mut report.source);
        let keys = issuer.keys().map_or(&[][..], KeySet::keys);
        report.keys.extend(keys.iter().map(key_set::described));
        return (report, None);
    };
    let mut examination = Examination {
        issuer,
        remote,
        leeway: issuer.rules().times.leeway,
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
                "the gate fetches through the service binding {service}, and this command over the \
                 network"
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
        let response = fetch::get(url);
        let set = document.read(&response, self.leeway, &mut self.report)?;
        let response = response.ok()?;
        let fresh_for = document.compare_freshness(&response, &mut self.report);
        let algorithms = self.issuer.algorithms();
        let value = key_set::import(&set, algorithms, &self.path, &mut self.report)?;
        Some(Dated { value, fetched: unix(response.received), fresh_for })
    }

    /// Discovers the key set's URL in the same order as the gate.
    fn discover(&mut self, issuer: &str) -> Option<String> {
        let urls = remote::metadata_urls(issuer).ok()?;
        let found = urls.iter().find_map(|url| {
            let response = fetch::get(url);
            let is_absent = response.as_ref().is_ok_and(|found| remote::is_absent(found.status));
            (!is_absent).then_some((url, response))
        });
        let Some((url, response)) = found else {
            let problem =
                format!("the issuer publishes no metadata, neither at {}", urls.join(" nor at "));
            let remedy = "correct issuer, or write keys = { jwks_uri = \"https://…\" }";
            self.report.fault(&self.issuer_path, problem, remedy);
            return None;
        };
        let document = Document { what: "the metadata", url, path: &self.path };
        let metadata = document.read(&response, self.leeway, &mut self.report)?;
        let response = response.ok()?;
        if let Some((named, problem)) = other_issuer(&metadata, url, issuer) {
            let remedy = format!("if this is the right provider, write issuer = \"{named}\"");
            self.report.fault(&self.issuer_path, problem, remedy);
            return None;
        }
        match remote::url_in_metadata(&response.body, issuer, remote::JWKS_URI) {
            Ok(jwks_uri) => {
                self.report.facts.push(format!("the keys are at {jwks_uri}"));
                Some(jwks_uri)
            }
            Err(fault) => {
                let problem = format!("{url}: {fault}");
                let remedy = "ask the provider for its key set, and write keys = { jwks_uri = \
                              \"https://…\" }";
                self.report.fault(&self.path, problem, remedy);
                None
            }
        }
    }

    /// Compares the policy with the metadata, if there is any. The policy names the key set, so the
    /// gate does not need the metadata.
    fn compare_with_metadata(&mut self, jwks_uri: &str) {
        let Expected::OneOf(names) = &self.issuer.rules().issuer else { return };
        let [issuer] = names.as_slice() else { return };
        if self.issuer.rules().tenant.is_some() || !is_alike(issuer, jwks_uri) {
            return;
        }
        let Ok(urls) = remote::metadata_urls(issuer) else { return };
        let found = urls.iter().find_map(|url| {
            let response: FetchedResponse =
                fetch::get(url).ok().filter(|response| response.status == 200)?;
            Some((url, portcullis::json::parse_object(&response.body).ok()?))
        });
        let Some((url, metadata)) = found else { return };
        if let Some((named, problem)) = other_issuer(&metadata, url, issuer) {
            let problem = format!("{problem}; tokens with that iss are refused");
            let remedy = format!("if tokens have that iss, write issuer = \"{named}\"");
            self.report.warning(&self.issuer_path, problem, remedy);
        }
        if let Some(Value::String(named)) = metadata.get("jwks_uri")
            && named != jwks_uri
        {
            let problem = format!("according to the metadata at {url}, the keys are at {named}");
            let remedy = format!("if that URL is newer, write keys = {{ jwks_uri = \"{named}\" }}");
            self.report.warning(&self.path, problem, remedy);
        }
    }
}

/// Whether both URLs are on the network, or both on this machine.
fn is_alike(issuer: &str, jwks_uri: &str) -> bool {
    match (Url::parse(issuer), Url::parse(jwks_uri)) {
        (Ok(issuer), Ok(jwks_uri)) => issuer.is_plain_http() == jwks_uri.is_plain_http(),
        _ => false,
    }
}

/// The issuer that the metadata names, and the problem, if the policy names another.
fn other_issuer<'m>(metadata: &'m Object, url: &str, issuer: &str) -> Option<(&'m str, String)> {
    let named = metadata.get("issuer")?.as_str().filter(|named| *named != issuer)?;
    let problem = format!(
        "the metadata at {url} names the issuer \"{named}\", and the policy names \"{issuer}\"{}",
        difference(named, issuer)
    );
    Some((named, problem))
}

/// Describes a difference that is easily overlooked.
fn difference(one: &str, other: &str) -> &'static str {
    if one.trim_end_matches('/') == other.trim_end_matches('/') {
        " (only one ends with a slash)"
    } else if one.eq_ignore_ascii_case(other) {
        " (they differ in case)"
    } else {
        ""
    }
}
