//! `cargo xtask package`: builds the npm package, with which people who have only Node use the
//! gate.

use crate::build::{self, commands, module, page, script};
use crate::tools;
use crate::tools::node::Packages;
use crate::workspace::Workspace;
use crate::{process, say, sbom};
use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod licenses;

/// The folder of the package's own files.
const SOURCES: &str = "npm";

/// The folder in which the package and its tarball are built.
const OUTPUT: &str = "target/npm";

/// The files that the package takes from the repository as they are.
const COPIED: [&str; 7] = [
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "policy-test.schema.json",
    "policy.d.ts",
    "policy.schema.json",
    "wrangler.schema.json",
];

/// The command has no options.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Options {}

/// Builds the package, and prints where its tarball is.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let package = build(&workspace)?;
    say::result(&package.tarball.display().to_string());
    Ok(ExitCode::SUCCESS)
}

/// A package that has been built.
#[derive(Debug)]
pub(crate) struct Package {
    /// The folder with the files of the package.
    pub(crate) folder: PathBuf,
    /// The file that npm installs.
    pub(crate) tarball: PathBuf,
}

/// Builds the Worker, the page and the commands, and packs them.
pub(crate) fn build(workspace: &Workspace) -> Result<Package> {
    let packages = build::everything(workspace, &build::Options::default())?;
    let commands = commands::commands(workspace, &packages)?;
    let output = workspace.path(OUTPUT);
    let folder = output.join("portcullis");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    copy_folder(&workspace.path(SOURCES), &folder)?;
    for file in COPIED {
        copy(&workspace.path(file), &folder.join(file))?;
    }
    let built = [(workspace.path(build::DEPLOYED_FOLDER), build::NAME), (commands, commands::NAME)];
    for (built, name) in built {
        for file in [script(name), module(name)] {
            copy(&built.join(&file), &folder.join(&file))?;
        }
    }
    copy_folder(&workspace.path(page::FOLDER), &folder.join(page::FOLDER))?;
    write_json(&folder.join("sbom.cdx.json"), &sbom::of_worker(workspace)?)?;
    write_json(&folder.join("sbom.commands.cdx.json"), &sbom::of_commands(workspace)?)?;
    write(&folder.join("THIRD-PARTY-LICENSES.txt"), &licenses::texts(workspace)?)?;
    write_json(&folder.join("package.json"), &manifest(workspace)?)?;
    let tarball = pack(&packages, &folder, &output)?;
    Ok(Package { folder, tarball })
}

/// Returns the manifest in [`SOURCES`] with the version of the crate.
fn manifest(workspace: &Workspace) -> Result<Value> {
    let path = workspace.path(SOURCES).join("package.json");
    let text =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut manifest: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    if let Some(members) = manifest.as_object_mut() {
        members.insert("version".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    }
    Ok(manifest)
}

/// Packs the folder with npm, which writes the same bytes for the same files.
fn pack(packages: &Packages, folder: &Path, output: &Path) -> Result<PathBuf> {
    let mut command = tools::node::npm();
    command.args(["pack", "--json", "--ignore-scripts", "--pack-destination"]).arg(output);
    command.arg(folder);
    packages.put_on_path(&mut command)?;
    let listed: Value =
        serde_json::from_str(&process::read(&mut command)?).context("npm printed no JSON")?;
    let name = listed.pointer("/0/filename").and_then(Value::as_str);
    Ok(output.join(name.context("npm names no tarball")?))
}

/// Copies a folder with its subfolders. Hidden files are left out.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("{} cannot be created", to.display()))?;
    let entries =
        fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", from.display()))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            copy(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    write(path, &format!("{value:#}\n"))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
