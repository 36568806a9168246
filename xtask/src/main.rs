//! Developer commands of Portcullis: `cargo xtask --help`.
//!
//! The commands need a Rust toolchain, Node with npm, and the package registries. Everything else
//! that a command needs, it installs into the checkout once, in pinned versions.

use clap::{Parser, Subcommand};
use portcullis_cli::{check, mint, revoke};
use std::path::PathBuf;
use std::process::ExitCode;

mod bench;
mod build;
mod ci;
mod dev;
mod doctor;
mod fuzz;
mod hash;
mod package;
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

/// The commands, in the order in which a new contributor needs them.
#[derive(Subcommand)]
enum Command {
    /// Run the gate locally, and print commands to try it with
    Dev(dev::Options),
    /// Run all tests: native, in WebAssembly, and end to end in the Workers runtime
    Test(test::Options),
    /// Mint a token for local use
    Token(mint::Options),
    /// Check the configuration and its policy, and show the routes
    Check(check::Options),
    /// Fetch the issuers' keys as the gate does, verify a token, and report problems
    Doctor(portcullis_cli::doctor::Options),
    /// Revoke a token, a user, a session or a key in the policy's revocation store
    Revoke(revoke::Options),
    /// Build the Worker; wrangler calls this before it deploys or serves
    Build(build::Options),
    /// Measure the gate and its alternatives side by side
    Bench(bench::Options),
    /// Compare the verification kernels with the crates on many random cases
    Soak(soak::Options),
    /// Build the npm package: the Worker, the commands and the types
    Package(package::Options),
    /// List the dependencies of the Worker as a CycloneDX document
    Sbom(sbom::Options),
    /// Run what continuous integration runs: lints, tests, size limits, fuzzing
    Ci(ci::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Token(mut options) => {
            in_checkout(&mut options.selection.config).map(|_| mint::run(&options).into())
        }
        Command::Check(mut options) => {
            in_checkout(&mut options.selection.config).map(|_| check::run(&options).into())
        }
        Command::Doctor(options) => {
            Workspace::find().and_then(|workspace| doctor::run(&workspace, &options))
        }
        Command::Revoke(mut options) => {
            in_checkout(&mut options.selection.config).map(|checkout| {
                revoke::run(&options, |_| tools::packages(&checkout)?.wrangler()).into()
            })
        }
        Command::Build(options) => build::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Soak(options) => soak::run(&options),
        Command::Package(options) => package::run(&options),
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

/// Finds the checkout, and selects its wrangler.toml if the user named no other file.
fn in_checkout(config: &mut Option<PathBuf>) -> anyhow::Result<Workspace> {
    let checkout = Workspace::find()?;
    config.get_or_insert_with(|| checkout.path("wrangler.toml"));
    Ok(checkout)
}
