//! `schema`: prints descriptions of the keys of policies and of their tests, for editors and
//! programs.

use super::{output, system};
use crate::outcome::Outcome;
use clap::{Args, ValueEnum};
use serde_json::Value;

/// The forms of the policy are generated from one description, which is tested against the policy
/// compiler.
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "\
Examples:
  portcullis schema > policy.schema.json              for a policy
  portcullis schema wrangler > wrangler.schema.json   for wrangler.toml and wrangler.jsonc
  portcullis schema policy-test > policy-test.schema.json   for tests of the policy
  portcullis schema typescript > policy.d.ts          TypeScript types

In wrangler.toml, write `#:schema ./wrangler.schema.json` in the first line (Even Better TOML,
Taplo).
In wrangler.jsonc, write `\"$schema\": \"./wrangler.schema.json\"`.

Exit codes: 0 printed; 2 the arguments are invalid.")]
pub struct Options {
    /// What to print
    #[arg(value_enum, default_value_t = Subject::Policy)]
    subject: Subject,
    /// Print the types as a JSON string; a schema is JSON in any case
    #[arg(long)]
    json: bool,
}

/// The description to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Subject {
    /// JSON Schema of the policy
    Policy,
    /// JSON Schema of a file with tests of the policy
    PolicyTest,
    /// JSON Schema of wrangler's configuration, including its policies
    Wrangler,
    /// TypeScript types of the policy
    Typescript,
}

impl Subject {
    const fn file(self) -> &'static str {
        match self {
            Self::Policy => "policy.schema.json",
            Self::PolicyTest => "policy-test.schema.json",
            Self::Wrangler => "wrangler.schema.json",
            Self::Typescript => "policy.d.ts",
        }
    }
}

/// Prints the schema or the types.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    let file = options.subject.file();
    let text = match system::description(file) {
        Ok(text) => text,
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("{file} cannot be read"));
            return output::could_not_run(&error, options.json);
        }
    };
    match options.subject {
        Subject::Typescript if options.json => output::json(&Value::from(text.as_ref())),
        _ => output::result(text.trim_end()),
    }
    Outcome::Success
}
