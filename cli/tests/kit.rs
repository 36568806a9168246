//! Runs the program in a temporary directory.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io::Write as _, process};

/// A gate with one issuer, whose secret is [`SECRET`].
pub(crate) const CONFIG: &str = r#"
[vars.POLICY]
origin = "echo"

[[vars.POLICY.issuers]]
name = "demo"
issuer = "https://demo.example/"
audience = "api"
algorithms = ["HS256"]
keys = { secret = "DEMO_SECRET" }

[[vars.POLICY.routes]]
path = "/api/*"

[[vars.POLICY.routes]]
path = "/admin/*"
scopes = ["admin"]

[[vars.POLICY.routes]]
path = "/public/*"
access = "public"
"#;

/// The secret, which no output may contain.
pub(crate) const SECRET: &str = "a-secret-that-nobody-may-see-0123456789";

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A temporary directory, which is deleted when the value is dropped.
pub(crate) struct Folder(PathBuf);

/// The result of a run.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("portcullis-{}-{number}", process::id()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    /// A directory with [`CONFIG`] and its secret.
    pub(crate) fn with_policy() -> Self {
        let folder = Self::new();
        folder.write("wrangler.toml", CONFIG);
        folder.write(".dev.vars", &format!("DEMO_SECRET={SECRET}\n"));
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_in("", words, "")
    }

    /// Runs the program in a subdirectory, with a text on its standard input.
    pub(crate) fn run_in(&self, below: &str, words: &[&str], input: &str) -> Run {
        run(&self.path(below), words, input, &[])
    }

    /// Runs the program with environment variables.
    pub(crate) fn run_with(&self, words: &[&str], variables: &[(&str, &str)]) -> Run {
        run(&self.0, words, "", variables)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program under test: the native one, or the script of the npm package that
/// `PORTCULLIS_SCRIPT` names, in Node.
fn program() -> Command {
    match env::var_os("PORTCULLIS_SCRIPT") {
        Some(script) => {
            let mut node = Command::new("node");
            node.arg(script);
            node
        }
        None => Command::new(env!("CARGO_BIN_EXE_portcullis")),
    }
}

fn run(folder: &Path, words: &[&str], input: &str, variables: &[(&str, &str)]) -> Run {
    let mut child = program()
        .args(words)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have exited already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let ended = Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(
        !ended.out.contains(SECRET) && !ended.err.contains(SECRET),
        "{words:?} prints the secret"
    );
    ended
}

impl Run {
    /// Checks the exit code and returns the standard output.
    pub(crate) fn ended(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self.out
    }

    /// Checks the exit code and returns the standard output as JSON.
    pub(crate) fn json(self, code: i32) -> Value {
        serde_json::from_str(&self.ended(code)).unwrap()
    }
}
