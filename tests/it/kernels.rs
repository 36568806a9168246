//! The kernels against the crates that they stand in for: on random input, at every bound that their
//! documentation argues with, and where one of them cannot be trusted.
//!
//! The variable `KERNEL_CASES` says how many random cases of each kind there are, and `KERNEL_SEED` makes a
//! run another one: `cargo xtask soak` sets both. A failure names the case's own seed.

mod ed25519;
mod p256;
mod rsa;

use portcullis::alg::Algorithm;
use portcullis::keys::Key;
use portcullis::signature::kernels::{Implementation, is_valid_by};
use std::env;

/// As many as a build without optimisation does in a second or two.
const KERNEL_CASES: u64 = 50;

/// Calls the check on as many seeds as are asked for, times a factor for what is quickly done.
fn each_seed(factor: u64, mut check: impl FnMut(u64)) {
    let number =
        |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("KERNEL_CASES").unwrap_or(KERNEL_CASES) * factor;
    let mut seeds = fastrand::Rng::with_seed(number("KERNEL_SEED").unwrap_or(0x5eed));
    for _ in 0..cases {
        check(seeds.u64(..));
    }
}

/// What the kernel says, and then what the crate says.
fn verdicts(algorithm: Algorithm, key: &Key, message: &[u8], signature: &[u8]) -> [bool; 2] {
    [Implementation::Kernel, Implementation::Crate].map(|implementation| {
        is_valid_by(implementation, algorithm, key, message, signature)
            .expect("there is a kernel for the algorithm")
    })
}
