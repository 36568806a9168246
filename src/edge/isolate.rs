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
struct Unread;

async fn load(env: &Env) -> Result<Option<Rc<Isolate>>, Unread> {
    let raw = match raw_policy(env) {
        Ok(raw) => raw,
        Err(fault) => {
            log::policy_fault(&fault);
            return Ok(None);
        }
    };
    let bindings = ReadBindings::read(env, Policy::secrets_named(&raw)).await;
    if !bindings.unread.is_empty() {
        bindings.unread.iter().for_each(|name| log::policy_fault(&unread(name)));
        return Err(Unread);
    }
    let compilation = Policy::compile(&raw, &bindings);
    compilation.warnings.iter().for_each(log::policy_warning);
    match compilation.outcome {
        Ok(policy) => {
            let memory = RefCell::new(Memory::of(&policy));
            Ok(Some(Rc::new(Isolate { policy, memory })))
        }
        Err(faults) => {
            faults.iter().for_each(log::policy_fault);
            Ok(None)
        }
    }
}

fn unread(name: &str) -> Fault {
    Fault {
        path: String::new(),
        problem: format!("the Secrets Store did not give the secret of the binding {name}"),
        remedy: "see that the store holds it: `npx wrangler secrets-store secret list STORE_ID --remote`"
            .to_owned(),
    }
}

/// The `POLICY` variable: a table, or the same as a JSON text.
fn raw_policy(env: &Env) -> Result<Value, Fault> {
    let fault = |problem: &str, remedy: &str| Fault {
        path: String::new(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    };
    match EnvBindings(env).value("POLICY") {
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
