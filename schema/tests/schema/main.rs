//! What is described against what the gate does, and what is committed against what is described.

// The modules are `cfg(test)` so that clippy takes helpers for what they are.
#[cfg(test)]
mod compiler;
#[cfg(test)]
mod files;
