//! The last step: whether a route admits the claims. [`Admitted`] is the only key to the origin.

use crate::claims::Claims;
use crate::extract::Source;
use crate::refusal::{Code, Refusal, Step};
use crate::report::Mode;
use crate::route::{Access, Route};
use crate::time::UnixSeconds;
use serde_json::Value;

/// A request that may go to the origin, and in whose name.
///
/// Only this module can make one, and what forwards takes it by value: there is no other way through.
#[derive(Debug)]
pub struct Admitted<'g> {
    route: &'g Route,
    claims: Option<Claims<'g>>,
    credential: Option<&'g Source>,
    reported: Option<Refusal>,
}

impl<'g> Admitted<'g> {
    /// Admits a request on a public route, where tokens are not looked at.
    #[must_use]
    pub fn public(route: &'g Route) -> Option<Self> {
        (route.access == Access::Public).then_some(Self {
            route,
            claims: None,
            credential: None,
            reported: None,
        })
    }

    /// Admits a request without a token, where the route lets it pass as anonymous.
    ///
    /// # Errors
    ///
    /// `missing_token` where the route needs one.
    pub fn anonymous(route: &'g Route) -> Result<Self, Refusal> {
        match route.access {
            Access::Required => Err(Refusal::new(Code::MissingToken, "no token")),
            Access::Optional | Access::Public => {
                Ok(Self { route, claims: None, credential: None, reported: None })
            }
        }
    }

    /// Admits a request in the name of its claims, if they meet the route's requirements. `credential`
    /// is where the token was.
    ///
    /// # Errors
    ///
    /// `insufficient_scope` with the scopes that are needed, `claim_not_allowed` for a role or claim
    /// rule, `insufficient_user_authentication` where the user must sign in again or in another way
    /// (RFC 9470 section 3), `invalid_claim` where what a rule reads is not of its shape.
    pub fn authorised(
        route: &'g Route,
        claims: Claims<'g>,
        credential: &'g Source,
        now: UnixSeconds,
    ) -> Result<Self, Refusal> {
        check_requirements(route, &claims, now).map_err(|refusal| refusal.at(Step::Route))?;
        Ok(Self { route, claims: Some(claims), credential: Some(credential), reported: None })
    }

    /// Lets a request through that is refused, where no more than a report is asked for: as anonymous,
    /// so that it gets neither claims' headers nor a hop proof. `credential` is where its token was.
    ///
    /// # Errors
    ///
    /// The refusal itself in enforce mode, and in any mode if it is not for a token, its claims or what
    /// they authorise: [`Refusal::may_be_reported`].
    pub fn reported(
        route: &'g Route,
        mode: Mode,
        credential: Option<&'g Source>,
        refusal: Refusal,
    ) -> Result<Self, Refusal> {
        if mode == Mode::Report && refusal.may_be_reported() {
            Ok(Self { route, claims: None, credential, reported: Some(refusal) })
        } else {
            Err(refusal)
        }
    }

    /// What it would have been refused for.
    #[must_use]
    pub const fn would_be_refusal(&self) -> Option<&Refusal> {
        self.reported.as_ref()
    }

    /// The route.
    #[must_use]
    pub const fn route(&self) -> &'g Route {
        self.route
    }

    /// The claims in whose name it goes, or nothing for an anonymous request.
    #[must_use]
    pub const fn claims(&self) -> Option<&Claims<'g>> {
        self.claims.as_ref()
    }

    /// Where the token was, or nothing where none was looked at or there.
    #[must_use]
    pub const fn credential(&self) -> Option<&'g Source> {
        self.credential
    }
}

fn check_requirements(route: &Route, claims: &Claims<'_>, now: UnixSeconds) -> Result<(), Refusal> {
    check_scopes(route, claims)?;
    check_roles(route, claims)?;
    for rule in &route.requirements.claims {
        if !rule.holds(claims)? {
            return Err(Refusal::new(
                Code::ClaimNotAllowed,
                "a claim rule of the route does not hold",
            ));
        }
    }
    // Last: nobody should sign in again to be told that it was for nothing.
    check_authentication(route, claims, now)
}

fn check_scopes(route: &Route, claims: &Claims<'_>) -> Result<(), Refusal> {
    let needs = &route.requirements;
    if needs.scopes.is_empty() && needs.any_scope.is_empty() {
        return Ok(());
    }
    let held = claims.scopes()?;
    if holds_all(&held, &needs.scopes) && holds_any(&held, &needs.any_scope) {
        return Ok(());
    }
    let wanted = needs.scopes.iter().chain(&needs.any_scope).cloned().collect();
    Err(Refusal::new(Code::InsufficientScope, "a scope that the route needs is missing")
        .needing_scopes(wanted))
}

fn check_roles(route: &Route, claims: &Claims<'_>) -> Result<(), Refusal> {
    let needs = &route.requirements;
    if needs.roles.is_empty() && needs.any_role.is_empty() {
        return Ok(());
    }
    let held = claims.roles()?;
    if holds_all(&held, &needs.roles) && holds_any(&held, &needs.any_role) {
        return Ok(());
    }
    Err(Refusal::new(Code::ClaimNotAllowed, "a role that the route needs is missing"))
}

fn check_authentication(
    route: &Route,
    claims: &Claims<'_>,
    now: UnixSeconds,
) -> Result<(), Refusal> {
    let needs = &route.requirements;
    let refuse = |because| {
        Err(Refusal::new(Code::InsufficientUserAuthentication, because)
            .needing_authentication(needs.acr.clone(), needs.max_auth_age))
    };
    if !needs.acr.is_empty() {
        match claims.at("acr") {
            Some(Value::String(acr)) if needs.acr.contains(acr) => {}
            None | Some(Value::String(_)) => return refuse("acr is none of the route's"),
            Some(_) => return Err(Refusal::new(Code::InvalidClaim, "acr is not a string")),
        }
    }
    let Some(max_age) = needs.max_auth_age else { return Ok(()) };
    match claims.authenticated_at() {
        None => refuse("no auth_time, which max_auth_age needs"),
        Some(time) if now >= time.plus(max_age.plus(claims.leeway())) => {
            refuse("auth_time is longer ago than max_auth_age")
        }
        Some(time) if now.plus(claims.leeway()) < time => refuse("auth_time lies in the future"),
        Some(_) => Ok(()),
    }
}

fn holds_all(held: &[&str], needed: &[String]) -> bool {
    needed.iter().all(|one| held.contains(&one.as_str()))
}

fn holds_any(held: &[&str], needed: &[String]) -> bool {
    needed.is_empty() || needed.iter().any(|one| held.contains(&one.as_str()))
}
