//! What an isolate keeps between requests: the compiled policy, and what it remembers.

use super::bindings::{EnvBindings, ReadBindings};
use super::log;
use crate::budget;
use crate::gate::Memory;
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
    /// Made at the first request; `None` for a policy with a fault. A deployment's bindings never
    /// change within an isolate.
    static ISOLATE: OnceCell<Option<Rc<Isolate>>> = const { OnceCell::new() };
}

/// What is shared between the requests of an isolate: values, never anything that is still to come.
pub(super) struct Isolate {
    pub(super) policy: Policy,
    memory: RefCell<Memory>,
    candidate: Option<Rc<Isolate>>,
    /// The service that requests go to, once it has been looked for.
    origin: OnceCell<JsValue>,
}

impl Isolate {
    /// The isolate's own, or nothing where the policy has a fault, which is then logged once.
    pub(super) async fn of(env: &Env) -> Option<Rc<Self>> {
        if let Some(made) = ISOLATE.with(|isolate| isolate.get().cloned()) {
            return made;
        }
        match load(env).await {
            // Another request may have been faster, while this one waited for a secret.
            Ok(made) => ISOLATE.with(|isolate| isolate.get_or_init(|| made).clone()),
            Err(Unread) => None,
        }
    }

    /// The isolate's own, for a request that it has admitted.
    pub(super) fn made() -> Option<Rc<Self>> {
        ISOLATE.with(|isolate| isolate.get().cloned()).flatten()
    }

    /// A policy that is judged by beside the enforced one, to no effect, with keys of its own.
    pub(super) const fn candidate(&self) -> Option<&Rc<Self>> {
        self.candidate.as_ref()
    }

    fn new(policy: Policy, candidate: Option<Rc<Self>>) -> Rc<Self> {
        let memory = RefCell::new(Memory::of(&policy));
        Rc::new(Self { policy, memory, candidate, origin: OnceCell::new() })
    }

    /// The service binding of that name, which the policy's origin is; nothing if there is none.
    pub(super) fn origin(&self, env: &Env, name: &str) -> Option<&JsValue> {
        if self.origin.get().is_none() {
            let _ = self.origin.set(EnvBindings(env).raw(name)?);
        }
        self.origin.get()
    }

    /// What it remembers, for as long as nothing is awaited.
    pub(super) fn memory(&self) -> Ref<'_, Memory> {
        self.memory.borrow()
    }

    /// Remembers what the revocation store has said.
    pub(super) fn remember(&self, entry: Entry, standing: Standing, read: UnixSeconds) {
        self.memory.borrow_mut().revocations.remember(entry, standing, read);
    }

    /// Looks at or changes what is held of an issuer's keys.
    pub(super) fn with_keys<T>(
        &self,
        issuer: usize,
        action: impl FnOnce(&mut KeyCache) -> T,
    ) -> Option<T> {
        self.memory.borrow_mut().keys.get_mut(issuer).map(action)
    }
}

/// A Secrets Store did not give a secret, and may the next time.
pub(super) struct Unread;

async fn load(env: &Env) -> Result<Option<Rc<Isolate>>, Unread> {
    let Some(policy) = compile(env, POLICY, &log::policy_warning, &log::policy_fault).await? else {
        return Ok(None);
    };
    let candidate = match EnvBindings(env).value(CANDIDATE) {
        // What keeps it from being read is logged, and it is done without.
        Some(_) => compile(env, CANDIDATE, &|_| {}, &log::candidate_fault).await.ok().flatten(),
        None => None,
    };
    Ok(Some(Isolate::new(policy, candidate.map(|candidate| Isolate::new(candidate, None)))))
}

/// The variable of the policy that is enforced.
pub(super) const POLICY: &str = "POLICY";

/// The variable of a policy that is tried out.
const CANDIDATE: &str = "POLICY_CANDIDATE";

/// Compiles the policy in a variable; nothing where it has faults, of which each is told.
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
    let bindings = ReadBindings::read(env, Policy::secrets_named(&raw)).await;
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
        problem: format!("the Secrets Store did not give the secret of the binding {name}"),
        remedy: "see that the store holds it: `npx wrangler secrets-store secret list STORE_ID --remote`"
            .to_owned(),
    }
}

/// A policy's variable: a table, or the same as a JSON text.
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
