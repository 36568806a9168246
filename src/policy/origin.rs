//! Compiles `origin`: where admitted requests go.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;
use crate::outgoing::Origin;
use crate::url::Url;

const REMEDY: &str =
    "write \"https://host\", \"service:BINDING\", \"zone\", or \"echo\" for a demonstration";

pub(super) fn compile(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Origin> {
    let found = table.text("origin", faults);
    let text = table.require("origin", found, REMEDY, faults).ok()?;
    match text {
        "echo" => return Some(Origin::Echo),
        "zone" => return Some(Origin::Zone),
        _ => {}
    }
    if let Some(name) = text.strip_prefix("service:") {
        if bindings.is_service(name) {
            return Some(Origin::Service(name.to_owned()));
        }
        faults.fault(
            table.at("origin"),
            format!("there is no service binding {name}"),
            format!(
                "add it under services in wrangler.toml: {{ binding = \"{name}\", \
                 service = \"…\" }}"
            ),
        );
        return None;
    }
    match server(text) {
        Ok(base) => Some(Origin::Url(base)),
        Err(problem) => {
            faults.fault(table.at("origin"), problem, REMEDY);
            None
        }
    }
}

/// Checks a server's URL, and returns it without a final slash, so that a path can be appended.
fn server(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text)?;
    if url.rest.contains(['?', '#']) {
        return Err("it has a query or fragment, but the query comes from the request");
    }
    if !matches!(url.rest, "" | "/") {
        return Err("it has a path, but the path comes from the request");
    }
    Ok(url.base)
}
