//! Compares the schema with the gate's compiler, and the committed files with the schema.

// The modules are `cfg(test)` so that clippy treats their helpers as test code.
#[cfg(test)]
mod compiler;
#[cfg(test)]
mod files;
