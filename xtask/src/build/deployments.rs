//! Finds the configurations that wrangler may be deploying.
//!
//! wrangler tells its build command neither which configuration it deploys nor which environment.
//! The command line of wrangler's process names the configuration, but some systems hide it, and a
//! script may have started the build. So all configurations that deploy this build are found, and
//! the named one in addition, which may be outside the checkout.

use anyhow::{Context, Result};
use portcullis_cli::config::{self, ConfigFile, Environment, build};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

/// Folders of the checkout that contain no configurations of the user.
const SKIPPED: [&str; 3] = ["node_modules", "target", "build"];

/// Configurations are parsed only if they contain one of these, of the build command or its output.
const MARKS: [&str; 2] = ["xtask", "build/index.js"];

/// How many processes may be between wrangler and this one.
const MOST_ANCESTORS: usize = 32;

/// The extensions of scripts that wrangler deploys.
const SCRIPTS: [&str; 7] = ["js", "mjs", "cjs", "jsx", "ts", "tsx", "py"];

/// The configurations.
#[derive(Debug, Default)]
pub(super) struct Deployments {
    /// Those that wrangler's command line names, or else those in the top folder of the checkout.
    pub(super) named: BTreeSet<PathBuf>,
    /// All others that deploy this build.
    pub(super) others: BTreeSet<PathBuf>,
    /// Arguments with which wrangler deploys something that is in no configuration.
    pub(super) unchecked: BTreeSet<String>,
}

impl Deployments {
    /// Finds the configurations in a checkout, and those that wrangler's process names. `script` is
    /// the output of this build.
    pub(super) fn find(root: &Path, script: &Path) -> Result<Self> {
        let ancestors = ancestors();
        let mut named: BTreeSet<PathBuf> =
            ancestors.iter().flat_map(Process::configurations).collect();
        let unchecked = ancestors.iter().flat_map(|process| process.unchecked(script)).collect();
        let top = config::in_folder(root);
        if named.is_empty() {
            named.extend(top.clone());
        }
        named.extend(redirects(&named)?);
        let mut others: BTreeSet<PathBuf> = top.into_iter().collect();
        search(root, &mut others)?;
        others.extend(redirects(&others)?);
        let others = others.difference(&named).cloned().collect();
        Ok(Self { named, others, unchecked })
    }
}

/// The configurations that wrangler reads instead of these.
fn redirects(files: &BTreeSet<PathBuf>) -> Result<BTreeSet<PathBuf>> {
    let redirects = files.iter().map(|file| Ok(ConfigFile::read(file)?.redirect()));
    let redirects: Vec<Option<PathBuf>> = redirects.collect::<Result<_>>()?;
    Ok(redirects.into_iter().flatten().filter(|file| file.is_file()).collect())
}

/// Adds the configurations in a folder and its subfolders that deploy this build.
fn search(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // Links are not followed: they could lead in a circle.
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_ref()) {
                search(&path, found)?;
            }
        } else if [".toml", ".json", ".jsonc"].iter().any(|extension| name.ends_with(extension)) {
            let text =
                fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            let text = String::from_utf8_lossy(&text);
            if MARKS.iter().any(|mark| text.contains(mark)) && deploys(&ConfigFile::read(&path)?) {
                found.insert(path);
            }
        }
    }
    Ok(())
}

/// Whether some environment of a configuration runs this build, or deploys its output.
fn deploys(file: &ConfigFile) -> bool {
    let environments = Environment::select(file, None).unwrap_or_default();
    environments.iter().any(|environment| {
        let main = environment.inherited("main");
        let main = main.as_ref().and_then(|main| main.value.as_str());
        build::is_checkout_build(build::command(environment))
            || main.is_some_and(|main| main.ends_with("build/index.js"))
    })
}

/// A process that started this one.
#[derive(Debug)]
struct Process {
    arguments: Vec<String>,
    folder: PathBuf,
}

impl Process {
    /// The arguments of wrangler, or `None` if the process is not wrangler.
    fn wrangler(&self) -> Option<&[String]> {
        let is_wrangler = |argument: &String| {
            let name = Path::new(argument).file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("wrangler") || argument.contains("wrangler-dist")
        };
        let mut arguments = self.arguments.iter();
        arguments.find(|argument| is_wrangler(argument))?;
        Some(arguments.as_slice())
    }

    /// The existing configurations that wrangler's command line names, or else the one that
    /// wrangler finds.
    fn configurations(&self) -> Vec<PathBuf> {
        let Some(arguments) = self.wrangler() else { return Vec::new() };
        let mut arguments = arguments.iter();
        let mut named = Vec::new();
        while let Some(argument) = arguments.next() {
            let value = match argument.as_str() {
                "-c" | "--config" => arguments.next().map(String::as_str),
                other => other
                    .strip_prefix("--config=")
                    .or_else(|| other.strip_prefix("-c="))
                    .or_else(|| other.strip_prefix("-c").filter(|_| !other.starts_with("--"))),
            };
            named.extend(value.map(|value| self.folder.join(value)));
        }
        if named.is_empty() {
            named.extend(config::above(&self.folder));
        }
        named.retain(|file| file.is_file());
        named
    }

    /// The arguments of `wrangler deploy` and `wrangler versions upload` that deploy static files,
    /// or a script other than this one.
    fn unchecked(&self, script: &Path) -> Vec<String> {
        let arguments = self.wrangler().unwrap_or_default().iter().map(String::as_str);
        let mut arguments = arguments.skip_while(|word| !matches!(*word, "deploy" | "upload"));
        let mut found = Vec::new();
        while let Some(argument) = arguments.next() {
            let named = argument.strip_prefix("--script=").unwrap_or(argument);
            let is_other =
                is_script(named) && !named.starts_with("--") && self.folder.join(named) != script;
            if argument == "--outfile" {
                arguments.next();
            } else if is_other || argument == "--assets" || argument.starts_with("--assets=") {
                found.push(argument.to_owned());
            }
        }
        found
    }
}

/// Whether wrangler would deploy this argument as a script.
fn is_script(argument: &str) -> bool {
    let extension = Path::new(argument).extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| SCRIPTS.contains(&extension))
}

/// The processes that started this one, the nearest first, as far as the system shows them.
fn ancestors() -> Vec<Process> {
    let mut found = Vec::new();
    let mut id = process::id();
    for _ in 0..MOST_ANCESTORS {
        let Some((parent, arguments)) = parent(id) else { break };
        let folder = fs::read_link(format!("/proc/{parent}/cwd")).or_else(|_| env::current_dir());
        found.push(Process { arguments, folder: folder.unwrap_or_default() });
        id = parent;
    }
    found
}

/// The parent of a process, with its command line.
fn parent(id: u32) -> Option<(u32, Vec<String>)> {
    let Ok(status) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        let id = ps(id, "ppid=")?.trim().parse().ok()?;
        let arguments = ps(id, "args=")?;
        return Some((id, arguments.split_whitespace().map(str::to_owned).collect()));
    };
    // The program's name, in parentheses, can contain any character.
    let (_, fields) = status.rsplit_once(')')?;
    let id: u32 = fields.split_whitespace().nth(1)?.parse().ok()?;
    let arguments = fs::read(format!("/proc/{id}/cmdline")).ok()?;
    let arguments = arguments.split(|byte| *byte == 0);
    Some((id, arguments.map(|one| String::from_utf8_lossy(one).into_owned()).collect()))
}

/// A field of a process, on systems without `/proc`.
fn ps(id: u32, field: &str) -> Option<String> {
    let output = Command::new("ps").args(["-o", field, "-p", &id.to_string()]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that is deleted when the value is dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = env::temp_dir().join(format!("deployments-{}-{name}", process::id()));
            fs::create_dir(&folder).unwrap();
            Self(folder)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn finds_every_configuration_that_deploys_this_build() {
        let folder = Folder::new("search");
        let build = "build.command = 'cargo xtask build'\n";
        for name in ["wrangler.toml", "other.toml", "a/b/gate.toml", ".hidden/x.toml"] {
            folder.write(name, build);
        }
        folder.write("environment.toml", &format!("[env.production]\n{build}"));
        folder.write("gate.jsonc", r#"{ "build": { "command": "cargo xtask build" }, /* */ }"#);
        folder.write("prebuilt.json", r#"{ "main": "build/index.js" }"#);
        folder.write("node_modules/x/wrangler.toml", build);
        folder.write("unrelated.toml", "main = 'src/index.js'\n");
        folder.write("package.json", r#"{ "scripts": { "build": "cargo xtask build" } }"#);
        let mut found = BTreeSet::new();
        search(&folder.0, &mut found).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.strip_prefix(&folder.0).unwrap()).collect();
        let expected = ["a/b/gate.toml", "environment.toml", "gate.jsonc", "other.toml"];
        let expected: Vec<_> = expected.iter().chain(&["prebuilt.json", "wrangler.toml"]).collect();
        assert_eq!(names, expected.into_iter().map(Path::new).collect::<Vec<_>>());
    }

    #[test]
    fn finds_the_configuration_that_a_build_tool_put_in_place_of_another() {
        let folder = Folder::new("redirect");
        folder.write("wrangler.toml", "name = 'x'\n");
        folder.write("dist/wrangler.json", "{}");
        folder.write(
            ".wrangler/deploy/config.json",
            r#"{ "configPath": "../../dist/wrangler.json" }"#,
        );
        let found = redirects(&[folder.0.join("wrangler.toml")].into()).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found.iter().all(|path| path.ends_with("dist/wrangler.json")));
    }

    #[test]
    fn finds_the_configuration_that_wranglers_command_line_names() {
        let folder = Folder::new("named");
        for name in ["wrangler.toml", "other.toml", "b/x.json"] {
            folder.write(name, "{}");
        }
        let check = |line: &str, below: &str, expected: &[&str]| {
            let arguments = line.split(' ').map(str::to_owned).collect();
            let found = Process { arguments, folder: folder.0.join(below) }.configurations();
            let expected: Vec<_> = expected.iter().map(|name| folder.0.join(name)).collect();
            assert_eq!(found, expected, "{line}");
        };
        let node = "/usr/bin/node --no-warnings /x/wrangler/wrangler-dist/cli.js";
        check(&format!("{node} deploy"), "", &["wrangler.toml"]);
        check(&format!("{node} deploy"), "b", &["wrangler.toml"]);
        check(&format!("{node} deploy -c other.toml"), "", &["other.toml"]);
        check(&format!("{node} deploy -cother.toml"), "", &["other.toml"]);
        check(&format!("{node} --config=other.toml deploy"), "", &["other.toml"]);
        check(&format!("{node} deploy --config x.json --env a"), "b", &["b/x.json"]);
        check(&format!("{node} dev -c other.toml -c b/x.json"), "", &["other.toml", "b/x.json"]);
        check("npm exec wrangler deploy --config other.toml", "", &["other.toml"]);
        check("node /x/.bin/wrangler deploy -c absent.toml", "", &[]);
        check("cargo xtask build -c other.toml", "", &[]);
    }

    #[test]
    fn finds_what_wranglers_command_line_deploys_besides_the_configuration() {
        let check = |line: &str, expected: &[&str]| {
            let arguments = line.split(' ').map(str::to_owned).collect();
            let process = Process { arguments, folder: "/gate".into() };
            assert_eq!(process.unchecked(Path::new("/gate/build/index.js")), expected, "{line}");
        };
        let node = "/usr/bin/node /x/wrangler/wrangler-dist/cli.js";
        check(&format!("{node} deploy --env production --dry-run -c other.toml"), &[]);
        check(&format!("{node} deploy src/other.js"), &["src/other.js"]);
        check(&format!("{node} deploy --env a other.ts"), &["other.ts"]);
        check(&format!("{node} versions upload --script=a.mjs"), &["--script=a.mjs"]);
        check(&format!("{node} deploy build/index.js --outfile=x.js --outfile y.js"), &[]);
        check(&format!("{node} deploy --assets www"), &["--assets"]);
        check(&format!("{node} deploy --assets=www"), &["--assets=www"]);
        check(&format!("{node} dev src/other.js --assets www"), &[]);
        check("cargo xtask deploy other.js", &[]);
    }
}
