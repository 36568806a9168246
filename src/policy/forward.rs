//! Compiles `forward`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, identity, keys};
use crate::budget;
use crate::headers::{self, folded, is_authorization};
use crate::issuer::Issuer;
use crate::keys::KeySet;
use crate::outgoing::{FixedHeader, Forwarding, Origin, OwnHeaders};
use crate::proof::HopProof;
use crate::time::Seconds;

/// Compiles `forward`. `origin` and `issuers` are `None` if they have faults of their own.
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    origin: Option<Origin>,
    issuers: Option<&[Issuer]>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Forwarding> {
    let takes_bound_tokens = issuers.unwrap_or_default().iter().any(Issuer::takes_bound_tokens);
    let known = ["authorization", "claims", "payload", "headers", "proof", "identity", "location"];
    let Some(forward) = policy.table("forward", &known, faults).ok()? else {
        let rewrites_location = origin.as_ref()?.server().is_some();
        return Some(Forwarding::new(
            origin?,
            false,
            rewrites_location,
            OwnHeaders::default(),
            takes_bound_tokens,
        ));
    };
    let strip = forward.choice("authorization", &[("keep", false), ("strip", true)], faults);
    let location = compile_location(&forward, origin.as_ref(), faults);
    let mut written = Vec::new();
    let claims = compile_claims(&forward, &mut written, faults);
    let payload = compile_payload(&forward, &mut written, faults);
    let strips = matches!(strip, Ok(Some(true)));
    let fixed = compile_fixed(&forward, strips, bindings, &mut written, faults);
    let proof =
        compile_proof(&forward, issuers.unwrap_or_default(), bindings, &mut written, faults);
    let check_header = |name: &str, path: &str, faults: &mut Faults| {
        if is_authorization(name) {
            check_once(name, path, &mut written, faults)
        } else {
            check_header_name(name, path, &mut written, faults)
        }
    };
    let issuers = issuers.unwrap_or_default();
    let identity = identity::compile(&forward, issuers, bindings, check_header, faults);
    if matches!(proof, Ok(Some(_))) && origin == Some(Origin::Absent) {
        faults.fault(
            forward.at("proof"),
            "the proof names the origin that it is for, and the policy has none",
            "add origin, or remove forward.proof",
        );
        return None;
    }
    let headers = OwnHeaders {
        claims: claims.ok()?,
        payload: payload.ok()?,
        fixed: fixed.ok()?,
        proof: proof.ok()?,
        identity: identity.ok()?,
    };
    let replaces_authorization =
        headers.identity.as_ref().is_some_and(|identity| is_authorization(&identity.header));
    let strips = strip.ok()?.unwrap_or(false) || replaces_authorization;
    Some(Forwarding::new(origin?, strips, location.ok()?, headers, takes_bound_tokens))
}

fn compile_location(
    forward: &Table<'_>,
    origin: Option<&Origin>,
    faults: &mut Faults,
) -> Result<bool, Faulty> {
    let choice = forward.choice("location", &[("rewrite", true), ("keep", false)], faults)?;
    let is_server = origin.is_none_or(|origin| origin.server().is_some());
    if choice.is_some() && !is_server {
        faults.fault(
            forward.at("location"),
            "it applies only to an origin with a URL: any other origin sees the client's URL",
            "remove it",
        );
        return Err(Faulty);
    }
    Ok(is_server && choice.unwrap_or(true))
}

#[inline(never)]
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

/// Compiles `headers`: names of headers, and of the bindings that contain their values.
#[inline(never)]
fn compile_fixed(
    forward: &Table<'_>,
    strips_authorization: bool,
    bindings: &dyn Bindings,
    written: &mut Vec<String>,
    faults: &mut Faults,
) -> Result<Vec<FixedHeader>, Faulty> {
    let mut fixed = Vec::new();
    let mut outcome = Ok(());
    for (name, path, binding) in forward.entries("headers", faults)? {
        // Cloudflare Access reads its service tokens from headers that begin with "CF-". With
        // "strip", no Authorization of a client passes, so that of the gate cannot be mixed up.
        let is_free =
            matches!(folded(&name).as_ref(), "cf-access-client-id" | "cf-access-client-secret")
                || (strips_authorization && folded(&name) == "authorization");
        let name_is_good = if is_free {
            check_once(&name, &path, written, faults)
        } else {
            check_header_name(&name, &path, written, faults)
        };
        match keys::binding_text(binding, &path, bindings, faults) {
            Ok(value) if !is_header_value(&value) => {
                outcome = Err(Faulty);
                faults.fault(
                    &path,
                    "the binding's value cannot be sent in a header: it is empty, is larger than \
                     8 KiB, or contains a line break, a character outside ASCII, or white space \
                     at an end",
                    "set the secret again, without a line break at its end",
                );
            }
            Ok(value) if name_is_good => fixed.push(FixedHeader { name, value }),
            Ok(_) | Err(Faulty) => outcome = Err(Faulty),
        }
    }
    outcome.map(|()| fixed)
}

/// Whether a value consists of visible ASCII characters and inner spaces (RFC 9110 section 5.5).
fn is_header_value(value: &str) -> bool {
    !value.is_empty()
        && value.len() <= budget::FORWARDED_CLAIM_BYTES
        && value.trim() == value
        && value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
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

#[inline(never)]
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
    let key = keys::compile_own_secret(table, "secret", remedy, others, bindings, faults)?;
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
    } else {
        return check_once(name, path, written, faults);
    }
    false
}

fn check_once(name: &str, path: &str, written: &mut Vec<String>, faults: &mut Faults) -> bool {
    if written.iter().any(|other| *other == folded(name)) {
        faults.fault(
            path,
            format!("the policy sets {name} twice, in spellings that servers may not distinguish"),
            "set each header once",
        );
        return false;
    }
    written.push(folded(name).into_owned());
    true
}
