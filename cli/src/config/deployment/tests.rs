use super::super::ConfigFile;
use super::*;

/// Settings without which a deployment has findings. They precede the tables of a test's text.
const SETTINGS: [(&str, &str); 3] = [
    ("main", "'build/index.js'"),
    ("compatibility_date", "'2026-10-01'"),
    ("preview_urls", "false"),
];

/// Checks the findings of a wrangler.toml with [`SETTINGS`], unless it has its own.
fn check_toml(text: &str, expected: &[&str]) {
    let has = |key| text.lines().any(|line| line.starts_with(key));
    let missing = SETTINGS.iter().filter(|(key, _)| !has(key));
    let settings: String = missing.map(|(key, value)| format!("{key} = {value}\n")).collect();
    check_whole("wrangler.toml", &format!("{settings}{text}"), expected);
}

/// Checks the findings of a configuration, as `environment: path`. Undeployable findings end with
/// an exclamation mark, and warnings with a question mark.
fn check_whole(name: &str, text: &str, expected: &[&str]) {
    let config_file = ConfigFile::parse(name, text).unwrap();
    let mut found = Vec::new();
    for environment in Environment::select(&config_file, None).unwrap() {
        let raw = policy::raw(&environment).ok();
        for finding in check(&environment, raw.as_ref()) {
            assert!(!finding.remedy.is_empty(), "{finding:?}");
            let mark = match finding.severity {
                Severity::Undeployable => "!",
                Severity::Fault => "",
                Severity::Warning => "?",
            };
            found.push(format!("{environment}: {}{mark}", finding.path));
        }
    }
    assert_eq!(found, expected, "in:\n{text}");
}

#[test]
fn a_cache_in_front_of_the_gate_is_undeployable() {
    check_toml("[cache]\nenabled = false\n", &[]);
    check_toml(
        "[cache]\nenabled = true\n[env.a]\n[env.b.cache]\nenabled = false\n",
        &["top level: cache.enabled!", "env.a: cache.enabled!"],
    );
    check_toml(
        "[env.production]\ncache = { enabled = true }\n",
        &["env.production: cache.enabled!"],
    );
    check_toml(
        "[exports.default.cache]\nenabled = true\n",
        &["top level: exports.default.cache.enabled!"],
    );
    check_toml("[previews.cache]\nenabled = true\n", &["top level: previews.cache.enabled!"]);
}

#[test]
fn static_files_in_front_of_the_gate_are_undeployable() {
    check_toml("[assets]\ndirectory = \"www\"\nrun_worker_first = true\n", &[]);
    for setting in ["", "run_worker_first = false", "run_worker_first = [\"/api/*\"]"] {
        let text = format!("[assets]\ndirectory = \"www\"\n{setting}\n");
        check_toml(&text, &["top level: assets.run_worker_first!"]);
    }
    check_toml(
        "[assets]\nrun_worker_first = true\n[env.a.assets]\ndirectory = \"x\"\n",
        &["env.a: assets.run_worker_first!"],
    );
}

#[test]
fn a_deployed_console_is_reported() {
    let expected = &["top level: vars.CONSOLE?", "top level: vars.CONSOLE_MINT"];
    check_toml("[vars]\nCONSOLE = \"on\"\nCONSOLE_MINT = \"on\"\n", expected);
    check_toml("[vars]\nCONSOLE = \"off\"\nCONSOLE_MINT = \"off\"\n", &[]);
    let environment = "[env.production.vars]\nCONSOLE_MINT = \"on\"\n";
    check_toml(environment, &["env.production: vars.CONSOLE_MINT"]);
}

#[test]
fn secrets_in_variables_are_faults() {
    let policy = "[vars.POLICY]\nissuers = [{ keys = { secret = [\"NEW\", \"OLD\"] } }, \
        { keys = { pem = \"PEM\" } }]\n";
    check_toml(&format!("[vars]\nPEM = \"x\"\n{policy}"), &[]);
    check_toml(&format!("[vars]\nOLD = \"x\"\n{policy}"), &["top level: vars.OLD"]);
    check_toml(
        "[vars.POLICY.forward.proof]\nsecret = \"HOP\"\n[vars]\nHOP = \"x\"\n",
        &["top level: vars.HOP"],
    );
    // Environments do not share variables.
    check_toml(&format!("[env.a.vars]\nOLD = \"x\"\n{policy}"), &[]);
}

#[test]
fn an_incomplete_list_of_secrets_is_a_fault() {
    let policy = "[vars.POLICY]\nissuers = [{ keys = { secret = \"A\" } }, \
        { keys = { jwks = \"B\" } }]\n";
    check_toml(&format!("[secrets]\nrequired = [\"A\", \"B\", \"C\"]\n{policy}"), &[]);
    check_toml(
        &format!("secrets = {{ required = [\"A\"] }}\n{policy}"),
        &["top level: secrets.required"],
    );
    check_toml(
        &format!(
            "secrets = {{ required = [\"A\"] }}\nvars.B = \"x\"\n{}",
            policy.replace("[vars.POLICY]\n", "vars.POLICY.")
        ),
        &[],
    );
}

#[test]
fn variables_over_the_size_limit_are_faults() {
    let text = |length: usize| format!("[vars]\nA = \"{}\"\n", "x".repeat(length));
    check_toml(&text(5120), &[]);
    check_toml(&text(5121), &["top level: A"]);
    let realm = "x".repeat(5200);
    check_toml(&format!("[env.a.vars.POLICY]\nrealm = \"{realm}\"\n"), &["env.a: POLICY"]);
}

#[test]
fn toml_dates_are_faults() {
    check_toml(
        "[vars.POLICY]\nissuers = [{ since = 2026-01-01 }]\n",
        &["top level: POLICY.issuers[0].since"],
    );
    check_toml("[env.a.vars]\nB = 10:00:00\n", &["env.a: B"]);
}

#[test]
fn settings_that_make_the_gate_call_itself_are_faults() {
    let zone = "vars.POLICY.origin = \"zone\"\n";
    let closed = "workers_dev = false\npreview_urls = false\n";
    let route = "routes = [{ pattern = \"a.example.com/*\", zone_name = \"example.com\" }]\n";
    check_toml(&format!("{zone}{closed}{route}"), &[]);
    check_toml(&format!("{zone}{closed}route = \"a.example.com/*\"\n"), &[]);
    check_toml(zone, &["top level: POLICY.origin", "top level: workers_dev"]);
    check_toml(
        &format!("preview_urls = true\nworkers_dev = true\n{route}{zone}"),
        &["top level: workers_dev", "top level: preview_urls"],
    );
    check_toml(&format!("{zone}{closed}routes = []\n"), &["top level: POLICY.origin"]);
    for (patterns, findings) in [
        ("'https://a.example.com/*'", 1),
        ("'http://a.example.com/*'", 1),
        ("'https://a.example.com/*', 'http://a.example.com/*'", 0),
        ("'https://a.example.com/*', 'a.example.com/*'", 0),
        ("'https://a.example.com/*', 'http://b.example.com/*'", 2),
        ("'a.example.com/api'", 1),
        ("'a.example.com/'", 1),
        ("{ pattern = 'a.example.com/api', zone_name = 'example.com' }", 1),
        ("'*a.example.com/api*'", 0),
    ] {
        let expected = vec!["top level: routes"; findings];
        check_toml(&format!("{zone}{closed}routes = [{patterns}]\n"), &expected);
    }
    check_toml(
        &format!(
            "{zone}{closed}routes = [{{ pattern = \"a.example.com\", custom_domain = true }}]\n"
        ),
        &["top level: routes"],
    );
    check_toml(
        &format!("{zone}{closed}{route}compatibility_flags = [\"global_fetch_strictly_public\"]\n"),
        &["top level: compatibility_flags"],
    );
    // Environments inherit these settings, but not the variables.
    check_toml(&format!("{closed}{route}[env.a]\n{zone}"), &[]);
    check_toml(
        &format!("{closed}{route}[env.a]\nworkers_dev = true\n{zone}"),
        &["env.a: workers_dev"],
    );
}

#[test]
fn echo_as_the_origin_is_a_warning_in_production() {
    check_toml("vars.POLICY.origin = \"echo\"\n", &[]);
    check_toml("[env.dev]\nvars.POLICY.origin = \"echo\"\n", &[]);
    check_toml(
        "[env.production]\nvars.POLICY.origin = \"echo\"\n",
        &["env.production: POLICY.origin?"],
    );
}

#[test]
fn a_policy_in_json_text_is_checked() {
    check_toml(
        "[vars]\nA = \"x\"\nPOLICY = '''{\"issuers\": [{\"keys\": {\"secret\": \"A\"}}]}'''\n",
        &["top level: vars.A"],
    );
}
#[test]
fn dates_of_the_runtime_that_the_gate_does_not_work_with_are_faults() {
    let fault = &["top level: compatibility_date"];
    for date in ["2021-11-01", "2024-11-10", "", "today", "2026-1-1", "2026-10-01T00:00:00Z"] {
        check_toml(&format!("compatibility_date = '{date}'\n"), fault);
    }
    check_toml("compatibility_date = 2026-10-01\n", fault);
    check_toml("compatibility_date = 20261001\n", fault);
    check_toml("compatibility_date = '2024-11-11'\n", &[]);
    // Environments inherit the date, and can replace it.
    check_toml(
        "compatibility_date = '2026-10-01'\n[env.a]\n[env.b]\ncompatibility_date = '2021-11-01'\n",
        &["env.b: compatibility_date"],
    );
    check_whole(
        "wrangler.toml",
        "main = 'build/index.js'\npreview_urls = false\n\
         [env.a]\ncompatibility_date = '2026-10-01'\n",
        &["top level: compatibility_date?"],
    );
}

#[test]
fn flags_of_the_runtime_that_the_gate_does_not_work_with_are_faults() {
    for flag in ["cache_option_disabled", "ignore_custom_ports", "fetch_legacy_url", "url_original"]
    {
        check_toml(
            &format!("compatibility_flags = ['nodejs_compat', '{flag}']\n"),
            &["top level: compatibility_flags"],
        );
    }
    check_toml("compatibility_flags = ['nodejs_compat']\n", &[]);
    check_toml(
        "[env.a]\ncompatibility_flags = ['url_original']\n",
        &["env.a: compatibility_flags"],
    );
}

#[test]
fn a_script_that_is_not_the_gates_build_is_reported() {
    let build = "[build]\ncommand = 'cargo xtask build --without mldsa'\n";
    for main in
        ["build/index.js", "./build/index.js", "../../build/index.js", "a/../build/index.js"]
    {
        check_toml(&format!("main = '{main}'\n{build}"), &[]);
    }
    for main in ["index.js", "build/other.js", "build/index.js/x.js", "build/../index.js", ""] {
        check_toml(&format!("main = '{main}'\n{build}"), &["top level: main!"]);
        check_toml(
            &format!("main = 'build/index.js'\n{build}[env.a]\nmain = '{main}'\n"),
            &["env.a: main!"],
        );
    }
    // Repositories that use the gate as a library build it in their own way.
    let build = "[build]\ncommand = 'worker-build --release --out-dir dist/gate && true'\n";
    for main in ["build/index.js", "build/worker/shim.mjs", "dist/gate/index.js"] {
        check_toml(&format!("main = '{main}'\n{build}"), &[]);
    }
    check_toml(&format!("main = 'src/index.js'\n{build}"), &["top level: main?"]);
    for main in ["node_modules/portcullis/index.js", "../node_modules/portcullis-gate/x/y.mjs"] {
        check_toml(&format!("main = '{main}'\n"), &[]);
    }
    check_toml("main = 'node_modules/other/index.js'\n", &["top level: main?"]);
    check_toml("main = 'src/worker.ts'\n", &["top level: main?"]);
}

#[test]
fn a_deployment_without_a_script_is_reported() {
    let settings = "compatibility_date = '2026-10-01'\npreview_urls = false\n";
    let check = |text: &str, expected: &[&str]| {
        check_whole("wrangler.toml", &format!("{settings}{text}"), expected);
    };
    check("", &["top level: main?"]);
    check("assets = { directory = 'www', run_worker_first = true }\n", &["top level: main!"]);
    check("[env.a]\nmain = 'build/index.js'\n", &["top level: main?"]);
    check(
        "main = 'build/index.js'\npages_build_output_dir = 'www'\n",
        &["top level: pages_build_output_dir!"],
    );
}

#[test]
fn preview_urls_that_are_not_turned_off_are_reported() {
    for policy in
        ["", "vars.POLICY.origin = 'https://api.example.com'\n", "vars.POLICY.origin = 'echo'\n"]
    {
        let base = "main = 'build/index.js'\ncompatibility_date = '2026-10-01'\n";
        let check = |text: &str, expected: &[&str]| {
            check_whole("wrangler.toml", &format!("{base}{text}{policy}"), expected);
        };
        check("", &["top level: preview_urls?"]);
        check("workers_dev = true\n", &["top level: preview_urls?"]);
        check("workers_dev = false\npreview_urls = true\n", &["top level: preview_urls?"]);
        check("preview_urls = false\n", &[]);
        // An address of workers.dev alone is a legitimate deployment.
        check("workers_dev = true\npreview_urls = false\n", &[]);
    }
    check_toml(
        "preview_urls = false\n[env.a]\n[env.b]\npreview_urls = true\n",
        &["env.b: preview_urls?"],
    );
    check_toml(
        "workers_dev = false\n\
         routes = [{ pattern = 'a.example.com', custom_domain = true, previews_enabled = true }]\n",
        &["top level: routes?"],
    );
}

#[test]
fn a_policy_of_previews_is_reported() {
    check_toml("[previews.vars]\nA = 'x'\n", &[]);
    check_toml("[previews.vars.POLICY]\norigin = 'echo'\n", &["top level: previews.vars?"]);
    check_toml("[env.a.previews.vars]\nPOLICY = '{}'\n[env.b]\n", &["env.a: previews.vars?"]);
}

#[test]
fn an_address_of_workers_dev_besides_the_routes_is_reported() {
    for route in [
        "routes = ['a.example.com/*']\n",
        "route = 'a.example.com/*'\n",
        "routes = [{ pattern = 'a.example.com', custom_domain = true }]\n",
    ] {
        check_toml(route, &["top level: workers_dev?"]);
        check_toml(&format!("workers_dev = true\n{route}"), &["top level: workers_dev?"]);
        check_toml(&format!("workers_dev = false\n{route}"), &[]);
        check_toml(
            &format!("workers_dev = false\n{route}[env.a]\n[env.b]\nworkers_dev = true\n"),
            &["env.b: workers_dev?"],
        );
    }
    check_toml("routes = []\n", &[]);
    check_toml("[env.a]\nroute = 'a.example.com/*'\n", &["env.a: workers_dev?"]);
}

#[test]
fn routes_that_let_requests_pass_by_are_reported_for_every_origin() {
    let check = |patterns: &str, findings: usize| {
        let text = format!("workers_dev = false\nroutes = [{patterns}]\n");
        check_toml(&text, &vec!["top level: routes?"; findings]);
    };
    check("'a.example.com/*'", 0);
    check("'https://a.example.com/*'", 1);
    check("'a.example.com/api'", 1);
    check("'a.example.com/api', 'a.example.com/api*'", 0);
    check("'a.example.com/api', 'a.example.com/*'", 0);
    check("'https://a.example.com/*', 'http://a.example.com/*'", 0);
}

#[test]
fn a_route_is_ignored_beside_routes_as_by_wrangler() {
    let zone = "vars.POLICY.origin = 'zone'\n";
    let closed = "workers_dev = false\n";
    check_toml(
        &format!(
            "{closed}routes = ['a.example.com/*']\n[env.a]\nroute = 'b.example.com/x'\n{zone}"
        ),
        &[],
    );
    check_toml(&format!("{closed}route = ''\n{zone}"), &["top level: POLICY.origin"]);
}

#[test]
fn json_configurations_are_checked_like_toml() {
    let check = |text: &str, expected: &[&str]| {
        check_whole("wrangler.jsonc", text, expected);
        check_whole("wrangler.json", text, expected);
    };
    check(
        r#"{ "main": "x.js", "build": { "command": "cargo xtask build" }, // a comment
            "compatibility_date": "2021-11-01", "routes": ["https://a.example.com/*"],
            "env": { "a": { "main": "build/index.js", "compatibility_date": "2026-10-01",
                "workers_dev": false, "preview_urls": false, "routes": [] } } }"#,
        &[
            "top level: main!",
            "top level: compatibility_date",
            "top level: workers_dev?",
            "top level: preview_urls?",
            "top level: routes?",
        ],
    );
    // wrangler takes `null` in an environment as absent, and inherits the setting.
    check(
        r#"{ "main": "build/index.js", "compatibility_date": "2026-10-01", "preview_urls": false,
            "cache": { "enabled": true }, "env": { "a": { "cache": null, "main": null } } }"#,
        &["top level: cache.enabled!", "env.a: cache.enabled!"],
    );
}

#[test]
fn the_durable_objects_for_proofs_need_a_migration() {
    let config = |more: &str| {
        format!(
            "{more}\n[vars.POLICY]\norigin = 'https://api.example.com'\n[vars.POLICY.dpop]\n\
             replay = {{ durable_object = 'REPLAY' }}\n"
        )
    };
    let binding = "[[durable_objects.bindings]]\nname = 'REPLAY'\nclass_name = 'ProofReplay'\n";
    let migration =
        |classes: &str| format!("[[migrations]]\ntag = 'v1'\n{classes} = ['ProofReplay']\n");
    // The policy's compiler reports a missing binding.
    check_toml(&config(""), &[]);
    check_toml(&config(binding), &["top level: migrations"]);
    check_toml(&config(&format!("{binding}{}", migration("new_sqlite_classes"))), &[]);
    let without_sqlite = format!("{binding}{}", migration("new_classes"));
    check_toml(&config(&without_sqlite), &["top level: migrations"]);
    let other = binding.replace("ProofReplay", "Other");
    check_toml(&config(&other), &["top level: durable_objects.bindings"]);
    let elsewhere = format!("{binding}script_name = 'other'\n");
    check_toml(&config(&elsewhere), &[]);
}
