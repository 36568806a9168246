//! Compiles `routes`.

use super::claim_rule;
use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::claims::is_scope_token;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::refusal::Schemes;
use crate::report::Mode;
use crate::route::{Access, Methods, Pattern, Requirements, Route, Routes, TRACE};

const FIELDS: [&str; 15] = [
    "path",
    "methods",
    "access",
    "issuers",
    "scopes",
    "any_scope",
    "roles",
    "any_role",
    "claims",
    "acr",
    "max_auth_age",
    "mode",
    "encoded_slash",
    "path_parameters",
    "cache",
];

/// The keys that need a token, and so have no effect on public routes.
const NEED_A_TOKEN: [&str; 9] = [
    "issuers",
    "scopes",
    "any_scope",
    "roles",
    "any_role",
    "claims",
    "acr",
    "max_auth_age",
    "mode",
];

/// Compiles all routes. `issuers` is `None` if they have faults of their own.
#[inline(never)]
pub(super) fn compile_all(
    policy: &Table<'_>,
    issuers: Option<&[Issuer]>,
    faults: &mut Faults,
) -> Option<Routes> {
    let tables = policy.tables("routes", &FIELDS, faults).ok()?;
    if tables.is_empty() {
        faults.fault(
            policy.at("routes"),
            "the policy has no route, so every request would be refused",
            "add [[vars.POLICY.routes]] with path = \"/*\"",
        );
        return None;
    }
    let has_mtls = policy.has("mtls");
    let compile = |table| compile(table, issuers, has_mtls, faults);
    let routes: Vec<_> = tables.iter().map(compile).collect();
    report_duplicates(&tables, &routes, faults);
    routes.into_iter().collect::<Option<Vec<_>>>().map(Routes::new)
}

#[inline(never)]
fn compile(
    table: &Table<'_>,
    issuers: Option<&[Issuer]>,
    has_mtls: bool,
    faults: &mut Faults,
) -> Option<Route> {
    let pattern = compile_pattern(table, faults);
    let methods = compile_methods(table, faults);
    let choices =
        [Access::Required, Access::Optional, Access::Public].map(|one| (one.as_str(), one));
    let access = table.choice("access", &choices, faults);
    let all = issuers.unwrap_or_default();
    let issuers = compile_issuers(table, issuers, faults);
    let requirements = compile_requirements(table, faults);
    let encoded_slash =
        table.choice("encoded_slash", &[("refuse", false), ("allow", true)], faults);
    let path_parameters =
        table.choice("path_parameters", &[("refuse", false), ("allow", true)], faults);
    let no_store = table.choice("cache", &[("no-store", true), ("origin", false)], faults);
    let mode = compile_mode(table, faults);
    let access = access.ok()?.unwrap_or_default();
    if access == Access::Public {
        for key in NEED_A_TOKEN {
            if table.has(key) {
                faults.fault(
                    table.at(key),
                    "the gate does not look at tokens on public routes, so this key has no effect",
                    "remove it, or set access = \"required\"",
                );
            }
        }
    }
    let issuers = issuers.ok()?;
    let introspecting = if access == Access::Public {
        None
    } else {
        compile_introspecting(table, issuers.as_deref(), all, faults).ok()?
    };
    Some(Route {
        schemes: schemes(all, issuers.as_deref(), has_mtls),
        pattern: pattern.ok()?,
        methods: methods.ok()?,
        access,
        issuers,
        introspecting,
        requirements: requirements.ok()?,
        mode: mode.ok()?,
        allows_encoded_slash: encoded_slash.ok()?.unwrap_or(false),
        allows_path_parameters: path_parameters.ok()?.unwrap_or(false),
        no_store: no_store.ok()?.unwrap_or(access != Access::Public),
    })
}

/// The schemes that a route's challenges name. A token that is bound to a certificate is sent as a
/// bearer token (RFC 8705 section 3).
fn schemes(issuers: &[Issuer], admitted: Option<&[IssuerId]>, has_mtls: bool) -> Schemes {
    let admits = |id: &IssuerId| admitted.is_none_or(|admitted| admitted.contains(id));
    let mut issuers = issuers.iter().filter(|issuer| admits(&issuer.id));
    let dpop = issuers.clone().any(Issuer::takes_bound_tokens);
    let bearer = !dpop || has_mtls || issuers.any(|issuer| !issuer.requires_bound_tokens());
    Schemes { bearer, dpop, used_dpop: false }
}

/// Compiles the `mode` of a route or issuer.
pub(super) fn compile_mode(table: &Table<'_>, faults: &mut Faults) -> Result<Mode, Faulty> {
    let mode = table.choice("mode", &Mode::NAMES, faults)?.unwrap_or_default();
    if mode == Mode::Report {
        faults.warning(
            table.at("mode"),
            "requests that would be refused with 401 or 403 are forwarded as anonymous",
            "write \"enforce\" once the log reports no request that should pass",
        );
    }
    Ok(mode)
}

fn compile_pattern(table: &Table<'_>, faults: &mut Faults) -> Result<Pattern, Faulty> {
    let found = table.text("path", faults);
    let text = table.require("path", found, "write a pattern such as \"/api/*\"", faults)?;
    Pattern::parse(text).map_err(|problem| {
        faults.fault(
            table.at("path"),
            problem,
            "write literal segments, {name} for one segment, and * at the end for the rest",
        );
        Faulty
    })
}

fn compile_methods(table: &Table<'_>, faults: &mut Faults) -> Result<Methods, Faulty> {
    let Some(names) = table.texts("methods", false, faults)? else { return Ok(Methods::All) };
    let mut outcome = Ok(());
    for (index, name) in names.iter().enumerate() {
        if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
            faults.fault(
                format!("{}[{index}]", table.at("methods")),
                format!("{name} is not an HTTP method in upper case"),
                format!("write \"{}\"", name.to_ascii_uppercase()),
            );
            outcome = Err(Faulty);
        } else if *name == TRACE {
            faults.fault(
                format!("{}[{index}]", table.at("methods")),
                "no route accepts TRACE: the origin would send the request back, with its \
                 credentials",
                "remove it",
            );
            outcome = Err(Faulty);
        }
    }
    let mut distinct: Vec<String> = Vec::new();
    for name in names {
        if !distinct.iter().any(|known| known == name) {
            distinct.push(name.to_owned());
        }
    }
    outcome.map(|()| Methods::These(distinct))
}

fn compile_issuers(
    table: &Table<'_>,
    issuers: Option<&[Issuer]>,
    faults: &mut Faults,
) -> Result<Option<Vec<IssuerId>>, Faulty> {
    let (Some(names), Some(issuers)) = (table.texts("issuers", false, faults)?, issuers) else {
        return Ok(None);
    };
    let mut ids = Vec::new();
    let mut outcome = Ok(());
    for (index, name) in names.into_iter().enumerate() {
        match issuers.iter().find(|issuer| issuer.name() == name) {
            Some(issuer) => ids.push(issuer.id()),
            None => {
                let known: Vec<_> = issuers.iter().map(Issuer::name).collect();
                faults.fault(
                    format!("{}[{index}]", table.at("issuers")),
                    format!("no issuer is named {name}"),
                    format!("the issuers are named {}", known.join(", ")),
                );
                outcome = Err(Faulty);
            }
        }
    }
    outcome.map(|()| Some(ids))
}

/// Finds the issuer that introspects the tokens of a route. Two would both have to be sent every
/// token, because an opaque token does not say who issued it.
#[cold]
#[inline(never)]
fn compile_introspecting(
    table: &Table<'_>,
    admitted: Option<&[IssuerId]>,
    all: &[Issuer],
    faults: &mut Faults,
) -> Result<Option<IssuerId>, Faulty> {
    let is_admitted =
        |issuer: &&Issuer| admitted.is_none_or(|admitted| admitted.contains(&issuer.id()));
    let introspecting: Vec<_> =
        all.iter().filter(is_admitted).filter(|issuer| issuer.introspection().is_some()).collect();
    match introspecting.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.id())),
        several => {
            let names: Vec<_> = several.iter().map(|issuer| issuer.name()).collect();
            faults.fault(
                table.at("issuers"),
                format!(
                    "the route admits several issuers that introspect tokens ({}), and an opaque \
                     token does not say which of them issued it",
                    names.join(", ")
                ),
                "list the issuers of the route, only one of them with introspection",
            );
            Err(Faulty)
        }
    }
}

fn compile_requirements(table: &Table<'_>, faults: &mut Faults) -> Result<Requirements, Faulty> {
    let scopes = scopes(table, "scopes", faults);
    let any_scope = self::scopes(table, "any_scope", faults);
    let roles = owned(table.texts("roles", false, faults));
    let any_role = owned(table.texts("any_role", false, faults));
    let claims = claim_rule::compile_all(table, faults);
    let acr = acr(table, faults);
    let max_auth_age = table.seconds("max_auth_age", 1..=31_536_000, faults);
    Ok(Requirements {
        scopes: scopes?,
        any_scope: any_scope?,
        roles: roles?,
        any_role: any_role?,
        claims: claims?,
        acr: acr?,
        max_auth_age: max_auth_age?,
    })
}

fn owned(texts: Result<Option<Vec<&str>>, Faulty>) -> Result<Vec<String>, Faulty> {
    Ok(texts?.unwrap_or_default().into_iter().map(str::to_owned).collect())
}

pub(super) fn scopes(
    table: &Table<'_>,
    key: &str,
    faults: &mut Faults,
) -> Result<Vec<String>, Faulty> {
    let scopes = owned(table.texts(key, false, faults))?;
    let mut outcome = Ok(());
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope_token(scope) {
            faults.fault(
                format!("{}[{index}]", table.at(key)),
                "not a single valid scope (RFC 6749 section 3.3)",
                "write one scope per entry, in visible ASCII without spaces, \" and \\",
            );
            outcome = Err(Faulty);
        }
    }
    outcome.map(|()| scopes)
}

/// Compiles `acr`. Challenges list the values with spaces between them (RFC 9470 section 3).
fn acr(table: &Table<'_>, faults: &mut Faults) -> Result<Vec<String>, Faulty> {
    let values = owned(table.texts("acr", false, faults))?;
    let mut outcome = Ok(());
    for (index, value) in values.iter().enumerate() {
        if !is_scope_token(value) {
            faults.fault(
                format!("{}[{index}]", table.at("acr")),
                "not a single value: challenges separate the values with spaces (RFC 9470 section \
                 3)",
                "write one value per entry, in visible ASCII without spaces, \" and \\",
            );
            outcome = Err(Faulty);
        }
    }
    outcome.map(|()| values)
}

/// Reports routes with the same pattern that accept the same method: it would be unclear which
/// applies.
fn report_duplicates(tables: &[Table<'_>], routes: &[Option<Route>], faults: &mut Faults) {
    let mut sorted: Vec<(&Table<'_>, &Route)> = Vec::with_capacity(tables.len());
    for (table, route) in tables.iter().zip(routes) {
        let Some(route) = route else { continue };
        let place = sorted.partition_point(|(_, before)| before.pattern <= route.pattern);
        let before = sorted.iter().take(place).rev();
        let same = before.take_while(|(_, earlier)| earlier.pattern == route.pattern);
        let duplicate = same.filter(|(_, earlier)| earlier.methods.overlap(&route.methods)).last();
        if let Some((earlier, _)) = duplicate {
            faults.fault(
                table.at("path"),
                format!("{} matches the same requests", earlier.at("path")),
                "give the two routes different paths, or methods that do not overlap",
            );
        }
        sorted.insert(place, (table, route));
    }
}
