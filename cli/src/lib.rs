//! The commands for operators of a gate: they check a policy, mint and explain tokens, and diagnose
//! problems with identity providers.
//!
//! The program `portcullis` and `cargo xtask` run these commands. They judge requests with the
//! gate's own code, so their verdicts are those of the deployed gate. Each command is a module with
//! its options and a function `run`, which prints the result and returns the exit code. All output
//! goes through [`output`].
//!
//! The feature `doctor`, which is on by default, adds the only command that fetches over TLS.

pub mod check;
mod clock;
pub mod config;
pub mod doctor;
mod dpop;
pub mod explain;
pub mod init;
mod key;
pub mod keygen;
pub mod mint;
pub mod outcome;
pub mod output;
pub mod process;
pub mod revoke;
pub mod schema;
mod system;
pub mod test;
mod token_input;
mod token_request;

use self::outcome::Outcome;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

/// The help text below the list of commands.
const AFTER_HELP: &str = "\
Exit codes:
  0  no problem was found; there may be warnings
  1  a problem was found: the policy has faults, a token is refused, or a provider has problems
  2  the command could not run, or its arguments are invalid

The configuration is wrangler.json, wrangler.jsonc or wrangler.toml in the current directory or the
nearest directory above it, as for wrangler. --config FILE names another file. Output is colored
only on a terminal, and not if NO_COLOR is set.

Start with:
  portcullis check              shows the faults of the policy, and its routes
  portcullis mint               prints a token, signed with the secret in .dev.vars
  portcullis mint | portcullis explain
                                shows the contents of the token, and how the gate judges it";

/// Check a gate's policy, mint tokens for it, and find out why a token is refused
#[derive(Parser)]
#[command(name = "portcullis", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command, in the order in which a new user needs them.
#[derive(Subcommand)]
enum Command {
    /// Write the files of a new gate
    Init(init::Options),
    /// Check the configuration and its policy, and show the routes
    Check(check::Options),
    /// Show the contents of a token, and step by step how the gate judges it
    Explain(explain::Options),
    /// Mint a token for local use
    Mint(mint::Options),
    /// Generate a key pair or a secret, and show where to store each part
    Keygen(keygen::Options),
    /// Fetch the issuers' keys as the gate does, judge a token, and report problems
    #[cfg(feature = "doctor")]
    Doctor(doctor::Options),
    /// Print the policy's JSON Schema or its TypeScript types
    Schema(schema::Options),
    /// Judge the cases of a test file, and report what of the policy they cover
    Test(test::Options),
    /// Revoke a token, a user, a session or a key in the policy's revocation store
    Revoke(revoke::Options),
}

/// The program `portcullis`: parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    run(env::args_os()).into()
}

/// The program `portcullis` in WebAssembly, which Node runs. The first argument is the name of the
/// program. Returns the exit code.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen::prelude::wasm_bindgen(js_name = run)]
pub fn run_in_node(arguments: Vec<String>) -> u8 {
    system::report_panics();
    run(arguments.into_iter().map(OsString::from)).code()
}

/// Parses a command line, which begins with the name of the program, and runs the command.
fn run(arguments: impl Iterator<Item = OsString>) -> Outcome {
    let mut parser = Arguments::command();
    if let Some(columns) = system::terminal_width() {
        parser = parser.term_width(columns);
    }
    let parsed = parser.try_get_matches_from(arguments);
    let command = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(parsed) => parsed.command,
        // The help and the version are such results, too.
        Err(other) => {
            let text = other.render().ansi().to_string();
            if other.use_stderr() {
                system::print_error(&text);
                return Outcome::CouldNotRun;
            }
            system::print(&text);
            return Outcome::Success;
        }
    };
    match command {
        Command::Init(options) => init::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Explain(options) => explain::run(&options),
        Command::Mint(options) => mint::run(&options),
        Command::Keygen(options) => keygen::run(&options),
        #[cfg(feature = "doctor")]
        Command::Doctor(options) => doctor::run(&options),
        Command::Schema(options) => schema::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Revoke(options) => revoke::run(&options, revoke::find_wrangler),
    }
}
