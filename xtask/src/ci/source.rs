//! Checks of the source text that neither rustfmt nor a lint makes.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// The longest line, in characters. rustfmt leaves longer comments and strings as they are.
const LINE_WIDTH: usize = 100;

/// A line may be longer if it contains a word of this length or more, in characters: a URL or a key
/// that cannot be broken.
const LONG_WORD: usize = 60;

/// Calls that would forward requests without verification, or show internal errors to clients.
const BYPASSES: [&str; 2] = ["pass_through_on_exception", "respond_with_errors"];

/// Checks that no line of a Rust file is longer than [`LINE_WIDTH`], unless it cannot be broken.
pub(super) fn line_width(workspace: &Workspace) -> Result<()> {
    let is_too_long = |line: &str| {
        line.chars().count() > LINE_WIDTH
            && line.split_whitespace().all(|word| word.chars().count() < LONG_WORD)
    };
    let long = lines(workspace, "*.rs", is_too_long)?;
    if !long.is_empty() {
        bail!("these lines are longer than {LINE_WIDTH} characters:\n{}", long.join("\n"));
    }
    Ok(())
}

/// Checks that `src` nowhere mentions a call that bypasses the gate. A lint forbids the calls too,
/// but does not look into macros and JavaScript.
pub(super) fn no_bypass(workspace: &Workspace) -> Result<()> {
    let found =
        lines(workspace, "src", |line| BYPASSES.iter().any(|bypass| line.contains(bypass)))?;
    if !found.is_empty() {
        bail!("{} must not be mentioned:\n{}", BYPASSES.join(" and "), found.join("\n"));
    }
    Ok(())
}

/// Returns the matching lines of the files that git knows or would add, each with its file and
/// line number.
fn lines(
    workspace: &Workspace,
    files: &str,
    matches: impl Fn(&str) -> bool,
) -> Result<Vec<String>> {
    let mut command = Command::new("git");
    command
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "--", files])
        .current_dir(workspace.root());
    let mut found = Vec::new();
    for name in process::read(&mut command)?.lines() {
        let path = workspace.path(name);
        // git still lists a file that was deleted and not committed.
        if !path.is_file() {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("{name} cannot be read"))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| matches(line)) {
            found.push(format!("{name}:{}: {}", number + 1, line.trim()));
        }
    }
    Ok(found)
}
