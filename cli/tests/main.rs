//! Tests of the program `portcullis`, which they run as scripts do.

#![expect(clippy::disallowed_methods, reason = "the tests use the system themselves")]

// The modules are `cfg(test)` so that clippy applies its exceptions for tests to the helpers too.
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod dev_vars;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod dpop;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod init;
#[cfg(test)]
mod keygen;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod mint;
#[cfg(test)]
mod policy;
#[cfg(test)]
mod policy_test;
