//! `explain`: shows the contents of a token, and step by step how the gate judges it. Sends
//! nothing.

use super::config::bindings::{self, MissingBindings};
use super::config::dev_vars::DevVars;
use super::config::routes::{RouteDescription, requires, sample_path};
use super::config::{Environment, Selection, policy};
use super::token_request::with_token;
use super::{clock, output, system};
use crate::outcome::Outcome;
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use portcullis::issuer::Issuer;
use portcullis::json;
use portcullis::policy::Policy;
use portcullis::time::UnixSeconds;
use portcullis_console::functions;
use serde_json::{Map, Value, json};
use std::path::Path;

mod show;

/// Header and claims are shown before they are verified. The steps come from the gate's own code.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis mint | portcullis explain            a token from standard input
  portcullis explain < request.txt                a header line or a curl command
  portcullis explain --url /admin/users --method POST < token
  portcullis explain --jwks keys.json < token     with the keys that the issuer publishes

This command fetches nothing; `doctor` fetches keys. Other users of this machine can see the
arguments of a command, but not its standard input.

Exit codes: 0 the gate would admit the request; 1 the gate would not admit it, or the verdict
depends on data that is not on this machine; 2 the command could not run.")]
pub struct Options {
    /// The token, or text that contains it: `Authorization: Bearer ...` or a curl command [default:
    /// standard input, as with -]
    #[arg(value_name = "TOKEN", allow_hyphen_values = true)]
    token: Option<String>,
    /// The URL of the request, or its path [default: that of the curl command, or else one of a
    /// route that requires a token and, if possible, nothing else]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The method of the request [default: that of the curl command, or else one that the route
    /// takes]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A JWK Set with the keys that the issuer publishes; ISSUER=FILE if several issuers publish
    /// keys
    #[arg(long, value_name = "FILE")]
    jwks: Vec<String>,
    /// The configuration and its environment.
    #[command(flatten)]
    pub selection: Selection,
    /// Print the explanation as JSON
    #[arg(long)]
    json: bool,
}

/// Explains the token, prints the explanation, and returns the exit code.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    match explain(options, clock::unix_now()) {
        Ok(explained) => {
            if options.json {
                output::json(&explained);
            } else {
                output::result(&show::shown(&explained, clock::unix_now()));
            }
            Outcome::of(explained.get("verdict") == Some(&json!("admitted")))
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// Returns the verdict of the gate, with `request` and `token` added. The result contains neither
/// the token itself nor the values of forwarded headers, but the claims of the signed identity.
fn explain(options: &Options, now: UnixSeconds) -> Result<Value> {
    let text = text(options.token.as_deref())?;
    let inspected = functions::inspect(&text);
    let config_file = options.selection.read()?;
    let environment = &options.selection.environment(&config_file)?;
    let raw = policy::raw(environment)
        .map_err(|finding| anyhow!("{}", finding.located(&config_file.name, environment.name())))?;
    let dev_vars = DevVars::read(environment)?;

    // Placeholders for missing bindings do no harm: only sources, routes and names are used.
    let policy = bindings::compile(environment, &raw, &dev_vars, MissingBindings::Warn).policy;
    let request = ExplainedRequest::new(options, &inspected, policy.as_ref())?;
    let mut question = available_bindings(environment, &raw, &dev_vars);
    question.insert("keys".to_owned(), published_keys(&options.jwks, policy.as_ref())?);
    question.insert("policy".to_owned(), raw);
    question.insert("method".to_owned(), json!(request.method));
    question.insert("url".to_owned(), json!(request.url));
    question.insert("headers".to_owned(), json!(request.headers));
    let mut explained =
        functions::judge(&Value::Object(question), now).map_err(|error| anyhow!(error))?;
    let mut set = |name: &str, value: Value| {
        explained.as_object_mut().map(|explained| explained.insert(name.to_owned(), value));
    };
    set("request", json!({ "method": request.method, "path": request.path }));
    let token = ["header", "claims", "fault"]
        .into_iter()
        .map(|part| (part.to_owned(), inspected.get(part).cloned().unwrap_or(Value::Null)));
    set("token", Value::Object(token.collect()));
    set("proof", inspected.get("proof").cloned().unwrap_or(Value::Null));
    adapt(&mut explained);
    Ok(explained)
}

fn text(argument: Option<&str>) -> Result<String> {
    let text = match argument {
        Some(argument) if argument != "-" => argument.to_owned(),
        _ => system::read_input_text().context("the token cannot be read from standard input")?,
    };
    if text.trim().is_empty() {
        bail!("there is no token in the input");
    }
    Ok(text)
}

/// The request that contains the token.
struct ExplainedRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    /// The URL for display, without its query, which may contain the token.
    path: String,
}

impl ExplainedRequest {
    fn new(options: &Options, inspected: &Value, policy: Option<&Policy>) -> Result<Self> {
        let curl = inspected.get("curl");
        let of_curl = |name: &str| curl.and_then(|curl| curl.get(name)?.as_str());
        let rows = policy.map(RouteDescription::all).unwrap_or_default();
        let guarded = || rows.iter().filter(|row| row.access != "public");
        let row = guarded().find(|row| requires(row).is_empty()).or(guarded().next());
        let htm = inspected.pointer("/proof/claims/htm").and_then(Value::as_str);
        let method = options.method.as_deref().or(of_curl("method")).or(htm);
        let row = row.or(rows.first());
        let method = method.or_else(|| row?.methods.first().map(String::as_str)).unwrap_or("GET");
        // A proof says for which request it is.
        let of_proof = |name: &str| {
            let claim = inspected.pointer(&format!("/proof/claims/{name}"));
            claim.and_then(Value::as_str).filter(|_| curl.is_none())
        };
        let url = match options.url.as_deref().or(of_curl("url")).or(of_proof("htu")) {
            Some(path) if path.starts_with('/') => format!("https://gate.invalid{path}"),
            Some(url) => url.to_owned(),
            None => {
                let sample = row.map_or_else(|| "/".to_owned(), sample_path);
                format!("https://gate.invalid{sample}")
            }
        };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix("https://gate.invalid").unwrap_or(path).to_owned();
        // Headers in the input are judged as they are.
        let given = curl.unwrap_or(inspected).get("headers");
        let (url, headers) = match (given, inspected.get("token").and_then(Value::as_str)) {
            (Some(headers), _) => {
                let headers = serde_json::from_value(headers.clone());
                (url, headers.context("the headers in the input cannot be read")?)
            }
            (None, Some(token)) => match policy {
                Some(policy) => with_token(policy, token, url),
                None => (url, vec![("Authorization".to_owned(), format!("Bearer {token}"))]),
            },
            (None, None) => bail!("there is no token in the input"),
        };
        Ok(Self { method: method.to_owned(), url, headers, path })
    }
}

/// The bindings that are on this machine, and the names of the others.
fn available_bindings(
    environment: &Environment<'_>,
    raw: &Value,
    dev_vars: &DevVars,
) -> Map<String, Value> {
    let mut available = Map::new();
    let mut missing = Vec::new();
    for reference in Policy::binding_references(raw) {
        let name = reference.binding;
        match bindings::local(environment, dev_vars, &name) {
            Some(value) => drop(available.insert(name, value)),
            None => missing.push(json!(name)),
        }
    }
    let members = [("bindings", Value::Object(available)), ("secrets", Value::Array(missing))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Reads the key sets of `--jwks`. Returns them by the names of their issuers, which a preset may
/// provide.
fn published_keys(named: &[String], policy: Option<&Policy>) -> Result<Value> {
    let issuers = policy.map(Policy::issuers).unwrap_or_default().iter();
    let names: Vec<&str> = issuers.map(Issuer::name).collect();
    let mut keys = Map::new();
    for argument in named {
        let (issuers, file) = match argument.split_once('=') {
            Some((issuer, file)) if names.contains(&issuer) => (vec![issuer], file),
            _ => (names.clone(), argument.as_str()),
        };
        let text =
            system::read(Path::new(file)).with_context(|| format!("{file} cannot be read"))?;
        let set = json::parse_object(&text).map_err(|reason| anyhow!("{file} {reason}"))?;
        for issuer in issuers {
            keys.insert(issuer.to_owned(), json!({ "jwks": set }));
        }
    }
    Ok(Value::Object(keys))
}

/// Replaces the page's texts of unknown steps by texts for this command, and removes the values of
/// forwarded headers.
fn adapt(explained: &mut Value) {
    let steps = explained.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten() {
        if step.get("state") != Some(&json!("unknown")) {
            continue;
        }
        let because = step.get("because").and_then(Value::as_str).unwrap_or_default();
        let (because, remedy) = match step.get("name").and_then(Value::as_str) {
            Some("revocation") => (
                "this command cannot read the revocation store",
                "send a request to the deployed gate",
            ),
            Some("introspection") => (
                "this command does not ask the provider about the token",
                "run `doctor -`, which introspects a token from standard input",
            ),
            Some("possession") if because.contains("certificate") => (
                "the token is bound to a client certificate, which only Cloudflare sees",
                "send a request to the deployed gate",
            ),
            _ if because.contains("withheld") => (
                "the secret or key is not on this machine",
                "add it to .dev.vars, and run this command again",
            ),
            _ if because.contains("cannot be used") => {
                ("this issuer cannot use the keys of --jwks", "run `doctor`, which reports why")
            }
            _ => (
                "the issuer publishes its keys, and this command does not fetch them",
                "run `doctor`, which fetches them, or pass them with --jwks FILE",
            ),
        };
        if let Some(step) = step.as_object_mut() {
            step.insert("because".to_owned(), json!(because));
            step.insert("remedy".to_owned(), json!(remedy));
        }
    }
    // The claims are already shown as part of the token.
    if let Some(set) = explained.pointer_mut("/outgoing/set") {
        let lines = set.as_array().map(Vec::as_slice).unwrap_or_default();
        *set = lines.iter().filter_map(|line| line.get(0)).cloned().collect();
    }
}
