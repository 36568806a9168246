//! The browser that the console's page is tried in: one that is installed, or, where a machine is
//! there for continuous integration and has Debian's packages, one from these.

use crate::{process, say};
use anyhow::Result;
use std::path::Path;
use std::process::Command;
use std::{env, iter};

/// What it is called where it is installed; the tests look for the same names.
const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// Installs Chromium if there is none and the machine is there for such things: the variable CI is
/// "true", and it is Debian's or one like it. Says so. Where there is none in the end, the tests in
/// the browser are left out, and say why.
pub(crate) fn ensure() {
    if is_installed() || !is_for_integration() {
        return;
    }
    say::line("installing chromium with apt-get, to try the console's page in it");
    if let Err(error) = install() {
        say::line(&format!("without a browser: {error:#}"));
    }
}

fn is_installed() -> bool {
    let is_named = env::var_os("CHROMIUM").is_some_and(|path| !path.is_empty());
    let path = env::var_os("PATH").unwrap_or_default();
    is_named
        || env::split_paths(&path)
            .any(|folder| NAMES.iter().any(|name| folder.join(name).is_file()))
}

fn is_for_integration() -> bool {
    env::var("CI").is_ok_and(|value| value == "true") && Path::new("/etc/debian_version").exists()
}

fn install() -> Result<()> {
    apt_get(&["update", "-qq"])?;
    apt_get(&["install", "-y", "-qq", "--no-install-recommends", "chromium"])
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let arguments = iter::once("apt-get").chain(arguments.iter().copied());
    // `env` sets the variable also where sudo takes it away.
    let command = ["env", "DEBIAN_FRONTEND=noninteractive"].into_iter().chain(arguments);
    let words: Vec<&str> = match env::var("USER").as_deref() {
        Ok("root") | Err(_) => command.collect(),
        Ok(_) => ["sudo", "--non-interactive"].into_iter().chain(command).collect(),
    };
    let (program, rest) = words.split_first().unwrap_or((&"true", &[]));
    process::run(Command::new(program).args(rest))
}
