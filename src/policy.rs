//! The policy, and the compiler that makes it from what the operator wrote.
//!
//! The compiler reports every fault at once, each with its path. A compiled policy is valid by
//! construction: its names are resolved, its keys imported and its patterns sorted. No later code
//! has to check it.
//!
//! Each part has a function of its own (`inline(never)`), because an isolate compiles the policy
//! before it can respond to its first request, and the runtime compiles a function as a whole when
//! it is first called.

mod claim_rule;
mod cors;
mod fault;
mod forward;
mod identity;
mod introspection;
mod issuer;
mod key_cache;
mod keys;
mod log;
mod origin;
mod possession;
mod preset;
mod reader;
mod references;
mod resource;
mod revocation;
mod route;
mod route_warnings;
mod token;

pub use self::fault::Fault;
pub use self::log::{Decisions, Log};
pub use self::possession::REPLAY_CLASS;
pub use self::preset::Preset;
pub use self::reader::remedy_for_unknown_key;
pub use self::references::{BindingReference, Purpose};

use self::fault::Faults;
use self::reader::Table;
use crate::alg::Algorithm;
use crate::cors::Cors;
use crate::error_response::{Detail, ErrorResponses};
use crate::extract::TokenSource;
use crate::issuer::Issuer;
use crate::issuer_id::IssuerId;
use crate::keys::shared::SharedCache;
use crate::outgoing::Forwarding;
use crate::possession::Settings;
use crate::refusal::{Code, Refusal};
use crate::resource::Resources;
use crate::revocation::Revocation;
use crate::route::{Access, Route, Routes};
use crate::time::Seconds;
use crate::token::Unverified;
use serde_json::Value;

/// A compiled policy.
#[derive(Debug)]
pub struct Policy {
    issuers: Vec<Issuer>,
    routes: Routes,
    sources: Vec<TokenSource>,
    forwarding: Forwarding,
    error_responses: ErrorResponses,
    possession: Settings,
    revocation: Option<Revocation>,
    key_cache: Option<SharedCache>,
    log: Log,
    rate_limit: Option<String>,
    origin_timeout: Seconds,
}

/// The bindings of a deployment, by name.
pub trait Bindings {
    /// Returns the value of a variable or secret: a string, or a table if a variable contains one.
    /// Returns `None` if there is no such binding.
    fn value(&self, name: &str) -> Option<Value>;

    /// Returns the secret that a Secrets Store returned for a binding until recently. Tokens that
    /// were signed with it are still accepted. There is none outside Cloudflare.
    fn former_secret(&self, _name: &str) -> Option<String> {
        None
    }

    /// Whether there is a service binding of that name.
    fn is_service(&self, name: &str) -> bool;

    /// Whether there is a KV namespace bound under that name.
    fn is_kv_namespace(&self, name: &str) -> bool;

    /// Whether there is a Rate Limiting binding of that name. There is none outside Cloudflare.
    fn is_rate_limiter(&self, _name: &str) -> bool {
        false
    }

    /// Whether there is a namespace of Durable Objects bound under that name. There is none outside
    /// Cloudflare.
    fn is_durable_object(&self, _name: &str) -> bool {
        false
    }

    /// Whether there is an Analytics Engine dataset bound under that name. There is none outside
    /// Cloudflare.
    fn is_analytics_dataset(&self, _name: &str) -> bool {
        false
    }
}

/// The result of compiling a policy.
#[derive(Debug)]
pub struct Compilation {
    /// The policy, or all of its faults, of which there is at least one.
    pub outcome: Result<Policy, Vec<Fault>>,
    /// Settings that are valid but may be mistakes.
    pub warnings: Vec<Fault>,
}

impl Compilation {
    /// Makes the fault of a policy without an origin one of its faults, because requests are to be
    /// forwarded.
    fn requiring_origin(self, raw: &Value) -> Self {
        let Some(missing) = Policy::missing_origin(raw) else { return self };
        let mut faults = self.outcome.err().unwrap_or_default();
        faults.insert(0, missing);
        Self { outcome: Err(faults), ..self }
    }
}

impl Policy {
    /// Compiles the contents of `[vars.POLICY]` in `wrangler.toml`, to forward requests by it.
    #[must_use]
    pub fn compile(raw: &Value, bindings: &dyn Bindings) -> Compilation {
        Self::compile_to_authenticate(raw, bindings).requiring_origin(raw)
    }

    /// Returns the fault of a raw policy that has no origin, so that requests cannot be forwarded.
    #[must_use]
    pub fn missing_origin(raw: &Value) -> Option<Fault> {
        raw.as_object().is_some_and(|raw| !raw.contains_key("origin")).then(origin::missing)
    }

    /// Compiles a policy to authenticate requests by it, for which it needs no origin.
    #[must_use]
    pub fn compile_to_authenticate(raw: &Value, bindings: &dyn Bindings) -> Compilation {
        let mut faults = Faults::default();
        let policy = compile(raw, bindings, &mut faults);
        faults.into_compilation(policy)
    }

    /// Lists the bindings that a raw policy names for secrets and keys, in the order of the policy.
    /// Leaves out malformed values, which [`Policy::compile`] reports.
    #[must_use]
    pub fn binding_references(raw: &Value) -> Vec<BindingReference> {
        references::all(raw)
    }

    /// Returns the issuers of a raw policy that are written with presets, as the presets expand
    /// them. Leaves out issuers with faults.
    #[must_use]
    pub fn presets(raw: &Value) -> Vec<Preset> {
        Table::open(raw, String::new(), &FIELDS, &mut Faults::default())
            .map(|table| issuer::presets(&table))
            .unwrap_or_default()
    }

    /// The issuers, in the order in which the policy names them.
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The routes, most specific first.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        self.routes.as_slice()
    }

    /// The table in which the route of a request is found.
    #[must_use]
    pub const fn route_table(&self) -> &Routes {
        &self.routes
    }

    /// Where the gate looks for tokens.
    #[must_use]
    pub fn sources(&self) -> &[TokenSource] {
        &self.sources
    }

    /// How requests are forwarded.
    #[must_use]
    pub const fn forwarding(&self) -> &Forwarding {
        &self.forwarding
    }

    /// How the gate responds to refused requests.
    #[must_use]
    pub const fn error_responses(&self) -> &ErrorResponses {
        &self.error_responses
    }

    /// Which web pages may call the API, if the policy has `cors`.
    #[must_use]
    pub const fn cors(&self) -> Option<&Cors> {
        self.error_responses.cors.as_ref()
    }

    /// The API's resources, whose metadata the gate serves.
    #[must_use]
    pub const fn resources(&self) -> &Resources {
        &self.error_responses.resources
    }

    /// What the gate records about its decisions.
    #[must_use]
    pub const fn log(&self) -> &Log {
        &self.log
    }

    /// The Rate Limiting binding that counts rejected tokens by client, if the policy names one.
    #[must_use]
    pub fn rate_limit(&self) -> Option<&str> {
        self.rate_limit.as_deref()
    }

    /// How long the gate waits for the origin's response headers.
    #[must_use]
    pub const fn origin_timeout(&self) -> Seconds {
        self.origin_timeout
    }

    /// How clients prove that they have the keys of sender-constrained tokens.
    #[must_use]
    pub const fn possession(&self) -> &Settings {
        &self.possession
    }

    /// Where revocations are looked up, if the policy has `revocation`.
    #[must_use]
    pub const fn revocation(&self) -> Option<&Revocation> {
        self.revocation.as_ref()
    }

    /// How isolates share fetched keys, if the policy has `key_cache`.
    #[must_use]
    pub const fn key_cache(&self) -> Option<&SharedCache> {
        self.key_cache.as_ref()
    }

    /// Returns the issuer with this ID, or `None` for an ID of another policy.
    #[must_use]
    pub fn issuer(&self, id: IssuerId) -> Option<&Issuer> {
        self.issuers.get(id.index())
    }

    /// Selects the issuer that a token claims to be from. The signature must then verify under one
    /// of that issuer's keys. Of several issuers with the same `iss`, the one is selected that has
    /// the token's algorithm. If the policy has only one issuer, it is selected whatever the token
    /// claims, so that the signature is checked before any claim.
    ///
    /// # Errors
    ///
    /// `unknown_issuer` if `iss` names no issuer of the policy.
    pub fn issuer_named_by(&self, token: &Unverified<'_>) -> Result<&Issuer, Refusal> {
        let algorithm = token.header().algorithm;
        let chosen = match self.issuers.as_slice() {
            [only] => Some(only),
            all => token
                .issuer_hint()
                .and_then(|name| select(all, algorithm, |issuer| issuer.is_named(&name)))
                .or_else(|| select(all, algorithm, Issuer::accepts_any_name)),
        };
        chosen.ok_or(Refusal::new(Code::UnknownIssuer, "iss names no issuer of the policy"))
    }
}

/// Returns a matching issuer with this algorithm, or else the first matching one, which then
/// rejects the algorithm.
fn select(
    issuers: &[Issuer],
    algorithm: Algorithm,
    matches: impl Fn(&Issuer) -> bool,
) -> Option<&Issuer> {
    let mut matching = issuers.iter().filter(|issuer| matches(issuer));
    let has_algorithm = |issuer: &&Issuer| issuer.algorithms().contains(&algorithm);
    matching.clone().find(has_algorithm).or_else(|| matching.next())
}

const FIELDS: [&str; 16] = [
    "origin",
    "realm",
    "origin_timeout",
    "issuers",
    "routes",
    "token",
    "forward",
    "cors",
    "resource",
    "dpop",
    "mtls",
    "revocation",
    "key_cache",
    "log",
    "rate_limit",
    "errors",
];

fn compile(raw: &Value, bindings: &dyn Bindings, faults: &mut Faults) -> Option<Policy> {
    let table = Table::open(raw, String::new(), &FIELDS, faults)?;
    let origin = origin::compile(&table, bindings, faults);
    let issuers = issuer::compile_all(&table, bindings, faults);
    let routes = route::compile_all(&table, issuers.as_deref(), faults);
    let forwarding = forward::compile(&table, origin, issuers.as_deref(), bindings, faults);
    let mut sources = token::compile(&table, forwarding.as_ref(), faults);
    let proof = forwarding.as_ref().and_then(|forwarding| forwarding.headers.proof.as_ref());
    let possession = possession::compile(&table, issuers.as_deref(), proof, bindings, faults);
    if possession.as_ref().is_some_and(|settings| settings.is_used) {
        sources.iter_mut().for_each(token::add_dpop);
    }
    let known = Known {
        sources: sources.as_deref().unwrap_or_default(),
        issuers: issuers.as_deref().unwrap_or_default(),
    };
    let error_responses = compile_error_responses(&table, known, possession.as_ref(), faults);
    let revocation = revocation::compile(&table, bindings, faults);
    let key_cache = key_cache::compile(&table, issuers.as_deref(), proof, bindings, faults);
    let log = log::compile(&table, bindings, faults);
    let rate_limit = compile_rate_limit(&table, bindings, faults);
    let origin_timeout = table.seconds("origin_timeout", 1..=300, faults);
    let guarded =
        routes.iter().flat_map(Routes::as_slice).any(|route| route.access() != Access::Public);
    if guarded && issuers.as_ref().is_some_and(Vec::is_empty) {
        faults.fault(
            "issuers",
            "the policy has no issuer, so every token would be rejected",
            "add [[vars.POLICY.issuers]]",
        );
    }
    Some(Policy {
        issuers: issuers?,
        routes: routes?,
        sources: sources?,
        forwarding: forwarding?,
        error_responses: error_responses?,
        possession: possession?,
        revocation: revocation?,
        key_cache: key_cache.ok()?,
        log: log?,
        rate_limit: rate_limit?,
        origin_timeout: origin_timeout.ok()?.unwrap_or(Seconds::new(30)),
    })
}

/// The parts of a policy that others depend on. Empty if they have faults of their own.
#[derive(Clone, Copy)]
struct Known<'k> {
    sources: &'k [TokenSource],
    issuers: &'k [Issuer],
}

/// Compiles the settings for refusals. `possession` is `None` if it has faults of its own.
fn compile_error_responses(
    table: &Table<'_>,
    known: Known<'_>,
    possession: Option<&Settings>,
    faults: &mut Faults,
) -> Option<ErrorResponses> {
    let Known { sources, issuers } = known;
    let unknown = Settings::default();
    let possession = possession.unwrap_or(&unknown);
    let detail = compile_detail(table, faults);
    let cors = cors::compile(table, sources, possession, faults);
    let resources = resource::compile(table, sources, issuers, possession, faults);
    let realm = table.text("realm", faults).ok()?.unwrap_or("api");
    let plain = |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
    if realm.is_empty() || !realm.bytes().all(plain) {
        faults.fault(
            "realm",
            "the realm is empty or contains a character that the WWW-Authenticate header does not \
             allow",
            "use visible ASCII characters and spaces, without \" and \\",
        );
        return None;
    }
    Some(ErrorResponses {
        realm: realm.to_owned(),
        algorithms: possession.algorithm_names(),
        detail: detail?,
        resources: resources.ok()?,
        cors: cors.ok()?,
    })
}

fn compile_detail(table: &Table<'_>, faults: &mut Faults) -> Option<Detail> {
    let Some(errors) = table.table("errors", &["detail"], faults).ok()? else {
        return Some(Detail::default());
    };
    let choices = [("none", Detail::None), ("reason", Detail::Reason)];
    Some(errors.choice("detail", &choices, faults).ok()?.unwrap_or_default())
}

fn compile_rate_limit(
    table: &Table<'_>,
    bindings: &dyn Bindings,
    faults: &mut Faults,
) -> Option<Option<String>> {
    let Some(limit) = table.table("rate_limit", &["binding"], faults).ok()? else {
        return Some(None);
    };
    let found = limit.text("binding", faults);
    let remedy = "name a Rate Limiting binding";
    let name = limit.require("binding", found, remedy, faults).ok()?;
    if bindings.is_rate_limiter(name) {
        return Some(Some(name.to_owned()));
    }
    faults.fault(
        limit.at("binding"),
        format!("there is no Rate Limiting binding {name}"),
        format!(
            "add it in wrangler.toml: ratelimits = [{{ name = \"{name}\", namespace_id = \"1001\", \
             simple = {{ limit = 20, period = 60 }} }}]"
        ),
    );
    None
}
