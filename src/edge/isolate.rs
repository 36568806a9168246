//! What an isolate keeps between requests: the compiled policy.

use super::bindings::EnvBindings;
use super::log;
use crate::budget;
use crate::json;
use crate::policy::{Bindings as _, Fault, Policy};
use serde_json::Value;
use std::cell::OnceCell;
use std::rc::Rc;
use worker::Env;

thread_local! {
    /// Compiled at the first request; `None` for a policy with a fault. A deployment's bindings never
    /// change within an isolate.
    static POLICY: OnceCell<Option<Rc<Policy>>> = const { OnceCell::new() };
}

/// The policy, or nothing where it has a fault, which is then logged once.
pub(super) fn policy(env: &Env) -> Option<Rc<Policy>> {
    POLICY.with(|policy| policy.get_or_init(|| load(env)).clone())
}

fn load(env: &Env) -> Option<Rc<Policy>> {
    let compiled = raw_policy(env).map(|raw| Policy::compile(&raw, &EnvBindings(env)));
    match compiled {
        Err(fault) => {
            log::policy_fault(&fault);
            None
        }
        Ok(compilation) => {
            compilation.warnings.iter().for_each(log::policy_warning);
            match compilation.outcome {
                Ok(policy) => Some(Rc::new(policy)),
                Err(faults) => {
                    faults.iter().for_each(log::policy_fault);
                    None
                }
            }
        }
    }
}

/// The `POLICY` variable: a table, or the same as a JSON text.
fn raw_policy(env: &Env) -> Result<Value, Fault> {
    let fault = |problem: &str, remedy: &str| Fault {
        path: String::new(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    };
    match EnvBindings(env).value("POLICY") {
        None => Err(fault("there is no variable POLICY", "write it under [vars.POLICY]")),
        Some(Value::String(text)) if text.len() > budget::POLICY_BYTES => Err(fault(
            "the variable POLICY is over 5 KB, the platform's limit",
            "put key sets into bindings of their own",
        )),
        Some(Value::String(text)) => json::parse(text.as_bytes()).map_err(|_| {
            fault(
                "the variable POLICY is not JSON, or repeats a name",
                "write a table under [vars.POLICY], or the same as JSON",
            )
        }),
        Some(table) => Ok(table),
    }
}
