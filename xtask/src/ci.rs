//! `cargo xtask ci`: everything that has to pass, the quick things first.

use crate::build::{DEPLOYED_FEATURES, WORKER_RUSTFLAGS};
use crate::test::{self, EVERY_ALGORITHM, Suites};
use crate::tools::rust::WASM_TARGET;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use crate::{build, fuzz, process, say, soak};
use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_cli::check::{self, MissingBindings};
use portcullis_cli::config::Severity;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// What the upload may weigh, compressed, in KiB.
const LARGEST_UPLOAD: f64 = 341.0;

/// The same for a build with every algorithm.
const LARGEST_UPLOAD_OF_ALL: f64 = 420.0;

/// What the console's page may weigh with its module, compressed, in KiB.
const LARGEST_PAGE: f64 = 400.0;

/// How often the kernels are held against the crates, optimised.
const KERNEL_CASES: u64 = 20_000;

/// What would let requests through unjudged, or tell clients about the inside.
const BANNED: [&str; 2] = ["pass_through_on_exception", "respond_with_errors"];

/// Takes no options: it runs everything.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {}

/// Runs everything, also after something has failed, and says what passed.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let root = workspace.root();
    let features = DEPLOYED_FEATURES.join(",");
    let mut suites = Suites::default();
    tools::rust::ensure_wasm_target(&workspace)?;

    suites.run("formatting", || cargo(root, &["fmt", "--all", "--check"], &[]));
    suites.run("no way around the gate", || no_way_around(&workspace));
    suites.run("the core's dependencies", || dependencies(root, &features));
    suites.run("lints, native", || {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-Dwarnings"], &[])
    });
    suites.run("lints, every algorithm", || {
        let arguments =
            ["clippy", "--all-targets", "--features", EVERY_ALGORITHM, "--", "-Dwarnings"];
        cargo(root, &arguments, &[])
    });
    suites.run("lints, Worker", || lints_for_wasm(root, "portcullis", &features, WORKER_RUSTFLAGS));
    suites.run("lints, browser", || {
        lints_for_wasm(root, "portcullis-console", "mldsa", build::page::RUSTFLAGS)
    });
    suites.run("a Worker without relaxed SIMD", || without_relaxed_simd(root, &features));
    suites.run("documentation", || documentation(root, &features));
    suites.run("licences, sources, bans", || licences(&workspace));
    suites.run("the shipped wrangler.toml", || shipped_configuration(&workspace));
    suites.run("the kernels against the crates", || {
        soak::compare(&workspace, soak::Build::AsDeployed, KERNEL_CASES, None)
    });
    let tools = test::all(&workspace, &mut suites)?;
    if let Some(tools) = &tools {
        suites.run("formatting and types, JavaScript", || javascript(&workspace, tools));
        suites.run("the upload's size", || {
            let options = build::Options::default();
            upload_size(&workspace, tools, &options, build::DEPLOYED_FOLDER, LARGEST_UPLOAD)
        });
        suites.run("the size of the console's page", || page_size(&workspace, tools));
        suites.run("the upload's size, every algorithm", || {
            let options = build::Options::with(EVERY_ALGORITHM);
            let folder = "target/worker-of-every-algorithm";
            upload_size(&workspace, tools, &options, folder, LARGEST_UPLOAD_OF_ALL)
        });
    }
    if let Some(tools) = &tools {
        suites.run("the template for a repository of one's own", || {
            test::template(&workspace, tools)
        });
    }
    suites.run("fuzzing", || fuzz::smoke(&workspace));
    Ok(suites.finish())
}

fn cargo(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    let variables = variables.iter().copied();
    process::run(Command::new("cargo").args(arguments).envs(variables).current_dir(root))
}

fn lints_for_wasm(root: &Path, package: &str, features: &str, rustflags: &str) -> Result<()> {
    let arguments = ["clippy", "--package", package, "--target", WASM_TARGET];
    let arguments = [&arguments[..], &["--features", features, "--", "-Dwarnings"]].concat();
    cargo(root, &arguments, &[("CARGO_ENCODED_RUSTFLAGS", rustflags)])
}

/// A `RUSTFLAGS` variable replaces the flags of `.cargo/config.toml`, and the kernels would be
/// slow, silently. So cargo alone refuses to build the Worker then, and the flags that xtask sets
/// win over the variable.
fn without_relaxed_simd(root: &Path, features: &str) -> Result<()> {
    let check = || {
        let mut command = Command::new("cargo");
        command
            .args(["check", "--quiet", "--target", WASM_TARGET, "--features", features])
            .current_dir(root)
            .env("RUSTFLAGS", "");
        command
    };
    process::run(check().env("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS))?;
    let output = check().env_remove("CARGO_ENCODED_RUSTFLAGS").output();
    let output = output.context("cargo could not be started")?;
    let written = String::from_utf8_lossy(&output.stderr);
    if output.status.success() || !written.contains("the Worker is built with -Ctarget-feature") {
        bail!(
            "with RUSTFLAGS set to nothing, the Worker was not refused for want of relaxed SIMD: {written}"
        );
    }
    Ok(())
}

fn documentation(root: &Path, features: &str) -> Result<()> {
    cargo(root, &["doc", "--no-deps", "--workspace"], &[("RUSTDOCFLAGS", "-Dwarnings")])?;
    // rustdoc reads the code once more, and takes its flags from elsewhere.
    let rustdocflags = format!("-Dwarnings {WORKER_RUSTFLAGS}");
    let flags =
        [("RUSTDOCFLAGS", rustdocflags.as_str()), ("CARGO_ENCODED_RUSTFLAGS", WORKER_RUSTFLAGS)];
    cargo(root, &["doc", "--no-deps", "--target", WASM_TARGET, "--features", features], &flags)
}

fn licences(workspace: &Workspace) -> Result<()> {
    let [cargo_deny] = {
        let _lock = tools::lock(workspace)?;
        tools::cargo::ensure(workspace, [&tools::cargo::CARGO_DENY])?
    };
    // Not `advisories`: their database comes from a host that not every network reaches.
    process::run(
        Command::new(cargo_deny)
            .args(["--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"])
            .current_dir(workspace.root()),
    )
}

/// The core knows no platform, and neither it nor the Worker draws random numbers.
fn dependencies(root: &Path, features: &str) -> Result<()> {
    let none: [&str; 0] = [];
    absent(root, &none, &["worker", "wasm-bindgen"])?;
    absent(root, &["--target", WASM_TARGET], &["worker", "wasm-bindgen", "getrandom"])?;
    absent(root, &["--target", WASM_TARGET, "--features", features], &["getrandom"])
}

fn absent(root: &Path, options: &[&str], unwanted: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command
        .args(["tree", "--package", "portcullis", "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}"])
        .args(options)
        .current_dir(root);
    let tree = process::read(&mut command)?;
    let packages = || tree.lines().filter_map(|line| line.split(' ').next());
    if !packages().any(|package| package == "portcullis") {
        bail!("`{}` does not list the crate itself", process::shown(&command));
    }
    let found: Vec<&str> = packages().filter(|package| unwanted.contains(package)).collect();
    if !found.is_empty() {
        bail!("`{}` has {}, which must not be there", process::shown(&command), found.join(", "));
    }
    Ok(())
}

/// A lint forbids the calls too; this finds them where the lint does not look.
fn no_way_around(workspace: &Workspace) -> Result<()> {
    let mut found = Vec::new();
    let mut folders = vec![workspace.path("src")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder)
            .with_context(|| format!("{} cannot be read", folder.display()))?;
        for entry in entries {
            let path =
                entry.with_context(|| format!("{} cannot be read", folder.display()))?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let name = path.strip_prefix(workspace.root()).unwrap_or(&path);
            for (number, line) in text.lines().enumerate() {
                if BANNED.iter().any(|banned| line.contains(banned)) {
                    found.push(format!("{}:{}: {}", name.display(), number + 1, line.trim()));
                }
            }
        }
    }
    if !found.is_empty() {
        bail!("{} must not be mentioned:\n{}", BANNED.join(" and "), found.join("\n"));
    }
    Ok(())
}

/// The policy that newcomers start from has no fault. Its secrets are made on their machines.
fn shipped_configuration(workspace: &Workspace) -> Result<()> {
    let reports = check::examine(&workspace.path("wrangler.toml"), None, MissingBindings::Warn)?;
    check::print_findings(&reports);
    match check::worst(&reports) {
        None | Some(Severity::Warning) => Ok(()),
        Some(_) => bail!("wrangler.toml has faults"),
    }
}

/// Checks the format and the types of all JavaScript. What runs in the Workers runtime has its own
/// types.
fn javascript(workspace: &Workspace, tools: &Tools) -> Result<()> {
    let run = |program: &str, arguments: &[&str]| {
        let mut command = tools.node.command(program)?;
        process::run(command.args(arguments).current_dir(workspace.root()))
    };
    run("prettier", &["--check", "**/*.{js,mjs}"])?;
    run("tsc", &[])?;
    run("tsc", &["--project", "src/edge"])
}

/// What wrangler would upload of a build, by its own account.
fn upload_size(
    workspace: &Workspace,
    tools: &Tools,
    options: &build::Options,
    folder: &str,
    largest: f64,
) -> Result<()> {
    let script = build::worker(workspace, tools, options, folder)?;
    let mut command = tools.node.wrangler()?;
    command
        .arg("deploy")
        .arg(script)
        .args(["--dry-run", "--env", "", "--outdir", "target/upload"])
        .current_dir(workspace.root());
    let printed = process::read(&mut command)?;
    let Some(kibibytes) = compressed(&printed) else {
        bail!("`{}` did not say how large the upload is:\n{printed}", process::shown(&command));
    };
    say::line(&format!("the upload is {kibibytes} KiB compressed, of {largest} allowed"));
    if kibibytes >= largest {
        bail!("the upload is too large");
    }
    Ok(())
}

/// What a browser loads for the console, as gzip compresses each file of it.
fn page_size(workspace: &Workspace, tools: &Tools) -> Result<()> {
    const SUM: &str = "const fs = require('fs'), zlib = require('zlib'); let sum = 0; \
        for (const name of fs.readdirSync('.')) sum += zlib.gzipSync(fs.readFileSync(name)).length; \
        console.log(sum)";
    let mut command = tools.node.command("node")?;
    command.args(["--eval", SUM]).current_dir(workspace.path(build::page::FOLDER));
    let bytes: f64 = process::read(&mut command)?.trim().parse().context("no number of bytes")?;
    let kibibytes = bytes / 1024.0;
    say::line(&format!("the page is {kibibytes:.1} KiB compressed, of {LARGEST_PAGE} allowed"));
    if kibibytes >= LARGEST_PAGE {
        bail!("the page is too large");
    }
    Ok(())
}

/// From `Total Upload: 433.40 KiB / gzip: 150.57 KiB` the last number, in KiB.
fn compressed(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.contains("Total Upload:"))?;
    let (number, unit) = line.split_once("gzip:")?.1.trim().split_once(' ')?;
    let number: f64 = number.parse().ok()?;
    match unit.split_whitespace().next()? {
        "B" => Some(number / 1024.0),
        "KiB" => Some(number),
        "MiB" => Some(number * 1024.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_what_wrangler_says() {
        let line = |text: &str| compressed(&format!("wrangler\nTotal Upload: {text}\nmore\n"));
        assert_eq!(line("433.40 KiB / gzip: 150.57 KiB"), Some(150.57));
        assert_eq!(line("3 MiB / gzip: 1.5 MiB"), Some(1536.0));
        assert_eq!(line("3 MiB"), None);
        assert_eq!(compressed(""), None);
    }
}
