//! Tests of the secrets for local use. `dev-vars.json` says what wrangler reads from some files;
//! `tests/e2e/dev-vars.test.mjs` compares it with wrangler itself.

use crate::kit::{CONFIG, Folder, SECRET};
use portcullis_cli::config::dev_vars::DevVars;
use portcullis_cli::config::{ConfigFile, Environment};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const CASES: &str = include_str!("dev-vars.json");

fn texts(value: &Value) -> BTreeMap<String, String> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect()
}

#[test]
fn secrets_for_local_use_are_those_that_wrangler_reads() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 40);
    for case in &cases {
        let folder = Folder::new();
        for (name, text) in texts(&case["files"]) {
            folder.write(&name, &text);
        }
        let settings = json!({ "vars": case["vars"], "secrets": case["secrets"] });
        let environment = case["environment"].as_str();
        let config = match environment {
            Some(name) => json!({ "env": { name: settings } }),
            None => settings,
        };
        folder.write("wrangler.json", &config.to_string());
        let config_file = ConfigFile::read(&folder.path("wrangler.json")).unwrap();
        let selected = Environment::select(&config_file, Some(environment.unwrap_or(""))).unwrap();
        let found = DevVars::read_with(&selected[0], texts(&case["process"])).unwrap();
        assert_eq!(found.values, texts(&case["expected"]), "{}", case["name"]);
    }
}

#[test]
fn a_secret_in_a_file_that_wrangler_reads_is_found() {
    let secret = format!("DEMO_SECRET={SECRET}\n");
    let (start, end) = SECRET.split_at(8);
    for (file, text) in [
        (".env", secret.clone()),
        (".env.local", secret.clone()),
        (".env", format!("START={start}\nDEMO_SECRET=\"${{START}}{end}\"\n")),
        (".dev.vars", format!("\u{feff}{secret}")),
        (".dev.vars", format!("\u{feff}export DEMO_SECRET='{SECRET}'\r\n")),
    ] {
        let folder = Folder::new();
        folder.write("wrangler.toml", CONFIG);
        folder.write(file, &text);
        folder.run(&["check"]).ended(0);
        let token = folder.run(&["mint"]).ended(0);
        let explained = folder.run_in("", &["explain", "--json"], &token).json(0);
        assert_eq!(explained["verdict"], json!("admitted"), "{file}: {text:?}");
    }
}

#[test]
fn the_file_that_lacks_a_secret_is_named() {
    for (file, missing) in
        [(None, ".dev.vars"), (Some(".env"), ".env"), (Some(".env.local"), ".env.local")]
    {
        let folder = Folder::new();
        folder.write("wrangler.toml", CONFIG);
        if let Some(file) = file {
            folder.write(file, "OTHER=1\n");
        }
        let found = folder.run(&["check"]).ended(1);
        assert!(found.contains(&format!("there is no DEMO_SECRET in {missing}\n")), "{found}");
    }
}

#[test]
fn a_configuration_with_a_byte_order_mark_is_read() {
    let folder = Folder::with_policy();
    folder.write("wrangler.toml", &format!("\u{feff}{CONFIG}"));
    folder.run(&["check"]).ended(0);
}

#[test]
fn a_switch_of_wrangler_that_is_neither_true_nor_false_is_an_error() {
    let folder = Folder::with_policy();
    folder.write(".env", "");
    std::fs::remove_file(folder.path(".dev.vars")).unwrap();
    let variables = [("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", "yes")];
    let run = folder.run_with(&["check"], &variables);
    assert!(run.err.contains("must be \"true\" or \"false\""), "{}", run.err);
    run.ended(2);
}
