//! A bound for everything that a request can make the gate do, each with its reason.

/// Bytes of a token. Access tokens of the large providers stay under 4 KiB; the platform admits
/// 128 KiB of headers in all.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Nesting of arrays and objects in JSON. Claims in use nest three or four deep; a parser that
/// recurses without a bound dies on its stack.
pub const JSON_DEPTH: usize = 32;

/// Bytes of a `kid`. Thumbprints have 43, certificate names some hundred.
pub const KEY_ID_BYTES: usize = 1024;

/// Keys tried for one token. More than one fits only where keys share a `kid` or the token names
/// none, which happens while keys rotate; each try costs a signature check.
pub const KEYS_TRIED: usize = 4;

/// Keys of one issuer: a set larger than this is a mistake or an attack on memory.
pub const KEYS_HELD: usize = 64;

/// Keys that were looked for in vain and are remembered, of one issuer: more only fill memory, as a
/// cooldown bounds the fetches anyway.
pub const ABSENT_KEYS: usize = 64;

/// Seconds for which a policy may keep fetched keys past their freshness: a week of outage. A key
/// that its issuer withdraws meanwhile is trusted for as long.
pub const STALE_IF_ERROR_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Answers of the revocation store that an isolate remembers, in each of two generations: some 200
/// bytes each.
pub const REVOCATIONS: usize = 4096;

/// Seconds for which a revocation may go unnoticed by our doing: a day.
pub const STALENESS_SECONDS: u32 = 24 * 60 * 60;

/// Verified tokens that an isolate keeps, in each of two generations.
pub const TOKENS_KEPT: usize = 4096;

/// Bytes that they may take, in each of two generations, roughly: together an eighth of an
/// isolate's 128 MB.
pub const TOKEN_BYTES_KEPT: usize = 8 * 1024 * 1024;

/// Tokens that an isolate remembers to have verified once, so that it keeps them at the second
/// time.
pub const TOKENS_REMEMBERED: usize = 8192;

/// Secrets of one issuer: rotation needs two, a botched one three.
pub const SECRETS_HELD: usize = 4;

/// Bits of an RSA modulus, at least: NIST SP 800-131A, RFC 7518 section 3.3.
pub const RSA_MINIMUM_BITS: usize = 2048;

/// Bits of an RSA modulus, at most: the public operation takes time in the square of this.
pub const RSA_MAXIMUM_BITS: usize = 8192;

/// Seconds of leeway that a policy may grant to clocks that differ.
pub const LEEWAY_SECONDS: u32 = 300;

/// Bytes of a claim forwarded in a header. Servers commonly stop at 8 KiB a header line.
pub const FORWARDED_CLAIM_BYTES: usize = 8 * 1024;

/// Bytes of a policy variable: the platform's limit for one variable.
pub const POLICY_BYTES: usize = 5 * 1024;
