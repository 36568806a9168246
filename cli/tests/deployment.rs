//! Tests of `check`: deployments in which requests would not reach the gate, or would reach an old
//! version of it.

use crate::kit::{CONFIG, Folder};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A deployment without findings.
const SETTINGS: &str = "main = \"build/index.js\"
compatibility_date = \"2026-10-01\"
preview_urls = false
build.command = \"cargo xtask build\"
";

/// Returns a folder with a deployment.
fn deployment(settings: &str) -> Folder {
    let folder = Folder::with_policy();
    folder.write("wrangler.toml", &format!("{settings}{CONFIG}"));
    folder
}

/// Each finding as its path, followed by `!` if it is undeployable, or `?` if it is a warning.
fn findings(found: &Value) -> Vec<String> {
    let environments = found["environments"].as_array().unwrap();
    let all = environments.iter().flat_map(|one| one["findings"].as_array().unwrap());
    all.map(|finding| {
        assert_ne!(finding["remedy"], "", "{finding}");
        let mark = match (finding["deployable"].as_bool(), finding["severity"].as_str()) {
            (Some(false), _) => "!",
            (_, Some("warning")) => "?",
            _ => "",
        };
        format!("{}{mark}", finding["path"].as_str().unwrap())
    })
    .collect()
}

fn check(settings: &str, code: i32, expected: &[&str]) {
    let found = deployment(settings).run(&["check", "--json"]).json(code);
    assert_eq!(findings(&found), expected, "{settings}");
}

#[test]
fn a_deployment_that_leads_around_the_gate_is_reported_with_its_remedy() {
    check(SETTINGS, 0, &[]);
    check(&SETTINGS.replace("build/index.js", "src/index.js"), 1, &["main!"]);
    check(&SETTINGS.replace("main", "# main"), 0, &["main?"]);
    check(&SETTINGS.replace("2026", "2021"), 1, &["compatibility_date"]);
    check(&SETTINGS.replace("compatibility", "# c"), 0, &["compatibility_date?"]);
    check(&SETTINGS.replace("preview", "# p"), 0, &["preview_urls?"]);
    check(&SETTINGS.replace("false", "true"), 0, &["preview_urls?"]);
    check(&format!("{SETTINGS}routes = [\"a.example.com/*\"]\n"), 0, &["workers_dev?"]);
    check(
        &format!("{SETTINGS}workers_dev = false\nroutes = [\"https://a.example.com/*\"]\n"),
        0,
        &["routes?"],
    );
}

#[test]
fn a_configuration_that_a_build_tool_put_in_place_of_the_file_is_reported() {
    let folder = deployment(SETTINGS);
    folder
        .write(".wrangler/deploy/config.json", "{ \"configPath\": \"../../dist/wrangler.json\" }");
    let found = folder.run(&["check"]).ended(0);
    assert!(found.contains("`wrangler deploy` reads "), "{found}");
    assert!(found.contains("dist/wrangler.json"), "{found}");
}

/// Returns wrangler's configurations below a folder, without those that tools generated.
fn configurations(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !(name.starts_with('.') || matches!(name, "node_modules" | "target" | "build")) {
                configurations(&path, found);
            }
        } else if matches!(name, "wrangler.toml" | "wrangler.json" | "wrangler.jsonc") {
            found.push(path);
        }
    }
}

#[test]
fn shipped_configurations_have_no_findings_besides_their_policies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    configurations(root, &mut found);
    for shipped in ["wrangler.toml", "templates/worker/wrangler.toml", "examples/mcp/wrangler.toml"]
    {
        assert!(found.contains(&root.join(shipped)), "{shipped}");
    }
    let elsewhere = Folder::new();
    for file in found {
        let run = elsewhere.run(&["check", "--json", "--config", file.to_str().unwrap()]);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        // These import the gate. The policy of the Hono app is in its code.
        let is_in = |folder| file.starts_with(root.join(folder));
        let is_library = is_in("examples/worker") || is_in("examples/hono");
        for environment in report["environments"].as_array().unwrap() {
            let has_policy = !is_in("examples/hono");
            assert_eq!(!environment["routes"].is_null(), has_policy, "{}", file.display());
            for finding in environment["findings"].as_array().unwrap() {
                let path = finding["path"].as_str().unwrap();
                let is_expected = path.starts_with("POLICY.")
                    || (is_library && path == "main")
                    || (!has_policy && path == "POLICY");
                assert!(is_expected, "{}: {finding}", file.display());
            }
        }
    }
}
