//! `cargo xtask doctor`: runs `portcullis doctor`.

use crate::tools::cargo;
use crate::workspace::Workspace;
use anyhow::Result;
use portcullis_cli::doctor::Options;
use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

/// Runs `portcullis doctor` with the same arguments in a separate process. xtask itself is built
/// without it, because the TLS library takes long to compile.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["run", "--quiet", "--package", "portcullis-cli", "--manifest-path"])
        .arg(workspace.path("Cargo.toml"))
        .arg("--")
        .args(env::args_os().skip(1));
    if options.selection.config.is_none() {
        let config: [OsString; 2] = ["--config".into(), workspace.path("wrangler.toml").into()];
        command.args(config);
    }
    cargo::without_variables_of_xtask(&mut command);
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(match code {
        Some(code @ (0 | 1)) => ExitCode::from(code),
        // cargo has printed why it could not build the program.
        Some(_) | None => ExitCode::from(2),
    })
}
