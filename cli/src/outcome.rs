//! How a command ended.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// No problem was found. There may be warnings.
    Success,
    /// A problem was found.
    Problem,
    /// The command could not run, or its arguments are invalid.
    CouldNotRun,
}

impl Outcome {
    /// [`Outcome::Success`] if there is no problem, or else [`Outcome::Problem`].
    pub(crate) const fn of(is_ok: bool) -> Self {
        if is_ok { Self::Success } else { Self::Problem }
    }

    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Problem => 1,
            Self::CouldNotRun => 2,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}
