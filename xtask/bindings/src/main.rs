//! Generates the JavaScript that calls a WebAssembly module.
//!
//! `xtask-bindings USE MODULE NAME FOLDER` writes `NAME.js` and `NAME_bg.wasm` into the folder.
//! `USE` is what the module is for: `worker`, `web` or `node`.

use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::path::Path;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let [purpose, module, name, folder] = arguments.as_slice() else {
        bail!("usage: xtask-bindings worker|web|node MODULE NAME FOLDER");
    };
    let name = name.to_str().context("NAME is not UTF-8")?;
    let mut bindings = Bindgen::new();
    match purpose.to_str() {
        // After a trap, the generated code replaces the module's instance before the next call.
        Some("worker") => {
            bindings.module(true)?.reset_state_function(true).force_enable_abort_handler(true)
        }
        // The page loads the script without saying where its module is.
        Some("web") => bindings.web(true)?.omit_default_module_path(false),
        Some("node") => bindings.nodejs(true)?,
        _ => bail!("{} is none of worker, web and node", purpose.display()),
    };
    let module = Path::new(module);
    bindings
        .input_path(module)
        .out_name(name)
        .typescript(false)
        .generate(folder)
        .with_context(|| format!("no JavaScript was generated for {}", module.display()))
}
