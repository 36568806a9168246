//! Compiles `key_cache`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, keys};
use crate::issuer::Issuer;
use crate::keys::KeySet;
use crate::keys::shared::SharedCache;
use crate::proof::HopProof;

/// Compiles `key_cache`. `issuers` and `proof` are `None` if they have faults of their own.
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    issuers: Option<&[Issuer]>,
    proof: Option<&HopProof>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Option<SharedCache>, Faulty> {
    let Some(table) = policy.table("key_cache", &["secret", "encoding"], faults)? else {
        return Ok(None);
    };
    let issuers = issuers.unwrap_or_default();
    if !issuers.is_empty() && issuers.iter().all(|issuer| issuer.remote().is_none()) {
        faults.warning(
            table.path(),
            "no issuer has keys that the gate fetches, so isolates have nothing to share",
            "remove it",
        );
    }
    let held = issuers.iter().filter_map(Issuer::keys).flat_map(KeySet::keys);
    let others = held.chain(proof.map(|proof| &proof.key));
    let remedy = "name the binding of a secret that only the gate has";
    let path = table.at("secret");
    let secret = keys::compile_own_secret(table, "secret", remedy, others, bindings, faults)?;
    SharedCache::new(&secret).map(Some).map_err(|problem| {
        faults.fault(path, problem.to_string(), remedy);
        Faulty
    })
}
