//! The commands of an operator: check a policy, mint and explain tokens, diagnose providers.
//!
//! The program `portcullis` and `cargo xtask` run them. They judge with the gate's own code, so their
//! verdicts are those of the deployed gate. Each command is a module with its options and a function `run`,
//! which prints the result and returns the exit code. All messages go through [`output`].
//!
//! The feature `doctor`, which is on by default, adds the one command that fetches over TLS.

pub mod check;
mod clock;
pub mod config;
pub mod doctor;
pub mod explain;
mod key;
pub mod keygen;
pub mod mint;
pub mod output;
pub mod process;
pub mod revoke;
pub mod schema;
mod token_input;
mod token_request;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Ends with 0 if all is well, perhaps with warnings; with 1 if it is not: the policy has faults, or the
/// token is refused; with 2 if the command could not do its work, or was written wrongly.
const EXIT_CODES: &str = "\
Exit codes:
  0  all is well, perhaps with warnings
  1  it is not: the policy has faults, a token is refused, a provider has problems
  2  the command could not do its work, or was written wrongly

wrangler.json, wrangler.jsonc or wrangler.toml is looked for upwards from where the command is run, as
wrangler looks for it; --config FILE names another. Colours are left out where standard output is no
terminal, and where NO_COLOR is set.

Begin with:
  portcullis check              what is wrong with the policy, and its routes
  portcullis mint               a token that the policy admits, signed with the secret in .dev.vars
  portcullis mint | portcullis explain
                                what it says, and what the gate makes of it, step by step";

/// Check a gate's policy, mint tokens for it, and find out why a token is refused
#[derive(Parser)]
#[command(name = "portcullis", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One variant a command, in the order in which a newcomer meets them.
#[derive(Subcommand)]
enum Command {
    /// Check the configuration and the policy in it, and show the routes
    Check(check::Options),
    /// Say what a token says, and what the gate makes of it, step by step
    Explain(explain::Options),
    /// Mint a token for local use
    Mint(mint::Options),
    /// Make a key pair or a secret, and say where its halves belong
    Keygen(keygen::Options),
    /// Ask for the issuers' keys as the gate would, judge a token, and say what is wrong
    #[cfg(feature = "doctor")]
    Doctor(doctor::Options),
    /// Print the policy's JSON Schema, or types for TypeScript
    Schema(schema::Options),
    /// Revoke a token, a user, a session or a key in the store that the policy names
    Revoke(revoke::Options),
}

/// The program `portcullis`: parses the command line, and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check(options) => check::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Mint(options) => mint::run(&options),
        Command::Keygen(options) => keygen::run(&options),
        #[cfg(feature = "doctor")]
        Command::Doctor(options) => doctor::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Revoke(options) => revoke::run(&options, revoke::find_wrangler),
    }
}
