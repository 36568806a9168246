//! Tests of `check`, `mint` and `schema`: how they find the configuration, and their output and
//! exit codes.

use crate::kit::{CONFIG, Folder, SECRET};
use serde_json::{Value, json};

/// The routes that `check --json` shows for the top level.
fn routes(found: &Value) -> Vec<&str> {
    let routes = found["environments"][0]["routes"].as_array().unwrap();
    routes.iter().map(|route| route["path"].as_str().unwrap()).collect()
}

#[test]
fn the_configuration_is_found_in_a_directory_above() {
    let folder = Folder::with_policy();
    folder.write("src/deep/x", "");
    let found = folder.run_in("src/deep", &["check", "--json"], "").json(0);
    assert_eq!(found["ok"], json!(true));
    assert_eq!(routes(&found), ["/admin/*", "/api/*", "/public/*"]);
    // A named configuration can be anywhere, and its secrets are beside it.
    let elsewhere = Folder::new();
    let file = folder.path("wrangler.toml");
    elsewhere.run(&["check", "--config", file.to_str().unwrap()]).ended(0);
}

#[test]
fn wrangler_jsonc_is_a_configuration() {
    let folder = Folder::new();
    folder.write(
        "wrangler.jsonc",
        r#"{
  // a comment
  "name": "gate",
  "vars": {
    "POLICY": {
      "origin": "echo",
      "routes": [{ "path": "/*", "access": "public" }],
      "relm": "api",
    },
  },
}"#,
    );
    let run = folder.run(&["check"]);
    assert!(run.out.contains("wrangler.jsonc:8: POLICY.relm: "), "{}", run.out);
    run.ended(1);

    // wrangler prefers wrangler.jsonc, and so does the program.
    folder.write("wrangler.toml", CONFIG);
    let found = folder.run(&["check", "--json"]).json(1);
    assert_eq!(found["environments"][0]["findings"][0]["path"], json!("POLICY.relm"));
    let run = folder.run(&["check", "--config", "wrangler.toml"]);
    assert!(run.err.contains("there is a wrangler.jsonc beside wrangler.toml"), "{}", run.err);
    run.ended(2);
}

#[test]
fn findings_name_the_file_that_was_found() {
    let folder = Folder::new();
    folder.write("wrangler.jsonc", r#"{ "vars": { "POLICY": { "relm": "api" } } }"#);
    for command in ["check", "doctor"] {
        let found = folder.run(&[command]).ended(1);
        assert!(found.contains("wrangler.jsonc:1: POLICY.relm: "), "{command}: {found}");
        assert!(!found.contains("wrangler.toml"), "{command}: {found}");
    }
}

#[test]
fn exit_codes_distinguish_faults_from_errors() {
    let folder = Folder::with_policy();
    folder.run(&["check"]).ended(0);
    folder.write("wrangler.toml", &CONFIG.replace("/api/*", "no-slash"));
    let run = folder.run(&["check"]);
    assert!(run.out.contains("wrangler.toml:13: POLICY.routes[0].path: "), "{}", run.out);
    run.ended(1);
    folder.write("wrangler.toml", "nonsense");
    let error = folder.run(&["check", "--json"]).json(2)["error"].to_string();
    assert!(error.contains("wrangler.toml:1: this is not TOML"), "{error}");
    folder.run(&["check", "--nonsense"]).ended(2);
    let nowhere = Folder::new();
    assert!(nowhere.run(&["check", "--config", "x.toml"]).err.contains("x.toml cannot be read"));
}

#[test]
fn output_is_colored_only_if_it_is_wanted() {
    let folder = Folder::with_policy();
    folder.write("wrangler.toml", &CONFIG.replace("/api/*", "x"));
    assert!(!folder.run(&["check"]).ended(1).contains('\u{1b}'));
    let forced = folder.run_with(&["check"], &[("CLICOLOR_FORCE", "1")]).ended(1);
    assert!(forced.contains("\u{1b}[31mPOLICY.routes[0].path\u{1b}[0m: "), "{forced:?}");
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert!(!folder.run_with(&["check"], &both).ended(1).contains('\u{1b}'));
}

#[test]
fn mint_prints_only_the_token() {
    let folder = Folder::with_policy();
    let run = folder.run(&["mint"]);
    assert_eq!(run.err, "");
    assert_eq!(run.ended(0).trim().split('.').count(), 3);
    let minted = folder.run(&["mint", "--json"]).json(0);
    assert_eq!(minted["token"].as_str().unwrap().split('.').count(), 3);
    folder.write(".dev.vars", "");
    let run = folder.run(&["mint"]);
    assert!(run.err.contains(".dev.vars has no DEMO_SECRET"), "{}", run.err);
    run.ended(2);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let folder = Folder::new();
    let commands = ["check", "explain", "mint", "keygen", "doctor", "schema", "revoke"];
    let help = folder.run(&["--help"]).ended(0);
    for command in commands {
        assert!(help.contains(&format!("  {command} ")), "{help}");
        let own = folder.run(&[command, "--help"]).ended(0);
        assert!(own.contains("Examples:"), "{own}");
        assert!(own.contains("Exit codes:"), "{own}");
        assert!(own.contains("--json"), "{own}");
    }
}

#[test]
fn schemas_are_those_of_the_repository() {
    let folder = Folder::new();
    let schema = folder.run(&["schema"]).json(0);
    assert_eq!(schema["properties"]["origin_timeout"]["maximum"], json!(300));
    let wrangler = folder.run(&["schema", "wrangler"]).json(0);
    assert!(wrangler["properties"]["vars"]["properties"]["POLICY"].is_object());
    let types = folder.run(&["schema", "typescript"]).ended(0);
    assert!(types.contains("export interface Policy {"));
    assert_eq!(
        folder.run(&["schema", "typescript", "--json"]).json(0).as_str().unwrap().trim(),
        types.trim()
    );
}

#[test]
fn a_policy_in_the_workers_code_is_checked_from_its_json_file() {
    let folder = Folder::new();
    folder.write(
        "policy.json",
        r#"{
  "issuers": [{
    "name": "login", "issuer": "https://login.example/", "audience": "api",
    "algorithms": ["HS256"], "keys": { "secret": "LOGIN_SECRET" }
  }],
  "routes": [
    { "path": "/notes/*" }
  ]
}"#,
    );
    // There is neither a configuration nor a secret.
    let run = folder.run(&["check", "--policy", "policy.json"]);
    let missing = "policy.json:4: issuers[0].keys.secret: there is no LOGIN_SECRET in .dev.vars";
    assert!(run.out.contains(missing), "{}", run.out);
    run.ended(1);

    // It needs no origin, and its secrets are those of the configuration.
    folder.write("wrangler.jsonc", r#"{ "main": "src/index.ts" }"#);
    folder.write(".dev.vars", &format!("LOGIN_SECRET={SECRET}\n"));
    let found = folder.run(&["check", "--policy", "policy.json", "--json"]).json(0);
    assert_eq!(routes(&found), ["/notes/*"]);
    let run = folder.run(&["check", "--policy", "policy.json"]);
    assert!(run.out.contains("policy.json:\n  route "), "{}", run.out);

    // A policy in a variable needs no origin either if the script is the operator's own.
    let text = std::fs::read_to_string(folder.path("policy.json")).unwrap();
    for (main, code) in [("src/index.ts", 0), ("build/index.js", 1)] {
        let config = format!(r#"{{ "main": "{main}", "vars": {{ "POLICY": {text} }} }}"#);
        folder.write("wrangler.jsonc", &config);
        let run = folder.run(&["check"]);
        assert!(run.out.contains("POLICY.origin: "), "{}", run.out);
        run.ended(code);
    }

    let check = |text: &str, words: &str| {
        folder.write("policy.json", text);
        let run = folder.run(&["check", "--policy", "policy.json"]);
        assert!(run.out.contains(words), "{}", run.out);
        run.ended(1);
    };
    check(
        "{\n\"routes\": [\n{ \"path\": \"/*\", \"access\": \"pubic\" }] }",
        "policy.json:3: routes[0].access: \"pubic\" is not an accepted value",
    );
    check("{ \"routes\": [], \"routes\": [] }", "a name twice");
    let large = format!(
        r#"{{ "routes": [{{ "path": "/{}", "access": "public" }}] }}"#,
        "x".repeat(256 * 1024)
    );
    check(&large, "256 KiB are the limit");

    let run = folder.run(&["check", "--policy", "policy.ts"]);
    assert!(run.err.contains("policy.ts is not a .json file"), "{}", run.err);
    run.ended(2);
    folder.run(&["check", "--policy", "absent.json"]).ended(2);
}
