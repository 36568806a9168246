//! What a provider is told of a tenant: host names, addresses, identifiers.

use super::super::fault::Faults;
use super::super::reader::{Faulty, Table};
use crate::url::Url;

/// The parameters of a preset, as they are read. A fault is reported, and stood in for by a value
/// that has none.
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
                    "an address, where the host name alone is asked for".to_owned(),
                    Some(host.to_owned()),
                ));
            }
            Ok(host.to_ascii_lowercase())
        })
    }

    /// The address of a server, perhaps with a path, without a final slash.
    pub(super) fn base(&mut self, key: &str, example: &str) -> String {
        let accept = |text: &str| base(text).map_err(|problem| (problem.to_owned(), None));
        self.accepted(key, example, accept)
            .unwrap_or_else(|| format!("https://{}", self.stand_in()))
    }

    /// An identifier that goes into an address as it is.
    pub(super) fn identifier(&mut self, key: &str, example: &str) -> String {
        self.read(key, example, |text| {
            let problem = "it goes into an address, and can hold letters, digits, - . _ ~";
            is_segment(text).then(|| text.to_owned()).ok_or((problem.to_owned(), None))
        })
    }

    /// A text that `accept` accepts, or says what is wrong with it and perhaps what was meant.
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
        let remedy = format!("write {key} = \"{example}\"");
        let found = self.table.text(key, self.faults);
        let text = self.table.require(key, found, &remedy, self.faults).ok()?;
        let report = |(problem, meant)| {
            let remedy = match meant {
                Some(meant) => format!("write {key} = \"{meant}\""),
                None => format!("{remedy} or the like"),
            };
            self.faults.fault(self.table.at(key), problem, remedy);
        };
        accept(text).map_err(report).ok()
    }

    /// One text or several.
    pub(super) fn several(&mut self, key: &str, example: &str) -> Vec<String> {
        let found = self.table.texts(key, true, self.faults);
        let remedy = format!("write {key} = \"{example}\" or a list");
        match self.table.require(key, found, &remedy, self.faults) {
            Ok(texts) => texts.into_iter().map(str::to_owned).collect(),
            Err(Faulty) => vec![self.stand_in()],
        }
    }

    /// Reports a parameter that does not go with the others.
    pub(super) fn fault(&mut self, key: &str, problem: &str, remedy: &str) {
        self.faults.fault(self.table.at(key), problem, remedy);
    }

    /// Good as a host name and as an identifier, and another one for each issuer.
    fn stand_in(&self) -> String {
        let place: String = self.table.path().chars().filter(char::is_ascii_digit).collect();
        format!("issuer-{place}.invalid")
    }
}

/// A name with a dot in it, and no port.
fn is_host(text: &str) -> bool {
    let address = format!("https://{text}");
    let is_whole = Url::parse(&address).is_ok_and(|url| url.rest.is_empty());
    is_whole
        && text.contains('.')
        && !text.contains([':', '_'])
        && text.parse::<std::net::Ipv4Addr>().is_err()
}

/// One segment of a path that every reader reads alike.
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
        return Err("its path holds other characters than letters, digits, - . _ ~");
    }
    Ok(format!("{}{path}", url.base))
}
