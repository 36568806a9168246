//! Limits on what a request can make the gate do, each with its reason.

/// The greatest size of a token in bytes. Access tokens of the large providers are smaller than
/// 4 KiB. Cloudflare accepts 128 KiB of headers in total.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// The greatest depth of nested arrays and objects in JSON. Claims in practice are three or four
/// levels deep. Without a limit, a recursive parser can overflow the stack.
pub const JSON_DEPTH: usize = 32;

/// The greatest size of a `kid` in bytes. Thumbprints have 43 bytes, names of certificates a few
/// hundred.
pub const KEY_ID_BYTES: usize = 1024;

/// The greatest number of keys that are tried for a token. More than one key matches only if keys
/// share a `kid`, or if the token or the keys have none, as during a rotation. Each try costs a
/// signature verification.
pub const KEYS_TRIED: usize = 4;

/// The greatest number of keys of an issuer. A larger set is a mistake or an attack on the memory.
pub const KEYS_HELD: usize = 64;

/// The greatest number of unknown key IDs that are remembered per issuer. More would only use
/// memory, because a minimum interval limits the fetches in any case.
pub const ABSENT_KEYS: usize = 64;

/// The greatest `stale_if_error` in seconds: enough for an outage of a week. A key that its issuer
/// withdraws during the outage is accepted for that long.
pub const STALE_IF_ERROR_SECONDS: u32 = 7 * 24 * 60 * 60;

/// The greatest number of revocation lookups that an isolate caches, in each of two generations.
/// Each takes about 200 bytes.
pub const REVOCATIONS: usize = 4096;

/// The greatest `max_staleness` of revocation lookups in seconds: a day.
pub const STALENESS_SECONDS: u32 = 24 * 60 * 60;

/// The greatest number of identities that an isolate caches, in each of two generations.
pub const TOKENS_KEPT: usize = 4096;

/// The approximate number of bytes of the cached identities, in each of two generations. Together
/// that is an eighth of an isolate's 128 MB.
pub const TOKEN_BYTES_KEPT: usize = 8 * 1024 * 1024;

/// The number of tokens that an isolate remembers as verified once. The second use of such a token
/// caches its identity.
pub const TOKENS_REMEMBERED: usize = 8192;

/// The greatest size of a response to an introspection in bytes.
pub const INTROSPECTION_BYTES: usize = 64 * 1024;

/// The greatest number of calls of an issuer's introspection endpoint that an isolate begins in one
/// second for tokens that it does not know, and the same number again for tokens that were active
/// before.
pub const INTROSPECTIONS_PER_SECOND: usize = 50;

/// The greatest number of calls of an issuer's introspection endpoint that an isolate has in
/// progress for tokens that it does not know, and the same number again for tokens that were active
/// before.
pub const INTROSPECTIONS_IN_FLIGHT: usize = 32;

/// The greatest number of rejected tokens that an isolate remembers for each issuer that it
/// introspects at. Each takes about 250 bytes.
pub const TOKENS_REJECTED: usize = 4096;

/// The greatest `cache` of introspection responses in seconds: an hour.
pub const INTROSPECTION_CACHE_SECONDS: u32 = 60 * 60;

/// The greatest size of a DPoP proof in bytes. One with an ES256 key has 700 bytes, one with an RSA
/// key of 4096 bits 2 KiB.
pub const PROOF_BYTES: usize = 4 * 1024;

/// The greatest size of a proof's `jti` in bytes. Clients use UUIDs and 96 random bits or more.
pub const PROOF_ID_BYTES: usize = 128;

/// The greatest number of keys of proofs that an isolate keeps imported, in each of two
/// generations. Each takes 10 KB with its table, so all together take 10 MB.
pub const PROOF_KEYS: usize = 512;

/// The greatest number of used proofs that an isolate remembers. Each takes about 50 bytes.
pub const PROOFS: usize = 65_536;

/// The greatest number of keys whose used proofs an isolate remembers.
pub const PROOF_OWNERS: usize = 4096;

/// The greatest number of secrets of an issuer. A rotation needs two, a repeated rotation three.
pub const SECRETS_HELD: usize = 4;

/// The smallest RSA modulus in bits (NIST SP 800-131A, RFC 7518 section 3.3).
pub const RSA_MINIMUM_BITS: usize = 2048;

/// The greatest RSA modulus in bits. The time of a verification grows with its square.
pub const RSA_MAXIMUM_BITS: usize = 8192;

/// The greatest `leeway` in seconds.
pub const LEEWAY_SECONDS: u32 = 300;

/// The greatest size of a forwarded claim in bytes. Many servers accept at most 8 KiB per header.
pub const FORWARDED_CLAIM_BYTES: usize = 8 * 1024;

/// The greatest size of a policy in bytes, which is Cloudflare's limit for a variable.
pub const POLICY_BYTES: usize = 5 * 1024;

/// The greatest size in bytes of a policy in a Worker's code, as JSON: thousands of routes. The
/// first request of an isolate waits for its compilation.
pub const GIVEN_POLICY_BYTES: usize = 256 * 1024;
