//! The raw policy of an environment.

use super::file::pointer;
use super::{Environment, Finding, Severity};
use portcullis::json;
use serde_json::Value;

/// The variable that holds the policy.
pub const VARIABLE: &str = "POLICY";

/// The variable that holds the candidate policy, which runs in shadow mode.
pub const CANDIDATE: &str = "POLICY_CANDIDATE";

/// What to write instead of a variable that is not a policy.
pub(crate) const REMEDY: &str = "write the policy as a table, or as one JSON object in a string";

/// Returns the policy of an environment, which is a table or JSON text.
///
/// # Errors
///
/// A fault if there is no policy, or if its text is not JSON.
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
            None => {
                format!("write [vars.{VARIABLE}], or check a policy in code with --policy FILE")
            }
        };
        return Err(fault(environment.line(), "there is no policy".to_owned(), &remedy));
    };
    parse(variable.value).map_err(|problem| fault(variable.line, problem, REMEDY))
}

/// Reads the value of a variable as a policy: a table, or JSON text, which is parsed as strictly as
/// the Worker does.
///
/// # Errors
///
/// The problem in words. [`REMEDY`] is what to write instead.
pub(crate) fn parse(value: &Value) -> Result<Value, String> {
    let Value::String(text) = value else { return Ok(value.clone()) };
    json::parse(text.as_bytes()).map_err(|_| match serde_json::from_str::<Value>(text) {
        // This parser knows where the text is malformed.
        Err(error) => format!("this text is not JSON: {error}"),
        Ok(_) => "this text is not strict JSON: an object has a name twice, or it is nested too \
                  deeply"
            .to_owned(),
    })
}

/// The line of a path in the policy.
pub fn line(environment: &Environment<'_>, path: &str) -> Option<usize> {
    environment.variable_line(&format!("/{VARIABLE}{}", pointer(path)))
}
