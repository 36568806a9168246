//! wrangler.toml as the gate's deployment: its environments, what holds in each, and what in them
//! would undo the gate.

pub(crate) mod bindings;
pub(crate) mod deployment;
pub(crate) mod dev_vars;
pub(crate) mod environment;
pub(crate) mod finding;
pub(crate) mod policy;
pub(crate) mod source;

pub(crate) use environment::Environment;
pub(crate) use finding::{Finding, Severity};
pub(crate) use source::Source;
