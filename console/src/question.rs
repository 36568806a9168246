//! The question that the page asks.

use portcullis::gate::Memory;
use portcullis::issuer::Issuer;
use portcullis::issuer_id::IssuerId;
use portcullis::json::text::to_text;
use portcullis::json::{self, Object};
use portcullis::keys::cache::Dated;
use portcullis::keys::jwk::{self, Provenance};
use portcullis::keys::{KeyFault, KeySet};
use portcullis::policy::{BindingReference, Bindings, Compilation, Policy, Purpose};
use portcullis::request::Described;
use portcullis::time::{Seconds, UnixSeconds};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

/// A policy, and the values of its bindings that the page knows.
pub(crate) struct Question {
    /// The policy as the page provides it.
    pub(crate) policy: Value,
    bindings: Object,
    secrets: Vec<String>,
    keys: Object,
    /// A text that differs from request to request.
    about: String,
    /// The Worker's answer, if it was asked.
    pub(crate) answered: Option<Object>,
}

impl Question {
    /// Reads a question about a request. Returns the request as well.
    pub(crate) fn of_request(question: &Value) -> Result<(Self, Described), String> {
        let mut read = Self::of_policy(question)?;
        let described = Described::read(question)?;
        read.about = to_text(&json!([question.get("url"), question.get("headers")]));
        read.answered = question.get("answered").and_then(Value::as_object).cloned();
        Ok((read, described))
    }

    /// Reads a question about the policy only.
    pub(crate) fn of_policy(question: &Value) -> Result<Self, String> {
        let policy = match question.get("policy") {
            None | Some(Value::Null) => return Err("there is no policy".to_owned()),
            Some(Value::String(text)) => {
                json::parse(text.as_bytes()).map_err(|reason| format!("the policy {reason}"))?
            }
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
    pub(crate) fn compile(&self) -> Compilation {
        let mut policy = self.policy.clone();
        let issuers = policy.get_mut("issuers").and_then(Value::as_array_mut);
        for issuer in issuers.into_iter().flatten() {
            self.insert_public_keys(issuer);
        }
        Policy::compile(&policy, &Known { question: self })
    }

    /// Replaces a binding that the page does not have by its public keys, if the page has those.
    fn insert_public_keys(&self, issuer: &mut Value) {
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

    /// What the Worker says about an issuer's keys besides the keys.
    pub(crate) fn key_facts(&self, issuer: &str) -> Option<&Value> {
        self.keys.get(issuer)
    }

    /// Whether the page knows that there is a secret of that name, but not its value.
    fn withholds(&self, name: &str) -> bool {
        !self.bindings.contains_key(name) && self.secrets.iter().any(|secret| secret == name)
    }

    /// Whether the secret of the nonces for DPoP proofs is withheld.
    pub(crate) fn withholds_nonces(&self) -> bool {
        let name = self.policy.pointer("/dpop/nonce").and_then(Value::as_str);
        name.is_some_and(|name| self.withholds(name))
    }

    /// How much about an issuer's keys is withheld.
    pub(crate) fn withheld(&self, issuer: IssuerId) -> Withheld {
        let references = self.references(issuer);
        match references.iter().find(|reference| self.withholds(&reference.binding)) {
            None => Withheld::Nothing,
            Some(reference) if reference.pointer.ends_with("/jwks") => Withheld::NumberAndValue,
            Some(_) => Withheld::Value,
        }
    }

    /// The bindings that hold an issuer's keys.
    pub(crate) fn references(&self, issuer: IssuerId) -> Vec<BindingReference> {
        let all = Policy::binding_references(&self.policy).into_iter();
        all.filter(|reference| reference.issuer == Some(issuer)).collect()
    }

    /// The source of an issuer's keys, as `keys` names it in the policy. Empty if a preset provides
    /// it.
    pub(crate) fn source(&self, issuer: IssuerId) -> &str {
        let issuers = self.policy.get("issuers").and_then(Value::as_array);
        let keys = issuers.and_then(|issuers| issuers.get(issuer.index())?.get("keys"));
        let members = keys.and_then(Value::as_object).into_iter().flatten();
        members
            .map(|(name, _)| name.as_str())
            .find(|name| !matches!(*name, "encoding" | "service"))
            .unwrap_or_default()
    }

    /// The memory of an isolate that has the keys which the page provides.
    pub(crate) fn memory(&self, policy: &Policy, now: UnixSeconds) -> Memory {
        let mut memory = Memory::new(policy);
        for issuer in policy.issuers().iter().filter(|issuer| issuer.remote().is_some()) {
            if let (Some(Ok(value)), Some(cache)) =
                (self.published(issuer), memory.keys.get_mut(issuer.id()))
            {
                cache.succeeded(Dated { value, fetched: now, fresh_for: Seconds::new(600) });
            }
        }
        memory
    }

    /// The keys that an issuer publishes, if the page provides them.
    pub(crate) fn published(&self, issuer: &Issuer) -> Option<Result<KeySet, KeyFault>> {
        let set = self.key_set(issuer.name())?.as_object()?;
        Some(jwk::import(set, issuer.algorithms(), Provenance::Network))
    }

    /// Returns a placeholder for a secret: valid in every encoding, and different for every
    /// request, so that no token can be signed with it.
    fn placeholder(&self, name: &str) -> String {
        Sha512::digest(format!("{name} {}", self.about))
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// How much about an issuer's keys is withheld from the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withheld {
    /// Nothing.
    Nothing,
    /// The value of a secret.
    Value,
    /// The value of secrets, and how many there are.
    NumberAndValue,
}

/// The bindings that the page knows. Bindings that only the platform has count as present.
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
        let placeholder = question.placeholder(name);
        let references = Policy::binding_references(&question.policy);
        let mut references = references.iter().filter(|reference| reference.binding == name);
        if references.any(|reference| reference.purpose == Purpose::PrivateKey) {
            // The placeholder's first 43 characters are 32 bytes in base64url.
            let seed = placeholder.get(..42).map(|seed| format!("{seed}A"));
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "d": seed });
            return Some(Value::from(to_text(&jwk)));
        }
        let issuers = question.policy.get("issuers").and_then(Value::as_array);
        let is_set =
            |issuer: &Value| issuer.pointer("/keys/jwks").and_then(Value::as_str) == Some(name);
        Some(if issuers.into_iter().flatten().any(is_set) {
            json!({ "kty": "oct", "k": placeholder })
        } else {
            Value::from(placeholder)
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

    fn is_durable_object(&self, _name: &str) -> bool {
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
