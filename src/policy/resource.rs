//! Compiles `resource`: the API's metadata (RFC 9728).

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::route::scopes;
use crate::extract::TokenSource;
use crate::issuer::Issuer;
use crate::json::Object;
use crate::json::text::to_text;
use crate::path::CanonicalPath;
use crate::possession::Settings;
use crate::resource::{Resource, Resources, WELL_KNOWN};
use crate::url::Url;
use serde_json::{Value, json};

const FIELDS: [&str; 4] = ["identifier", "authorization_servers", "scopes_supported", "root"];

/// Compiles `resource`: a table, or a list of tables. `sources` are the places where the gate looks
/// for tokens. The document says how tokens have to be bound (RFC 9728 section 2).
#[cold]
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    sources: &[TokenSource],
    issuers: &[Issuer],
    possession: &Settings,
    faults: &mut Faults,
) -> Result<Resources, Faulty> {
    let tables = match policy.get("resource") {
        Some(Value::Array(_)) => policy.tables("resource", &FIELDS, faults)?,
        _ => policy.table("resource", &FIELDS, faults)?.into_iter().collect(),
    };
    let mut resources: Vec<Resource> = Vec::new();
    let mut outcome = Ok(());
    for table in &tables {
        let Ok(resource) = compile_one(table, sources, issuers, possession, faults) else {
            outcome = Err(Faulty);
            continue;
        };
        if resources.iter().any(|other| other.identifier_path == resource.identifier_path) {
            faults.fault(
                table.at("identifier"),
                "another resource has the same path, and the gate distinguishes them by it",
                "give each resource a path of its own",
            );
            outcome = Err(Faulty);
        }
        if resource.at_root && resources.iter().any(|other| other.at_root) {
            faults.fault(
                table.at("root"),
                "there is one document at the root, and another resource has it",
                "remove it",
            );
            outcome = Err(Faulty);
        }
        resources.push(resource);
    }
    outcome.map(|()| Resources(resources))
}

#[inline(never)]
fn compile_one(
    table: &Table<'_>,
    sources: &[TokenSource],
    issuers: &[Issuer],
    possession: &Settings,
    faults: &mut Faults,
) -> Result<Resource, Faulty> {
    let identifier = compile_identifier(table, faults);
    let servers = compile_servers(table, faults);
    let scopes = scopes(table, "scopes_supported", faults);
    let at_root = table.flag("root", faults);
    let (identifier, base, path) = identifier?;
    let (servers, scopes) = (servers?, scopes?);
    let identifier_path = path.strip_suffix('/').unwrap_or(path).to_owned();
    let methods: Vec<_> = sources
        .iter()
        .filter_map(|source| match source {
            TokenSource::Authorization => Some("header"),
            TokenSource::Query(_) => Some("query"),
            TokenSource::Dpop
            | TokenSource::Scheme(_)
            | TokenSource::Cookie(_)
            | TokenSource::BearerCookie(_)
            | TokenSource::Header(_)
            | TokenSource::WebSocketProtocol
            | TokenSource::Subprotocol(_) => None,
        })
        .collect();
    let mut document = Object::new();
    document.insert("resource".to_owned(), json!(identifier));
    document.insert("authorization_servers".to_owned(), json!(servers));
    document.insert("bearer_methods_supported".to_owned(), json!(methods));
    if !scopes.is_empty() {
        document.insert("scopes_supported".to_owned(), json!(scopes));
    }
    if possession.is_used {
        let names = possession.dpop.algorithms.iter().map(|algorithm| algorithm.name());
        let names: Vec<_> = names.collect();
        let mtls = possession.mtls.is_advertised;
        let mut set = |name: &str, value| document.insert(name.to_owned(), value);
        set("dpop_signing_alg_values_supported", json!(names));
        set(
            "dpop_bound_access_tokens_required",
            json!(!mtls && issuers.iter().all(Issuer::requires_bound_tokens)),
        );
        set("tls_client_certificate_bound_access_tokens", json!(mtls));
    }
    let document = Value::Object(document);
    let path = format!("{WELL_KNOWN}{path}");
    Ok(Resource {
        identifier_path,
        at_root: at_root?.unwrap_or(false),
        url: format!("{base}{path}"),
        path,
        document: to_text(&document),
    })
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
