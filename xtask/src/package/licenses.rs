//! The licenses of the crates that are compiled into the npm package. They ask for their texts to
//! be distributed with the program.

use crate::process;
use crate::sbom::{self, Part};
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// How the names of files with a license begin.
const FILES: [&str; 4] = ["copying", "copyright", "license", "notice"];

/// Returns the texts, each once, with the crates that have it.
pub(super) fn texts(workspace: &Workspace) -> Result<String> {
    let mut command = Command::new("cargo");
    command
        .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
        .current_dir(workspace.root());
    let metadata: Value =
        serde_json::from_str(&process::read(&mut command)?).context("cargo printed no JSON")?;
    let mut compiled = BTreeSet::new();
    for part in [Part::Worker, Part::Page, Part::Commands] {
        compiled.extend(sbom::packages(workspace, part)?);
    }
    // By the words of the text, because copies of a license differ in their line breaks.
    let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| package.get(name).and_then(Value::as_str).unwrap_or_default();
        let (name, version) = (text("name").to_owned(), text("version").to_owned());
        // The crates of this repository have the licenses of the package itself.
        if package.get("source").is_none_or(Value::is_null)
            || !compiled.contains(&(name.clone(), version.clone()))
        {
            continue;
        }
        let folder = Path::new(text("manifest_path")).parent().unwrap_or(Path::new(""));
        for license in license_texts(folder)? {
            let words = license.split_whitespace().collect::<Vec<_>>().join(" ");
            let (_, crates) = found.entry(words).or_insert((license, BTreeSet::new()));
            crates.insert(format!("{name} {version}"));
        }
    }
    let mut texts: Vec<_> = found.into_values().collect();
    texts.sort_by(|(_, one), (_, other)| one.cmp(other));
    Ok(texts.iter().map(|(text, crates)| section(text, crates)).collect())
}

fn section(text: &str, crates: &BTreeSet<String>) -> String {
    let names: Vec<_> = crates.iter().map(String::as_str).collect();
    let line = "=".repeat(80);
    format!("{line}\n{}\n{line}\n\n{text}\n\n", names.join(", "))
}

/// Returns the texts in a crate's folder, with line breaks of one kind.
fn license_texts(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut texts = BTreeSet::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("{} cannot be read", folder.display()))?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if !FILES.iter().any(|start| name.starts_with(start)) || !entry.path().is_file() {
            continue;
        }
        let text = fs::read_to_string(entry.path())
            .with_context(|| format!("{} cannot be read", entry.path().display()))?;
        texts.insert(text.replace("\r\n", "\n").trim().to_owned());
    }
    Ok(texts.into_iter().collect())
}
