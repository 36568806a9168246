//! `explain`: what a token says, and what the gate makes of it, step by step. Nothing is sent anywhere.

use super::config::bindings::{self, MissingBindings};
use super::config::dev_vars::DevVars;
use super::config::routes::{RouteDescription, requires, sample_path};
use super::config::{self, ConfigFile, Environment, policy};
use super::token_request::with_token;
use super::{clock, output};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use portcullis::json;
use portcullis::policy::Policy;
use portcullis::time::UnixSeconds;
use portcullis_console::functions;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod show;

/// Header and claims are shown as they read, whoever wrote them; the steps are the gate's own.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis mint | portcullis explain                      a token from standard input
  portcullis explain < request.txt                          a header line, or a curl command line
  portcullis explain --url /admin/users --method POST < token
  portcullis explain --jwks keys.json < token               with the keys that the issuer publishes

It fetches nothing: `doctor` does. A token on a command line is seen by whoever looks at this machine's
processes; standard input is not.

Exit codes: 0 the gate would admit the request; 1 it would not, or that cannot be told from here; 2 it
could not run.")]
pub struct Options {
    /// The token, or a line with it: `Authorization: Bearer ...`, or a curl command line [default:
    /// standard input, as with -]
    #[arg(value_name = "TOKEN", allow_hyphen_values = true)]
    token: Option<String>,
    /// The URL, or its path, that it is to be used with [default: the curl line's, else one of a
    /// route that needs a token, and no more if there is one]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The method that it is to be used with [default: the curl line's, else GET]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A JWK Set with the keys that the issuer publishes; ISSUER=FILE where several do
    #[arg(long, value_name = "FILE")]
    jwks: Vec<String>,
    /// Take the policy of this environment [default: the top level]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The configuration [default: looked for upwards]; its secrets are in the .dev.vars beside it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

/// Explains, prints.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    match explain(options, clock::unix_now()) {
        Ok(explained) => {
            if options.json {
                output::json(&explained);
            } else {
                output::result(&show::shown(&explained, clock::unix_now()));
            }
            ExitCode::from(u8::from(explained.get("verdict") != Some(&json!("admitted"))))
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// `token` as it reads, and what the gate makes of it; never the token itself, nor a value that is
/// forwarded.
fn explain(options: &Options, now: UnixSeconds) -> Result<Value> {
    let text = text(options.token.as_deref())?;
    let inspected = functions::inspect(&text);
    let file = config::locate(options.config.as_deref())?;
    let config_file = ConfigFile::read(&file)?;
    let name = options.env.as_deref().unwrap_or_default();
    let environments = Environment::select(&config_file, Some(name))?;
    let environment = environments.first().context("no environment was selected")?;
    let raw = policy::raw(environment)
        .map_err(|finding| anyhow!("{}", finding.located(&config_file.name, environment.name())))?;
    let dev_vars = DevVars::read(file.parent().unwrap_or(Path::new("")), environment.name())?;

    let request = Asked::of(options, &inspected, environment, &raw, &dev_vars)?;
    let mut question = known(environment, &raw, &dev_vars);
    question.insert("keys".to_owned(), published(&options.jwks, &raw)?);
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
    from_here(&mut explained);
    Ok(explained)
}

fn text(argument: Option<&str>) -> Result<String> {
    let mut text = String::new();
    match argument {
        Some(argument) if argument != "-" => text.push_str(argument),
        _ => {
            let read = io::stdin().read_to_string(&mut text);
            read.context("the token cannot be read from standard input")?;
        }
    }
    if text.trim().is_empty() {
        bail!("there is no token in what was given");
    }
    Ok(text)
}

/// The request that the token is to go with.
struct Asked {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    /// What of the URL can be shown: no query, as the token may be in it.
    path: String,
}

impl Asked {
    fn of(
        options: &Options,
        inspected: &Value,
        environment: &Environment<'_>,
        raw: &Value,
        dev_vars: &DevVars,
    ) -> Result<Self> {
        let curl = inspected.get("curl");
        let of_curl = |name: &str| curl.and_then(|curl| curl.get(name)?.as_str());
        // The stand-ins of what is not here do, as no more than sources and routes are asked for.
        let policy = bindings::compile(environment, raw, dev_vars, MissingBindings::Warn).policy;
        let rows = policy.as_ref().map(RouteDescription::all).unwrap_or_default();
        let guarded = || rows.iter().filter(|row| row.access != "public");
        let row = guarded().find(|row| requires(row).is_empty()).or(guarded().next());
        let method = options.method.as_deref().or(of_curl("method"));
        let row = row.or(rows.first());
        let method = method.or_else(|| row?.methods.first().map(String::as_str)).unwrap_or("GET");
        let url = match options.url.as_deref().or(of_curl("url")) {
            Some(path) if path.starts_with('/') => format!("https://gate.invalid{path}"),
            Some(url) => url.to_owned(),
            None => {
                let sample = row.map_or_else(|| "/".to_owned(), sample_path);
                format!("https://gate.invalid{sample}")
            }
        };
        let path = url.split(['?', '#']).next().unwrap_or_default();
        let path = path.strip_prefix("https://gate.invalid").unwrap_or(path).to_owned();
        let (url, headers) = match (curl, inspected.get("token").and_then(Value::as_str)) {
            (Some(curl), _) => {
                let headers = curl.get("headers").cloned().unwrap_or_default();
                (url, serde_json::from_value(headers).context("the curl line's headers")?)
            }
            (None, Some(token)) => match &policy {
                Some(policy) => with_token(policy, token, url),
                None => (url, vec![("Authorization".to_owned(), format!("Bearer {token}"))]),
            },
            (None, None) => bail!("there is no token in what was given"),
        };
        Ok(Self { method: method.to_owned(), url, headers, path })
    }
}

/// The bindings that are here, and the names of those that are not.
fn known(environment: &Environment<'_>, raw: &Value, dev_vars: &DevVars) -> Map<String, Value> {
    let mut here = Map::new();
    let mut elsewhere = Vec::new();
    for reference in Policy::binding_references(raw) {
        let name = reference.binding;
        let secret = dev_vars.values.get(&name).map(|secret| json!(secret));
        match secret.or_else(|| environment.variable(&name).map(|variable| variable.value.clone()))
        {
            Some(value) => drop(here.insert(name, value)),
            None => elsewhere.push(json!(name)),
        }
    }
    let members = [("bindings", Value::Object(here)), ("secrets", Value::Array(elsewhere))];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The key sets that were named, by the policy's names for their issuers.
fn published(named: &[String], raw: &Value) -> Result<Value> {
    let issuers = raw.get("issuers").and_then(Value::as_array).into_iter().flatten();
    let names: Vec<&str> = issuers.filter_map(|issuer| issuer.get("name")?.as_str()).collect();
    let mut keys = Map::new();
    for argument in named {
        let (issuers, file) = match argument.split_once('=') {
            Some((issuer, file)) if names.contains(&issuer) => (vec![issuer], file),
            _ => (names.clone(), argument.as_str()),
        };
        let text = fs::read(file).with_context(|| format!("{file} cannot be read"))?;
        let set = json::parse_object(&text)
            .map_err(|_| anyhow!("{file} is not a JSON object without repeated names"))?;
        for issuer in issuers {
            keys.insert(issuer.to_owned(), json!({ "jwks": set }));
        }
    }
    Ok(Value::Object(keys))
}

/// Puts what cannot be told into the words of this command, and takes out what is to be forwarded.
fn from_here(explained: &mut Value) {
    let steps = explained.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten() {
        if step.get("state") != Some(&json!("unknown")) {
            continue;
        }
        let because = step.get("because").and_then(Value::as_str).unwrap_or_default();
        let (because, remedy) = match step.get("name").and_then(Value::as_str) {
            Some("revocation") => {
                ("the revocation store cannot be read from here", "ask the deployed gate")
            }
            _ if because.contains("withheld") => (
                "the secret or key is not on this machine",
                "write it into .dev.vars, and ask again",
            ),
            _ if because.contains("cannot be used") => {
                ("the keys of --jwks cannot be used by this issuer", "see `doctor`, which says why")
            }
            _ => (
                "the issuer publishes its keys, and nothing is fetched here",
                "ask `doctor`, which fetches them; or hand them over with --jwks FILE",
            ),
        };
        if let Some(step) = step.as_object_mut() {
            step.insert("because".to_owned(), json!(because));
            step.insert("remedy".to_owned(), json!(remedy));
        }
    }
    // Claims are shown once, as the token has them.
    if let Some(set) = explained.pointer_mut("/outgoing/set") {
        let lines = set.as_array().map(Vec::as_slice).unwrap_or_default();
        *set = lines.iter().filter_map(|line| line.get(0)).cloned().collect();
    }
}
