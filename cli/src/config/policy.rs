//! The raw policy of an environment, and the bindings that it names.

use super::file::pointer;
use super::{Environment, Finding, Severity};
use serde_json::Value;

/// The variable that holds the policy.
pub const VARIABLE: &str = "POLICY";

/// The variable that holds a policy that is tried out beside it.
pub const CANDIDATE: &str = "POLICY_CANDIDATE";

/// The policy as it stands in the environment, whether as a table or as JSON text.
///
/// # Errors
///
/// The fault that there is none, or that its text is no JSON.
pub fn raw(environment: &Environment<'_>) -> Result<Value, Finding> {
    let fault = |line, problem: String, remedy: &str| Finding {
        severity: Severity::Fault,
        line,
        path: VARIABLE.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let Some(variable) = environment.variable(VARIABLE) else {
        let remedy = match environment.name() {
            Some(name) => {
                format!("environments do not inherit variables: write [env.{name}.vars.{VARIABLE}]")
            }
            None => format!("write [vars.{VARIABLE}]"),
        };
        return Err(fault(environment.line(), "there is no policy".to_owned(), &remedy));
    };
    match variable.value {
        Value::String(text) => serde_json::from_str(text).map_err(|error| {
            fault(
                variable.line,
                format!("this text is not JSON: {error}"),
                "write the policy as a table, or as one JSON object in a string",
            )
        }),
        other => Ok(other.clone()),
    }
}

/// The line in wrangler.toml that a path in the policy leads to.
pub fn line(environment: &Environment<'_>, path: &str) -> Option<usize> {
    environment.variable_line(&format!("/{VARIABLE}{}", pointer(path)))
}
