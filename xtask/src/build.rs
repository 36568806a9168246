//! `cargo xtask build`: the build command that `wrangler deploy` and `wrangler dev` call first.

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

mod deployments;
pub(crate) mod page;

use deployments::Deployments;

/// The instructions that the Worker's code may use. A `RUSTFLAGS` variable, even an empty one,
/// silently replaces the flags of `.cargo/config.toml`. `CARGO_ENCODED_RUSTFLAGS` overrides both.
pub(crate) const WORKER_RUSTFLAGS: &str = "-Ctarget-feature=+simd128,+relaxed-simd";

/// The options for wasm-opt.
///
/// - `--gufa` infers the possible values from the whole module; the second `-O` removes the code
///   that this shows to be unreachable.
/// - `--low-memory-unused` folds offsets into memory accesses. It is correct because the lowest
///   kilobyte is the end of the stack: only a stack overflow that is about to trap could reach it.
/// - The names of functions and tools, a tenth of the module, are removed.
/// - The features are rustc's defaults, and exceptions, which wasm-bindgen adds. wasm-opt knows
///   newer features, which the runtime might not support.
const OPTIMIZATION: [&str; 13] = [
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

/// The options for esbuild. Without `Symbol.dispose`, esbuild can remove the classes of
/// wasm-bindgen that are never used; no code declares one with `using`.
const BUNDLING: [&str; 7] = [
    "--bundle",
    "--format=esm",
    "--minify",
    "--log-level=warning",
    "--external:./index_bg.wasm",
    "--external:cloudflare:*",
    "--define:Symbol.dispose=undefined",
];

/// The folder in which `main` of wrangler.toml expects the Worker.
pub(crate) const DEPLOYED_FOLDER: &str = "build";

/// The files that wrangler uploads: the WebAssembly module, and the script that runs it.
const SCRIPT: &str = "index.js";
const MODULE: &str = "index_bg.wasm";
pub(crate) const OUTPUTS: [&str; 2] = [SCRIPT, MODULE];

const ENTRY: &str = "src/edge/entry.js";

/// The files and folders on which the build depends, besides the options and the versions of the
/// tools.
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
    refuse_undeployable(&workspace)?;
    let tools = tools::prepare(&workspace)?;
    everything(&workspace, &tools, options)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds everything that wrangler uploads and that is not up to date.
pub(crate) fn everything(workspace: &Workspace, tools: &Tools, options: &Options) -> Result<()> {
    worker(workspace, tools, options, DEPLOYED_FOLDER)?;
    page::page(workspace, tools, options)
}

/// Checks every configuration with which wrangler may be deploying this build, and fails if with
/// one of them something other than the gate would answer requests. Other faults do not stop the
/// build: with them, the gate itself refuses requests.
fn refuse_undeployable(workspace: &Workspace) -> Result<()> {
    let script = workspace.path(DEPLOYED_FOLDER).join(SCRIPT);
    let deployments = Deployments::find(workspace.root(), &script)?;
    if !deployments.unchecked.is_empty() {
        let unchecked = deployments.unchecked.into_iter().collect::<Vec<_>>().join(" ");
        bail!(
            "not built: requests would be answered without the gate with wrangler's argument \
             {unchecked}: remove it, and write `main` or `[assets]` in the configuration, which is \
             checked"
        );
    }
    let named = deployments.named.iter().map(|file| (file, true));
    let all = named.chain(deployments.others.iter().map(|file| (file, false)));
    let mut refused = Vec::new();
    for (file, is_named) in all {
        // The deployed Worker has other secrets than .dev.vars, which may not even exist.
        let reports = check::examine(file, None, MissingBindings::Warn)?;
        let is_undeployable = check::worst(&reports) == Some(Severity::Undeployable);
        if is_named || is_undeployable {
            say::line(&format!("checking {}", file.display()));
            check::print_findings(&reports);
        }
        if is_undeployable {
            refused.push(file.display().to_string());
        }
    }
    if !refused.is_empty() {
        bail!(
            "not built: requests would be answered without the gate with {}",
            refused.join(" and with ")
        );
    }
    Ok(())
}

/// Builds the Worker into a folder of the checkout unless it is up to date, and returns the path of
/// its script.
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
            // esbuild minifies later, together with the entry: it can remove unused code only from
            // a script that is not yet minified.
            .env("NO_MINIFY", "")
            // worker-build would download these two.
            .env("WASM_BINDGEN_BIN", &tools.wasm_bindgen)
            .env("ESBUILD_BIN", tools.node.program("esbuild"));
        tools.node.put_on_path(&mut command)?;
        process::run(&mut command)?;
        bundle(tools, &workspace.path(ENTRY), &output)?;
        optimize(workspace, tools, &output.join(MODULE))
    })?;
    fs::write(&stamp, stamp_text(&output, &OUTPUTS, &inputs))
        .with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(script)
}

/// Bundles the gate's entry and the script of worker-build, which the entry imports, into one file.
fn bundle(tools: &Tools, entry: &Path, output: &Path) -> Result<()> {
    let (script, generated) = (output.join(SCRIPT), output.join("worker-build.js"));
    let first = output.join("entry.js");
    fs::rename(&script, &generated).and_then(|()| fs::copy(entry, &first)).with_context(|| {
        format!("{} cannot be bundled with {}", entry.display(), script.display())
    })?;
    let mut command = tools.node.command("esbuild")?;
    command
        .args(BUNDLING)
        .args([format!("--outfile={SCRIPT}"), "entry.js".to_owned()])
        .current_dir(output);
    process::run(&mut command)?;
    for file in [generated, first] {
        fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
    }
    Ok(())
}

/// Makes a module smaller and faster with wasm-opt.
pub(crate) fn optimize(workspace: &Workspace, tools: &Tools, module: &Path) -> Result<()> {
    let optimized = module.with_extension("optimized.wasm");
    let mut command = tools.node.command("wasm-opt")?;
    command
        .args(OPTIMIZATION)
        .arg("--output")
        .args([optimized.as_path(), module])
        .current_dir(workspace.root());
    process::run(&mut command)?;
    fs::rename(&optimized, module)
        .with_context(|| format!("{} cannot be replaced", module.display()))
}

/// Returns the flags with one that keeps the paths of this machine out of the upload: it contains
/// the source locations of panics in other crates.
pub(crate) fn remapped(rustflags: &str) -> String {
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
            "--without {unknown}: not one of the deployed features, {}",
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

/// Returns a hash of the inputs of a build: files, options, and versions of tools.
fn inputs(workspace: &Workspace, options: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&workspace.path(input), &mut files)?;
    }
    let mut fingerprint = Fingerprint::default();
    let versions = [&tools::cargo::WORKER_BUILD, &tools::cargo::WASM_BINDGEN].map(|t| t.version);
    for text in options.iter().copied().chain(OPTIMIZATION).chain(BUNDLING).chain(versions) {
        fingerprint.add(text.as_bytes());
    }
    for file in files {
        let name = file.strip_prefix(workspace.root()).unwrap_or(&file);
        fingerprint.add(name.to_string_lossy().as_bytes());
        fingerprint.add(&read(&file)?);
    }
    Ok(fingerprint.finish())
}

/// Returns the text that the stamp must have for the outputs to be up to date.
fn stamp_text(output: &Path, outputs: &[&str], inputs: &str) -> String {
    let outputs = outputs.iter().map(|name| {
        let bytes = fs::read(output.join(name)).unwrap_or_default();
        format!("{name} {}\n", Fingerprint::of(&bytes))
    });
    format!("inputs {inputs}\n{}", outputs.collect::<String>())
}

/// Collects a file, or all files of a folder and its subfolders in sorted order. A missing path is
/// ignored.
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
    fn adds_and_removes_features() {
        check(&[], &[], Some("console,entry,kernels,mldsa,worker"));
        check(&["es512"], &[], Some("console,entry,es512,kernels,mldsa,worker"));
        check(&["worker"], &["console", "entry", "kernels", "mldsa"], Some("worker"));
        check(&[], &["es512"], None);
    }
}
