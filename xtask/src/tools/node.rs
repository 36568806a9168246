//! Checks Node and npm, and installs the packages of `package-lock.json`.

use crate::hash::Fingerprint;
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest version of Node whose npm installs the packages.
const OLDEST_NODE: u32 = 20;

/// The oldest version of Node that runs wrangler. The packages contain one for common systems.
const OLDEST_NODE_FOR_WRANGLER: u32 = 22;

const INSTALL_NODE: &str = "install Node 20 or later, which includes npm (https://nodejs.org)";

/// The installed npm packages.
#[derive(Debug)]
pub(crate) struct Packages {
    binaries: PathBuf,
}

impl Packages {
    /// Returns the path of a program in one of the packages.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        program(&self.binaries, name)
    }

    /// Returns a command for a program of the packages, which runs in the Node of the packages.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let mut command = Command::new(self.program(name));
        self.put_on_path(&mut command)?;
        Ok(command)
    }

    /// Returns a command for wrangler, with its telemetry disabled.
    pub(crate) fn wrangler(&self) -> Result<Command> {
        let mut command = self.command("wrangler")?;
        command.env("WRANGLER_SEND_METRICS", "false");
        Ok(command)
    }

    /// Puts the programs of the packages, including their Node, first on the PATH of a command.
    pub(crate) fn put_on_path(&self, command: &mut Command) -> Result<()> {
        command.env("PATH", process::path_with(&self.binaries)?);
        Ok(())
    }
}

/// Fails with what to install if Node or npm are missing or too old. Does not look for them if the
/// packages are installed.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    if is_current(workspace)? {
        return Ok(());
    }
    if process::on_path("node").is_none() {
        bail!("Node is not installed, or not on the PATH: {INSTALL_NODE}");
    }
    if process::on_path("npm").is_none() {
        bail!("Node is installed, but npm is not on the PATH: {INSTALL_NODE}");
    }
    let printed = process::read(Command::new("node").arg("--version"))?;
    if major(&printed).is_none_or(|major| major < OLDEST_NODE) {
        bail!("the Node on the PATH is {}, which is too old: {INSTALL_NODE}", printed.trim());
    }
    Ok(())
}

/// Installs the packages of `package-lock.json`, unless they were installed from the same file.
pub(crate) fn ensure_packages(workspace: &Workspace) -> Result<Packages> {
    if !is_current(workspace)? {
        say::timed("installing the npm packages of package-lock.json", || {
            // No package needs its install script.
            process::run_quietly(
                npm()
                    .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                    .current_dir(workspace.root()),
            )?;
            let stamp = stamp(workspace);
            fs::write(&stamp, lock_hash(workspace)?)
                .with_context(|| format!("{} cannot be written", stamp.display()))
        })?;
    }
    check_node_for_wrangler(workspace)?;
    Ok(Packages { binaries: workspace.node_binaries() })
}

/// Fails if the packages contain no Node for this system and the Node on the PATH is too old for
/// wrangler.
fn check_node_for_wrangler(workspace: &Workspace) -> Result<()> {
    let binaries = workspace.node_binaries();
    if program(&binaries, "node").is_file() {
        return Ok(());
    }
    let printed = process::read(Command::new("node").arg("--version"))?;
    if major(&printed).is_none_or(|major| major < OLDEST_NODE_FOR_WRANGLER) {
        bail!(
            "wrangler needs Node {OLDEST_NODE_FOR_WRANGLER}, the Node on the PATH is {}, and there \
             is no npm package of Node for this system: install Node {OLDEST_NODE_FOR_WRANGLER} or \
             later (https://nodejs.org)",
            printed.trim()
        );
    }
    Ok(())
}

/// The stamp is in `node_modules`, so that it is deleted together with the packages.
fn stamp(workspace: &Workspace) -> PathBuf {
    workspace.path("node_modules").join(".installed-lock")
}

fn is_current(workspace: &Workspace) -> Result<bool> {
    let Ok(stamped) = fs::read_to_string(stamp(workspace)) else {
        return Ok(false);
    };
    Ok(stamped == lock_hash(workspace)?)
}

fn lock_hash(workspace: &Workspace) -> Result<String> {
    let path = workspace.path("package-lock.json");
    let lock = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Fingerprint::of(&lock))
}

/// Returns a command for npm.
pub(crate) fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn program(binaries: &Path, name: &str) -> PathBuf {
    if cfg!(windows) { binaries.join(format!("{name}.cmd")) } else { binaries.join(name) }
}

/// Returns the major version: 20 for `v20.11.1`.
fn major(printed: &str) -> Option<u32> {
    printed.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_node() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("v8.0.0"), Some(8));
        assert_eq!(major("20.1.0"), None);
        assert_eq!(major(""), None);
    }
}
