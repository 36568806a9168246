//! `schema`: prints descriptions of the keys of policies and of their tests, for editors and
//! programs.

use super::output;
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

/// Prints the schema or the types.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    match options.subject {
        Subject::Policy => output::result(include_str!("../../policy.schema.json").trim_end()),
        Subject::PolicyTest => {
            output::result(include_str!("../../policy-test.schema.json").trim_end());
        }
        Subject::Wrangler => output::result(include_str!("../../wrangler.schema.json").trim_end()),
        Subject::Typescript => {
            let types = include_str!("../../policy.d.ts");
            if options.json {
                output::json(&Value::from(types));
            } else {
                output::result(types.trim_end());
            }
        }
    }
    Outcome::Success
}
