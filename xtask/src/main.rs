//! Developer commands of Portcullis: `cargo xtask --help`.
//!
//! They need a Rust toolchain, Node with npm, and the package registries. A command installs
//! everything else that it needs into the checkout, once, in locked versions.

use clap::{Parser, Subcommand};
use portcullis_cli::{check, mint, revoke};
use std::path::PathBuf;
use std::process::ExitCode;

mod bench;
mod browser;
mod build;
mod ci;
mod dev;
mod doctor;
mod fuzz;
mod hash;
mod process;
mod say;
mod sbom;
mod soak;
mod test;
mod tools;
mod workspace;

use workspace::Workspace;

/// Developer commands of Portcullis
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command, in the order in which a new contributor needs them.
#[derive(Subcommand)]
enum Command {
    /// Start the gate locally, and print commands to try it with
    Dev(dev::Options),
    /// Run every test: native, and end to end in the Workers runtime
    Test(test::Options),
    /// Mint a token for local use
    Token(mint::Options),
    /// Check the configuration and its policy, and show the routes
    Check(check::Options),
    /// Fetch the issuers' keys as the gate does, judge a token, and report problems
    Doctor(portcullis_cli::doctor::Options),
    /// Revoke a token, a user, a session or a key in the policy's revocation store
    Revoke(revoke::Options),
    /// Build the Worker; wrangler calls this before it deploys or serves
    Build(build::Options),
    /// Measure side by side
    Bench(bench::Options),
    /// Hold the verification kernels against the crates for long
    Soak(soak::Options),
    /// List what the Worker is made of, as a CycloneDX document
    Sbom(sbom::Options),
    /// Run what continuous integration runs: formatting, lints, documentation, licences, tests
    Ci(ci::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Token(mut options) => {
            in_checkout(&mut options.config).map(|_| mint::run(&options))
        }
        Command::Check(mut options) => {
            in_checkout(&mut options.config).map(|_| check::run(&options))
        }
        Command::Doctor(options) => {
            Workspace::find().and_then(|workspace| doctor::run(&workspace, &options))
        }
        Command::Revoke(mut options) => in_checkout(&mut options.config)
            .map(|checkout| revoke::run(&options, |_| tools::packages(&checkout)?.wrangler())),
        Command::Build(options) => build::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Sbom(options) => sbom::run(&options),
        Command::Ci(options) => ci::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Finds the checkout, and selects its wrangler.toml if the user has named no other file.
fn in_checkout(config: &mut Option<PathBuf>) -> anyhow::Result<Workspace> {
    let checkout = Workspace::find()?;
    config.get_or_insert_with(|| checkout.path("wrangler.toml"));
    Ok(checkout)
}
