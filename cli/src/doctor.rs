//! `doctor`: fetches the keys that issuers publish as the gate does, calls their introspection
//! endpoints, and reports problems. Also judges a token.

use crate::config::Selection;
#[cfg(feature = "doctor")]
use crate::outcome::Outcome;
use clap::Args;
use std::path::PathBuf;

#[cfg(feature = "doctor")]
mod command;
#[cfg(feature = "doctor")]
mod document;
#[cfg(feature = "doctor")]
mod examination;
#[cfg(feature = "doctor")]
mod fetch;
#[cfg(feature = "doctor")]
mod identity;
#[cfg(feature = "doctor")]
mod introspection;
#[cfg(feature = "doctor")]
mod issuer;
#[cfg(feature = "doctor")]
mod key_set;
#[cfg(feature = "doctor")]
mod report;
#[cfg(test)]
#[cfg(feature = "doctor")]
mod tests;
#[cfg(feature = "doctor")]
mod verdict;

/// Fetches metadata and keys as the gate does, tests the client credentials for introspection, and
/// judges a token. Compares the key set of the deployed gate with the policy, if the gate signs
/// identities.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis doctor                                whether keys and credentials can be used
  portcullis doctor - < token                      also judges a token, on every route
  portcullis doctor - --path /api/users < token    on one path
  portcullis doctor - --proof proof.txt < token    with a DPoP proof, on the request it is for

Exit codes: 0 no problem was found, but there may be warnings; 1 there are problems, or no route
admits the token; 2 the command could not run.")]
pub struct Options {
    /// `-` reads a token from standard input and judges it
    #[arg(value_name = "-", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from a file. It is sent only to the introspection endpoint of its issuer, if
    /// the gate would introspect it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Read a DPoP proof from a file. The token is judged with it, on the request that the proof is
    /// for; replay is not checked
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    proof: Option<PathBuf>,
    /// The path of the request to judge [default: one path for each route]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The method of the request to judge
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "path")]
    method: String,
    /// The configuration and its environment.
    #[command(flatten)]
    pub selection: Selection,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Examines the issuers and the token, prints the findings, and returns the exit code.
#[cfg(feature = "doctor")]
#[must_use]
pub fn run(options: &Options) -> Outcome {
    command::run(options)
}
