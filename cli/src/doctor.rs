//! `doctor`: asks for the keys that issuers publish as the gate would, and says what would
//! go wrong; and what the gate would make of a token.

use clap::Args;
use std::path::PathBuf;
#[cfg(feature = "doctor")]
use std::process::ExitCode;

#[cfg(feature = "doctor")]
mod command;
#[cfg(feature = "doctor")]
mod document;
#[cfg(feature = "doctor")]
mod examination;
#[cfg(feature = "doctor")]
mod fetch;
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

/// Fetches metadata and keys as the gate does, and judges the token with them.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis doctor                                    whether the issuers' keys can be had, and used
  portcullis doctor - < token                          and what would become of a token, on every route
  portcullis doctor - --path /api/users < token        on one path

Exit codes: 0 all is well, perhaps with warnings; 1 there are problems, or the token passes nowhere;
2 it could not run.")]
pub struct Options {
    /// `-` reads a token from standard input, and says what would become of it
    #[arg(value_name = "-", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from a file; it is sent nowhere
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The path that the token is to be used with [default: one of every route]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The method that it is to be used with
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "path")]
    method: String,
    /// Take the policy of this environment [default: the top level]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// The configuration [default: looked for upwards]; its secrets are in the .dev.vars beside it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Examines, prints.
#[cfg(feature = "doctor")]
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    command::run(options)
}
