//! Trying rules out: report mode, and a candidate policy beside the enforced one.

use crate::outgoing::Outgoing;
use crate::refusal::Refusal;

/// Whether refusals take effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    #[default]
    Enforce,
    /// What would be refused for its token, claims or authorisation goes to the origin as anonymous,
    /// and is logged.
    Report,
}

impl Mode {
    /// The modes by their names in a policy.
    pub const NAMES: [(&str, Self); 2] = [("enforce", Self::Enforce), ("report", Self::Report)];

    /// What comes of a route's mode and an issuer's: either may ask for reports alone.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::Report { self } else { other }
    }
}

/// How two policies judge one request differently. Holds codes only, nothing of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What the enforced policy made of it: `admitted`, `refused: CODE` or `reported: CODE`.
    pub enforced: String,
    /// What the candidate would have made of it.
    pub candidate: String,
    /// Whether it would have gone to the origin in another name, or with other headers for it.
    pub identity: bool,
}

impl Difference {
    /// Compares two judgements of one request; nothing where they come to the same.
    #[must_use]
    pub fn between(
        enforced: &Result<Outgoing<'_>, Refusal>,
        candidate: &Result<Outgoing<'_>, Refusal>,
    ) -> Option<Self> {
        let identity = match (enforced, candidate) {
            (Ok(one), Ok(other)) => !one.goes_in_the_name_of(other),
            _ => false,
        };
        let difference =
            Self { enforced: verdict(enforced), candidate: verdict(candidate), identity };
        (identity || difference.enforced != difference.candidate).then_some(difference)
    }
}

fn verdict(judged: &Result<Outgoing<'_>, Refusal>) -> String {
    match judged {
        Err(refusal) => format!("refused: {}", refusal.code()),
        Ok(outgoing) => match outgoing.reported() {
            Some(refusal) => format!("reported: {}", refusal.code()),
            None => "admitted".to_owned(),
        },
    }
}
