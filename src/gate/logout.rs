//! Judging the logout tokens that providers send.

use super::need::Rounds;
use super::{Judging, Memory, Need, Trace};
use crate::keys::KeyRequest;
use crate::policy::Policy;
use crate::possession::Progress;
use crate::refusal::Refusal;
use crate::revocation::{Logout, LogoutEndpoint};
use crate::time::UnixSeconds;

/// The evaluation of one logout token. Like [`super::Evaluation`], it is run again after each
/// fetch.
pub struct LogoutEvaluation<'g> {
    policy: &'g Policy,
    endpoint: &'g LogoutEndpoint,
    token: &'g str,
    rounds: Rounds,
    trace: Trace<'g>,
    refresh: Option<KeyRequest>,
    /// A logout token is bound to no key.
    proof: Progress,
}

impl<'g> LogoutEvaluation<'g> {
    /// Prepares the evaluation of a token that was sent to the logout endpoint.
    #[must_use]
    pub fn new(policy: &'g Policy, endpoint: &'g LogoutEndpoint, token: &'g str) -> Self {
        let (rounds, trace, proof) = Default::default();
        Self { policy, endpoint, token, rounds, trace, refresh: None, proof }
    }

    /// Judges the token with the keys in `memory`, at the time `now`. Returns the logout, or the
    /// refusal of the first step that the token fails: first the steps that access tokens have too,
    /// then those of [`Logout::check`].
    ///
    /// # Errors
    ///
    /// What has to be fetched before this is called again.
    pub fn run(
        &mut self,
        memory: &Memory,
        now: UnixSeconds,
    ) -> Result<Result<Logout, Refusal>, Need> {
        self.trace = Trace::default();
        let Self { policy, trace, refresh, proof, .. } = self;
        let (arrived, certificate) = (0, None);
        let mut judging =
            Judging { policy, memory, now, arrived, trace, refresh, certificate, proof };
        let outcome = judging.verified(self.token, None);
        let outcome = outcome.and_then(|(issuer, verified)| {
            Logout::check(verified, issuer, self.endpoint, now).map_err(Into::into)
        });
        self.rounds.end(outcome)
    }

    /// The name that the policy gives the token's issuer, once it is known.
    #[must_use]
    pub const fn issuer(&self) -> Option<&'g str> {
        self.trace.issuer
    }

    /// The keys to fetch in the background, for later requests.
    pub const fn take_refresh(&mut self) -> Option<KeyRequest> {
        self.refresh.take()
    }
}
