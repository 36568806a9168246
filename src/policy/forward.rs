//! Compiles `forward`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, keys};
use crate::headers::{self, folded};
use crate::issuer::Issuer;
use crate::keys::KeySet;
use crate::outgoing::{Forwarding, Origin};
use crate::proof::HopProof;
use crate::time::Seconds;

/// Compiles `forward`. `origin` and `issuers` are `None` if they have faults of their own.
pub(super) fn compile(
    policy: &Table<'_>,
    origin: Option<Origin>,
    issuers: Option<&[Issuer]>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Forwarding> {
    let known = ["authorization", "claims", "payload", "proof"];
    let Some(forward) = policy.table("forward", &known, faults).ok()? else {
        return Some(Forwarding::new(origin?, false, Vec::new(), None, None));
    };
    let strip = forward.choice("authorization", &[("keep", false), ("strip", true)], faults);
    let mut written = Vec::new();
    let claims = compile_claims(&forward, &mut written, faults);
    let payload = compile_payload(&forward, &mut written, faults);
    let proof =
        compile_proof(&forward, issuers.unwrap_or_default(), bindings, &mut written, faults);
    let strip = strip.ok()?.unwrap_or(false);
    Some(Forwarding::new(origin?, strip, claims.ok()?, payload.ok()?, proof.ok()?))
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

fn compile_proof(
    forward: &Table<'_>,
    issuers: &[Issuer],
    bindings: &dyn Bindings,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> Result<Option<HopProof>, Faulty> {
    let known = ["header", "secret", "encoding", "lifetime"];
    let Some(table) = forward.table("proof", &known, faults)? else { return Ok(None) };
    let header = table.text("header", faults).map(|header| header.unwrap_or("X-Portcullis-Proof"));
    let header = header.and_then(|header| {
        let good = check_header_name(header, &table.at("header"), written, faults);
        good.then(|| header.to_owned()).ok_or(Faulty)
    });
    let lifetime = table.seconds("lifetime", 1..=300, faults);
    let remedy = "name the binding of a secret that the origin also has";
    let others = issuers.iter().filter_map(Issuer::keys).flat_map(KeySet::keys);
    let key = keys::compile_own_secret(table, remedy, others, bindings, faults)?;
    let lifetime = lifetime?.unwrap_or(Seconds::new(60));
    Ok(Some(HopProof { header: header?, key, lifetime }))
}

fn check_header_name(
    name: &str,
    path: &str,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> bool {
    if !headers::is_name(name) {
        faults.fault(
            path,
            "not a header name",
            "use letters, digits and hyphens, such as X-Auth-Subject",
        );
    } else if headers::is_reserved(name) || folded(name).starts_with("cf-") {
        faults.fault(
            path,
            format!("{name} already has a meaning in HTTP or on Cloudflare"),
            "choose another name, such as X-Auth-Subject",
        );
    } else if written.iter().any(|other| *other == folded(name)) {
        faults.fault(
            path,
            format!("the policy sets {name} twice, in spellings that servers may not distinguish"),
            "set each header once",
        );
    } else {
        written.push(folded(name).into_owned());
        return true;
    }
    false
}
