//! `schema`: what the policy's keys are, for editors and programs.

use super::output;
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::process::ExitCode;

/// Written from one description of the keys, which is held against the gate's own compiler.
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "\
Examples:
  portcullis schema > policy.schema.json                  of a policy by itself
  portcullis schema wrangler > wrangler.schema.json       of wrangler.toml and wrangler.jsonc around it
  portcullis schema typescript > policy.d.ts              types for TypeScript

In wrangler.toml: `#:schema ./wrangler.schema.json` as the first line (Even Better TOML, Taplo).
In wrangler.jsonc: `\"$schema\": \"./wrangler.schema.json\"`.

Exit codes: 0 printed; 2 the command was written wrongly.")]
pub struct Options {
    /// Of what
    #[arg(value_enum, default_value_t = Subject::Policy)]
    subject: Subject,
    /// Print the types as a JSON string; a schema is JSON in any case
    #[arg(long)]
    json: bool,
}

/// What is described, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Subject {
    /// The policy, in JSON Schema
    Policy,
    /// wrangler's configuration with policies in it, in JSON Schema
    Wrangler,
    /// The policy, in TypeScript
    Typescript,
}

/// Prints it.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    match options.subject {
        Subject::Policy => output::result(include_str!("../../policy.schema.json").trim_end()),
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
    ExitCode::SUCCESS
}
