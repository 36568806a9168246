//! `cargo xtask build`: what `wrangler deploy` and `wrangler dev` call before anything else.

use crate::hash::Fingerprint;
use crate::tools::{self, Tools};
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result, bail};
use portcullis_cli::check::{self, MissingBindings};
use portcullis_cli::config::Severity;
pub(crate) use portcullis_cli::config::build::{DEPLOYED_FEATURES, Options};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

pub(crate) mod page;

/// What the Worker's code may use. A `RUSTFLAGS` variable, even an empty one, silently drops what
/// `.cargo/config.toml` says of this; `CARGO_ENCODED_RUSTFLAGS` wins over both.
pub(crate) const WORKER_RUSTFLAGS: &str = "-Ctarget-feature=+simd128,+relaxed-simd";

/// What wasm-opt is told: what to do, and what the module may use besides what it says of itself:
/// exceptions come in after rustc, with wasm-bindgen, and the rest is rustc's default. Not
/// everything that wasm-opt knows, which could be newer than the runtime. The lowest kilobyte of
/// memory is the far end of the stack, which only an overflow about to trap could reach: taken for
/// unused, it lets offsets be folded. What values can be where is worked out of the whole module
/// (GUFA), and what that shows to be needless goes in a second pass.
///
/// Names of functions and tools are a tenth of the module, and left out.
const OPTIMISATION: [&str; 13] = [
    "-O",
    "--gufa",
    "-O",
    "--low-memory-unused",
    "--strip-debug",
    "--strip-producers",
    "--enable-bulk-memory",
    "--enable-exception-handling",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// What esbuild is told. Nobody declares one of wasm-bindgen's classes with `using`; without the
/// symbol for that, those that nobody makes at all are left out.
const BUNDLING: [&str; 7] = [
    "--bundle",
    "--format=esm",
    "--minify",
    "--log-level=warning",
    "--external:./index_bg.wasm",
    "--external:cloudflare:*",
    "--define:Symbol.dispose=undefined",
];

/// Where wrangler.toml's `main` expects the Worker.
pub(crate) const DEPLOYED_FOLDER: &str = "build";

/// What the build leaves behind that wrangler uploads: the code that calls the module, and the
/// module.
const SCRIPT: &str = "index.js";
const MODULE: &str = "index_bg.wasm";
const OUTPUTS: [&str; 2] = [SCRIPT, MODULE];

const ENTRY: &str = "src/edge/entry.js";

/// What the build depends on, besides the options and the tools' versions.
const INPUTS: [&str; 11] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "console/Cargo.toml",
    "console/src",
    "kernels/Cargo.toml",
    "kernels/src",
    "package-lock.json",
    "rust-toolchain.toml",
    "src",
];

/// Checks the deployment, then builds the Worker.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    refuse_what_undoes_the_gate(&workspace)?;
    let tools = tools::prepare(&workspace)?;
    everything(&workspace, &tools, options)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds whatever wrangler uploads, as far as it is not there already.
pub(crate) fn everything(workspace: &Workspace, tools: &Tools, options: &Options) -> Result<()> {
    worker(workspace, tools, options, DEPLOYED_FOLDER)?;
    page::page(workspace, tools, options)
}

/// Prints all that is to be said about wrangler.toml, and fails if something in it would answer in
/// the gate's place. Other faults do not stop the build: the gate itself refuses to serve them.
fn refuse_what_undoes_the_gate(workspace: &Workspace) -> Result<()> {
    // Deployed, the secrets are not those of .dev.vars, which need not even be there.
    let reports = check::examine(&workspace.path("wrangler.toml"), None, MissingBindings::Warn)?;
    check::print_findings(&reports);
    if check::worst(&reports) == Some(Severity::Undeployable) {
        bail!("not built: with this wrangler.toml requests would be answered without the gate");
    }
    Ok(())
}

/// Builds the Worker into a folder of the checkout, unless it is there already, and returns its
/// script.
pub(crate) fn worker(
    workspace: &Workspace,
    tools: &Tools,
    options: &Options,
    folder: &str,
) -> Result<PathBuf> {
    let features = features(options)?;
    let output = workspace.path(folder);
    let script = output.join(SCRIPT);
    let inputs = inputs(workspace, &[WORKER_RUSTFLAGS, &features])?;
    let name = folder.replace(['/', '\\'], "-");
    let stamp = workspace.path("target").join(format!("worker-{name}.stamp"));
    let recorded = fs::read_to_string(&stamp).unwrap_or_default();
    if recorded == stamp_text(&output, &OUTPUTS, &inputs) {
        say::line("the Worker is up to date");
        return Ok(script);
    }
    say::timed(&format!("building the Worker ({features})"), || {
        let mut command = Command::new(&tools.worker_build);
        command
            .args(["--release", "--out-dir", folder, "--features", &features])
            .current_dir(workspace.root())
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", remapped(WORKER_RUSTFLAGS))
            // That is done with the entry in front: what nobody needs can be told apart only
            // before.
            .env("NO_MINIFY", "")
            // worker-build would download these two from elsewhere.
            .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
            .env("ESBUILD_BIN", tools.node.program("esbuild"));
        tools.node.put_on_path(&mut command)?;
        process::run(&mut command)?;
        enter(tools, &workspace.path(ENTRY), &output)?;
        optimise(workspace, tools, &output.join(MODULE))
    })?;
    fs::write(&stamp, stamp_text(&output, &OUTPUTS, &inputs))
        .with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(script)
}

/// Puts the gate's own entry in front of the script that worker-build made, in one file with it.
fn enter(tools: &Tools, entry: &Path, output: &Path) -> Result<()> {
    let (script, made) = (output.join(SCRIPT), output.join("worker-build.js"));
    let first = output.join("entry.js");
    fs::rename(&script, &made).and_then(|()| fs::copy(entry, &first)).with_context(|| {
        format!("{} cannot be put in front of {}", entry.display(), script.display())
    })?;
    let mut command = tools.node.command("esbuild")?;
    command
        .args(BUNDLING)
        .args([format!("--outfile={SCRIPT}"), "entry.js".to_owned()])
        .current_dir(output);
    process::run(&mut command)?;
    for file in [made, first] {
        fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
    }
    Ok(())
}

/// Makes a module smaller and faster.
pub(crate) fn optimise(workspace: &Workspace, tools: &Tools, module: &Path) -> Result<()> {
    let optimised = module.with_extension("optimised.wasm");
    let mut command = tools.node.command("wasm-opt")?;
    command
        .args(OPTIMISATION)
        .arg("--output")
        .args([optimised.as_path(), module])
        .current_dir(workspace.root());
    process::run(&mut command)?;
    fs::rename(&optimised, module)
        .with_context(|| format!("{} cannot be replaced", module.display()))
}

/// These flags, and no path of this machine in what is uploaded: the places of panics in other
/// crates are strings in it.
fn remapped(rustflags: &str) -> String {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    match home {
        Some(home) => {
            let registry = home.join("registry").join("src");
            format!("{rustflags}\x1f--remap-path-prefix={}=crates", registry.display())
        }
        None => rustflags.to_owned(),
    }
}

fn features(options: &Options) -> Result<String> {
    if let Some(unknown) =
        options.without.iter().find(|feature| !DEPLOYED_FEATURES.contains(&feature.as_str()))
    {
        bail!(
            "--without {unknown}: that is not among the deployed features, {}",
            DEPLOYED_FEATURES.join(", ")
        );
    }
    let mut features: Vec<&str> = DEPLOYED_FEATURES
        .iter()
        .copied()
        .filter(|feature| !options.without.iter().any(|without| without == feature))
        .chain(options.features.iter().map(String::as_str))
        .collect();
    features.sort_unstable();
    features.dedup();
    Ok(features.join(","))
}

/// A hash of everything that a module is made from, and how.
fn inputs(workspace: &Workspace, how: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&workspace.path(input), &mut files)?;
    }
    let mut fingerprint = Fingerprint::default();
    let versions = [&tools::cargo::WORKER_BUILD, &tools::cargo::WASM_BINDGEN].map(|t| t.version);
    for text in how.iter().copied().chain(OPTIMISATION).chain(BUNDLING).chain(versions) {
        fingerprint.add(text.as_bytes());
    }
    for file in files {
        let name = file.strip_prefix(workspace.root()).unwrap_or(&file);
        fingerprint.add(name.to_string_lossy().as_bytes());
        fingerprint.add(&read(&file)?);
    }
    Ok(fingerprint.finish())
}

/// What the stamp says when the outputs are those that were made from the inputs.
fn stamp_text(output: &Path, outputs: &[&str], inputs: &str) -> String {
    let outputs = outputs.iter().map(|name| {
        let bytes = fs::read(output.join(name)).unwrap_or_default();
        format!("{name} {}\n", Fingerprint::of(&bytes))
    });
    format!("inputs {inputs}\n{}", outputs.collect::<String>())
}

/// The files in a folder and below, sorted; or the file itself; or nothing.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_dir() {
        let entries =
            fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mut entries: Vec<PathBuf> =
            entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        entries.sort();
        for entry in entries {
            collect(&entry, files)?;
        }
    } else if path.is_file() {
        files.push(path.to_path_buf());
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(features_added: &[&str], without: &[&str], expected: Option<&str>) {
        let own = |list: &[&str]| list.iter().map(|&feature| feature.to_owned()).collect();
        let options = Options { features: own(features_added), without: own(without) };
        assert_eq!(features(&options).ok().as_deref(), expected);
    }

    #[test]
    fn features_are_added_and_taken_away() {
        check(&[], &[], Some("console,entry,kernels,mldsa,worker"));
        check(&["es512"], &[], Some("console,entry,es512,kernels,mldsa,worker"));
        check(&["worker"], &["console", "entry", "kernels", "mldsa"], Some("worker"));
        check(&[], &["es512"], None);
    }
}
