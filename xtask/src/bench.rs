//! `cargo xtask bench`: measurements side by side, because ratios hold from machine to machine
//! where times do not.

use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::ExitCode;

mod gateways;
mod signatures;

/// Without a subject everything is measured.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    subject: Option<Subject>,
}

#[derive(Clone, Debug, Subcommand)]
enum Subject {
    /// Requests through the gate beside jose, Hono and a pass-through, in workerd; writes
    /// benches/results
    Gateways(gateways::Options),
    /// Signature checks in V8: kernels, crates, OpenSSL
    Signatures,
}

/// Measures, and prints a table in Markdown.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match &options.subject {
        Some(Subject::Gateways(options)) => gateways::run(options),
        Some(Subject::Signatures) => signatures::run(),
        None => {
            gateways::run(&gateways::Options::default())?;
            signatures::run()
        }
    }
}
