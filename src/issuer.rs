//! An issuer: the names that its tokens have in `iss`, the rules for their claims, and its keys.

use crate::alg::Algorithm;
use crate::introspection::{Introspection, Tokens};
use crate::issuer_id::IssuerId;
use crate::keys::{KeyCaches, KeyRequest, KeySet, Picked, RemoteKeys};
use crate::refusal::{Code, Refusal};
use crate::report::Mode;
use crate::rules::{Expected, Rules, SenderConstrained};
use crate::time::UnixSeconds;
use crate::token::Header;

/// One issuer of a policy. Made by the policy's compiler.
#[derive(Debug)]
pub struct Issuer {
    pub(crate) id: IssuerId,
    pub(crate) name: String,
    pub(crate) rules: Rules,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: Option<KeySource>,
    pub(crate) introspection: Option<Introspection>,
    pub(crate) mode: Mode,
}

/// Where an issuer's keys are.
#[derive(Debug)]
pub(crate) enum KeySource {
    /// In the policy or in its bindings.
    Held(KeySet),
    /// At a URL, from which they are fetched.
    Remote(RemoteKeys),
}

impl Issuer {
    /// The ID within its policy.
    #[must_use]
    pub const fn id(&self) -> IssuerId {
        self.id
    }

    /// The name that the policy gives it, as used in logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rules for the claims of its tokens.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The algorithms that its tokens may be signed with.
    #[must_use]
    pub fn algorithms(&self) -> &[Algorithm] {
        &self.algorithms
    }

    /// Its keys, if the policy or a binding holds them.
    #[must_use]
    pub const fn keys(&self) -> Option<&KeySet> {
        match &self.keys {
            Some(KeySource::Held(keys)) => Some(keys),
            Some(KeySource::Remote(_)) | None => None,
        }
    }

    /// Where its keys are fetched from, if they are fetched.
    #[must_use]
    pub const fn remote(&self) -> Option<&RemoteKeys> {
        match &self.keys {
            Some(KeySource::Remote(remote)) => Some(remote),
            Some(KeySource::Held(_)) | None => None,
        }
    }

    /// Whether it has keys, so that it verifies JWTs.
    #[must_use]
    pub const fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// How its tokens are introspected, if they are.
    #[must_use]
    pub const fn introspection(&self) -> Option<&Introspection> {
        self.introspection.as_ref()
    }

    /// Whether its JWTs are introspected too.
    #[must_use]
    pub fn introspects_jwts(&self) -> bool {
        self.introspection.as_ref().is_some_and(|one| one.tokens == Tokens::All)
    }

    /// Picks the keys under which a token with this header may verify, from its own keys or from
    /// those in `published`. Sets `refresh` if the published keys should be fetched again in the
    /// background.
    ///
    /// # Errors
    ///
    /// `unknown_issuer` if the issuer has no keys; `algorithm_not_allowed` if it does not list the
    /// header's `alg`; `unknown_key` as [`KeySet::pick`] says; `keys_unavailable` if the keys could
    /// not be fetched.
    pub fn pick_keys<'k>(
        &'k self,
        header: &Header,
        published: &'k KeyCaches,
        now: UnixSeconds,
        refresh: &mut Option<KeyRequest>,
    ) -> Result<Picked<'k>, Refusal> {
        let Some(keys) = &self.keys else {
            let because = "the token is a JWT, and its issuer has no keys to verify one";
            return Err(Refusal::new(Code::UnknownIssuer, because));
        };
        if !self.algorithms.contains(&header.algorithm) {
            return Err(Refusal::new(
                Code::AlgorithmNotAllowed,
                "the issuer does not list the token's alg",
            ));
        }
        match keys {
            KeySource::Held(keys) => keys.pick(header).map(Picked::Keys),
            KeySource::Remote(_) => published.pick(self.id, header, now, refresh),
        }
    }

    /// Whether its tokens may be bound to a key.
    #[must_use]
    pub fn takes_bound_tokens(&self) -> bool {
        self.rules.sender_constrained != SenderConstrained::Refused
    }

    /// Whether its tokens must be bound to a key.
    #[must_use]
    pub fn requires_bound_tokens(&self) -> bool {
        self.rules.sender_constrained == SenderConstrained::Required
    }

    /// Whether refusals of its tokens take effect.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether a token's `iss` is one of the values that the policy lists.
    #[must_use]
    pub fn is_named(&self, issuer: &str) -> bool {
        match &self.rules.issuer {
            expected @ Expected::OneOf(_) => expected.accepts(issuer),
            Expected::Any => false,
        }
    }

    /// Whether the policy accepts any `iss` for it.
    #[must_use]
    pub fn accepts_any_name(&self) -> bool {
        self.rules.issuer == Expected::Any
    }
}
