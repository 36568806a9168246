//! The possession step: whether the client has the key that its token is bound to (RFC 7800).
//!
//! A token can be bound to a key that signs a DPoP proof for every request (RFC 9449), and to the
//! certificate of the client's TLS connection (RFC 8705). The step depends only on the claim `cnf`,
//! and not on how the identity was established. It runs for every request, also if the identity
//! comes from the cache.

mod certificate;
mod confirmation;
mod dpop;
mod known_keys;
mod nonce;
mod replay;
mod thumbprint;
mod uri;

pub use self::certificate::{ClientCertificate, Mtls, Trust};
pub use self::dpop::Dpop;
pub use self::nonce::Nonces;
pub use self::replay::{ProofUse, ReplayCheck, ReplayStore};
pub use self::thumbprint::Thumbprint;
pub use self::uri::is_same as is_same_uri;

pub(crate) use self::confirmation::{contradictory, refused};
pub(crate) use self::dpop::TYPE as PROOF_TYPE;
pub(crate) use self::replay::unavailable;

use self::confirmation::Confirmation;
use self::dpop::{Examination, Proof};
use self::known_keys::KnownKeys;
use self::replay::UsedProofs;
use crate::alg::Algorithm;
use crate::claims::Claims;
use crate::extract::{Credential, Scheme};
use crate::refusal::{Code, Refusal};
use crate::request::Request;
use crate::rules::SenderConstrained;
use crate::time::{Seconds, UnixSeconds};
use std::cell::RefCell;
use std::fmt;

/// The proof that the client possesses every key that its token is bound to. A token without `cnf`
/// is bound to none. Only [`check`] makes one.
#[derive(Debug)]
pub(crate) struct Possession(());

/// The policy's settings. Made by the policy's compiler.
#[derive(Debug)]
pub struct Settings {
    /// Whether some issuer accepts sender-constrained tokens.
    pub is_used: bool,
    /// The settings for DPoP.
    pub dpop: Dpop,
    /// The settings for client certificates.
    pub mtls: Mtls,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_used: false,
            dpop: Dpop {
                algorithms: vec![Algorithm::ES256, Algorithm::EdDSA],
                max_age: Seconds::new(60),
                nonces: None,
                replay: ReplayStore::Isolate,
            },
            mtls: Mtls::default(),
        }
    }
}

impl Settings {
    /// The names of the algorithms for proofs, with spaces between them, as a challenge lists them
    /// (RFC 9449 section 7.1).
    #[must_use]
    pub fn algorithm_names(&self) -> String {
        let names: Vec<_> = self.dpop.algorithms.iter().map(|one| one.name()).collect();
        names.join(" ")
    }
}

/// What an isolate remembers about proofs.
#[derive(Default)]
pub struct ProofMemory {
    keys: RefCell<KnownKeys>,
    used: RefCell<UsedProofs>,
}

/// Prints sizes only.
impl fmt::Debug for ProofMemory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProofMemory")
            .field("keys", &self.keys.borrow().len())
            .field("used", &self.used.borrow().len())
            .finish()
    }
}

/// How far the proof of one request has come. It stays with the request when it is judged again, so
/// that the request does not find its own proof used, and no other request gets the answer to it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    stage: Stage,
    nonce: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    Unchecked,
    /// The proof is valid, and the Durable Object is to be asked about its use.
    Asked,
    Recorded(ProofUse),
}

impl Progress {
    /// Takes the answer of the Durable Object. Without a question, there is no answer: it would
    /// stand for the proof.
    pub(crate) const fn answered(&mut self, answer: ProofUse) {
        if matches!(self.stage, Stage::Asked) {
            self.stage = Stage::Recorded(answer);
        }
    }

    /// The nonce for the client's next proof, if it needs a new one.
    pub(crate) fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

/// A request with its claims.
pub(crate) struct Presentation<'p> {
    pub(crate) request: &'p Request<'p>,
    pub(crate) credential: &'p Credential<'p, 'p>,
    pub(crate) claims: &'p Claims<'p>,
    /// Reads the certificate of the client's connection.
    pub(crate) certificate: Option<&'p dyn Fn() -> Option<ClientCertificate>>,
}

/// What the possession step concludes.
pub(crate) enum Outcome {
    /// The client possesses the keys.
    Proven(Possession),
    /// The proof is valid, if the Durable Object says that it has not been used.
    Needed(ReplayCheck),
}

/// Checks that the client possesses every key that the claims name. If both a certificate and a
/// key for proofs are named, both are checked, the proof last.
///
/// # Errors
///
/// `invalid_claim` for a `cnf` that the issuer's rules refuse or that is malformed; `missing_claim`
/// if the rules require `cnf`; `missing_certificate` and `wrong_certificate`; `missing_proof`,
/// `invalid_proof`, `nonce_required` and `proof_replayed`; `replay_unavailable` if the Durable
/// Object has not answered.
pub(crate) fn check(
    presentation: &Presentation<'_>,
    settings: &Settings,
    memory: &ProofMemory,
    progress: &mut Progress,
    now: UnixSeconds,
) -> Result<Outcome, Refusal> {
    let Presentation { claims, credential, .. } = presentation;
    let is_dpop = credential.scheme() == Scheme::Dpop;
    let rule = claims.sender_constrained();
    let confirmation = match claims.at("cnf") {
        None if rule == SenderConstrained::Required => {
            let because = "the issuer's tokens must be bound to a key";
            return Err(Refusal::new(Code::MissingClaim, because).about("cnf"));
        }
        None if is_dpop => return Err(dpop::invalid("the token is not bound to a key by cnf.jkt")),
        None => return Ok(Outcome::Proven(Possession(()))),
        Some(_) if rule == SenderConstrained::Refused => return Err(refused()),
        Some(cnf) => Confirmation::of(cnf)?,
    };
    if let Some(bound_to) = &confirmation.certificate {
        let presented = presentation.certificate.and_then(|read| read());
        certificate::check(presented, bound_to, settings.mtls.trust)?;
    }
    match &confirmation.key {
        None if is_dpop => Err(dpop::invalid("the token is not bound to a key by cnf.jkt")),
        None => Ok(Outcome::Proven(Possession(()))),
        Some(bound_to) => prove(presentation, bound_to, settings, memory, progress, now),
    }
}

/// Checks a proof like the gate, except that its use is not recorded.
///
/// # Errors
///
/// `missing_proof`, `invalid_proof` and `nonce_required`.
pub fn examine(
    request: &Request<'_>,
    token: &str,
    bound_to: &Thumbprint,
    settings: &Dpop,
    memory: &ProofMemory,
    now: UnixSeconds,
) -> Result<(), Refusal> {
    Examination { settings, request, token, bound_to, keys: &memory.keys, now }.run().map(|_| ())
}

/// Records the use of a proof in an isolate, as the gate does last.
#[must_use]
pub fn record(
    memory: &ProofMemory,
    key: &Thumbprint,
    id: &str,
    issued: UnixSeconds,
    max_age: Seconds,
    now: UnixSeconds,
) -> ProofUse {
    let proof = Proof { key: *key, id: id.to_owned(), issued, needs_new_nonce: false };
    memory.used.borrow_mut().record(&proof, max_age, now)
}

#[inline(never)]
fn prove(
    presentation: &Presentation<'_>,
    bound_to: &Thumbprint,
    settings: &Settings,
    memory: &ProofMemory,
    progress: &mut Progress,
    now: UnixSeconds,
) -> Result<Outcome, Refusal> {
    match progress.stage {
        Stage::Unchecked => {}
        Stage::Recorded(ProofUse::First) => return Ok(Outcome::Proven(Possession(()))),
        Stage::Recorded(ProofUse::Repeated) => return Err(replay::repeated()),
        Stage::Recorded(ProofUse::Unknown) | Stage::Asked => return Err(unavailable()),
    }
    let settings = &settings.dpop;
    progress.nonce = settings.nonces.as_ref().map(|nonces| nonces.issue(now));
    let credential = presentation.credential;
    let is_bearer = credential.scheme() == Scheme::Bearer;
    if is_bearer && credential.source().header() == Some("Authorization") {
        let because = "the token is bound to a key, and was sent as a bearer token";
        return Err(Refusal::new(Code::MissingProof, because));
    }
    let examination = Examination {
        settings,
        request: presentation.request,
        token: credential.text(),
        bound_to,
        keys: &memory.keys,
        now,
    };
    let proof = examination.run()?;
    if !proof.needs_new_nonce {
        progress.nonce = None;
    }
    // Recorded last, so that only a valid proof occupies memory or prevents the use of another.
    let used = memory.used.borrow_mut().record(&proof, settings.max_age, now);
    match (used, &settings.replay) {
        (ProofUse::First, ReplayStore::Isolate) => {
            progress.stage = Stage::Recorded(used);
            Ok(Outcome::Proven(Possession(())))
        }
        (ProofUse::First | ProofUse::Unknown, ReplayStore::DurableObject(binding)) => {
            progress.stage = Stage::Asked;
            Ok(Outcome::Needed(ReplayCheck::of(&proof, binding, settings.max_age)))
        }
        (ProofUse::Repeated, _) => Err(replay::repeated()),
        (ProofUse::Unknown, ReplayStore::Isolate) => Err(replay::forgotten()),
    }
}
