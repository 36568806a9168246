//! The state of an isolate between requests: its gates, each with its compiled policy and its
//! memory.

use super::bindings::EnvBindings;
use super::bridge::Refuse;
use super::call::{Call, Purpose};
use super::origin_response::Rewrite;
use super::secrets_store::{READ_AGAIN_AFTER, ReadBindings, StoredSecrets};
use super::{clock, log, origin_failure, origin_response, secrets_store};
use crate::budget;
use crate::gate::Memory;
#[cfg(feature = "entry")]
use crate::gate::warm_up;
use crate::issuer_id::IssuerId;
use crate::json;
use crate::keys::cache::KeyCache;
use crate::outgoing::Origin;
use crate::policy::{Bindings as _, Fault, Policy};
use crate::revocation::{Entry, Standing};
use crate::time::UnixSeconds;
#[cfg(feature = "entry")]
use js_sys::Reflect;
use serde_json::Value;
use std::cell::{Cell, OnceCell, Ref, RefCell};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

thread_local! {
    static OF_VARIABLES: Rc<Gate> = Gate::new(Policies::Variables);

    /// The gates whose policies are in the Worker's code, with their IDs.
    #[cfg(feature = "entry")]
    static GIVEN: RefCell<Vec<(u32, Rc<Gate>)>> = const { RefCell::new(Vec::new()) };
}

/// A gate: where its policies are, and its state in this isolate.
pub(super) struct Gate {
    policies: Policies,
    /// `None` until the policy has been loaded, while the isolate starts or by the first request;
    /// `Some(None)` if the policy is invalid.
    /// The bindings of a deployment never change within an isolate, except for the secrets that a
    /// Secrets Store returns.
    isolate: RefCell<Option<Option<Rc<Isolate>>>>,
    /// The log lines of loading the policy before the first request, which writes them.
    held: RefCell<Vec<String>>,
    refuse: OnceCell<Closure<Refuse>>,
    rewrite: OnceCell<Closure<Rewrite>>,
}

/// Where the policies of a gate are.
enum Policies {
    /// In the variables of the Worker.
    Variables,
    /// In its code, as JSON.
    #[cfg(feature = "entry")]
    Given { enforced: String, candidate: Option<String> },
}

/// One of the policies of a gate.
#[derive(Clone, Copy)]
pub(super) enum Which {
    /// The policy that is enforced.
    Enforced,
    /// The candidate policy in shadow mode.
    Candidate,
}

impl Which {
    /// The variable that contains the policy.
    const fn variable(self) -> &'static str {
        match self {
            Self::Enforced => "POLICY",
            Self::Candidate => "POLICY_CANDIDATE",
        }
    }
}

impl Gate {
    fn new(policies: Policies) -> Rc<Self> {
        let (isolate, held, refuse, rewrite) = Default::default();
        Rc::new(Self { policies, isolate, held, refuse, rewrite })
    }

    /// The gate whose policies are in the variables of the Worker.
    pub(super) fn of_variables() -> Rc<Self> {
        OF_VARIABLES.with(Rc::clone)
    }

    /// Returns the gate with this ID. If a request needs it for the first time in this instance,
    /// makes it from the members `policy` and `candidate` of `given`, which are JSON texts.
    #[cfg(feature = "entry")]
    pub(super) fn given(id: u32, given: &JsValue) -> Rc<Self> {
        GIVEN.with_borrow_mut(|gates| {
            if let Some((_, gate)) = gates.iter().find(|(known, _)| *known == id) {
                return Rc::clone(gate);
            }
            let text = |name| Reflect::get(given, &JsValue::from_str(name)).ok()?.as_string();
            let enforced = text("policy").unwrap_or_default();
            let gate = Self::new(Policies::Given { enforced, candidate: text("candidate") });
            gates.push((id, Rc::clone(&gate)));
            gate
        })
    }

    /// Loads the policy while the isolate starts, so that its first request need not. Leaves a
    /// policy to that request if it has faults, if it needs a Secrets Store, which can only be read
    /// for a request, or if there is a candidate, whose compilation depends on the request.
    #[cfg(feature = "entry")]
    pub(super) fn prepare(&self, env: &Env) {
        let Ok(raw) = self.raw(env, Which::Enforced) else { return };
        let references = Policy::binding_references(&raw);
        let is_stored =
            references.iter().any(|reference| secrets_store::is_stored(env, &reference.binding));
        if is_stored || self.has_candidate(env) {
            return;
        }
        let load = || self.load(env, Ok(raw), StoredSecrets::default(), Purpose::Authenticate);
        if let (Ok(Some(isolate)), held) = log::held(load) {
            let _ = warm_up(&isolate.policy);
            *self.held.borrow_mut() = held;
            *self.isolate.borrow_mut() = Some(Some(isolate));
        }
    }

    /// Returns the gate's state if it has been loaded.
    pub(super) fn current(&self) -> Option<Rc<Isolate>> {
        self.isolate.borrow().clone().flatten()
    }

    /// The function that [`super::bridge::ask`] calls for an origin that fails.
    pub(super) fn refuse(self: &Rc<Self>) -> &Closure<Refuse> {
        self.refuse.get_or_init(|| origin_failure::substitute(Rc::downgrade(self)))
    }

    /// The function that [`super::bridge::ask`] calls for responses that may have to be rewritten.
    pub(super) fn rewrite(self: &Rc<Self>) -> &Closure<Rewrite> {
        self.rewrite.get_or_init(|| origin_response::rewriting(Rc::downgrade(self)))
    }

    /// Reads a policy: a table, or the same as a JSON text.
    pub(super) fn raw(&self, env: &Env, which: Which) -> Result<Value, Fault> {
        match (&self.policies, which) {
            (Policies::Variables, _) => raw_variable(env, which.variable()),
            #[cfg(feature = "entry")]
            (Policies::Given { enforced, .. }, Which::Enforced) => raw_given(enforced),
            #[cfg(feature = "entry")]
            (Policies::Given { candidate, .. }, Which::Candidate) => {
                raw_given(candidate.as_deref().unwrap_or_default())
            }
        }
    }

    fn has_candidate(&self, env: &Env) -> bool {
        match &self.policies {
            Policies::Variables => EnvBindings(env).raw(Which::Candidate.variable()).is_some(),
            #[cfg(feature = "entry")]
            Policies::Given { candidate, .. } => candidate.is_some(),
        }
    }

    /// Reads the secrets that the policy and the candidate policy name.
    pub(super) async fn secrets(&self, env: &Env, before: &StoredSecrets) -> StoredSecrets {
        let policies = [Which::Enforced, Which::Candidate].map(|which| self.raw(env, which).ok());
        let references =
            policies.into_iter().flatten().flat_map(|raw| Policy::binding_references(&raw));
        let names = references.map(|reference| reference.binding);
        StoredSecrets::read(env, names.collect(), before).await
    }

    /// Compiles the policies; `raw` is the enforced one. A policy without an origin is valid here.
    /// [`Isolate::of`] refuses to forward by it.
    fn load(
        &self,
        env: &Env,
        raw: Result<Value, Fault>,
        stored: StoredSecrets,
        purpose: Purpose,
    ) -> Result<Option<Rc<Isolate>>, Unread> {
        let missing = raw.as_ref().ok().and_then(Policy::missing_origin);
        let (warn, fault) = (&log::policy_warning, &log::policy_fault);
        let policy = compile(env, raw, &stored, Purpose::Authenticate, warn, fault)?;
        let Some(policy) = policy else {
            missing.filter(|_| purpose == Purpose::Forward).iter().for_each(fault);
            return Ok(None);
        };
        #[cfg(feature = "console")]
        super::console::warn_of_minting(env);
        // A candidate that is invalid or cannot be read is logged and ignored.
        let candidate = self.has_candidate(env).then(|| {
            let raw = self.raw(env, Which::Candidate);
            compile(env, raw, &stored, purpose, &|_| {}, &log::candidate_fault)
        });
        let candidate = candidate.and_then(Result::ok).flatten();
        let candidate =
            candidate.map(|one| Isolate::new(one, None, StoredSecrets::default(), None));
        Ok(Some(Isolate::new(policy, candidate, stored, missing)))
    }

    /// Reads the secrets again. If one has been replaced, the next requests are judged with the new
    /// one. If the policy is invalid with it, that is logged, and nothing changes.
    async fn renew(self: Rc<Self>, isolate: Rc<Isolate>, env: Env, purpose: Purpose) {
        let stored = self.secrets(&env, &isolate.stored).await;
        stored.unread().for_each(|name| log::policy_warning(&unread(name)));
        if !stored.has_changed_from(&isolate.stored) {
            return;
        }
        let raw = self.raw(&env, Which::Enforced);
        if let Ok(Some(renewed)) = self.load(&env, raw, stored, purpose) {
            *self.isolate.borrow_mut() = Some(Some(renewed));
        }
    }
}

/// What the requests to a gate share in an isolate: values, never futures or promises.
pub(super) struct Isolate {
    pub(super) policy: Policy,
    memory: RefCell<Memory>,
    candidate: Option<Rc<Isolate>>,
    /// The service binding of the origin, once it has been looked up.
    origin: OnceCell<JsValue>,
    stored: StoredSecrets,
    /// When the stored secrets were last read, or a request last began to read them.
    read: Cell<UnixSeconds>,
    /// The fault that the policy has no origin, until it has been logged.
    missing_origin: Cell<Option<Fault>>,
}

impl Isolate {
    /// Returns the state of the request's gate, or `None` if the policy is invalid, or has no
    /// origin to which the request could be forwarded. Its faults are logged once.
    pub(super) async fn of(call: &Call<'_>) -> Option<Rc<Self>> {
        let isolate = Self::loaded(call).await?;
        if call.purpose == Purpose::Forward && isolate.policy.forwarding().origin == Origin::Absent
        {
            isolate.missing_origin.take().iter().for_each(log::policy_fault);
            return None;
        }
        Some(isolate)
    }

    async fn loaded(call: &Call<'_>) -> Option<Rc<Self>> {
        let Call { gate, env, purpose, .. } = *call;
        let made = gate.isolate.borrow().clone();
        let isolate = match made {
            Some(made) => {
                gate.held.take().iter().for_each(|line| log::write_line(line));
                made?
            }
            None => {
                let stored = gate.secrets(env, &StoredSecrets::default()).await;
                let raw = gate.raw(env, Which::Enforced);
                let made = gate.load(env, raw, stored, purpose).ok()?;
                // Another request may have loaded it while this one waited for a secret.
                gate.isolate.borrow_mut().get_or_insert(made).clone()?
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
        let renewal = Rc::clone(gate).renew(Rc::clone(&isolate), env.clone(), purpose);
        drop(JsFuture::from(call.start(renewal)).await);
        gate.current()
    }

    /// The candidate policy in shadow mode, with a memory of its own.
    pub(super) const fn candidate(&self) -> Option<&Rc<Self>> {
        self.candidate.as_ref()
    }

    fn new(
        policy: Policy,
        candidate: Option<Rc<Self>>,
        stored: StoredSecrets,
        missing_origin: Option<Fault>,
    ) -> Rc<Self> {
        Rc::new(Self {
            memory: RefCell::new(Memory::new(&policy)),
            policy,
            candidate,
            origin: OnceCell::new(),
            stored,
            read: Cell::new(clock::now()),
            missing_origin: Cell::new(missing_origin),
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

/// Compiles a policy. Returns `None` if it is invalid, and reports each fault to `fault`.
pub(super) fn compile(
    env: &Env,
    raw: Result<Value, Fault>,
    stored: &StoredSecrets,
    purpose: Purpose,
    warn: &dyn Fn(&Fault),
    fault: &dyn Fn(&Fault),
) -> Result<Option<Policy>, Unread> {
    let raw = match raw {
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
    let compilation = match purpose {
        Purpose::Forward => Policy::compile(&raw, &bindings),
        Purpose::Authenticate => Policy::compile_to_authenticate(&raw, &bindings),
    };
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

/// Reads a policy that the Worker's code has, as JSON.
#[cfg(feature = "entry")]
fn raw_given(text: &str) -> Result<Value, Fault> {
    let fault = |problem: String, remedy: &str| Fault {
        path: String::new(),
        problem,
        remedy: remedy.to_owned(),
    };
    if text.len() > budget::GIVEN_POLICY_BYTES {
        return Err(fault(
            format!("the policy has {} bytes as JSON, and 256 KiB are the limit", text.len()),
            "merge routes that have the same requirements, or make several gates",
        ));
    }
    json::parse(text.as_bytes()).map_err(|reason| {
        fault(format!("the policy {reason}"), "give createGate an object that JSON can express")
    })
}

/// Reads the variable of a policy: a table, or the same as a JSON text.
fn raw_variable(env: &Env, variable: &str) -> Result<Value, Fault> {
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
