//! Header names: their syntax, the spellings that servers confuse, and the names with a meaning of
//! their own.

/// The header that marks a request which the gate has sent into its own zone. A request that
/// already has it is going in a circle.
pub const HOP_HEADER: &str = "X-Portcullis-Hop";

/// What the gate does with a header that has a meaning of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treatment {
    /// It tells a server to treat the request as a different one, or speaks for a proxy: the gate
    /// removes it from every incoming request. Some of these the gate then sets itself.
    Removed,
    /// It has a meaning in HTTP: it passes as it came, and no policy may write it.
    Reserved,
}

/// Every header with a meaning of its own, by its folded name.
const HEADERS: [(&str, Treatment); 26] = [
    ("accept-encoding", Treatment::Reserved),
    ("authorization", Treatment::Reserved),
    ("connection", Treatment::Reserved),
    ("content-encoding", Treatment::Reserved),
    ("content-length", Treatment::Reserved),
    ("content-type", Treatment::Reserved),
    ("cookie", Treatment::Reserved),
    ("expect", Treatment::Reserved),
    ("forwarded", Treatment::Removed),
    ("host", Treatment::Reserved),
    ("keep-alive", Treatment::Reserved),
    ("origin", Treatment::Reserved),
    ("proxy-authorization", Treatment::Removed),
    ("te", Treatment::Reserved),
    ("trailer", Treatment::Reserved),
    ("transfer-encoding", Treatment::Reserved),
    ("upgrade", Treatment::Reserved),
    ("x-forwarded-host", Treatment::Removed),
    ("x-forwarded-proto", Treatment::Removed),
    ("x-forwarded-uri", Treatment::Removed),
    ("x-http-method", Treatment::Removed),
    ("x-http-method-override", Treatment::Removed),
    ("x-method-override", Treatment::Removed),
    ("x-original-url", Treatment::Removed),
    ("x-portcullis-hop", Treatment::Removed),
    ("x-rewrite-url", Treatment::Removed),
];

/// The folded names of the headers that the gate removes from every incoming request.
pub(crate) fn never_forwarded() -> impl Iterator<Item = &'static str> {
    HEADERS.into_iter().filter(|(_, treatment)| *treatment == Treatment::Removed).map(|row| row.0)
}

/// Whether a header has a meaning of its own in HTTP or for the gate, in any spelling. A policy may
/// neither write a claim to it nor read a token from it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let name = folded(name);
    HEADERS.iter().any(|(header, _)| *header == name)
}

/// Returns the name in lower case, with `-` for `_` and `.`. Names that a server may treat alike
/// become equal this way (CVE-2025-64484).
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// Whether a policy may name a header so: letters, digits, `-` and `_`, a subset of an RFC 9110
/// section 5.6.2 token that every server reads alike.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whether a character may stand in an RFC 9110 section 5.6.2 token.
#[must_use]
pub const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'!' | b'#'
            | b'$'
            | b'%'
            | b'&'
            | b'\''
            | b'*'
            | b'+'
            | b'-'
            | b'.'
            | b'^'
            | b'_'
            | b'`'
            | b'|'
            | b'~'
    ) || byte.is_ascii_alphanumeric()
}
