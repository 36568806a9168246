//! Command line tools that come as crates, at pinned versions, in `target/tools`.

use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result, bail};
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// A crate that is installed for the program in it.
#[derive(Debug)]
pub(crate) struct Tool {
    package: &'static str,
    /// Its exact version.
    pub(crate) version: &'static str,
    program: &'static str,
}

/// Compiles and bundles the Worker. Goes with the `worker` crate in Cargo.toml.
pub(crate) const WORKER_BUILD: Tool =
    Tool { package: "worker-build", version: "0.8.7", program: "worker-build" };

/// Must be exactly the version of the `wasm-bindgen` crate in Cargo.toml.
pub(crate) const WASM_BINDGEN: Tool =
    Tool { package: "wasm-bindgen-cli", version: "0.2.129", program: "wasm-bindgen" };

/// Looks at what the dependencies are: licences, sources, bans.
pub(crate) const CARGO_DENY: Tool =
    Tool { package: "cargo-deny", version: "0.20.2", program: "cargo-deny" };

/// Runs the fuzz targets.
pub(crate) const CARGO_FUZZ: Tool =
    Tool { package: "cargo-fuzz", version: "0.13.2", program: "cargo-fuzz" };

/// Where the tools' programs are, in the order asked for. Installs those that are missing.
pub(crate) fn ensure<const N: usize>(
    workspace: &Workspace,
    tools: [&Tool; N],
) -> Result<[PathBuf; N]> {
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
            &format!("installing {} into target/tools (once, some minutes)", names.join(" and ")),
            || install(workspace, &folder, &names),
        )?;
        if let Some(tool) = missing.iter().find(|tool| !program(&folder, tool).is_file()) {
            bail!("{} was installed, but brought no program {}", tool.package, tool.program);
        }
    }
    Ok(tools.map(|tool| program(&folder, tool)))
}

/// worker-build links the system's OpenSSL, save on Windows and macOS, and cargo's own words about
/// a missing one run to a page.
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
    // One build folder for all, because they share dependencies; a gigabyte, so not kept.
    let builds = folder.join("build");
    let outcome = process::run(
        Command::new("cargo")
            .args(["install", "--locked", "--debug", "--force", "--root"])
            .arg(folder)
            .arg("--target-dir")
            .arg(&builds)
            .args(names)
            .current_dir(workspace.root())
            // Not optimised, the tools are ready in half the time, and they have little to do.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // Meant for the Worker, if they are set.
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

/// The name that a program's file has on this system.
pub(crate) fn file_name(program: &str) -> String {
    format!("{program}{EXE_SUFFIX}")
}

/// Cargo's own record of what it installed into a folder; empty if there is none.
fn installed(folder: &Path) -> String {
    fs::read_to_string(folder.join(".crates.toml")).unwrap_or_default()
}

fn is_installed(record: &str, tool: &Tool) -> bool {
    record.contains(&format!("\"{} {} (", tool.package, tool.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_of_another_version_is_not_installed() {
        let record =
            "[v1]\n\"worker-build 0.8.7 (registry+https://example.com)\" = [\"worker-build\"]\n";
        assert!(is_installed(record, &WORKER_BUILD));
        assert!(!is_installed(record, &WASM_BINDGEN));
        assert!(!is_installed(&record.replace("0.8.7", "0.8.70"), &WORKER_BUILD));
        assert!(!is_installed("", &WORKER_BUILD));
    }

    /// A wasm-bindgen program of another version than the crate refuses the module.
    #[test]
    fn the_tools_go_with_the_crates() {
        let manifest = include_str!("../../../Cargo.toml");
        check_pinned(manifest, "worker", WORKER_BUILD.version);
        check_pinned(manifest, "wasm-bindgen", WASM_BINDGEN.version);
    }

    fn check_pinned(manifest: &str, dependency: &str, version: &str) {
        let expected = format!("{dependency} = {{ version = \"={version}\"");
        assert!(
            manifest.lines().any(|line| line.starts_with(&expected)),
            "Cargo.toml has no line that starts with {expected}"
        );
    }
}
