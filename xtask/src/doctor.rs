//! `cargo xtask doctor`: the library's, which this program is built with only where it is asked for.

use std::process::ExitCode;

use portcullis::cli::doctor::Options;

/// Examines, prints.
#[cfg(feature = "doctor")]
pub(crate) fn run(options: &Options) -> ExitCode {
    portcullis::cli::doctor::run(options)
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
