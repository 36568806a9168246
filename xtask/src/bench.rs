//! `cargo xtask bench`: compares alternatives side by side in one run. Ratios of times are similar
//! on every machine; absolute times are not. Verdicts are the same everywhere.

use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::ExitCode;

mod gateways;
mod signatures;
mod strictness;

/// The options. Without a subject, the command compares everything.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    #[command(subcommand)]
    subject: Option<Subject>,
}

#[derive(Clone, Debug, Subcommand)]
enum Subject {
    /// Compare requests through the gate, jose, Hono and a pass-through in workerd; writes
    /// benches/results
    Gateways(gateways::Options),
    /// Compare signature verification by the kernels, the crates and OpenSSL
    Signatures,
    /// Compare what the gate and other libraries accept with what the standard says; writes
    /// benches/results
    Strictness,
}

/// Compares, and writes or prints the results as Markdown tables.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match &options.subject {
        Some(Subject::Gateways(options)) => gateways::run(options),
        Some(Subject::Signatures) => signatures::run(),
        Some(Subject::Strictness) => strictness::run(),
        None => {
            gateways::run(&gateways::Options::default())?;
            signatures::run()?;
            strictness::run()
        }
    }
}
