//! What is forwarded.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::outgoing::{Forwarding, Origin, folded};

/// Compiles `forward`; `origin` is nothing where that has a fault of its own.
pub(super) fn compile(
    policy: &Table<'_>,
    origin: Option<Origin>,
    faults: &mut Faults,
) -> Option<Forwarding> {
    let known = ["authorization", "claims", "payload"];
    let Some(forward) = policy.table("forward", &known, faults).ok()? else {
        return Some(Forwarding::new(origin?, false, Vec::new(), None));
    };
    let strip = forward.choice("authorization", &[("keep", false), ("strip", true)], faults);
    let mut written = Vec::new();
    let claims = compile_claims(&forward, &mut written, faults);
    let payload = compile_payload(&forward, &mut written, faults);
    let strip = strip.ok()?.unwrap_or(false);
    Some(Forwarding::new(origin?, strip, claims.ok()?, payload.ok()?))
}

fn compile_claims(
    forward: &Table<'_>,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> Result<Vec<(String, String)>, Faulty> {
    let mut claims = Vec::new();
    let mut outcome = Ok(());
    for (header, path, value) in forward.entries("claims", faults)? {
        let header_is_good = check_header_name(&header, &path, written, faults);
        match value.as_str().filter(|claim| !claim.is_empty()) {
            Some(claim) if header_is_good => claims.push((header, claim.to_owned())),
            Some(_) => outcome = Err(Faulty),
            None => {
                outcome = Err(Faulty);
                faults.fault(
                    &path,
                    "not the name of a claim",
                    "write a claim's name, or a JSON Pointer such as \"/sub\"",
                );
            }
        }
    }
    outcome.map(|()| claims)
}

fn compile_payload(
    forward: &Table<'_>,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> Result<Option<String>, Faulty> {
    let Some(header) = forward.text("payload", faults)? else { return Ok(None) };
    let good = check_header_name(header, &forward.at("payload"), written, faults);
    good.then(|| Some(header.to_owned())).ok_or(Faulty)
}

/// Headers with a meaning of their own in HTTP, or set by the gate in any case.
pub(super) const RESERVED_HEADERS: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-portcullis-hop",
];

fn check_header_name(
    name: &str,
    path: &str,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let reserved = RESERVED_HEADERS.contains(&folded(name).as_str());
    if name.is_empty() || !name.bytes().all(token) {
        faults.fault(
            path,
            "not a header name",
            "use letters, digits and hyphens, such as X-Auth-Subject",
        );
    } else if reserved || folded(name).starts_with("cf-") {
        faults.fault(
            path,
            format!("{name} has a meaning of its own in HTTP or on the platform"),
            "choose another name, such as X-Auth-Subject",
        );
    } else if written.contains(&folded(name)) {
        faults.fault(
            path,
            format!("two headers are spelled like {name}, give or take case, _ and -"),
            "write each header once",
        );
    } else {
        written.push(folded(name));
        return true;
    }
    false
}
