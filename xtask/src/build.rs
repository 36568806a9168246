//! `cargo xtask build`: the build command that `wrangler deploy` and `wrangler dev` call first.

use crate::hash::Fingerprint;
use crate::process::{self, Stop};
use crate::say;
use crate::tools::bindings::{self, Generator, Purpose};
use crate::tools::node::Packages;
use crate::tools::rust::WASM_TARGET;
use crate::tools::{self, lock_for};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use portcullis_cli::check::{self, MissingBindings};
use portcullis_cli::config::Severity;
pub(crate) use portcullis_cli::config::build::{DEPLOYED_FEATURES, Options};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, slice};

pub(crate) mod commands;
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
/// - By default, a function that is called from one place becomes part of its caller, whatever its
///   size. The runtime compiles a function when it is first called, and should not have to compile
///   everything that the function might call.
/// - `--low-memory-unused` folds offsets into memory accesses. It is correct because the lowest
///   kilobyte is the end of the stack: only a stack overflow that is about to trap could reach it.
/// - The names of functions and tools, a tenth of the module, are removed.
/// - The features are rustc's defaults, and exceptions, which wasm-bindgen adds. wasm-opt knows
///   newer features, which the runtime might not support.
const OPTIMIZATION: [&str; 14] = [
    "-O",
    "--gufa",
    "-O",
    "--one-caller-inline-max-function-size=20",
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

/// The settings for the commands and for the console's page. They judge one token at a time, so
/// small code matters more than fast code. The Worker is larger with optimization across crates;
/// these are smaller.
const SMALL: [&str; 11] = [
    "profile.release.lto='fat'",
    "profile.release.opt-level='z'",
    // The manifest optimizes these for speed.
    "profile.release.package.base64-simd.opt-level='z'",
    "profile.release.package.curve25519-dalek.opt-level='z'",
    "profile.release.package.ed25519-dalek.opt-level='z'",
    "profile.release.package.hmac.opt-level='z'",
    "profile.release.package.p256.opt-level='z'",
    "profile.release.package.portcullis-text.opt-level='z'",
    "profile.release.package.primefield.opt-level='z'",
    "profile.release.package.serde_json.opt-level='z'",
    "profile.release.package.sha2.opt-level='z'",
];

/// The arguments for cargo that apply [`SMALL`].
fn small() -> Vec<String> {
    SMALL.iter().flat_map(|setting| ["--config", setting]).map(str::to_owned).collect()
}

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

/// The name of the Worker's script, which is `main` of wrangler.toml, without its extension.
pub(crate) const NAME: &str = "index";

/// The script that is bundled with the one that wasm-bindgen generates.
const ENTRY: &str = "src/edge/entry.js";

/// The scripts that it imports.
const ENTRY_IMPORTS: [&str; 1] = ["src/edge/replay.js"];

/// `cargo xtask dev` sets this variable for wrangler, whose build command then leaves out the
/// console's page. `dev` itself builds the page, while the gate already runs.
pub(crate) const WITHOUT_PAGE: &str = "XTASK_WITHOUT_PAGE";

/// The files and folders on which the build depends, besides the options and the versions of the
/// tools.
const INPUTS: [&str; 14] = [
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
    "text/Cargo.toml",
    "text/src",
    "xtask/bindings",
];

/// Checks the deployment, then builds the Worker and the console's page.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    refuse_undeployable(&workspace)?;
    if env::var_os(WITHOUT_PAGE).is_some() {
        worker(&workspace, options, DEPLOYED_FOLDER)?;
    } else {
        everything(&workspace, options)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the Worker and the console's page if they are outdated. Installs missing tools first.
pub(crate) fn everything(workspace: &Workspace, options: &Options) -> Result<Packages> {
    let stop = Stop::default();
    let (packages, worker) = compile_worker(workspace, options, DEPLOYED_FOLDER, &stop)?;
    let page = || page::page(workspace, &packages, options, &stop);
    let worker = || worker.map_or(Ok(()), |worker| worker.finish(&packages));
    process::together(&stop, page, worker)?;
    Ok(packages)
}

/// Builds the Worker into a folder of the checkout if it is outdated, and installs missing tools.
/// Returns the npm packages and the path of the Worker's script.
pub(crate) fn worker(
    workspace: &Workspace,
    options: &Options,
    folder: &str,
) -> Result<(Packages, PathBuf)> {
    let (packages, worker) = compile_worker(workspace, options, folder, &Stop::default())?;
    if let Some(worker) = worker {
        worker.finish(&packages)?;
    }
    Ok((packages, workspace.path(folder).join(script(NAME))))
}

/// Compiles the Worker if it is outdated, and installs missing tools meanwhile.
pub(crate) fn compile_worker<'a>(
    workspace: &'a Workspace,
    options: &Options,
    folder: &str,
    stop: &Stop,
) -> Result<(Packages, Option<Compiled<'a>>)> {
    tools::check(workspace)?;
    let install = || tools::packages(workspace);
    let features = features(options)?;
    let build = Build {
        workspace,
        title: format!("the Worker ({features})"),
        package: "portcullis",
        arguments: vec!["--features".to_owned(), features],
        rustflags: WORKER_RUSTFLAGS,
        purpose: Purpose::Worker,
        name: NAME,
        entry: Some(Entry { file: ENTRY, imports: &ENTRY_IMPORTS, bundling: &BUNDLING }),
        further_inputs: &[],
        folder: workspace.path(folder),
    };
    let Some(outdated) = build.outdated()? else {
        say::line("the Worker is up to date");
        return Ok((install()?, None));
    };
    let (packages, compiled) = process::together(stop, install, || outdated.compile(stop))?;
    Ok((packages, Some(compiled)))
}

/// The file in which the last build of the Worker for wrangler is recorded.
pub(crate) fn worker_stamp(workspace: &Workspace) -> PathBuf {
    stamp(workspace, &workspace.path(DEPLOYED_FOLDER))
}

/// Checks every configuration with which wrangler may be deploying this build, and fails if with
/// one of them something other than the gate would answer requests. Other faults do not stop the
/// build: with them, the gate itself refuses requests.
fn refuse_undeployable(workspace: &Workspace) -> Result<()> {
    let script = workspace.path(DEPLOYED_FOLDER).join(script(NAME));
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

/// A WebAssembly module that is built into a folder, together with the script that calls it.
struct Build<'a> {
    workspace: &'a Workspace,
    /// What is built, for messages.
    title: String,
    package: &'static str,
    /// The arguments for cargo.
    arguments: Vec<String>,
    rustflags: &'static str,
    purpose: Purpose,
    /// The name of the script without its extension.
    name: &'static str,
    /// The script that is bundled with the generated one, if there is one.
    entry: Option<Entry>,
    /// What the build depends on besides [`INPUTS`].
    further_inputs: &'static [&'static str],
    folder: PathBuf,
}

/// A script that imports the generated one.
#[derive(Clone, Copy)]
struct Entry {
    file: &'static str,
    /// The other scripts that it imports.
    imports: &'static [&'static str],
    /// The options for esbuild.
    bundling: &'static [&'static str],
}

/// A module that is not up to date.
struct Outdated<'a> {
    build: Build<'a>,
    inputs: String,
    /// Keeps other commands from building the same module, until it is finished.
    lock: File,
}

/// A compiled module. The script and the optimization are still missing.
pub(crate) struct Compiled<'a> {
    outdated: Outdated<'a>,
    generator: Generator,
}

impl<'a> Build<'a> {
    /// Returns `None` if the module in the folder is up to date.
    fn outdated(self) -> Result<Option<Outdated<'a>>> {
        let name = format!(".{}.lock", self.package);
        let lock = lock_for(self.workspace, &name, &format!("builds {}", self.title))?;
        let flags = [self.rustflags.to_owned()];
        let options = [&flags, self.arguments.as_slice()].concat();
        let bundling = self.entry.map(|entry| entry.bundling).unwrap_or_default();
        let inputs = inputs(self.workspace, &options, bundling, self.further_inputs)?;
        let recorded = fs::read_to_string(stamp(self.workspace, &self.folder));
        let is_current = recorded.unwrap_or_default() == self.stamp_text(&inputs);
        Ok((!is_current).then_some(Outdated { build: self, inputs, lock }))
    }

    fn outputs(&self) -> [String; 2] {
        [script(self.name), module(self.name)]
    }

    /// Returns the text that the stamp must have for the outputs to be up to date.
    fn stamp_text(&self, inputs: &str) -> String {
        let outputs = self.outputs().map(|name| {
            let bytes = fs::read(self.folder.join(&name)).unwrap_or_default();
            format!("{name} {}\n", Fingerprint::of(&bytes))
        });
        format!("inputs {inputs}\n{}", outputs.concat())
    }
}

impl<'a> Outdated<'a> {
    /// Compiles the module, and at the same time the generator of the script.
    fn compile(self, stop: &Stop) -> Result<Compiled<'a>> {
        let build = &self.build;
        let mut command = Command::new("cargo");
        command
            .args(["rustc", "--quiet", "--release", "--package", build.package, "--lib"])
            // The manifest names only the `rlib`: as a `cdylib`, the module of one build would
            // overwrite that of another build, which contains it as a dependency.
            .args(["--crate-type", "cdylib", "--target", WASM_TARGET, "--target-dir", "target"])
            .args(&build.arguments)
            .current_dir(build.workspace.root())
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", remapped(build.rustflags))
            // Makes wasm-bindgen's macro use the futures of js-sys, as worker-build does.
            .env("WASM_BINDGEN_USE_JS_SYS", "1");
        let compile = || {
            say::timed(&format!("compiling {}", build.title), || {
                process::run_until(&mut command, stop)
            })
        };
        let prepare = || Generator::prepare(build.workspace, stop);
        let (generator, ()) = process::together(stop, prepare, compile)?;
        Ok(Compiled { outdated: self, generator })
    }
}

impl Compiled<'_> {
    /// Generates the script, optimizes the module, and puts both into the folder.
    pub(crate) fn finish(self, packages: &Packages) -> Result<()> {
        let Self { outdated: Outdated { build, inputs, lock }, generator } = self;
        let workspace = build.workspace;
        let staging = workspace.path("target").join("staging").join(build.package);
        say::timed(&format!("generating and optimizing {}", build.title), || {
            if staging.exists() {
                fs::remove_dir_all(&staging)
                    .with_context(|| format!("{} cannot be removed", staging.display()))?;
            }
            let compiled = workspace.path("target").join(WASM_TARGET).join("release");
            let compiled = compiled.join(build.package.replace('-', "_")).with_extension("wasm");
            generator.generate(build.purpose, &compiled, build.name, &staging)?;
            if let Some(entry) = build.entry {
                bundle(workspace, packages, entry, &staging.join(script(build.name)))?;
            }
            optimize(workspace, packages, &staging.join(module(build.name)))
        })?;
        fs::create_dir_all(&build.folder)
            .with_context(|| format!("{} cannot be created", build.folder.display()))?;
        // `wrangler dev` must never read half of a file.
        for name in build.outputs() {
            let file = build.folder.join(&name);
            fs::rename(staging.join(name), &file)
                .with_context(|| format!("{} cannot be replaced", file.display()))?;
        }
        let stamp = stamp(workspace, &build.folder);
        fs::write(&stamp, build.stamp_text(&inputs))
            .with_context(|| format!("{} cannot be written", stamp.display()))?;
        drop(lock);
        Ok(())
    }
}

pub(crate) fn script(name: &str) -> String {
    format!("{name}.js")
}

pub(crate) fn module(name: &str) -> String {
    format!("{name}_bg.wasm")
}

/// The file in which the last build into a folder is recorded.
fn stamp(workspace: &Workspace, folder: &Path) -> PathBuf {
    let folder = folder.strip_prefix(workspace.root()).unwrap_or(folder);
    let name = folder.to_string_lossy().replace(['/', '\\'], "-");
    workspace.path("target").join(format!("{name}.stamp"))
}

/// Bundles an entry and the generated script, which the entry imports, into one file.
fn bundle(
    workspace: &Workspace,
    packages: &Packages,
    entry: Entry,
    generated: &Path,
) -> Result<()> {
    let folder = generated.parent().context("the generated script is in no folder")?;
    let unbundled = || format!("{} cannot be bundled with {}", entry.file, generated.display());
    let text = fs::read_to_string(generated).with_context(unbundled)?;
    // wrangler makes a module of every import of a `.wasm` file, and does not know this syntax.
    fs::write(generated, text.replacen("import source ", "import ", 1)).with_context(unbundled)?;
    fs::copy(workspace.path(entry.file), folder.join("entry.js")).with_context(unbundled)?;
    for import in entry.imports {
        let name = Path::new(import).file_name().context("an import is no file")?;
        fs::copy(workspace.path(import), folder.join(name)).with_context(unbundled)?;
    }
    let mut command = packages.command("esbuild")?;
    command.args(entry.bundling).args(["--outfile=bundle.js", "entry.js"]).current_dir(folder);
    process::run(&mut command)?;
    fs::rename(folder.join("bundle.js"), generated).with_context(unbundled)
}

/// Makes a module smaller and faster with wasm-opt.
pub(crate) fn optimize(workspace: &Workspace, packages: &Packages, module: &Path) -> Result<()> {
    let optimized = module.with_extension("optimized.wasm");
    let mut command = packages.command("wasm-opt")?;
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

/// Returns a hash of the inputs of a build: files, options, and the version of wasm-bindgen. The
/// versions of the other tools are in `package-lock.json`.
fn inputs(
    workspace: &Workspace,
    options: &[String],
    bundling: &[&str],
    further: &[&str],
) -> Result<String> {
    let mut files = Vec::new();
    for input in INPUTS.iter().chain(further) {
        collect(&workspace.path(input), &mut files)?;
    }
    let mut fingerprint = Fingerprint::default();
    let fixed = OPTIMIZATION.iter().chain(bundling).chain(slice::from_ref(&bindings::VERSION));
    for text in options.iter().map(String::as_str).chain(fixed.copied()) {
        fingerprint.add(text.as_bytes());
    }
    for file in files {
        let name = file.strip_prefix(workspace.root()).unwrap_or(&file);
        fingerprint.add(name.to_string_lossy().as_bytes());
        fingerprint.add(&read(&file)?);
    }
    Ok(fingerprint.finish())
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
