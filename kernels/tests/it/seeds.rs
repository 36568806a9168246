//! Seeds for random cases.

use std::env;

/// The number of cases that a build without optimization checks in a second or two.
const CASES: u64 = 50;

/// Calls the check with as many seeds as `KERNEL_CASES` says, times a factor for quick checks.
pub(crate) fn for_each_seed(factor: u64, mut check: impl FnMut(u64)) {
    let number =
        |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let cases = number("KERNEL_CASES").unwrap_or(CASES) * factor;
    let mut seeds = fastrand::Rng::with_seed(number("KERNEL_SEED").unwrap_or(0x5eed));
    for _ in 0..cases {
        check(seeds.u64(..));
    }
}
