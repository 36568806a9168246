//! `cargo xtask dev`: runs the gate locally and prints commands to try it with.

use crate::build;
use crate::process::Stop;
use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_cli::check::{self, MissingBindings};
use portcullis_cli::config::dev_vars::DevVars;
use portcullis_cli::config::{ConfigFile, Environment, Severity, policy};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

mod page;
mod samples;
mod secret;
mod wrangler;

use page::Page;

/// The default port of wrangler.
const USUAL_PORT: u16 = 8787;

/// The options. Without any, the command serves the top level of wrangler.toml.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// The port to listen on [default: 8787, or any free port]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Serve this environment of wrangler.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// Installs and builds what is missing, then serves until interrupted.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let file = workspace.path("wrangler.toml");
    let name = options.env.as_deref().unwrap_or_default();

    let source = ConfigFile::read(&file)?;
    let selected = Environment::select(&source, Some(name))?;
    let environment = selected.first().context("no environment was selected")?;
    let raw = policy::raw(environment).unwrap_or(Value::Null);

    // Faults of the configuration are reported before the installation of tools, which takes
    // minutes.
    secret::ensure(&workspace, environment, &raw)?;
    let reports = check::examine(&file, Some(name), MissingBindings::Fault)?;
    check::print_findings(&reports);
    if check::worst(&reports).is_some_and(|severity| severity != Severity::Warning) {
        bail!("not started: the gate would refuse every request");
    }
    let routes = reports.iter().find_map(check::Report::routes).unwrap_or_default();

    let port = port(options)?;
    let dev_vars = DevVars::read(environment)?;
    let has_console = dev_vars.values.get("CONSOLE").is_some_and(|value| value == "on");
    let samples = samples::Samples::new(port, &routes, &raw, options.env.clone(), has_console);
    // wrangler runs the same build, but hides its output.
    let built = build::Options::of(environment);
    let stop = Stop::default();
    let (packages, worker) =
        build::compile_worker(&workspace, &built, build::DEPLOYED_FOLDER, &stop)?;
    let mut command = wrangler::command(&workspace, &packages, port, name)?;
    if let Some(swapped) = echo_for_zone(&raw) {
        say::line(
            "the policy's origin is \"zone\", which exists only on Cloudflare: here the gate \
             answers with the request that it would forward, as with \"echo\"",
        );
        command.args(["--var", &format!("{}:{swapped}", policy::VARIABLE)]);
    }
    let page = Page {
        workspace: &workspace,
        packages: &packages,
        options: &built,
        samples: &samples,
        ready: Mutex::default(),
    };
    thread::scope(|scope| {
        scope.spawn(|| page.keep_current(&stop));
        let finished = worker.map_or(Ok(()), |worker| worker.finish(&packages));
        let served = finished.and_then(|()| {
            wrangler::serve(&mut command, port, &samples.probe(), || page.gate_is_ready())
        });
        stop.request();
        served
    })
}

/// Returns the policy with the origin `echo` if its origin is `zone`. Under `wrangler dev`, the
/// zone is the gate itself, and requests to it would loop.
fn echo_for_zone(raw: &Value) -> Option<Value> {
    if raw.get("origin").and_then(Value::as_str) != Some("zone") {
        return None;
    }
    let mut swapped = raw.clone();
    swapped.as_object_mut()?.insert("origin".to_owned(), json!("echo"));
    Some(swapped)
}

fn port(options: &Options) -> Result<u16> {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    if let Some(port) = options.port {
        free(port).with_context(|| format!("cannot listen on port {port}"))?;
        return Ok(port);
    }
    match free(USUAL_PORT) {
        Ok(_) => Ok(USUAL_PORT),
        Err(_) => {
            let any = free(0).context("cannot listen on any port")?;
            let port = any.local_addr().context("the listener has no address")?.port();
            say::line(&format!("port {USUAL_PORT} is in use; using {port} instead"));
            Ok(port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_only_the_origin_zone() {
        let zone = json!({ "origin": "zone", "realm": "api" });
        assert_eq!(echo_for_zone(&zone), Some(json!({ "origin": "echo", "realm": "api" })));
        assert_eq!(echo_for_zone(&json!({ "origin": "https://api.example.com" })), None);
        assert_eq!(echo_for_zone(&Value::Null), None);
    }
}
