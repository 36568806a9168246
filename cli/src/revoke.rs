//! `revoke`: writes the entries by which the gate knows that something is revoked, or
//! deletes them.

use crate::config::bindings::{self, MissingBindings};
use crate::config::dev_vars::DevVars;
use crate::config::{self, ConfigFile, Environment, Severity, policy};
use crate::mint::Lifetime;
use crate::{clock, output, process, token_input};
use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use portcullis::policy::Policy;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

mod change;
mod store;
#[cfg(test)]
mod tests;

use change::{Change, changes};
use store::Store;

/// How long Workers KV takes to spread what was written, in seconds, by what its documentation says.
const PROPAGATION: u32 = 60;

/// Says what to revoke by --jti, --sub, --sid, --kid or a token, any of them repeatedly.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis revoke --remote --sub user-17            signed out everywhere; may sign in again
  portcullis revoke --remote --token - < token        its issuer and jti
  portcullis revoke --remote --kid 2026-01 --expires-in 30d
  portcullis revoke --remote --sub user-17 --undo

wrangler writes into the store: it has to be installed beside the configuration, above it, or on the PATH.

Exit codes: 0 written; 2 nothing, or not all, was written.")]
pub struct Options {
    /// Whose tokens, by the policy's name for the issuer [default: whose the token is, or the policy's
    /// only one]
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// The token with this `jti`
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    jti: Vec<String>,
    /// Every token of this user (`sub`) that was issued up to now; later ones are good
    #[arg(long, value_name = "SUBJECT", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    sub: Vec<String>,
    /// Every token of this session (`sid`)
    #[arg(long, value_name = "SESSION", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    sid: Vec<String>,
    /// Every token signed with this key, by its name in the gate's log: its `kid` or thumbprint, or
    /// `secret`
    #[arg(long, value_name = "KEY", allow_hyphen_values = true, value_parser = NonEmptyStringValueParser::new())]
    kid: Vec<String>,
    /// `-` reads a token from standard input and revokes it by its `jti`. Its signature is not
    /// verified: issuer and `jti` are what it says
    #[arg(long, value_name = "-", conflicts_with = "token_file")]
    token: Option<String>,
    /// The same with a token in a file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// With --sub: the tokens issued up to this time, in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", requires = "sub")]
    before: Option<i64>,
    /// How long the store keeps it: 3600, 12h, 30d; at least 60 seconds. What it revokes has to have
    /// expired by then, as it is good again [default: the policy's expiration_ttl, or 7 days, as access
    /// tokens rarely live that long]
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<Lifetime>,
    /// Delete the entries instead
    #[arg(long, conflicts_with_all = ["before", "expires_in"])]
    undo: bool,
    /// Take the policy and the namespace of this environment [default: the top level]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The configuration [default: looked for upwards]; its secrets are in the .dev.vars beside it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The store on this machine, which `wrangler dev` reads; so it is unless --remote is given
    #[arg(long, conflicts_with = "remote")]
    local: bool,
    /// The store on Cloudflare, which what is deployed reads
    #[arg(long)]
    remote: bool,
    /// Another folder for the store on this machine
    #[arg(long, value_name = "DIR", conflicts_with = "remote")]
    persist_to: Option<PathBuf>,
    /// Print what was written as JSON
    #[arg(long)]
    json: bool,
}

/// Everything that is to be done.
#[derive(Debug)]
struct Plan {
    store: Store,
    changes: Vec<Change>,
    max_staleness: u32,
}

/// Writes, and says what was written once it was; ends with 0, or with 2 where something was not.
/// `wrangler` makes a command for wrangler, which writes into the store, for a configuration.
#[must_use]
pub fn run(options: &Options, wrangler: impl Fn(&Path) -> Result<Command>) -> ExitCode {
    match revoke(options, wrangler) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::could_not_run(&error, options.json),
    }
}

fn revoke(options: &Options, wrangler: impl Fn(&Path) -> Result<Command>) -> Result<()> {
    let file = config::locate(options.config.as_deref())?;
    let token = token_input::read(options.token.as_deref(), options.token_file.as_deref())?;
    let config_file = ConfigFile::read(&file)?;
    let name = options.env.as_deref().unwrap_or_default();
    let environments = Environment::select(&config_file, Some(name))?;
    let environment = environments.first().context("no environment was selected")?;
    let now = clock::unix_now().get();
    let plan = plan(options, environment, &file, token.as_deref(), now)?;
    apply(&plan, options.json, || wrangler(&file))
}

/// A command for the wrangler that is installed beside the configuration or in a folder above it, else
/// for one on the PATH.
///
/// # Errors
///
/// Where the path of the configuration is none.
pub fn find_wrangler(config: &Path) -> Result<Command> {
    let config =
        std::path::absolute(config).with_context(|| format!("{} is no path", config.display()))?;
    let name = if cfg!(windows) { "wrangler.cmd" } else { "wrangler" };
    let installed = config
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("node_modules").join(".bin").join(name))
        .find(|candidate| candidate.is_file());
    Ok(Command::new(installed.unwrap_or_else(|| PathBuf::from(name))))
}

fn plan(
    options: &Options,
    environment: &Environment<'_>,
    file: &Path,
    token: Option<&str>,
    now: i64,
) -> Result<Plan> {
    let policy = compiled(environment, file)?;
    let revocation = policy.revocation().context(
        "nothing is looked up by this policy: write [vars.POLICY.revocation] with kv = \"BINDING\"",
    )?;
    Ok(Plan {
        store: Store::new(options, environment, file, &revocation.namespace)?,
        changes: changes(options, &policy, revocation, token, now)?,
        max_staleness: revocation.max_staleness.get(),
    })
}

/// The policy, as far as it can be compiled here; secrets that are elsewhere are not needed.
fn compiled(environment: &Environment<'_>, file: &Path) -> Result<Policy> {
    let name = &environment.file().name;
    let raw = policy::raw(environment)
        .map_err(|finding| anyhow!("{}", finding.located(name, environment.name())))?;
    let dev_vars = DevVars::read(file.parent().unwrap_or(Path::new("")), environment.name())?;
    let compiled = bindings::compile(environment, &raw, &dev_vars, MissingBindings::Warn);
    let faults = compiled.findings.iter().filter(|one| one.severity != Severity::Warning);
    let faults: Vec<String> =
        faults.map(|fault| fault.located(name, environment.name()).to_string()).collect();
    match compiled.policy {
        Some(policy) => Ok(policy),
        None => bail!("the policy has faults, see `check`:\n{}", faults.join("\n")),
    }
}

fn apply(plan: &Plan, as_json: bool, wrangler: impl Fn() -> Result<Command>) -> Result<()> {
    for change in &plan.changes {
        let mut command = wrangler()?;
        command.args(plan.store.arguments(change));
        if plan.store.is_remote() && !as_json {
            // It may have to ask who you are.
            process::run(&mut command)?;
        } else {
            process::run_quietly(&mut command)?;
        }
        if !as_json {
            output::result(&format!("{change} {}", plan.store));
        }
    }
    if as_json {
        let changes: Vec<Value> = plan.changes.iter().map(Change::to_json).collect();
        output::json(&json!({
            "store": plan.store.to_string(),
            "remote": plan.store.is_remote(),
            "changes": changes,
            "known_within_seconds": plan.delay(),
        }));
    } else {
        output::result(&plan.known_within());
    }
    Ok(())
}

impl Plan {
    /// How many seconds it takes until every gate that reads the store knows.
    fn delay(&self) -> u32 {
        let spreading = if self.store.is_remote() { PROPAGATION } else { 0 };
        self.max_staleness.saturating_add(spreading)
    }

    fn known_within(&self) -> String {
        let staleness = self.max_staleness;
        if self.store.is_remote() {
            let whole = self.delay();
            format!(
                "every isolate knows within some {whole} seconds: {staleness} of them by \
                 max_staleness, and about {PROPAGATION} that Workers KV takes to spread a write"
            )
        } else {
            format!(
                "a gate on this machine knows within {staleness} seconds (max_staleness); what is \
                 deployed reads another store: --remote"
            )
        }
    }
}
