//! The policies that `init` writes.

use super::{Answers, preset_names};
use anyhow::{Result, anyhow, bail};
use portcullis::policy::{Bindings, Fault, Policy};
use serde_json::{Map, Value, json};

/// The environment of a policy that accepts local tokens instead of the provider's.
const LOCAL: &str = "local";

/// The secret of local tokens.
pub(super) const SECRET: &str = "LOCAL_SECRET";

/// What is written.
#[derive(Debug)]
pub(super) struct Plan {
    /// The policy at the top level, which is deployed.
    pub(super) policy: Value,
    /// The policy for local use, if the one at the top level accepts no local tokens.
    pub(super) local: Option<Value>,
    /// The claims for which the issuer has rules.
    pub(super) ruled_claims: Vec<String>,
    /// The path of a request that needs a token.
    pub(super) sample_path: &'static str,
}

impl Plan {
    /// Makes the policies.
    ///
    /// # Errors
    ///
    /// All faults, in terms of the options.
    pub(super) fn of(answers: &Answers) -> Result<Self> {
        let Some(preset) = &answers.preset else {
            if !answers.audience.is_empty() || answers.origin.is_some() {
                bail!(
                    "--audience and --origin need the identity provider: add --preset NAME, one of \
                     {}",
                    preset_names().join(", ")
                );
            }
            return Ok(Self {
                policy: demo(),
                local: None,
                ruled_claims: Vec::new(),
                sample_path: "/api/hello",
            });
        };
        let mut issuer = Map::new();
        issuer.insert("preset".to_owned(), json!(preset));
        issuer.extend(answers.parameters.clone());
        if !answers.audience.is_empty() {
            issuer.insert("audience".to_owned(), json!(answers.audience));
        }
        let origin = answers.origin.as_deref().unwrap_or("echo");
        let policy = with_issuer(origin, Value::Object(issuer));
        let compiled = compile(&policy)?;
        let rules = compiled.issuers().iter().flat_map(|issuer| &issuer.rules().claims);
        let rules = rules.filter(|rule| !rule.if_present && !rule.path.starts_with('/'));
        let ruled_claims = rules.map(|rule| rule.path.clone()).collect();
        let audience = json!(answers.audience.first().map_or("api", String::as_str));
        let local = with_issuer("echo", local_issuer(&audience));
        Ok(Self { policy, local: Some(local), ruled_claims, sample_path: "/hello" })
    }

    /// The name of the environment for local use, if it is not the top level.
    pub(super) fn local_environment(&self) -> Option<&'static str> {
        self.local.as_ref().map(|_| LOCAL)
    }

    /// The command that deploys the policy at the top level.
    pub(super) fn deploy_command(&self) -> String {
        match self.local {
            // With environments, wrangler asks for one to be named.
            Some(_) => "npx wrangler deploy --env=\"\"".to_owned(),
            None => "npx wrangler deploy".to_owned(),
        }
    }
}

fn with_issuer(origin: &str, issuer: Value) -> Value {
    json!({
        "origin": origin,
        "issuers": [issuer],
        "routes": [{ "path": "/*" }],
        "forward": { "claims": { "X-Auth-Subject": "/sub" } },
    })
}

fn local_issuer(audience: &Value) -> Value {
    json!({
        "name": "local",
        "issuer": "https://local.example/",
        "audience": [audience],
        "algorithms": ["HS256"],
        "keys": { "secret": SECRET },
    })
}

fn demo() -> Value {
    json!({
        "origin": "echo",
        "issuers": [local_issuer(&json!("https://api.example.com"))],
        "routes": [
            { "path": "/public/*", "access": "public" },
            { "path": "/admin/*", "scopes": ["admin"] },
            { "path": "/api/*" },
        ],
        "forward": { "claims": { "X-Auth-Subject": "/sub", "X-Auth-Scope": "/scope" } },
    })
}

/// The policies of presets name no bindings.
struct NoBindings;

impl Bindings for NoBindings {
    fn value(&self, _: &str) -> Option<Value> {
        None
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

/// Compiles the policy, and reports its faults in terms of the options.
fn compile(policy: &Value) -> Result<Policy> {
    Policy::compile(policy, &NoBindings).outcome.map_err(|faults| {
        let lines: Vec<_> = faults.iter().map(line).collect();
        anyhow!("nothing was written:\n{}", lines.join("\n"))
    })
}

fn line(fault: &Fault) -> String {
    let Fault { path, problem, remedy } = fault;
    let key = path.strip_prefix("issuers[0].").unwrap_or(path);
    let key = key.split(['[', '.']).next().unwrap_or(key);
    format!("--{}: {problem}; {remedy}", key.replace('_', "-"))
}
