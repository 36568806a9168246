//! What is committed is what would be written. `UPDATE=1` writes it.

use policy_schema::{policy_schema, reference, types, wrangler_schema};
use std::path::Path;
use std::{env, fs};

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if env::var_os("UPDATE").is_some() {
        fs::write(path, text).unwrap();
        return;
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed.replace("\r\n", "\n") == text,
        "{name} is out of date: UPDATE=1 cargo test --package policy-schema"
    );
}

#[test]
fn what_is_committed_is_what_would_be_written() {
    check("policy.schema.json", &format!("{:#}\n", policy_schema()));
    check("wrangler.schema.json", &format!("{:#}\n", wrangler_schema()));
    check("docs/reference.md", &reference());
    check("policy.d.ts", &types());
}
