//! What the page hands over.

use crate::gate::Memory;
use crate::json::{self, Object};
use crate::keys::cache::Dated;
use crate::keys::jwk::{self, Provenance};
use crate::keys::{KeyFault, KeySet};
use crate::policy::{Bindings, Fault, Issuer, Policy};
use crate::request::Described;
use crate::time::{Seconds, UnixSeconds};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

/// A policy, and what is known of its bindings.
pub(super) struct Question {
    /// The policy as it was handed over.
    pub(super) policy: Value,
    bindings: Object,
    secrets: Vec<String>,
    keys: Object,
    /// What tells the request from others.
    about: String,
    /// What the Worker made of the request, if it was asked.
    pub(super) answered: Option<Object>,
}

impl Question {
    /// One that asks for a request to be judged, and that request.
    pub(super) fn of_request(question: &Value) -> Result<(Self, Described), String> {
        let mut read = Self::of_policy(question)?;
        let described = Described::read(question)?;
        read.about = json!([question.get("url"), question.get("headers")]).to_string();
        read.answered = question.get("answered").and_then(Value::as_object).cloned();
        Ok((read, described))
    }

    /// One that asks of the policy alone.
    pub(super) fn of_policy(question: &Value) -> Result<Self, String> {
        let policy = match question.get("policy") {
            None | Some(Value::Null) => return Err("there is no policy".to_owned()),
            Some(Value::String(text)) => json::parse(text.as_bytes())
                .map_err(|_| "the policy is not JSON, or repeats a name".to_owned())?,
            Some(policy) => policy.clone(),
        };
        let names = question.get("secrets").and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            policy,
            bindings: object(question, "bindings")?,
            secrets: names.filter_map(Value::as_str).map(str::to_owned).collect(),
            keys: object(question, "keys")?,
            about: String::new(),
            answered: None,
        })
    }

    /// Compiles the policy.
    pub(super) fn compile(&self) -> Compiled {
        let mut policy = self.policy.clone();
        let issuers = policy.get_mut("issuers").and_then(Value::as_array_mut);
        for issuer in issuers.into_iter().flatten() {
            self.hand_over(issuer);
        }
        let compilation = Policy::compile(&policy, &Known { question: self });
        Compiled { outcome: compilation.outcome, warnings: compilation.warnings }
    }

    /// Puts the public keys of a binding that is not here in its place.
    fn hand_over(&self, issuer: &mut Value) {
        let Some(set) = issuer.get("name").and_then(Value::as_str).and_then(|it| self.key_set(it))
        else {
            return;
        };
        let named = |source| issuer.pointer(source).and_then(Value::as_str);
        let name = named("/keys/pem").or_else(|| named("/keys/jwks"));
        if name.is_some_and(|name| !self.bindings.contains_key(name) && !self.withholds(name)) {
            let set = json!({ "jwks": set });
            issuer.as_object_mut().map(|issuer| issuer.insert("keys".to_owned(), set));
        }
    }

    fn key_set(&self, issuer: &str) -> Option<&Value> {
        self.keys.get(issuer)?.get("jwks")
    }

    /// What the Worker says of an issuer's keys besides the keys.
    pub(super) fn key_facts(&self, issuer: &str) -> Option<&Value> {
        self.keys.get(issuer)
    }

    /// Whether a secret of that name is known to be there, and not what it is.
    fn withholds(&self, name: &str) -> bool {
        !self.bindings.contains_key(name) && self.secrets.iter().any(|secret| secret == name)
    }

    /// How much of an issuer's keys is withheld, by its place in the policy.
    pub(super) fn withheld(&self, place: usize) -> Withheld {
        let source = self.source(place);
        let names = source.names();
        match source.kind {
            "jwks" if names.iter().any(|name| self.withholds(name)) => Withheld::WhichAndWhat,
            _ if names.iter().any(|name| self.withholds(name)) => Withheld::What,
            _ => Withheld::Nothing,
        }
    }

    /// Where the policy says that an issuer's keys are.
    pub(super) fn source(&self, place: usize) -> Source<'_> {
        let issuers = self.policy.get("issuers").and_then(Value::as_array);
        let keys = issuers.and_then(|issuers| issuers.get(place)?.get("keys"));
        let found = SOURCES.into_iter().find_map(|kind| Some((kind, keys?.get(kind)?)));
        found.map_or(Source { kind: "", value: None }, |(kind, value)| Source {
            kind,
            value: Some(value),
        })
    }

    /// What an isolate would have in memory: the keys that were handed over.
    pub(super) fn memory(&self, policy: &Policy, now: UnixSeconds) -> Memory {
        let mut memory = Memory::of(policy);
        for issuer in policy.issuers().iter().filter(|issuer| issuer.remote().is_some()) {
            if let (Some(Ok(value)), Some(cache)) =
                (self.published(issuer), memory.keys.get_mut(issuer.place()))
            {
                cache.succeeded(Dated { value, fetched: now, fresh_for: Seconds::new(600) });
            }
        }
        memory
    }

    /// The keys that an issuer publishes, if they were handed over.
    pub(super) fn published(&self, issuer: &Issuer) -> Option<Result<KeySet, KeyFault>> {
        let set = self.key_set(issuer.name())?.as_object()?;
        Some(jwk::import(set, issuer.algorithms(), Provenance::Network))
    }

    /// A stand-in for a secret: of the right form in every encoding, and another one for every request,
    /// so that no token can have been made with it.
    fn stand_in(&self, name: &str) -> String {
        Sha512::digest(format!("{name} {}", self.about))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The sources of keys, as `keys` names them.
const SOURCES: [&str; 5] = ["secret", "pem", "jwks", "jwks_uri", "discovery"];

/// What a policy compiles to.
pub(super) struct Compiled {
    pub(super) outcome: Result<Policy, Vec<Fault>>,
    pub(super) warnings: Vec<Fault>,
}

/// How much is withheld of an issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Withheld {
    /// Nothing.
    Nothing,
    /// What some secret is.
    What,
    /// Which secrets there are, as well.
    WhichAndWhat,
}

/// The source of an issuer's keys.
pub(super) struct Source<'q> {
    /// As `keys` names it; empty where a preset does.
    pub(super) kind: &'static str,
    value: Option<&'q Value>,
}

impl Source<'_> {
    /// The bindings that it names.
    pub(super) fn names(&self) -> Vec<&str> {
        match (self.kind, self.value) {
            ("secret" | "pem" | "jwks", Some(Value::String(name))) => vec![name],
            ("secret", Some(Value::Array(names))) => {
                names.iter().filter_map(Value::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The bindings as far as they are known here. What only the platform has is taken as there.
struct Known<'q> {
    question: &'q Question,
}

impl Bindings for Known<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let question = self.question;
        if let Some(value) = question.bindings.get(name) {
            return Some(value.clone());
        }
        if !question.withholds(name) {
            return None;
        }
        let stand_in = question.stand_in(name);
        let issuers = question.policy.get("issuers").and_then(Value::as_array);
        let is_set =
            |issuer: &Value| issuer.pointer("/keys/jwks").and_then(Value::as_str) == Some(name);
        Some(if issuers.into_iter().flatten().any(is_set) {
            json!({ "kty": "oct", "k": stand_in })
        } else {
            Value::from(stand_in)
        })
    }

    fn is_service(&self, _name: &str) -> bool {
        true
    }

    fn is_kv_namespace(&self, _name: &str) -> bool {
        true
    }

    fn is_rate_limiter(&self, _name: &str) -> bool {
        true
    }

    fn is_analytics_dataset(&self, _name: &str) -> bool {
        true
    }
}

fn object(question: &Value, name: &str) -> Result<Object, String> {
    match question.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(members)) => Ok(members.clone()),
        Some(_) => Err(format!("{name} is not an object")),
    }
}
