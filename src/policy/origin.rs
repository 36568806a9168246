//! Where admitted requests go.

use super::Bindings;
use super::fault::Faults;
use super::reader::Table;
use crate::outgoing::Origin;

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
            format!("add it under services in wrangler.toml: {{ binding = \"{name}\", service = \"…\" }}"),
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

/// Checks a server's URL and brings it into the form to which a path is appended.
fn server(text: &str) -> Result<String, &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or("not a URL with a scheme")?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '\\']) {
        return Err("it has a path, and the request brings its own");
    }
    if authority.contains(['?', '#']) {
        return Err("it has a query or fragment, and the request brings its own");
    }
    if authority.contains('@') {
        return Err("it has user information, which would be a secret in the policy");
    }
    let authority = authority.to_ascii_lowercase();
    let host = host_of(&authority)?;
    match scheme {
        "https" => {}
        "http" if is_loopback(host) => {}
        "http" => return Err("it is http, and tokens would go over the wire in clear"),
        _ => return Err("its scheme is not https"),
    }
    Ok(format!("{scheme}://{authority}"))
}

fn host_of(authority: &str) -> Result<&str, &'static str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| {
        port.starts_with('+') || !port.parse::<u16>().is_ok_and(|port| port > 0)
    }) {
        return Err("its port is not a number from 1 to 65535");
    }
    let good = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            // A last label that begins with a digit makes an IPv4 address of the whole (WHATWG URL
            // section 3.5), so that it has to be one.
            let numeric = host
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
            host.split('.').all(label) && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
        }
    };
    good.then_some(host).ok_or("its host is not a name or address in ASCII")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
