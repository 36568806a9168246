//! `revoke`: writes or deletes entries of the revocation store.

use crate::config::bindings;
use crate::config::dev_vars::DevVars;
use crate::config::{Environment, Selection};
use crate::mint::Lifetime;
use crate::outcome::Outcome;
use crate::{clock, output, process, system, token_input};
use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

mod change;
mod store;
#[cfg(test)]
mod tests;

use change::{Change, changes};
use store::Store;

/// How long Workers KV takes to propagate a write, in seconds, according to its documentation.
const PROPAGATION: u32 = 60;

/// Revokes what --jti, --sub, --sid, --kid or a token names. These options can be repeated.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis revoke --remote --sub user-17        the user's tokens; the user can sign in again
  portcullis revoke --remote --token - < token    one token, by its issuer and jti
  portcullis revoke --remote --kid 2026-01 --expires-in 30d
  portcullis revoke --remote --sub user-17 --undo

This command writes with wrangler, which must be installed beside the configuration, in a directory
above it, or on the PATH.

Exit codes: 0 all entries were written; 2 some or all entries were not written.")]
pub struct Options {
    /// The issuer's name in the policy [default: the issuer of the token, or the only issuer of the
    /// policy]
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Revoke the token with this `jti`
    #[arg(
        long,
        value_name = "ID",
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    jti: Vec<String>,
    /// Revoke every token of this user (`sub`) that was issued up to now. Later tokens are valid
    #[arg(
        long,
        value_name = "SUBJECT",
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    sub: Vec<String>,
    /// Revoke every token of this session (`sid`)
    #[arg(
        long,
        value_name = "SESSION",
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    sid: Vec<String>,
    /// Revoke every token signed with this key. Its name in the gate's log is its `kid` or
    /// thumbprint, or `secret`
    #[arg(
        long,
        value_name = "KEY",
        allow_hyphen_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    kid: Vec<String>,
    /// `-` reads a token from standard input and revokes it by its issuer and `jti`. The signature
    /// is not verified
    #[arg(long, value_name = "-", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from a file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// With --sub: revoke the tokens issued up to this time, in Unix seconds [default: now]
    #[arg(long, value_name = "TIME", requires = "sub")]
    before: Option<i64>,
    /// How long the store keeps the entry: 3600, 12h, 30d; at least 60 seconds. Afterwards, tokens
    /// that have not expired are valid again [default: the policy's expiration_ttl, or else 7 days]
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<Lifetime>,
    /// Delete the entries instead of writing them
    #[arg(long, conflicts_with_all = ["before", "expires_in"])]
    undo: bool,
    /// The configuration and its environment.
    #[command(flatten)]
    pub selection: Selection,
    /// Write to the store on this machine, which `wrangler dev` reads. This is the default
    #[arg(long, conflicts_with = "remote")]
    local: bool,
    /// Write to the store on Cloudflare, which the deployed gate reads
    #[arg(long)]
    remote: bool,
    /// The directory of the store on this machine
    #[arg(long, value_name = "DIR", conflicts_with = "remote")]
    persist_to: Option<PathBuf>,
    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
}

/// The changes to a store.
#[derive(Debug)]
struct Plan {
    store: Store,
    changes: Vec<Change>,
    max_staleness: u32,
}

/// Writes or deletes the entries, prints the changes, and returns the exit code. `wrangler` returns
/// a command that runs wrangler for a configuration file.
#[must_use]
pub fn run(options: &Options, wrangler: impl Fn(&Path) -> Result<Command>) -> Outcome {
    match revoke(options, wrangler) {
        Ok(()) => Outcome::Success,
        Err(error) => output::could_not_run(&error, options.json),
    }
}

fn revoke(options: &Options, wrangler: impl Fn(&Path) -> Result<Command>) -> Result<()> {
    let token = token_input::read(options.token.as_deref(), options.token_file.as_deref())?;
    let config_file = options.selection.read()?;
    let environment = &options.selection.environment(&config_file)?;
    let file = config_file.path();
    let now = clock::unix_now().get();
    let plan = plan(options, environment, file, token.as_deref(), now)?;
    apply(&plan, options.json, || wrangler(file))
}

/// Returns a command that runs the wrangler installed beside the configuration file or in a
/// directory above it, or else the one on the PATH.
///
/// # Errors
///
/// If the path of the configuration file is invalid.
pub fn find_wrangler(config: &Path) -> Result<Command> {
    let config =
        system::absolute(config).with_context(|| format!("{} is not a path", config.display()))?;
    let name = if cfg!(windows) { "wrangler.cmd" } else { "wrangler" };
    let installed = config
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("node_modules").join(".bin").join(name))
        .find(|candidate| system::is_file(candidate));
    Ok(Command::new(installed.unwrap_or_else(|| PathBuf::from(name))))
}

fn plan(
    options: &Options,
    environment: &Environment<'_>,
    file: &Path,
    token: Option<&str>,
    now: i64,
) -> Result<Plan> {
    // Missing bindings do no harm, because no token is verified.
    let (_, policy) = bindings::compiled(environment, &DevVars::read(environment)?)?;
    let revocation = policy.revocation().context(
        "the policy has no revocation store: write [vars.POLICY.revocation] with kv = \"BINDING\"",
    )?;
    Ok(Plan {
        store: Store::new(options, environment, file, &revocation.namespace)?,
        changes: changes(options, &policy, revocation, token, now)?,
        max_staleness: revocation.max_staleness.get(),
    })
}

fn apply(plan: &Plan, as_json: bool, wrangler: impl Fn() -> Result<Command>) -> Result<()> {
    for change in &plan.changes {
        let mut command = wrangler()?;
        command.args(plan.store.arguments(change));
        if plan.store.is_remote() && !as_json {
            // wrangler may have to ask the user to log in.
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
        output::result(&plan.delay_note());
    }
    Ok(())
}

impl Plan {
    /// How many seconds it takes until every gate that reads the store applies the changes.
    fn delay(&self) -> u32 {
        let propagation = if self.store.is_remote() { PROPAGATION } else { 0 };
        self.max_staleness.saturating_add(propagation)
    }

    fn delay_note(&self) -> String {
        let staleness = self.max_staleness;
        if self.store.is_remote() {
            let whole = self.delay();
            format!(
                "every isolate applies this within about {whole} seconds: {staleness} for \
                 max_staleness, and about {PROPAGATION} until Workers KV has propagated the write"
            )
        } else {
            format!(
                "the gate on this machine applies this within {staleness} seconds (max_staleness); \
                 the deployed gate reads another store: write to it with --remote"
            )
        }
    }
}
