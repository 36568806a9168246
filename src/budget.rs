//! The limits on everything that a request can make the gate do, each with its reason.

/// Bytes of a token. Access tokens of the large providers stay under 4 KiB; the platform admits
/// 128 KiB of headers in all.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Nesting of arrays and objects in JSON. Real claims nest three or four levels deep. A parser that
/// recurses without a limit overflows its stack.
pub const JSON_DEPTH: usize = 32;

/// Bytes of a `kid`. Thumbprints have 43, certificate names some hundred.
pub const KEY_ID_BYTES: usize = 1024;

/// Keys tried for one token. More than one key fits only if keys share a `kid` or the token names
/// none, which happens during a key rotation. Each try costs a signature check.
pub const KEYS_TRIED: usize = 4;

/// Keys of one issuer: a set larger than this is a mistake or an attack on memory.
pub const KEYS_HELD: usize = 64;

/// Unknown keys that are remembered for one issuer. More would only use memory, because the
/// cooldown bounds the fetches anyway.
pub const ABSENT_KEYS: usize = 64;

/// Seconds for which a policy may let stale keys be used: a week of outage. A key that its issuer
/// withdraws in that time stays trusted for as long.
pub const STALE_IF_ERROR_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Entries of the revocation store that an isolate remembers, in each of two generations. An entry
/// takes about 200 bytes.
pub const REVOCATIONS: usize = 4096;

/// Seconds for which the gate may miss a revocation: a day.
pub const STALENESS_SECONDS: u32 = 24 * 60 * 60;

/// Identities that an isolate caches, in each of two generations.
pub const TOKENS_KEPT: usize = 4096;

/// The approximate bytes of the cached identities, in each of two generations. Together they are an
/// eighth of an isolate's 128 MB.
pub const TOKEN_BYTES_KEPT: usize = 8 * 1024 * 1024;

/// Tokens that an isolate remembers as verified once. The second use of such a token caches it.
pub const TOKENS_REMEMBERED: usize = 8192;

/// Secrets of one issuer. A rotation needs two, and a rotation that has to be repeated three.
pub const SECRETS_HELD: usize = 4;

/// Bits of an RSA modulus, at least: NIST SP 800-131A, RFC 7518 section 3.3.
pub const RSA_MINIMUM_BITS: usize = 2048;

/// Bits of an RSA modulus, at most. The time of a verification grows with its square.
pub const RSA_MAXIMUM_BITS: usize = 8192;

/// Seconds by which a policy may let clocks differ.
pub const LEEWAY_SECONDS: u32 = 300;

/// Bytes of a claim forwarded in a header. Servers commonly stop at 8 KiB a header line.
pub const FORWARDED_CLAIM_BYTES: usize = 8 * 1024;

/// Bytes of a policy variable: the platform's limit for one variable.
pub const POLICY_BYTES: usize = 5 * 1024;
