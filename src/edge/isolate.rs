//! The state of an isolate between requests: the compiled policy, and the gate's memory.

use super::bindings::EnvBindings;
use super::call::Call;
use super::secrets_store::{READ_AGAIN_AFTER, ReadBindings, StoredSecrets};
use super::{clock, log};
use crate::budget;
use crate::gate::Memory;
use crate::issuer_id::IssuerId;
use crate::json;
use crate::keys::cache::KeyCache;
use crate::policy::{Bindings as _, Fault, Policy};
use crate::revocation::{Entry, Standing};
use crate::time::UnixSeconds;
use serde_json::Value;
use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

thread_local! {
    /// `None` until the first request has loaded the policy; `Some(None)` if the policy is invalid.
    /// The bindings of a deployment never change within an isolate, except for the secrets that a
    /// Secrets Store returns.
    static ISOLATE: RefCell<Option<Option<Rc<Isolate>>>> = const { RefCell::new(None) };
}

/// What the requests of an isolate share: values, never futures or promises.
pub(super) struct Isolate {
    pub(super) policy: Policy,
    memory: RefCell<Memory>,
    candidate: Option<Rc<Isolate>>,
    /// The service binding of the origin, once it has been looked up.
    origin: OnceCell<JsValue>,
    stored: StoredSecrets,
    /// When the stored secrets were last read, or a request last began to read them.
    read: Cell<UnixSeconds>,
}

impl Isolate {
    /// Returns the isolate's state, or `None` if the policy is invalid. Its faults are logged once.
    pub(super) async fn of(call: &Call<'_>) -> Option<Rc<Self>> {
        let isolate = match ISOLATE.with_borrow(Clone::clone) {
            Some(made) => made?,
            None => {
                let stored = secrets(call.env, &StoredSecrets::default()).await;
                let made = load(call.env, stored).ok()?;
                // Another request may have loaded it while this one waited for a secret.
                ISOLATE.with_borrow_mut(|isolate| isolate.get_or_insert(made).clone())?
            }
        };
        if isolate.stored.is_empty() {
            return Some(isolate);
        }
        let now = clock::now();
        let read = isolate.read.get();
        if read <= now && now < read.plus(READ_AGAIN_AFTER) {
            return Some(isolate);
        }
        // This request reads the secrets again. Others use what there is meanwhile.
        isolate.read.set(now);
        let reading = call.start(renew(Rc::clone(&isolate), call.env.clone()));
        drop(JsFuture::from(reading).await);
        Self::current()
    }

    /// Returns the isolate's state if a request has loaded it.
    pub(super) fn current() -> Option<Rc<Self>> {
        ISOLATE.with_borrow(Clone::clone).flatten()
    }

    /// The candidate policy in shadow mode, with a memory of its own.
    pub(super) const fn candidate(&self) -> Option<&Rc<Self>> {
        self.candidate.as_ref()
    }

    fn new(policy: Policy, candidate: Option<Rc<Self>>, stored: StoredSecrets) -> Rc<Self> {
        Rc::new(Self {
            memory: RefCell::new(Memory::new(&policy)),
            policy,
            candidate,
            origin: OnceCell::new(),
            stored,
            read: Cell::new(clock::now()),
        })
    }

    /// Returns the service binding of the policy's origin, or `None` if there is none of that name.
    pub(super) fn origin(&self, env: &Env, name: &str) -> Option<&JsValue> {
        if self.origin.get().is_none() {
            let _ = self.origin.set(EnvBindings(env).raw(name)?);
        }
        self.origin.get()
    }

    /// Borrows the memory. The borrow must end before anything is awaited.
    pub(super) fn memory(&self) -> Ref<'_, Memory> {
        self.memory.borrow()
    }

    /// Remembers an entry of the revocation store.
    pub(super) fn remember(&self, entry: Entry, standing: Standing, read: UnixSeconds) {
        self.memory.borrow_mut().revocations.remember(entry, standing, read);
    }

    /// Reads or changes the key cache of an issuer.
    pub(super) fn with_keys<T>(
        &self,
        issuer: IssuerId,
        action: impl FnOnce(&mut KeyCache) -> T,
    ) -> Option<T> {
        self.memory.borrow_mut().keys.get_mut(issuer).map(action)
    }
}

/// A Secrets Store did not return a secret. The next request tries again.
pub(super) struct Unread;

/// Reads the secrets that the policy and the candidate policy name.
pub(super) async fn secrets(env: &Env, before: &StoredSecrets) -> StoredSecrets {
    let policies = [POLICY, CANDIDATE].into_iter().filter_map(|name| raw_policy(env, name).ok());
    let references = policies.flat_map(|raw| Policy::binding_references(&raw));
    let names = references.map(|reference| reference.binding);
    StoredSecrets::read(env, names.collect(), before).await
}

/// Reads the secrets again. If one has been replaced, the next requests are judged with the new
/// one. If the policy is invalid with it, that is logged, and nothing changes.
async fn renew(isolate: Rc<Isolate>, env: Env) {
    let stored = secrets(&env, &isolate.stored).await;
    stored.unread().for_each(|name| log::policy_warning(&unread(name)));
    if !stored.has_changed_from(&isolate.stored) {
        return;
    }
    if let Ok(Some(renewed)) = load(&env, stored) {
        ISOLATE.with_borrow_mut(|isolate| *isolate = Some(Some(renewed)));
    }
}

fn load(env: &Env, stored: StoredSecrets) -> Result<Option<Rc<Isolate>>, Unread> {
    let policy = compile(env, POLICY, &stored, &log::policy_warning, &log::policy_fault)?;
    let Some(policy) = policy else { return Ok(None) };
    #[cfg(feature = "console")]
    super::console::warn_of_minting(env);
    let candidate = match EnvBindings(env).value(CANDIDATE) {
        // A candidate that is invalid or cannot be read is logged and ignored.
        Some(_) => compile(env, CANDIDATE, &stored, &|_| {}, &log::candidate_fault).ok().flatten(),
        None => None,
    };
    let candidate = candidate.map(|one| Isolate::new(one, None, StoredSecrets::default()));
    Ok(Some(Isolate::new(policy, candidate, stored)))
}

/// The variable of the policy that is enforced.
pub(super) const POLICY: &str = "POLICY";

/// The variable of the candidate policy.
const CANDIDATE: &str = "POLICY_CANDIDATE";

/// Compiles the policy in a variable. Returns `None` if it is invalid, and reports each fault to
/// `fault`.
pub(super) fn compile(
    env: &Env,
    variable: &str,
    stored: &StoredSecrets,
    warn: &dyn Fn(&Fault),
    fault: &dyn Fn(&Fault),
) -> Result<Option<Policy>, Unread> {
    let raw = match raw_policy(env, variable) {
        Ok(raw) => raw,
        Err(unreadable) => {
            fault(&unreadable);
            return Ok(None);
        }
    };
    let references = Policy::binding_references(&raw);
    let names = references.iter().map(|reference| reference.binding.as_str());
    let missing: Vec<_> = names.filter(|name| stored.is_missing(name)).collect();
    if !missing.is_empty() {
        missing.into_iter().for_each(|name| fault(&unread(name)));
        return Err(Unread);
    }
    let bindings = ReadBindings { environment: EnvBindings(env), stored };
    let compilation = Policy::compile(&raw, &bindings);
    compilation.warnings.iter().for_each(warn);
    Ok(compilation.outcome.inspect_err(|faults| faults.iter().for_each(fault)).ok())
}

fn unread(name: &str) -> Fault {
    Fault {
        path: String::new(),
        problem: format!("the Secrets Store did not return the secret of the binding {name}"),
        remedy: "check that the store has it: \
                 `npx wrangler secrets-store secret list STORE_ID --remote`"
            .to_owned(),
    }
}

/// Reads the variable of a policy: a table, or the same as a JSON text.
pub(super) fn raw_policy(env: &Env, variable: &str) -> Result<Value, Fault> {
    let fault = |problem: &str, remedy: &str| Fault {
        path: String::new(),
        problem: problem.replace("POLICY", variable),
        remedy: remedy.replace("POLICY", variable),
    };
    match EnvBindings(env).value(variable) {
        None => Err(fault("there is no variable POLICY", "write it under [vars.POLICY]")),
        Some(Value::String(text)) if text.len() > budget::POLICY_BYTES => Err(fault(
            "the variable POLICY is over 5 KB, the platform's limit",
            "put key sets into bindings of their own",
        )),
        Some(Value::String(text)) => json::parse(text.as_bytes()).map_err(|reason| {
            fault(
                &format!("the variable POLICY {reason}"),
                "write a table under [vars.POLICY], or the same as JSON",
            )
        }),
        Some(table) => Ok(table),
    }
}
