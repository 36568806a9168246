//! Report mode: rules that are logged before they are enforced.

/// Whether refusals take effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    #[default]
    Enforce,
    /// A request that would be refused for its token, its claims or what they authorize is
    /// forwarded as anonymous, and logged.
    Report,
}

impl Mode {
    /// The modes by their names in a policy.
    pub const NAMES: [(&str, Self); 2] = [("enforce", Self::Enforce), ("report", Self::Report)];

    /// Combines the modes of a route and of an issuer: either can ask for reports only.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match self {
            Self::Report => Self::Report,
            Self::Enforce => other,
        }
    }

    /// The mode's name in a policy.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }
}
