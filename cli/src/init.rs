//! `init`: writes the files of a new gate into a folder.

use crate::outcome::Outcome;
use crate::{output, system};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use portcullis::policy::Preset;
use serde_json::{Map, Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

mod files;
mod policy;
mod questions;

use crate::config::NAMES;
use files::Files;
use policy::Plan;

/// Without answers, writes a demo that runs as it is: the gate responds with the request that it
/// would have forwarded. At a terminal, asks for what the options do not say.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis init                      asks at a terminal, or else writes the demo
  portcullis init gate                 into the folder gate
  portcullis init --demo               writes the demo without asking
  portcullis init --preset auth0 --domain tenant.eu.auth0.com \\
    --audience https://api.example.com --origin https://api.example.com

No file is overwritten. Files that exist are kept, and what they need is printed.

Exit codes: 0 written; 2 not written, because the folder has a configuration already or an option is
invalid.")]
pub struct Options {
    /// The folder to write to; it is created if there is none
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Write the demo without asking
    #[arg(long, conflicts_with_all = ["preset", "origin", "audience"])]
    demo: bool,
    /// The preset of the identity provider, such as auth0
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Where the gate sends requests: the URL of the API [default: echo, which responds with the
    /// request]
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// The audience of the tokens; repeat the option for several
    #[arg(long, value_name = "AUDIENCE")]
    audience: Vec<String>,
    /// The parameters of the preset.
    #[command(flatten)]
    parameters: Parameters,
    /// Print the written files as JSON
    #[arg(long)]
    json: bool,
}

/// The parameters of all presets. The policy's compiler checks them.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Parameters of presets")]
struct Parameters {
    /// okta: the authorization server [default: the organization's]
    #[arg(long, value_name = "NAME", requires = "preset")]
    authorization_server: Option<String>,
    /// keycloak: its URL, without /realms
    #[arg(long, value_name = "URL", requires = "preset")]
    base_url: Option<String>,
    /// cognito: an app client; repeat the option for several
    #[arg(long, value_name = "ID", requires = "preset")]
    client_id: Vec<String>,
    /// auth0, okta: the tenant's domain
    #[arg(long, value_name = "DOMAIN", requires = "preset")]
    domain: Option<String>,
    /// cognito: the user pool
    #[arg(long, value_name = "ID", requires = "preset")]
    pool: Option<String>,
    /// firebase, supabase: the project
    #[arg(long, value_name = "ID", requires = "preset")]
    project: Option<String>,
    /// keycloak: the realm
    #[arg(long, value_name = "NAME", requires = "preset")]
    realm: Option<String>,
    /// cognito: the region
    #[arg(long, value_name = "REGION", requires = "preset")]
    region: Option<String>,
    /// cloudflare-access: the team's domain
    #[arg(long, value_name = "DOMAIN", requires = "preset")]
    team: Option<String>,
    /// entra: the tenant's ID
    #[arg(long, value_name = "ID", requires = "preset")]
    tenant: Option<String>,
    /// supabase: the URL of a project that you host yourself
    #[arg(long, value_name = "URL", requires = "preset")]
    url: Option<String>,
}

impl Parameters {
    /// The parameters that were given, by their names in the policy.
    fn given(&self) -> Map<String, Value> {
        let texts = [
            ("authorization_server", &self.authorization_server),
            ("base_url", &self.base_url),
            ("domain", &self.domain),
            ("pool", &self.pool),
            ("project", &self.project),
            ("realm", &self.realm),
            ("region", &self.region),
            ("team", &self.team),
            ("tenant", &self.tenant),
            ("url", &self.url),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
        let clients =
            (!self.client_id.is_empty()).then(|| ("client_id".to_owned(), json!(self.client_id)));
        texts.chain(clients).collect()
    }
}

/// What the policy is made from.
#[derive(Clone, Debug, Default, PartialEq)]
struct Answers {
    preset: Option<String>,
    /// The parameters of the preset.
    parameters: Map<String, Value>,
    audience: Vec<String>,
    origin: Option<String>,
}

/// Writes the files, prints what to do next, and returns the exit code.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    match init(options) {
        Ok(written) => {
            if options.json {
                output::json(&written.to_json());
            } else {
                output::result(&written.text());
            }
            Outcome::Success
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// What was done.
#[derive(Debug)]
struct Written {
    created: Vec<String>,
    /// The files that existed, and what they need.
    kept: Vec<(String, String)>,
    next: Vec<(String, &'static str)>,
}

fn init(options: &Options) -> Result<Written> {
    let folder = &options.folder;
    // Before anything is asked.
    if let Some(name) = NAMES.into_iter().find(|name| system::exists(&folder.join(name))) {
        bail!(
            "{} already has a {name}: change it, and run `portcullis check`; or name another \
             folder: `portcullis init FOLDER`",
            shown(folder)
        );
    }
    if system::is_file(folder) {
        bail!("{} is a file: name a folder", folder.display());
    }
    let plan = Plan::of(&answers(options)?)?;
    let files = Files::of(&plan, &name(folder)?)?;
    system::create_folder(folder)
        .with_context(|| format!("the folder {} cannot be created", folder.display()))?;
    let mut written = Written { created: Vec::new(), kept: Vec::new(), next: Vec::new() };
    for file in files.all {
        let path = folder.join(file.name);
        if let Some(above) = path.parent() {
            system::create_folder(above)
                .with_context(|| format!("the folder {} cannot be created", above.display()))?;
        }
        match system::create_new(&path, &file.text, file.is_secret) {
            Ok(()) => written.created.push(file.name.to_owned()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                written.kept.push((file.name.to_owned(), file.needs));
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be written", path.display()));
            }
        }
    }
    written.next = next(&plan, folder);
    Ok(written)
}

/// Returns the answers of the options, or asks for them at a terminal.
fn answers(options: &Options) -> Result<Answers> {
    let given = Answers {
        preset: options.preset.clone(),
        parameters: options.parameters.given(),
        audience: options.audience.clone(),
        origin: options.origin.clone(),
    };
    let asks = given == Answers::default() && !options.demo && !options.json;
    if asks && system::is_interactive() {
        return questions::ask(&mut |question| {
            system::print_error(question);
            Ok(system::read_line().context("the answer cannot be read")?.trim().to_owned())
        });
    }
    Ok(given)
}

/// Returns a name for the Worker: that of the folder, in the characters that Cloudflare allows.
fn name(folder: &Path) -> Result<String> {
    let absolute =
        system::absolute(folder).with_context(|| format!("{} is not a path", folder.display()))?;
    let last = absolute.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let name: String = last.chars().map(allowed).take(54).collect();
    let name = name.trim_matches('-');
    Ok(if name.is_empty() { "gate".to_owned() } else { name.to_owned() })
}

fn shown(folder: &Path) -> String {
    if folder == Path::new(".") { "this folder".to_owned() } else { folder.display().to_string() }
}

/// The commands to run next, each with what it does.
fn next(plan: &Plan, folder: &Path) -> Vec<(String, &'static str)> {
    let mut next = Vec::new();
    if folder != Path::new(".") {
        next.push((format!("cd {}", folder.display()), "the commands below run there"));
    }
    if !system::is_file(&folder.join("node_modules/portcullis/package.json")) {
        next.push(("npm install".to_owned(), "installs the gate and wrangler"));
    }
    let url = format!("http://localhost:8787{}", plan.sample_path);
    let (dev, mint) = match plan.local_environment() {
        Some(name) => {
            (format!("npx wrangler dev --env {name}"), format!("npx portcullis mint --env {name}"))
        }
        None => ("npx wrangler dev".to_owned(), "npx portcullis mint".to_owned()),
    };
    next.push((dev, "runs the gate; the console is at /_portcullis/"));
    next.push((format!("curl -i {url}"), "401: there is no token"));
    let token = format!("-H \"Authorization: Bearer $({mint})\"");
    next.push((format!("curl -i {url} {token}"), "200, with the request that the API would get"));
    next.push(("npx portcullis check".to_owned(), "finds faults, and shows the routes"));
    next.push(("npx portcullis test".to_owned(), "runs the tests in policy.test.toml"));
    next.push((plan.deploy_command(), "deploys the gate"));
    next
}

impl Written {
    fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.created {
            text.push_str(&format!("created {name}\n"));
        }
        for (name, needs) in &self.kept {
            text.push_str(&format!("kept {name}, which exists: {needs}\n"));
        }
        text.push_str("\nNext:\n");
        for (command, effect) in &self.next {
            text.push_str(&format!("  {command}\n      {effect}\n"));
        }
        text.trim_end().to_owned()
    }

    fn to_json(&self) -> Value {
        let kept = self.kept.iter();
        let next = self.next.iter();
        json!({
            "created": self.created,
            "kept": kept.map(|(name, needs)| json!({ "file": name, "needs": needs }))
                .collect::<Vec<_>>(),
            "next": next.map(|(command, effect)| json!({ "command": command, "effect": effect }))
                .collect::<Vec<_>>(),
        })
    }
}

/// The names of the presets.
fn preset_names() -> Vec<&'static str> {
    Preset::all().map(|(name, _)| name).collect()
}
