//! Installs command-line tools from crates, in pinned versions, into `target/tools`.

use super::bindings;
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result, bail};
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A crate that contains a program.
#[derive(Debug)]
pub(crate) struct Tool {
    package: &'static str,
    /// The exact version to install.
    version: &'static str,
    program: &'static str,
}

/// Builds a Worker in Rust that is not part of this workspace. Its version belongs to that of the
/// `worker` crate in Cargo.toml.
pub(crate) const WORKER_BUILD: Tool =
    Tool { package: "worker-build", version: "0.8.7", program: "worker-build" };

/// Generates JavaScript for worker-build, and runs tests that were compiled to WebAssembly.
pub(crate) const WASM_BINDGEN: Tool =
    Tool { package: "wasm-bindgen-cli", version: bindings::VERSION, program: "wasm-bindgen" };

/// Checks the licenses and sources of the dependencies, bans, and advisories.
pub(crate) const CARGO_DENY: Tool =
    Tool { package: "cargo-deny", version: "0.20.2", program: "cargo-deny" };

/// Runs the fuzz targets.
pub(crate) const CARGO_FUZZ: Tool =
    Tool { package: "cargo-fuzz", version: "0.13.2", program: "cargo-fuzz" };

/// Installs the tools that are missing, one command at a time, and returns the paths of their
/// programs in the given order.
pub(crate) fn ensure<const N: usize>(
    workspace: &Workspace,
    tools: [&Tool; N],
) -> Result<[PathBuf; N]> {
    let _lock = super::lock(workspace)?;
    let folder = workspace.tools();
    let installed = installed(&folder);
    let missing: Vec<&Tool> = tools
        .into_iter()
        .filter(|tool| !is_installed(&installed, tool) || !program(&folder, tool).is_file())
        .collect();
    if !missing.is_empty() {
        if missing.iter().any(|tool| tool.package == WORKER_BUILD.package) {
            check_openssl()?;
        }
        let names: Vec<String> = missing.iter().map(|tool| pinned(tool)).collect();
        say::timed(
            &format!(
                "installing {} into target/tools (once; takes some minutes)",
                names.join(" and ")
            ),
            || install(workspace, &folder, &names),
        )?;
        if let Some(tool) = missing.iter().find(|tool| !program(&folder, tool).is_file()) {
            bail!("the crate {} contains no program {}", tool.package, tool.program);
        }
    }
    Ok(tools.map(|tool| program(&folder, tool)))
}

/// Checks that OpenSSL is installed, which worker-build links except on Windows and macOS. cargo's
/// message about a missing OpenSSL fills a page.
fn check_openssl() -> Result<()> {
    let given = ["OPENSSL_DIR", "OPENSSL_LIB_DIR", "OPENSSL_NO_PKG_CONFIG"];
    if cfg!(any(windows, target_os = "macos"))
        || given.iter().any(|variable| env::var_os(variable).is_some())
        || process::run_quietly(Command::new("pkg-config").args(["--exists", "openssl"])).is_ok()
    {
        return Ok(());
    }
    bail!(
        "worker-build needs OpenSSL's development files and pkg-config: install the packages \
         libssl-dev and pkg-config (Debian, Ubuntu), openssl-devel and pkgconf (Fedora), or \
         openssl-dev and pkgconf (Alpine)"
    )
}

fn install(workspace: &Workspace, folder: &Path, names: &[String]) -> Result<()> {
    // One build folder for all tools, because they share dependencies. It is removed afterwards,
    // because it takes a gigabyte.
    let builds = folder.join("build");
    let outcome = process::run(
        Command::new("cargo")
            // Without default features, wasm-bindgen-cli needs no TLS library. The other tools have
            // no default features.
            .args(["install", "--locked", "--debug", "--force", "--no-default-features", "--root"])
            .arg(folder)
            .arg("--target-dir")
            .arg(&builds)
            .args(names)
            .current_dir(workspace.root())
            // Without optimization, the tools compile in half the time, and are fast enough.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // These variables are meant for the Worker.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("CARGO_BUILD_TARGET"),
    );
    if builds.exists() {
        fs::remove_dir_all(&builds)
            .with_context(|| format!("{} cannot be removed", builds.display()))?;
    }
    outcome
}

fn pinned(tool: &Tool) -> String {
    format!("{}@{}", tool.package, tool.version)
}

fn program(folder: &Path, tool: &Tool) -> PathBuf {
    folder.join("bin").join(file_name(tool.program))
}

/// Removes the variables that cargo sets for this program. They would make another cargo rebuild
/// packages each time.
pub(crate) fn without_variables_of_xtask(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}

/// Returns the file name of a program on this system.
pub(crate) fn file_name(program: &str) -> String {
    format!("{program}{EXE_SUFFIX}")
}

/// Returns cargo's record of what it installed into a folder, or an empty string.
fn installed(folder: &Path) -> String {
    fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default()
}

fn is_installed(record: &str, tool: &Tool) -> bool {
    record.contains(&format!("\"{} {} (", tool.package, tool.version))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_tool_of_another_version_counts_as_missing() {
        let record =
            "[v1]\n\"worker-build 0.8.7 (registry+https://example.com)\" = [\"worker-build\"]\n";
        assert!(is_installed(record, &WORKER_BUILD));
        assert!(!is_installed(record, &WASM_BINDGEN));
        assert!(!is_installed(&record.replace("0.8.7", "0.8.70"), &WORKER_BUILD));
        assert!(!is_installed("", &WORKER_BUILD));
    }

    #[test]
    fn worker_build_has_the_version_of_the_worker_crate() {
        check_pinned(include_str!("../../../Cargo.toml"), "worker", WORKER_BUILD.version);
    }

    /// Asserts that a manifest has a dependency in exactly this version.
    pub(crate) fn check_pinned(manifest: &str, dependency: &str, version: &str) {
        let expected = format!("{dependency} = {{ version = \"={version}\"");
        assert!(
            manifest.lines().any(|line| line.starts_with(&expected)),
            "Cargo.toml has no line that starts with {expected}"
        );
    }
}
