//! The program `portcullis`. [`portcullis_cli`] implements its commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    portcullis_cli::main()
}
