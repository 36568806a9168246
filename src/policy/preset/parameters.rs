//! The parameters of presets: host names, URLs and IDs.

use super::super::fault::Faults;
use super::super::reader::{Faulty, Table};
use crate::url::Url;

/// Reads the parameters of a preset. For a parameter with a fault, it reports the fault and returns
/// a valid placeholder.
pub(super) struct Parameters<'t, 'v> {
    table: &'t Table<'v>,
    faults: &'t mut Faults,
}

impl<'t, 'v> Parameters<'t, 'v> {
    pub(super) const fn new(table: &'t Table<'v>, faults: &'t mut Faults) -> Self {
        Self { table, faults }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.has(key)
    }

    /// A host name, such as `example`.
    pub(super) fn host(&mut self, key: &str, example: &str) -> String {
        self.read(key, example, |text| {
            let (_, after_scheme) = text.split_once("://").unwrap_or(("", text));
            let (host, _) = after_scheme.split_once('/').unwrap_or((after_scheme, ""));
            if !is_host(host) {
                return Err(("not a host name".to_owned(), None));
            }
            if host != text {
                return Err((
                    "it contains more than a host name".to_owned(),
                    Some(host.to_owned()),
                ));
            }
            Ok(host.to_ascii_lowercase())
        })
    }

    /// The URL of a server, which may have a path, without a final slash.
    pub(super) fn base(&mut self, key: &str, example: &str) -> String {
        let accept = |text: &str| base(text).map_err(|problem| (problem.to_owned(), None));
        self.accepted(key, example, accept)
            .unwrap_or_else(|| format!("https://{}", self.stand_in()))
    }

    /// An ID that becomes part of a URL.
    pub(super) fn identifier(&mut self, key: &str, example: &str) -> String {
        self.read(key, example, |text| {
            let problem =
                "it becomes part of a URL, so it may contain only letters, digits, - . _ ~";
            is_segment(text).then(|| text.to_owned()).ok_or((problem.to_owned(), None))
        })
    }

    /// A text that `accept` accepts. Otherwise `accept` returns what is wrong and, if it can tell,
    /// the value that was meant.
    pub(super) fn read(
        &mut self,
        key: &str,
        example: &str,
        accept: impl FnOnce(&str) -> Result<String, (String, Option<String>)>,
    ) -> String {
        self.accepted(key, example, accept).unwrap_or_else(|| self.stand_in())
    }

    fn accepted(
        &mut self,
        key: &str,
        example: &str,
        accept: impl FnOnce(&str) -> Result<String, (String, Option<String>)>,
    ) -> Option<String> {
        let remedy = format!("write, for example, {key} = \"{example}\"");
        let found = self.table.text(key, self.faults);
        let text = self.table.require(key, found, &remedy, self.faults).ok()?;
        let report = |(problem, meant)| {
            let remedy = match meant {
                Some(meant) => format!("write {key} = \"{meant}\""),
                None => remedy.clone(),
            };
            self.faults.fault(self.table.at(key), problem, remedy);
        };
        accept(text).map_err(report).ok()
    }

    /// A text, or a list of texts.
    pub(super) fn several(&mut self, key: &str, example: &str) -> Vec<String> {
        let found = self.table.texts(key, true, self.faults);
        let remedy = format!("write, for example, {key} = \"{example}\", or a list");
        match self.table.require(key, found, &remedy, self.faults) {
            Ok(texts) => texts.into_iter().map(str::to_owned).collect(),
            Err(Faulty) => vec![self.stand_in()],
        }
    }

    /// Reports a parameter that conflicts with another.
    pub(super) fn fault(&mut self, key: &str, problem: &str, remedy: &str) {
        self.faults.fault(self.table.at(key), problem, remedy);
    }

    /// A placeholder that is valid as a host name and as an ID, and different for each issuer, so
    /// that no two issuers conflict because of it.
    fn stand_in(&self) -> String {
        let place: String = self.table.path().chars().filter(char::is_ascii_digit).collect();
        format!("issuer-{place}.invalid")
    }
}

/// Whether this is a host name with a dot and without a port.
fn is_host(text: &str) -> bool {
    let address = format!("https://{text}");
    let is_whole = Url::parse(&address).is_ok_and(|url| url.rest.is_empty());
    is_whole
        && text.contains('.')
        && !text.contains([':', '_'])
        && text.parse::<std::net::Ipv4Addr>().is_err()
}

/// Whether this is a path segment that every parser reads the same way.
fn is_segment(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().all(plain) && text.bytes().any(|byte| byte != b'.')
}

fn base(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text)?;
    let path = url.rest.strip_suffix('/').unwrap_or(url.rest);
    if path.contains(['?', '#']) {
        return Err("it has a query or fragment");
    }
    if !path.split('/').skip(1).all(is_segment) {
        return Err("its path contains characters other than letters, digits, - . _ ~");
    }
    Ok(format!("{}{path}", url.base))
}
