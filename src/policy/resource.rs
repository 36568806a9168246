//! Compiles `resource`: the API's metadata (RFC 9728).

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::route::scopes;
use crate::extract::TokenSource;
use crate::json::Object;
use crate::json::text::to_text;
use crate::path::CanonicalPath;
use crate::resource::{Resource, WELL_KNOWN};
use crate::url::Url;
use serde_json::{Value, json};

/// Compiles `resource`. `sources` are the places where the gate looks for tokens.
pub(super) fn compile(
    policy: &Table<'_>,
    sources: &[TokenSource],
    faults: &mut Faults,
) -> Result<Option<Resource>, Faulty> {
    let known = ["identifier", "authorization_servers", "scopes_supported"];
    let Some(table) = policy.table("resource", &known, faults)? else { return Ok(None) };
    let identifier = compile_identifier(&table, faults);
    let servers = compile_servers(&table, faults);
    let scopes = scopes(&table, "scopes_supported", faults);
    let (identifier, base, path) = identifier?;
    let (servers, scopes) = (servers?, scopes?);
    let methods: Vec<_> = sources
        .iter()
        .filter_map(|source| match source {
            TokenSource::Authorization => Some("header"),
            TokenSource::Query(_) => Some("query"),
            TokenSource::Cookie(_) | TokenSource::Header(_) | TokenSource::WebSocketProtocol => {
                None
            }
        })
        .collect();
    let mut document = Object::new();
    document.insert("resource".to_owned(), json!(identifier));
    document.insert("authorization_servers".to_owned(), json!(servers));
    document.insert("bearer_methods_supported".to_owned(), json!(methods));
    if !scopes.is_empty() {
        document.insert("scopes_supported".to_owned(), json!(scopes));
    }
    let document = Value::Object(document);
    let path = format!("{WELL_KNOWN}{path}");
    Ok(Some(Resource { url: format!("{base}{path}"), path, document: to_text(&document) }))
}

/// Returns the identifier, its scheme and authority, and its path.
fn compile_identifier<'v>(
    table: &Table<'v>,
    faults: &mut Faults,
) -> Result<(&'v str, String, &'v str), Faulty> {
    const REMEDY: &str = "write the API's own URL, such as https://api.example.com or \
                          https://example.com/api";
    let found = table.text("identifier", faults);
    let text = table.require("identifier", found, REMEDY, faults)?;
    let parts = Url::parse(text).and_then(|Url { base, rest }| {
        // RFC 9728 section 3.1: a final slash after the host is removed.
        let path = if rest == "/" { "" } else { rest };
        if !text.starts_with(&base) {
            Err("its scheme and host are not in lower case")
        } else if CanonicalPath::parse(rest).is_err() {
            Err("it has a query, a fragment, or a path that the gate refuses in requests")
        } else {
            Ok((text, base, path))
        }
    });
    parts.map_err(|problem| {
        faults.fault(table.at("identifier"), problem, REMEDY);
        Faulty
    })
}

fn compile_servers<'v>(table: &Table<'v>, faults: &mut Faults) -> Result<Vec<&'v str>, Faulty> {
    const REMEDY: &str =
        "write the URLs of the authorization servers, such as [\"https://tenant.example.com/\"]";
    let found = table.texts("authorization_servers", false, faults);
    let servers = table.require("authorization_servers", found, REMEDY, faults)?;
    let mut outcome = Ok(());
    for (index, server) in servers.iter().enumerate() {
        let problem = match Url::parse(server) {
            Err(problem) => problem,
            Ok(url) if url.rest.contains(['?', '#']) => "it has a query or fragment",
            Ok(_) => continue,
        };
        faults.fault(format!("{}[{index}]", table.at("authorization_servers")), problem, REMEDY);
        outcome = Err(Faulty);
    }
    outcome.map(|()| servers)
}
