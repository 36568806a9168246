//! The files that `init` writes.

use super::policy::{Plan, SECRET};
use crate::key::generate::random;
use anyhow::Result;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

/// The compatibility date of the gate, with which it is tested.
pub(super) const COMPATIBILITY_DATE: &str = "2026-10-01";

/// A file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Whether only its owner may read it.
    pub(super) is_secret: bool,
    /// What to do if there is such a file already.
    pub(super) needs: String,
}

/// All files.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) all: Vec<File>,
}

impl Files {
    /// Makes the files for a Worker of this name.
    pub(super) fn of(plan: &Plan, name: &str) -> Result<Self> {
        let secret = Base64UrlUnpadded::encode_string(&random::<48>()?);
        let all = vec![
            File {
                name: "wrangler.jsonc",
                text: wrangler(plan, name),
                is_secret: false,
                needs: "name another folder".to_owned(),
            },
            File {
                name: ".dev.vars",
                text: dev_vars(&secret),
                is_secret: true,
                needs: format!("add the line {SECRET}={secret}"),
            },
            File {
                name: ".gitignore",
                text: IGNORED.join("\n") + "\n",
                is_secret: false,
                needs: format!("add the lines {}", IGNORED.join(" ")),
            },
            File {
                name: "package.json",
                text: format!("{:#}\n", manifest(plan, name)),
                is_secret: false,
                needs: scripts_command(plan),
            },
            File {
                name: "policy.test.toml",
                text: tests(plan),
                is_secret: false,
                needs: "add cases for the new policy".to_owned(),
            },
            File {
                name: ".github/workflows/policy.yml",
                text: workflow(plan),
                is_secret: false,
                needs: "run `npx portcullis check` and `npx portcullis test` in it".to_owned(),
            },
        ];
        Ok(Self { all })
    }
}

const IGNORED: [&str; 4] = ["node_modules/", ".wrangler/", ".dev.vars*", ".env*"];

fn wrangler(plan: &Plan, name: &str) -> String {
    let environments = match (plan.local_environment(), &plan.local) {
        (Some(environment), Some(policy)) => format!(
            ",

  // `npx wrangler dev --env {environment}` accepts tokens of `npx portcullis mint --env \
             {environment}`. Do not deploy it.
  \"env\": {{
    \"{environment}\": {{
      \"vars\": {{
        \"POLICY\": {}
      }}
    }}
  }}",
            indented(policy, 8)
        ),
        _ => String::new(),
    };
    format!(
        "{{
  \"$schema\": \"node_modules/portcullis/wrangler.schema.json\",
  \"name\": \"{name}\",
  \"main\": \"node_modules/portcullis/index.js\",
  \"compatibility_date\": \"{COMPATIBILITY_DATE}\",
  // Preview URLs would keep old versions public, each with the policy that it had.
  \"preview_urls\": false,

  // The console's page. The Worker serves these files itself, and only while its variable CONSOLE
  // is \"on\". Without `run_worker_first` the platform would serve them without asking the gate.
  \"assets\": {{
    \"directory\": \"node_modules/portcullis/www\",
    \"binding\": \"ASSETS\",
    \"run_worker_first\": true,
    \"html_handling\": \"none\",
    \"not_found_handling\": \"none\"
  }},

  // The keys are explained in node_modules/portcullis/policy.schema.json, and by editors.
  \"vars\": {{
    \"POLICY\": {}
  }}{environments}
}}
",
        indented(&plan.policy, 4)
    )
}

/// The order in which a policy is read, unlike that of the alphabet.
const ORDER: [&str; 16] = [
    "name",
    "preset",
    "path",
    "access",
    "scopes",
    "origin",
    "issuer",
    "domain",
    "base_url",
    "tenant",
    "audience",
    "algorithms",
    "keys",
    "issuers",
    "routes",
    "forward",
];

/// The widest line of a file.
const WIDTH: usize = 100;

/// The value as JSON, to continue a line that is indented so far. What fits on a line is written on
/// one.
fn indented(value: &Value, spaces: usize) -> String {
    let (open, close, items) = match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let rank = |key: &str| ORDER.iter().position(|known| *known == key);
            members.sort_by_key(|(key, _)| rank(key).unwrap_or(ORDER.len()));
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", json!(key), indented(value, spaces.saturating_add(2)))
            };
            ("{ ", " }", members.into_iter().map(member).collect::<Vec<_>>())
        }
        Value::Array(items) => {
            let item = |item: &Value| indented(item, spaces.saturating_add(2));
            ("[", "]", items.iter().map(item).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return value.to_string();
        }
    };
    let line = format!("{open}{}{close}", items.join(", "));
    // A list of objects has one on each line.
    let has_objects = value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
    let is_top = value.get("routes").is_some();
    if !is_top && !has_objects && !line.contains('\n') && line.len() < WIDTH.saturating_sub(spaces)
    {
        return line;
    }
    let (outer, inner) = (" ".repeat(spaces), " ".repeat(spaces.saturating_add(2)));
    let items: Vec<_> = items.into_iter().map(|item| format!("\n{inner}{item}")).collect();
    format!("{}{}\n{outer}{}", open.trim_end(), items.join(","), close.trim_start())
}

fn dev_vars(secret: &str) -> String {
    format!(
        "# Secrets and variables for local use, read by wrangler. Never commit this file.
{SECRET}={secret}

# The console at /_portcullis/, and minting tokens in it.
CONSOLE=on
CONSOLE_MINT=on
"
    )
}

fn scripts(plan: &Plan) -> [(&'static str, String); 5] {
    let dev = match plan.local_environment() {
        Some(name) => format!("wrangler dev --env {name}"),
        None => "wrangler dev".to_owned(),
    };
    let deploy = plan.deploy_command();
    [
        ("dev", dev),
        ("check", "portcullis check".to_owned()),
        ("test", "portcullis test --coverage 100".to_owned()),
        ("predeploy", "npm run check && npm run test".to_owned()),
        ("deploy", deploy.strip_prefix("npx ").unwrap_or(&deploy).to_owned()),
    ]
}

fn manifest(plan: &Plan, name: &str) -> Value {
    let scripts = scripts(plan).into_iter();
    json!({
        "name": name,
        "private": true,
        "type": "module",
        "scripts": scripts
            .map(|(name, command)| (name.to_owned(), json!(command)))
            .collect::<serde_json::Map<_, _>>(),
        "devDependencies": {
            "portcullis": format!("^{}", env!("CARGO_PKG_VERSION")),
            "wrangler": "^4.100.0",
        },
    })
}

/// The command that adds the scripts to a manifest that exists.
fn scripts_command(plan: &Plan) -> String {
    let settings = scripts(plan)
        .map(|(name, command)| format!("'scripts.{name}={}'", command.replace('\'', "'\\''")));
    format!("add the scripts with `npm pkg set {}`", settings.join(" "))
}

fn workflow(plan: &Plan) -> String {
    // Without the secret, the policy at the top level has a fault.
    let secret = match plan.local {
        Some(_) => String::new(),
        None => format!(
            "      # A secret for this run only.
      - run: echo \"{SECRET}=$(openssl rand -hex 32)\" > .dev.vars
"
        ),
    };
    format!(
        "name: Policy
on: [push, pull_request]
permissions:
  contents: read
jobs:
  policy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: 22
          cache: npm
      - run: npm ci
{secret}      - run: npx portcullis check
      - run: npx portcullis test --coverage 100
"
    )
}

/// Cases that cover the whole policy.
fn tests(plan: &Plan) -> String {
    let path = plan.sample_path;
    let mut text = format!(
        "#:schema ./node_modules/portcullis/policy-test.schema.json
# `npx portcullis test` judges these cases with the gate's own code. Tokens are signed with stand-in
# keys, and nothing is sent.

[[cases]]
name = \"a user reaches the API\"
url = \"{path}\"
claims = {{ sub = \"alice\" }}
expect = {{ status = 200, api_receives = {{ X-Auth-Subject = \"alice\" }} }}

[[cases]]
name = \"a request without a token is refused\"
url = \"{path}\"
expect = {{ status = 401, code = \"missing_token\", challenge = \"Bearer\" }}

[[cases]]
name = \"an expired token is refused\"
url = \"{path}\"
claims = {{ exp = \"now-10m\" }}
expect = {{ status = 401, code = \"expired\", challenge = 'error=\"invalid_token\"' }}

[[cases]]
name = \"a forged token is refused\"
url = \"{path}\"
signature = \"wrong\"
expect = {{ status = 401, code = \"bad_signature\" }}
"
    );
    for claim in &plan.ruled_claims {
        text.push_str(&format!(
            "
[[cases]]
name = \"a token without {claim} is refused\"
url = \"{path}\"
omit = [\"{claim}\"]
expect = {{ status = 401, code = \"invalid_claim\" }}
"
        ));
    }
    if plan.local.is_none() {
        text.push_str(DEMO_TESTS);
    }
    text
}

/// The cases for the routes that only the demo has.
const DEMO_TESTS: &str = r#"
[[cases]]
name = "everyone reaches the public part, and cannot claim to be somebody"
url = "/public/news"
headers = { X-Auth-Subject = "alice" }
expect = { status = 200, api_does_not_receive = ["X-Auth-Subject"] }

[[cases]]
name = "an administrator reaches the administration"
url = "/admin/users"
claims = { scope = "read admin" }
expect = { status = 200, api_receives = { X-Auth-Scope = "read admin" } }

[[cases]]
name = "a user does not reach the administration"
url = "/admin/users"
claims = { scope = "read" }
expect = { status = 403, code = "insufficient_scope", challenge = 'scope="admin"' }

[[cases]]
name = "nobody reaches the administration without a token"
url = "/admin/users"
expect = { status = 401, code = "missing_token" }
"#;
