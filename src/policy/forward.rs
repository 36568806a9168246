//! Compiles `forward`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, keys};
use crate::alg::Algorithm;
use crate::headers::{self, folded};
use crate::issuer::Issuer;
use crate::keys::{Key, KeySet};
use crate::outgoing::{Forwarding, Origin};
use crate::proof::HopProof;
use crate::signature;
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
    let place = table.at("secret");
    let key = keys::compile_proof_secret(table, bindings, faults)?;
    let issuers_keys = issuers.iter().filter_map(Issuer::keys).flat_map(KeySet::keys);
    if issuers_keys.into_iter().any(|other| is_same_secret(&key, other)) {
        faults.fault(
            place,
            "an issuer's tokens are signed with the same secret, so anyone who can sign tokens \
             could forge proofs",
            "generate a secret for the proof only, for example with `openssl rand -base64 48`",
        );
        return Err(Faulty);
    }
    let lifetime = lifetime?.unwrap_or(Seconds::new(60));
    Ok(Some(HopProof { header: header?, key, lifetime }))
}

/// Whether two keys are the same HMAC key, even if their bindings encode it differently.
fn is_same_secret(one: &Key, other: &Key) -> bool {
    const MESSAGE: &[u8] = b"portcullis";
    let tag = signature::tag(other, MESSAGE);
    signature::is_valid(Algorithm::HS256, one, MESSAGE, &tag)
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
