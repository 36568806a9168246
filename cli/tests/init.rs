//! `init`.

use crate::kit::{Folder, Run};
use serde_json::Value;
use std::fs;

fn init(folder: &Folder, words: &[&str]) -> Run {
    folder.run(&[&["init"], words].concat())
}

#[test]
fn without_answers_the_demo_is_written_and_passes_its_own_check_and_tests() {
    let folder = Folder::new();
    let out = init(&folder, &["gate"]).ended(0);
    assert!(out.contains("created wrangler.jsonc\n"), "{out}");
    assert!(out.contains("npx wrangler dev\n"), "{out}");
    let checked = folder.run_in("gate", &["check"], "").ended(0);
    assert!(checked.ends_with("no faults, no warnings\n"), "{checked}");
    let tested = folder.run_in("gate", &["test", "--coverage", "100"], "").ended(0);
    assert!(tested.ends_with("8 passed, 0 failed\n"), "{tested}");
    let token = folder.run_in("gate", &["mint"], "").ended(0);
    let explained = folder.run_in("gate", &["explain", "--url", "/api/hello"], &token);
    explained.ended(0);
}

#[test]
fn the_demo_writes_every_file_and_a_secret_of_its_own() {
    let folder = Folder::new();
    init(&folder, &["one"]).ended(0);
    init(&folder, &["two"]).ended(0);
    for file in [
        "wrangler.jsonc",
        ".dev.vars",
        ".gitignore",
        "package.json",
        "policy.test.toml",
        ".github/workflows/policy.yml",
    ] {
        assert!(folder.path("one").join(file).is_file(), "{file}");
    }
    assert_ne!(folder.read("one/.dev.vars"), folder.read("two/.dev.vars"));
    assert!(folder.read("one/.gitignore").contains(".dev.vars*\n"));
    let manifest: Value = serde_json::from_str(&folder.read("one/package.json")).unwrap();
    for script in ["dev", "check", "test", "deploy"] {
        assert!(manifest["scripts"][script].is_string(), "{script}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    init(&folder, &[]).ended(0);
    let mode = fs::metadata(folder.path(".dev.vars")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Every preset, with options that are enough for it.
const PRESETS: [&[&str]; 9] = [
    &["auth0", "--domain", "tenant.eu.auth0.com", "--audience", "api"],
    &["cloudflare-access", "--team", "team.cloudflareaccess.com", "--audience", "32eafc76"],
    &["cognito", "--region", "eu-west-1", "--pool", "eu-west-1_AbCdEfGhI", "--client-id", "one"],
    &["entra", "--tenant", "72f988bf-86f1-41af-91ab-2d7cd011db47", "--audience", "api"],
    &["firebase", "--project", "my-project"],
    &["google", "--audience", "1234567890-abc.apps.googleusercontent.com"],
    &["keycloak", "--base-url", "https://sso.example.com", "--realm", "r", "--audience", "api"],
    &[
        "okta",
        "--domain",
        "example.okta.com",
        "--authorization-server",
        "default",
        "--audience",
        "a",
    ],
    &["supabase", "--project", "abcdefghijklmnopqrst"],
];

#[test]
fn every_preset_makes_a_policy_that_passes_check_and_tests() {
    let folder = Folder::new();
    for words in PRESETS {
        let name = words[0];
        let origin = ["--origin", "https://api.example.com"];
        init(&folder, &[&[name, "--preset"], words, &origin].concat()).ended(0);
        let checked = folder.run_in(name, &["check", "--env", ""], "").ended(0);
        assert!(checked.contains("no faults, no warnings\n"), "{name}: {checked}");
        let tested = folder.run_in(name, &["test", "--coverage", "100"], "");
        let tested = tested.ended(0);
        assert!(tested.contains("(100 %)") && tested.contains(", 0 failed"), "{name}: {tested}");
    }
}

#[test]
fn the_local_environment_of_a_preset_admits_minted_tokens() {
    let folder = Folder::new();
    init(&folder, &[&["--preset"], PRESETS[0]].concat()).ended(0);
    let token = folder.run(&["mint", "--env", "local"]).ended(0);
    folder.run_in("", &["explain", "--env", "local", "--url", "/hello"], &token).ended(0);
    // The deployed policy does not accept tokens signed with the local secret.
    folder.run_in("", &["explain", "--env", "", "--url", "/hello"], &token).ended(1);
}

#[test]
fn missing_parameters_are_reported_together_and_nothing_is_written() {
    let folder = Folder::new();
    let run = init(&folder, &["gate", "--preset", "keycloak"]);
    assert_eq!(run.code, 2);
    for option in ["--base-url: missing", "--realm: missing", "--audience: missing"] {
        assert!(run.err.contains(option), "{}", run.err);
    }
    assert!(!folder.path("gate").exists());
    let run = init(&folder, &["--preset", "auth", "--audience", "api"]);
    assert!(
        run.err.contains("--preset: not the name of a preset; choose from auth0"),
        "{}",
        run.err
    );
    assert_eq!(init(&folder, &["--origin", "https://api.example.com"]).code, 2);
}

#[test]
fn a_folder_with_a_configuration_is_left_alone() {
    let folder = Folder::with_policy();
    let before = folder.read("wrangler.toml");
    let run = init(&folder, &[]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("this folder already has a wrangler.toml"), "{}", run.err);
    assert_eq!(folder.read("wrangler.toml"), before);
    assert!(!folder.path("package.json").exists());
}

#[test]
fn files_that_exist_are_kept_and_what_they_need_is_said() {
    let folder = Folder::new();
    folder.write("package.json", "{}");
    folder.write(".gitignore", "mine\n");
    let out = init(&folder, &[]).ended(0);
    assert!(out.contains("kept package.json, which exists: add the scripts with `npm pkg set"));
    assert!(out.contains("kept .gitignore, which exists: add the lines node_modules/"), "{out}");
    assert_eq!(folder.read("package.json"), "{}");
    assert_eq!(folder.read(".gitignore"), "mine\n");
    let json = init(&folder, &["--json"]).json(2);
    assert!(json["error"].as_str().unwrap().contains("already has a wrangler.jsonc"));
}

#[test]
fn a_file_instead_of_a_folder_is_an_error() {
    let folder = Folder::new();
    folder.write("gate", "");
    let run = init(&folder, &["gate"]);
    assert_eq!((run.code, run.err.contains("gate is a file: name a folder")), (2, true));
}

#[test]
fn the_compatibility_date_is_that_of_the_repository() {
    let folder = Folder::new();
    init(&folder, &[]).ended(0);
    let repository = include_str!("../../wrangler.toml");
    let line = repository.lines().find_map(|line| line.strip_prefix("compatibility_date = "));
    let written = folder.read("wrangler.jsonc");
    assert!(written.contains(&format!("\"compatibility_date\": {}", line.unwrap())));
}
