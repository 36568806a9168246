//! Compiles `dpop` and `mtls`: how clients prove that they have the keys of their tokens.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use super::{Bindings, keys};
use crate::alg::Algorithm;
use crate::issuer::Issuer;
use crate::keys::{Key, KeySet};
use crate::possession::{Dpop, Mtls, Nonces, ReplayStore, Settings, Trust};
use crate::proof::HopProof;
use serde_json::Value;

/// Compiles both tables. `issuers` and `proof` are `None` if they have faults of their own.
#[cold]
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    issuers: Option<&[Issuer]>,
    proof: Option<&HopProof>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Settings> {
    let is_used = issuers.unwrap_or_default().iter().any(Issuer::takes_bound_tokens);
    for key in ["dpop", "mtls"] {
        if policy.has(key) && issuers.is_some() && !is_used {
            faults.fault(
                policy.at(key),
                "it has no effect, because no issuer accepts sender-constrained tokens",
                "set sender_constrained = \"accepted\" or \"required\" for an issuer, or remove it",
            );
        }
    }
    let held = issuers.unwrap_or_default().iter().filter_map(Issuer::keys).flat_map(KeySet::keys);
    let others = held.chain(proof.map(|proof| &proof.key));
    let dpop = compile_dpop(policy, others, bindings, faults);
    let mtls = compile_mtls(policy, faults);
    Some(Settings { is_used, dpop: dpop.ok()?, mtls: mtls.ok()? })
}

fn compile_dpop<'k>(
    policy: &Table<'_>,
    others: impl Iterator<Item = &'k Key>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<Dpop, Faulty> {
    let Settings { dpop: defaults, .. } = Settings::default();
    let known = ["algorithms", "max_age", "nonce", "replay"];
    let Some(table) = policy.table("dpop", &known, faults)? else { return Ok(defaults) };
    let algorithms = compile_algorithms(&table, faults);
    let max_age = table.seconds("max_age", 5..=300, faults);
    let replay = compile_replay(&table, bindings, faults);
    let nonces = if table.has("nonce") {
        let remedy = "name the binding of a secret that only the gate has";
        keys::compile_own_secret(table, "nonce", remedy, others, bindings, faults)
            .map(|key| Some(Nonces { key }))
    } else {
        Ok(None)
    };
    Ok(Dpop {
        algorithms: algorithms?.unwrap_or(defaults.algorithms),
        max_age: max_age?.unwrap_or(defaults.max_age),
        nonces: nonces?,
        replay: replay?,
    })
}

fn compile_algorithms(
    table: &Table<'_>,
    faults: &mut Faults,
) -> Result<Option<Vec<Algorithm>>, Faulty> {
    let path = table.at("algorithms");
    let Some(names) = table.texts("algorithms", false, faults)? else { return Ok(None) };
    let mut algorithms = Vec::new();
    let mut outcome = Ok(());
    for (index, name) in names.into_iter().enumerate() {
        let problem = match Algorithm::from_name(name) {
            Some(algorithm) if algorithm.is_symmetric() => {
                "proofs are signed with a private key, and this algorithm uses a shared secret"
            }
            Some(algorithm) => {
                if !algorithms.contains(&algorithm) {
                    algorithms.push(algorithm);
                }
                continue;
            }
            None => "this build does not support this algorithm",
        };
        let remedy = "list algorithms such as [\"ES256\", \"EdDSA\"]";
        faults.fault(format!("{path}[{index}]"), format!("{name}: {problem}"), remedy);
        outcome = Err(Faulty);
    }
    outcome.map(|()| Some(algorithms))
}

/// The class of the Durable Objects, which the Worker and the npm package export.
pub const REPLAY_CLASS: &str = "ProofReplay";

fn compile_replay(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Result<ReplayStore, Faulty> {
    if matches!(table.get("replay"), None | Some(Value::String(_))) {
        table.choice("replay", &[("isolate", ())], faults)?;
        return Ok(ReplayStore::Isolate);
    }
    let Some(replay) = table.table("replay", &["durable_object"], faults)? else {
        return Ok(ReplayStore::Isolate);
    };
    let found = replay.text("durable_object", faults);
    let remedy = "name the binding of a Durable Object namespace, or write replay = \"isolate\"";
    let name = replay.require("durable_object", found, remedy, faults)?;
    if bindings.is_durable_object(name) {
        return Ok(ReplayStore::DurableObject(name.to_owned()));
    }
    faults.fault(
        replay.at("durable_object"),
        format!("there is no Durable Object binding {name}"),
        format!(
            "add it in wrangler.toml: durable_objects.bindings = [{{ name = \"{name}\", class_name \
             = \"{REPLAY_CLASS}\" }}], and migrations = [{{ tag = \"v1\", new_sqlite_classes = \
             [\"{REPLAY_CLASS}\"] }}]"
        ),
    );
    Err(Faulty)
}

fn compile_mtls(policy: &Table<'_>, faults: &mut Faults) -> Result<Mtls, Faulty> {
    let Some(table) = policy.table("mtls", &["trust"], faults)? else { return Ok(Mtls::default()) };
    let trust = table.choice("trust", &[("ca", Trust::Ca), ("any", Trust::Any)], faults)?;
    Ok(Mtls { trust: trust.unwrap_or_default(), is_advertised: true })
}
