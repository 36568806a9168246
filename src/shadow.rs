//! Shadow mode: a candidate policy judges the same requests as the enforced one, and only the
//! differences are logged.

use crate::gate::Decision;

/// How two policies judge one request differently. It contains reason codes and no part of the
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What the enforced policy decided: `admitted`, `answered`, `refused: CODE` or
    /// `reported: CODE`.
    pub enforced: String,
    /// What the candidate policy would have decided.
    pub candidate: String,
    /// Whether the origin would have received another identity, or the same one in other headers.
    pub identity: bool,
}

impl Difference {
    /// Compares two decisions about one request. Returns `None` if they have the same effect.
    #[must_use]
    pub fn between(enforced: &Decision<'_>, candidate: &Decision<'_>) -> Option<Self> {
        let identity = match (enforced, candidate) {
            (Decision::Forward(one), Decision::Forward(other)) => !one.has_identity_of(other),
            (Decision::Respond(_) | Decision::Refuse(_), _)
            | (_, Decision::Respond(_) | Decision::Refuse(_)) => false,
        };
        let difference =
            Self { enforced: verdict(enforced), candidate: verdict(candidate), identity };
        (identity || difference.enforced != difference.candidate).then_some(difference)
    }
}

fn verdict(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Respond(_) => "answered".to_owned(),
        Decision::Refuse(refusal) => format!("refused: {}", refusal.code()),
        Decision::Forward(outgoing) => match outgoing.reported() {
            Some(refusal) => format!("reported: {}", refusal.code()),
            None => "admitted".to_owned(),
        },
    }
}
