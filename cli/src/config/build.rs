//! The cargo features of the Worker that an environment deploys. They determine which algorithms
//! are available.

use super::Environment;
use clap::{Args, Parser};
use std::iter;

/// The features that are deployed by default.
pub const DEPLOYED_FEATURES: &[&str] = &["worker", "entry", "kernels", "mldsa", "console"];

/// Without options, the deployed features are built.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Cargo features to add to the deployed ones, separated by commas
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub features: Vec<String>,
    /// Deployed features to leave out, separated by commas
    #[arg(long, value_name = "FEATURES", value_delimiter = ',')]
    pub without: Vec<String>,
}

impl Options {
    /// The deployed features and additional ones, which are separated by commas.
    #[must_use]
    pub fn with(features: &str) -> Self {
        let features = features.split(',').map(str::to_owned).collect();
        Self { features, without: Vec::new() }
    }

    /// Returns the options of `cargo xtask build` in an environment's build command, or no options
    /// if the build command is a different one.
    #[must_use]
    pub fn of(environment: &Environment<'_>) -> Self {
        command(environment).and_then(Self::of_command).unwrap_or_default()
    }

    fn of_command(command: &str) -> Option<Self> {
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let mut words = command.split_whitespace().skip_while(|word| *word != "xtask").skip(1);
        if words.next() != Some("build") {
            return None;
        }
        let arguments = words.take_while(|word| !matches!(*word, "&&" | "||" | "|" | ";"));
        Line::try_parse_from(iter::once("build").chain(arguments)).ok().map(|line| line.options)
    }

    /// Whether the build has a cargo feature.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|one| one == feature);
        named(&self.features) || DEPLOYED_FEATURES.contains(&feature) && !named(&self.without)
    }
}

/// The build command of an environment. wrangler runs it before it deploys or serves.
#[must_use]
pub fn command<'a>(environment: &Environment<'a>) -> Option<&'a str> {
    environment.inherited("build")?.value.get("command")?.as_str()
}

/// Whether a command runs `cargo xtask build`, which builds the gate in a checkout.
#[must_use]
pub fn is_checkout_build(command: Option<&str>) -> bool {
    let mut words = command.into_iter().flat_map(str::split_whitespace);
    words.any(|word| word == "xtask") && words.next() == Some("build")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_the_build_command() {
        let has = |command| {
            let options = Options::of_command(command)?;
            Some(["mldsa", "es512", "es256k"].map(|feature| options.has(feature)))
        };
        assert_eq!(has("cargo xtask build"), Some([true, false, false]));
        assert_eq!(has("cargo xtask build --without mldsa"), Some([false, false, false]));
        assert_eq!(has("cargo xtask build --features es512,es256k"), Some([true, true, true]));
        assert_eq!(
            has("npm run x && cargo xtask build --features=es512 --without=mldsa && true"),
            Some([false, true, false])
        );
        assert_eq!(has("cargo xtask build --nonsense"), None);
        assert_eq!(has("cargo xtask check"), None);
        assert_eq!(has("worker-build --release"), None);
    }
}
