//! Generates the JavaScript that calls a WebAssembly module, with the package `xtask-bindings`.

use super::cargo;
use crate::process::{self, Stop};
use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "xtask-bindings";

/// The version of wasm-bindgen, which is also that of the generated JavaScript.
pub(crate) const VERSION: &str = "0.2.129";

/// What a module is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A Worker, whose instance is replaced after a trap.
    Worker,
    /// A page in a browser, or a script that loads the module itself.
    Web,
    /// A CommonJS module for Node.
    Node,
}

/// The compiled program.
#[derive(Debug)]
pub(crate) struct Generator {
    program: PathBuf,
}

impl Generator {
    /// Compiles the program if it is not up to date. It shares dependencies, and therefore the
    /// target folder, with this program.
    pub(crate) fn prepare(workspace: &Workspace, stop: &Stop) -> Result<Self> {
        let own = env::current_exe().context("the path of this program is unknown")?;
        let folder = own.ancestors().nth(2).context("this program is in no target folder")?;
        let program = folder.join("debug").join(cargo::file_name(PACKAGE));
        let mut command = Command::new("cargo");
        command
            .args(["build", "--quiet", "--package", PACKAGE, "--target-dir"])
            .arg(folder)
            .current_dir(workspace.root());
        cargo::without_variables_of_xtask(&mut command);
        let mut compile = || process::run_until(&mut command, stop);
        if program.is_file() {
            compile()?;
        } else {
            say::timed("compiling the generator of JavaScript", compile)?;
        }
        Ok(Self { program })
    }

    /// Writes `{name}.js` and `{name}_bg.wasm` into the folder.
    pub(crate) fn generate(
        &self,
        purpose: Purpose,
        module: &Path,
        name: &str,
        folder: &Path,
    ) -> Result<()> {
        let purpose = match purpose {
            Purpose::Worker => "worker",
            Purpose::Web => "web",
            Purpose::Node => "node",
        };
        let mut command = Command::new(&self.program);
        process::run(command.arg(purpose).arg(module).arg(name).arg(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::VERSION;
    use crate::tools::cargo::tests::check_pinned;

    /// The generator rejects modules of another version of the crate.
    #[test]
    fn the_generator_has_the_version_of_the_crate() {
        check_pinned(include_str!("../../../Cargo.toml"), "wasm-bindgen", VERSION);
        let manifest = include_str!("../../bindings/Cargo.toml");
        let line = format!("wasm-bindgen-cli-support = \"={VERSION}\"");
        assert!(manifest.lines().any(|one| one == line), "the manifest has no line {line}");
    }
}
