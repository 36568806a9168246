//! The last step: whether the route admits the claims. An [`Admitted`] value is the only way to the
//! origin.

use crate::claims::Claims;
use crate::extract::TokenSource;
use crate::issuer::Issuer;
use crate::possession::Possession;
use crate::refusal::{Challenge, Code, Refusal, Schemes, Step};
use crate::report::Mode;
use crate::revocation::NotRevoked;
use crate::route::{Access, Route};
use crate::time::UnixSeconds;
use serde_json::Value;

/// A request that may go to the origin, and in whose name.
///
/// Only this module makes one, and forwarding takes it by value, so there is no other way to the
/// origin.
///
/// ```compile_fail,E0451
/// use portcullis::admitted::Admitted;
/// use portcullis::route::Route;
///
/// fn forge(route: &Route) -> Admitted<'_> {
///     // error[E0451]: the fields of struct `Admitted` are private
///     Admitted { route, claims: None, credential: None, reported: None }
/// }
/// ```
///
/// Report mode cannot be asked for from outside either:
///
/// ```compile_fail,E0624
/// use portcullis::admitted::Admitted;
/// use portcullis::refusal::Refusal;
/// use portcullis::route::Route;
///
/// fn forge(route: &Route, refusal: Refusal) -> Result<Admitted<'_>, Refusal> {
///     Admitted::reported(route, None, None, refusal) // error[E0624]: `reported` is private
/// }
/// ```
pub struct Admitted<'g> {
    route: &'g Route,
    claims: Option<Claims<'g>>,
    credential: Option<&'g TokenSource>,
    reported: Option<Refusal>,
}

/// The proofs that claims have passed every check between the issuer's rules and the route's. A
/// further check adds a field here, and the gate does not compile until it performs that check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The client has the keys that the claims are bound to.
    pub(crate) possession: Possession,
    /// The revocation store does not list the claims.
    pub(crate) revocation: NotRevoked,
}

/// The proof that a route admits an issuer. Only [`IssuerAdmitted::check`] makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IssuerAdmitted<'g> {
    issuer: &'g Issuer,
}

impl<'g> IssuerAdmitted<'g> {
    /// Checks that the route admits this issuer's tokens.
    ///
    /// # Errors
    ///
    /// `unknown_issuer` if the policy names others for the route.
    pub(crate) fn check(route: &Route, issuer: &'g Issuer) -> Result<Self, Refusal> {
        if route.admits_issuer(issuer.id()) {
            Ok(Self { issuer })
        } else {
            let because = "the route does not admit the token's issuer";
            Err(Refusal::new(Code::UnknownIssuer, because))
        }
    }

    /// The issuer.
    pub(crate) const fn issuer(self) -> &'g Issuer {
        self.issuer
    }
}

impl<'g> Admitted<'g> {
    /// Admits a request on a public route, where the gate looks at no token. Returns `None` if the
    /// route is not public.
    #[must_use]
    pub(crate) fn public(route: &'g Route) -> Option<Self> {
        match route.access() {
            Access::Public => Some(Self::anonymous_on(route)),
            Access::Optional | Access::Required => None,
        }
    }

    /// Admits a request without a token as anonymous, if the route allows that. `because` says why
    /// the gate found none.
    ///
    /// # Errors
    ///
    /// `missing_token` if the route requires a token.
    pub(crate) fn anonymous(
        route: &'g Route,
        because: impl FnOnce() -> &'static str,
    ) -> Result<Self, Refusal> {
        match route.access() {
            Access::Required => Err(Refusal::new(Code::MissingToken, because())),
            Access::Optional | Access::Public => Ok(Self::anonymous_on(route)),
        }
    }

    const fn anonymous_on(route: &'g Route) -> Self {
        Self { route, claims: None, credential: None, reported: None }
    }

    /// Admits a request in the name of its claims, if they meet the route's requirements.
    /// `credential` is the token's source.
    ///
    /// # Errors
    ///
    /// `insufficient_scope` with the required scopes; `claim_not_allowed` for a role or claim rule;
    /// `insufficient_user_authentication` if the user must sign in again or in another way (RFC
    /// 9470 section 3). A claim of the wrong type counts as one that is not enough.
    pub(crate) fn authorized(
        route: &'g Route,
        claims: Claims<'g>,
        Checked { possession: Possession { .. }, revocation: NotRevoked { .. } }: Checked,
        credential: &'g TokenSource,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        check_requirements(route, &claims, now).map_err(|refusal| refusal.at(Step::Route))?;
        Ok(Self { route, claims: Some(claims), credential: Some(credential), reported: None })
    }

    /// Admits a request as anonymous that would be refused, if its route, or the issuer that signed
    /// its token, is in report mode. It gets neither claim headers nor a hop proof. `credential` is
    /// the token's source.
    ///
    /// # Errors
    ///
    /// The refusal itself in enforce mode, and in any mode if it is not about the token, its claims
    /// or what they authorize: [`Refusal::may_be_reported`].
    pub(crate) fn reported(
        route: &'g Route,
        issuer: Option<IssuerAdmitted<'g>>,
        credential: Option<&'g TokenSource>,
        refusal: Refusal,
    ) -> Result<Self, Refusal> {
        let of_issuer = issuer.map_or(Mode::Enforce, |admitted| admitted.issuer().mode());
        match route.mode().or(of_issuer) {
            Mode::Report if refusal.may_be_reported() => {
                Ok(Self { route, claims: None, credential, reported: Some(refusal) })
            }
            Mode::Report | Mode::Enforce => {
                let used_dpop = credential == Some(&TokenSource::Dpop);
                let schemes = Schemes { used_dpop, ..route.schemes() };
                Err(naming_scopes(route, refusal).challenging(schemes))
            }
        }
    }

    /// The refusal that report mode has set aside, if there is one.
    #[must_use]
    pub const fn would_be_refusal(&self) -> Option<&Refusal> {
        self.reported.as_ref()
    }

    /// The route.
    #[must_use]
    pub const fn route(&self) -> &'g Route {
        self.route
    }

    /// The claims in whose name the request goes, or `None` if it is anonymous.
    #[must_use]
    pub const fn claims(&self) -> Option<&Claims<'g>> {
        self.claims.as_ref()
    }

    /// The token's source, or `None` if the request has no token or the gate did not look for one.
    #[must_use]
    pub const fn credential(&self) -> Option<&'g TokenSource> {
        self.credential
    }
}

/// Names the route's scopes in a challenge that asks for a token, so that the client can ask for
/// the right one at once (RFC 6750 section 3; the authorization specification of MCP relies on it).
fn naming_scopes(route: &Route, refusal: Refusal) -> Refusal {
    match refusal.code().challenge() {
        Challenge::Bare | Challenge::Error("invalid_token", _) => {
            let scopes = route.requirements().named_scopes();
            refusal.needing_scopes(scopes.map(str::to_owned).collect())
        }
        Challenge::None | Challenge::Error(..) | Challenge::Proof(..) => refusal,
    }
}

fn check_requirements(route: &Route, claims: &Claims<'_>, now: UnixSeconds) -> Result<(), Refusal> {
    check_scopes(route, claims)?;
    check_roles(route, claims)?;
    for rule in &route.requirements().claims {
        let holds = rule.holds(claims.members()).map_err(not_allowed)?;
        if !holds {
            let because = "a claim rule of the route does not hold";
            return Err(Refusal::new(Code::ClaimNotAllowed, because).about(&rule.path));
        }
    }
    // Checked last, so that nobody re-authenticates only to be denied.
    check_authentication(route, claims, now)
}

/// The refusal of a valid token whose claims the route cannot use. With another token the client
/// would fare no better, so it must not be asked for one.
fn not_allowed(refusal: Refusal) -> Refusal {
    refusal.with_code(Code::ClaimNotAllowed)
}

fn check_scopes(route: &Route, claims: &Claims<'_>) -> Result<(), Refusal> {
    let needs = route.requirements();
    if needs.named_scopes().next().is_none() {
        return Ok(());
    }
    let refusal = match claims.scopes() {
        Ok(held) if holds_all(&held, &needs.scopes) && holds_any(&held, &needs.any_scope) => {
            return Ok(());
        }
        Ok(_) => {
            let because = "the token lacks a scope that the route requires";
            let wanted: Vec<_> = needs.named_scopes().collect();
            Refusal::new(Code::InsufficientScope, because).about(&wanted.join(", "))
        }
        Err(refusal) => refusal.with_code(Code::InsufficientScope),
    };
    Err(refusal.needing_scopes(needs.named_scopes().map(str::to_owned).collect()))
}

fn check_roles(route: &Route, claims: &Claims<'_>) -> Result<(), Refusal> {
    let needs = route.requirements();
    if needs.named_roles().next().is_none() {
        return Ok(());
    }
    let held = claims.roles().map_err(not_allowed)?;
    if holds_all(&held, &needs.roles) && holds_any(&held, &needs.any_role) {
        return Ok(());
    }
    let wanted: Vec<_> = needs.named_roles().collect();
    let because = "the token lacks a role that the route requires";
    Err(Refusal::new(Code::ClaimNotAllowed, because).about(&wanted.join(", ")))
}

fn check_authentication(
    route: &Route,
    claims: &Claims<'_>,
    now: UnixSeconds,
) -> Result<(), Refusal> {
    let needs = route.requirements();
    let refuse = |because| {
        Err(Refusal::new(Code::InsufficientUserAuthentication, because)
            .needing_authentication(needs.acr.clone(), needs.max_auth_age))
    };
    if !needs.acr.is_empty() {
        match claims.at("acr") {
            Some(Value::String(acr)) if needs.acr.contains(acr) => {}
            None | Some(Value::String(_)) => {
                return refuse("acr is not one that the route accepts");
            }
            Some(_) => return refuse("acr is not a string"),
        }
    }
    let Some(max_age) = needs.max_auth_age else { return Ok(()) };
    match claims.authenticated_at() {
        None => refuse("there is no auth_time, which max_auth_age requires"),
        Some(time) if now >= time.plus(max_age.plus(claims.leeway())) => {
            refuse("auth_time is longer ago than max_auth_age")
        }
        Some(time) if now.plus(claims.leeway()) < time => refuse("auth_time is in the future"),
        Some(_) => Ok(()),
    }
}

fn holds_all(held: &[&str], needed: &[String]) -> bool {
    needed.iter().all(|one| held.contains(&one.as_str()))
}

fn holds_any(held: &[&str], needed: &[String]) -> bool {
    needed.is_empty() || needed.iter().any(|one| held.contains(&one.as_str()))
}
