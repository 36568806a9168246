//! `cargo xtask bench`: measures alternatives side by side in one run. Their ratios are similar on
//! every machine; absolute times are not.

use anyhow::Result;
use clap::{Args, Subcommand};
use std::process::ExitCode;

mod gateways;
mod signatures;

/// The options. Without a subject, the command measures everything.
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
}

/// Measures, and prints the results as Markdown tables.
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
