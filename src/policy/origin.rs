//! Compiles `origin`: where admitted requests go.

use super::Bindings;
use super::fault::{Fault, Faults};
use super::reader::Table;
use crate::outgoing::Origin;
use crate::server::Server;

const REMEDY: &str =
    "write \"https://host\", \"service:BINDING\", \"zone\", or \"echo\" for a demonstration";

/// The fault of a policy without an origin, where requests are to be forwarded.
pub(super) fn missing() -> Fault {
    Fault {
        path: "origin".to_owned(),
        problem: "missing".to_owned(),
        remedy: format!("{REMEDY}; only `authenticate` needs no origin"),
    }
}

/// Compiles `origin`, which may be absent.
#[inline(never)]
pub(super) fn compile(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Origin> {
    let Some(text) = table.text("origin", faults).ok()? else { return Some(Origin::Absent) };
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
    match Server::parse(text) {
        Ok(server) => Some(Origin::Url(server)),
        Err(problem) => {
            faults.fault(table.at("origin"), problem, REMEDY);
            None
        }
    }
}
