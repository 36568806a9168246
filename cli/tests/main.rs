//! The program `portcullis` itself, run as a script would run it.

// The modules are `cfg(test)` so that clippy takes helpers for what they are.
#[cfg(test)]
mod explain;
#[cfg(test)]
mod keygen;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod policy;
