//! Compiles a policy. If it does not compile, every fault must have a problem and a remedy.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::json;
use portcullis::policy::{Bindings, Policy};
use serde_json::Value;

struct Given;

impl Bindings for Given {
    fn value(&self, name: &str) -> Option<Value> {
        (name == "SECRET").then(|| Value::from("0123456789abcdef0123456789abcdef"))
    }

    fn is_service(&self, name: &str) -> bool {
        name == "API"
    }

    fn is_kv_namespace(&self, name: &str) -> bool {
        name == "API"
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(raw) = json::parse(bytes) else { return };
    let compilation = Policy::compile(&raw, &Given);
    match compilation.outcome {
        Ok(policy) => assert!(!policy.routes().is_empty()),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(!fault.problem.is_empty() && !fault.remedy.is_empty(), "{fault}");
            }
        }
    }
});
