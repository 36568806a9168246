//! The state of an isolate between requests: the compiled policy, and the gate's memory.

use super::bindings::{EnvBindings, ReadBindings};
use super::log;
use crate::budget;
use crate::gate::Memory;
use crate::issuer_id::IssuerId;
use crate::json;
use crate::keys::cache::KeyCache;
use crate::policy::{Bindings as _, Fault, Policy};
use crate::revocation::{Entry, Standing};
use crate::time::UnixSeconds;
use serde_json::Value;
use std::cell::{OnceCell, Ref, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use worker::Env;

thread_local! {
    /// Set by the first request. `None` if the policy is invalid. The bindings of a deployment
    /// never change within an isolate.
    static ISOLATE: OnceCell<Option<Rc<Isolate>>> = const { OnceCell::new() };
}

/// What the requests of an isolate share: values, never futures or promises.
pub(super) struct Isolate {
    pub(super) policy: Policy,
    memory: RefCell<Memory>,
    candidate: Option<Rc<Isolate>>,
    /// The service binding of the origin, once it has been looked up.
    origin: OnceCell<JsValue>,
}

impl Isolate {
    /// Returns the isolate's state, or `None` if the policy is invalid. Its faults are logged once.
    pub(super) async fn of(env: &Env) -> Option<Rc<Self>> {
        if let Some(made) = ISOLATE.with(|isolate| isolate.get().cloned()) {
            return made;
        }
        match load(env).await {
            // Another request may have set it while this one waited for a secret.
            Ok(made) => ISOLATE.with(|isolate| isolate.get_or_init(|| made).clone()),
            Err(Unread) => None,
        }
    }

    /// Returns the isolate's state if a request has set it.
    pub(super) fn current() -> Option<Rc<Self>> {
        ISOLATE.with(|isolate| isolate.get().cloned()).flatten()
    }

    /// The candidate policy in shadow mode, with a memory of its own.
    pub(super) const fn candidate(&self) -> Option<&Rc<Self>> {
        self.candidate.as_ref()
    }

    fn new(policy: Policy, candidate: Option<Rc<Self>>) -> Rc<Self> {
        let memory = RefCell::new(Memory::new(&policy));
        Rc::new(Self { policy, memory, candidate, origin: OnceCell::new() })
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

async fn load(env: &Env) -> Result<Option<Rc<Isolate>>, Unread> {
    let Some(policy) = compile(env, POLICY, &log::policy_warning, &log::policy_fault).await? else {
        return Ok(None);
    };
    #[cfg(feature = "console")]
    super::console::warn_of_minting(env);
    let candidate = match EnvBindings(env).value(CANDIDATE) {
        // A candidate that is invalid or cannot be read is logged and ignored.
        Some(_) => compile(env, CANDIDATE, &|_| {}, &log::candidate_fault).await.ok().flatten(),
        None => None,
    };
    Ok(Some(Isolate::new(policy, candidate.map(|candidate| Isolate::new(candidate, None)))))
}

/// The variable of the policy that is enforced.
pub(super) const POLICY: &str = "POLICY";

/// The variable of the candidate policy.
const CANDIDATE: &str = "POLICY_CANDIDATE";

/// Compiles the policy in a variable. Returns `None` if it is invalid, and reports each fault to
/// `fault`.
pub(super) async fn compile(
    env: &Env,
    variable: &str,
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
    let named = Policy::binding_references(&raw).into_iter().map(|reference| reference.binding);
    let bindings = ReadBindings::read(env, named.collect()).await;
    if !bindings.unread.is_empty() {
        bindings.unread.iter().for_each(|name| fault(&unread(name)));
        return Err(Unread);
    }
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
        Some(Value::String(text)) => json::parse(text.as_bytes()).map_err(|_| {
            fault(
                "the variable POLICY is not JSON, or repeats a name",
                "write a table under [vars.POLICY], or the same as JSON",
            )
        }),
        Some(table) => Ok(table),
    }
}
