//! `cargo xtask doctor`: asks for the keys that issuers publish as the gate would, and says what would
//! go wrong; and what the gate would make of a token.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

#[cfg(feature = "doctor")]
mod command;
#[cfg(feature = "doctor")]
mod document;
#[cfg(feature = "doctor")]
mod examination;
#[cfg(feature = "doctor")]
mod fetch;
#[cfg(feature = "doctor")]
mod issuer;
#[cfg(feature = "doctor")]
mod key_set;
#[cfg(feature = "doctor")]
#[cfg(feature = "doctor")]
mod report;
#[cfg(test)]
#[cfg(feature = "doctor")]
mod tests;
#[cfg(feature = "doctor")]
mod verdict;

/// Ends with 0 if all is well, perhaps with warnings; with 1 if there are problems, or the token
/// passes nowhere; with 2 if it could not run.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// `-` reads a token from standard input, and says what would become of it
    #[arg(value_name = "-", conflicts_with = "token_file")]
    token: Option<String>,
    /// Read the token from a file; it is sent nowhere
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The path that the token is to be used with [default: one of every route]
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// The method that it is to be used with
    #[arg(long, value_name = "METHOD", default_value = "GET", requires = "path")]
    method: String,
    /// Take the policy of this environment in wrangler.toml [default: the top level]
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Another file than the checkout's wrangler.toml; its secrets are in the .dev.vars beside it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    json: bool,
}

/// Examines, prints.
#[cfg(feature = "doctor")]
pub(crate) fn run(options: &Options) -> ExitCode {
    command::run(options)
}

/// Fetching takes TLS, which the other commands do not wait for: builds this program anew with it, and
/// runs that.
#[cfg(not(feature = "doctor"))]
pub(crate) fn run(_: &Options) -> ExitCode {
    use std::env;
    use std::process::Command;

    crate::say::line("building what fetches over TLS, if it is not there yet");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = crate::workspace::Workspace::find().and_then(|workspace| {
        let manifest = workspace.path("Cargo.toml");
        let mut command = Command::new(cargo);
        command
            .args(["run", "--quiet", "--package", "xtask", "--features", "doctor"])
            .arg("--manifest-path")
            .arg(manifest)
            .arg("--")
            .args(env::args_os().skip(1));
        // What cargo said to this program would count as a change, and have much built anew each time.
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        Ok(command.status()?)
    });
    match status.map(|status| status.code().and_then(|code| u8::try_from(code).ok())) {
        Ok(Some(code @ (0 | 1))) => ExitCode::from(code),
        // cargo says itself what it could not build.
        Ok(_) => ExitCode::from(2),
        Err(error) => {
            crate::say::error(&error);
            ExitCode::from(2)
        }
    }
}
