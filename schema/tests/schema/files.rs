//! Compares the committed files with what the schema generates. With `UPDATE=1`, writes them
//! instead.

use policy_schema::{policy_schema, policy_test_schema, reference, types, wrangler_schema};
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
fn the_committed_files_are_up_to_date() {
    check("policy.schema.json", &format!("{:#}\n", policy_schema()));
    check("policy-test.schema.json", &format!("{:#}\n", policy_test_schema()));
    check("wrangler.schema.json", &format!("{:#}\n", wrangler_schema()));
    check("docs/reference.md", &reference());
    check("policy.d.ts", &types());
}
