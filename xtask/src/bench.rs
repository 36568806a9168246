//! `cargo xtask bench`: measurements side by side, because ratios hold from machine to machine where times
//! do not.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

mod signatures;

/// One subject a measurement.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Clone, Debug, Subcommand)]
enum Subject {
    /// Signature checks in V8: kernels, crates, OpenSSL
    Signatures,
}

/// Measures, and prints a table in Markdown.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match options.subject {
        Subject::Signatures => signatures::run(),
    }
}
