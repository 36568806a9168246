//! Compiles `origin`: where admitted requests go.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;
use crate::outgoing::Origin;
use crate::server::Server;

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
    match Server::parse(text) {
        Ok(server) => Some(Origin::Url(server)),
        Err(problem) => {
            faults.fault(table.at("origin"), problem, REMEDY);
            None
        }
    }
}
