//! The steps of the gate, in the order in which it performs them.

use std::fmt;

/// Defines [`Step`] with the names of its variants.
macro_rules! steps {
    ($($(#[$doc:meta])+ $step:ident: $name:literal;)+) => {
        /// A step that a request has to pass.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Step {
            $($(#[$doc])+ $step,)+
        }

        impl Step {
            /// Every step, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$step),+];

            /// The step's name in the console.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$step => $name,)+
                }
            }
        }
    };
}

steps! {
    /// The path is canonical, and a route accepts it with its method.
    Path: "path";
    /// There is one token, in one of the policy's sources.
    Found: "found";
    /// The token is a strict compact JWS with a header that the gate understands.
    Parsed: "parsed";
    /// The token selects one of the policy's issuers and a key of it.
    Key: "key";
    /// The signature verifies under that key.
    Signature: "signature";
    /// The issuer's introspection endpoint says that the token is active, if it is asked.
    Introspection: "introspection";
    /// The token is an access token by its type, and its registered claims have their JSON types.
    Type: "type";
    /// `iss`, and the tenant that it names.
    Issuer: "issuer";
    /// `aud`.
    Audience: "audience";
    /// `exp`, `nbf`, `iat`.
    Time: "time";
    /// `sub` and the other claims that the issuer's rules name.
    Claims: "claims";
    /// The client has the key that the token is bound to.
    Possession: "possession";
    /// The token has not been revoked.
    Revocation: "revocation";
    /// The route's own requirements.
    Route: "route";
    /// The outgoing request can be built, and goes to the origin.
    Forward: "forward";
}

impl Step {
    /// Returns the step of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
