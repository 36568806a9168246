//! The kernels against the crates that they stand in for: on random input, at every bound that their
//! documentation argues with, and where one of them cannot be trusted.
//!
//! How many random cases a test takes is [`KERNEL_CASES`] times its weight; `KERNEL_SEED` makes a run another
//! one. A failure names the case's own seed.

mod p256;
mod rsa;

use portcullis::alg::Algorithm;
use portcullis::keys::Key;
use portcullis::signature::kernels::{Implementation, is_valid_by};
use std::env;

/// Cases of weight one, for a build without optimisation.
const KERNEL_CASES: u64 = 24;

/// Calls the check on as many seeds as are asked for.
fn each_seed(weight: u64, mut check: impl FnMut(u64)) {
    let number =
        |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("KERNEL_CASES").unwrap_or(KERNEL_CASES) * weight;
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
