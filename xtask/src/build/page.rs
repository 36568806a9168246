//! Builds the WebAssembly module of the console's page into the folder of the page.

use super::{Options, features, inputs, optimize, remapped, stamp_text};
use crate::tools::Tools;
use crate::tools::rust::WASM_TARGET;
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The instructions that the page's module may use. Browsers without relaxed SIMD would reject a
/// module that contains it.
pub(crate) const RUSTFLAGS: &str = "-Ctarget-feature=+simd128";

/// The folder of the page, which wrangler.toml names as the Worker's static assets.
pub(crate) const FOLDER: &str = "www";

/// The cargo feature of the Worker that serves the page.
const SERVED_BY: &str = "console";

/// Features of the Worker that the page's module does not have.
const NOT_IN_BROWSERS: [&str; 4] = ["worker", "entry", "kernels", SERVED_BY];

const MODULE: &str = "portcullis_bg.wasm";
const OUTPUTS: [&str; 2] = ["portcullis.js", MODULE];

/// Builds the gate for browsers, unless it is up to date or the Worker does not serve the page.
pub(crate) fn page(workspace: &Workspace, tools: &Tools, options: &Options) -> Result<()> {
    if !options.has(SERVED_BY) {
        return Ok(());
    }
    let folder = workspace.path(FOLDER);
    let features = browser_features(options)?;
    let inputs = inputs(workspace, &[RUSTFLAGS, &features])?;
    let stamp = workspace.path("target").join("page.stamp");
    if fs::read_to_string(&stamp).unwrap_or_default() == stamp_text(&folder, &OUTPUTS, &inputs) {
        say::line("the console's page is up to date");
        return Ok(());
    }
    say::timed(&format!("building the console's page ({features})"), || {
        let mut command = Command::new("cargo");
        command
            .args(["build", "--release", "--package", "portcullis-console", "--lib"])
            .args(["--target", WASM_TARGET, "--features", &features])
            .args(["--target-dir", "target"])
            // Small code matters more than fast code for a page that verifies one token at a time.
            .args(["--config", "profile.release.package.portcullis.opt-level=\"s\""])
            .current_dir(workspace.root())
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", remapped(RUSTFLAGS));
        process::run(&mut command)?;
        let built =
            Path::new("target").join(WASM_TARGET).join("release").join("portcullis_console.wasm");
        let mut command = Command::new(&tools.wasm_bindgen);
        command
            .args(["--target", "web", "--no-typescript", "--out-name", "portcullis"])
            .args(["--out-dir", FOLDER])
            .arg(built)
            .current_dir(workspace.root());
        process::run(&mut command)?;
        optimize(workspace, tools, &folder.join(MODULE))
    })?;
    fs::write(&stamp, stamp_text(&folder, &OUTPUTS, &inputs))
        .with_context(|| format!("{} cannot be written", stamp.display()))
}

/// Returns the features for the Worker's algorithms, so that both reach the same decision.
fn browser_features(options: &Options) -> Result<String> {
    let features = features(options)?;
    let kept = features.split(',').filter(|feature| !NOT_IN_BROWSERS.contains(feature));
    Ok(kept.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_only_the_algorithm_features_of_the_worker() {
        assert_eq!(browser_features(&Options::default()).ok().as_deref(), Some("mldsa"));
        let all = Options::with("es512,es256k");
        assert_eq!(browser_features(&all).ok().as_deref(), Some("es256k,es512,mldsa"));
    }
}
