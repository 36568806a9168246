//! Builds the WebAssembly module of the console's page into the folder of the page.

use super::{Build, Options, features, small};
use crate::process::Stop;
use crate::tools::bindings::Purpose;
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use anyhow::Result;

/// The instructions that the page's module may use. Browsers without relaxed SIMD would reject a
/// module that contains it.
pub(crate) const RUSTFLAGS: &str = "-Ctarget-feature=+simd128";

/// The folder of the page, which wrangler.toml names as the Worker's static assets.
pub(crate) const FOLDER: &str = "www";

/// The cargo feature of the Worker that serves the page.
const SERVED_BY: &str = "console";

/// Features of the Worker that the page's module does not have.
const NOT_IN_BROWSERS: [&str; 4] = ["worker", "entry", "kernels", SERVED_BY];

/// Builds the gate for browsers, unless it is up to date or the Worker does not serve the page.
pub(crate) fn page(
    workspace: &Workspace,
    packages: &Packages,
    options: &Options,
    stop: &Stop,
) -> Result<()> {
    if !options.has(SERVED_BY) {
        return Ok(());
    }
    let features = browser_features(options)?;
    let build = Build {
        workspace,
        title: format!("the console's page ({features})"),
        package: "portcullis-console",
        arguments: [small(), vec!["--features".to_owned(), features]].concat(),
        rustflags: RUSTFLAGS,
        purpose: Purpose::Web,
        name: "portcullis",
        entry: None,
        further_inputs: &[],
        folder: workspace.path(FOLDER),
    };
    match build.outdated()? {
        Some(outdated) => outdated.compile(stop)?.finish(packages),
        None => Ok(()),
    }
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
