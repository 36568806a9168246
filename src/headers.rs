//! Header names: their syntax, the spellings that servers confuse, and the names with a meaning of
//! their own.

use std::borrow::Cow;

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

/// Every header with a meaning of its own, by its folded name. Those that are removed are the
/// forwarding headers that Apache, ASP.NET Core, Django, Envoy, gunicorn, ingress-nginx, Rack,
/// Spring, Symfony, Traefik and Azure's gateways read. Cloudflare sets `X-Forwarded-For` and
/// `X-Real-IP` itself, so they pass.
const HEADERS: [(&str, Treatment); 49] = [
    ("accept-encoding", Treatment::Reserved),
    ("authorization", Treatment::Reserved),
    ("connection", Treatment::Reserved),
    ("content-encoding", Treatment::Reserved),
    ("content-length", Treatment::Reserved),
    ("content-type", Treatment::Reserved),
    ("cookie", Treatment::Reserved),
    ("dpop", Treatment::Reserved),
    ("expect", Treatment::Reserved),
    ("forwarded", Treatment::Removed),
    ("front-end-https", Treatment::Removed),
    ("host", Treatment::Reserved),
    ("keep-alive", Treatment::Reserved),
    ("origin", Treatment::Reserved),
    ("proxy-authorization", Treatment::Removed),
    ("te", Treatment::Reserved),
    ("trailer", Treatment::Reserved),
    ("transfer-encoding", Treatment::Reserved),
    ("upgrade", Treatment::Reserved),
    ("x-envoy-original-host", Treatment::Removed),
    ("x-envoy-original-path", Treatment::Removed),
    ("x-forwarded-base", Treatment::Removed),
    ("x-forwarded-host", Treatment::Removed),
    ("x-forwarded-method", Treatment::Removed),
    ("x-forwarded-path", Treatment::Removed),
    ("x-forwarded-port", Treatment::Removed),
    ("x-forwarded-prefix", Treatment::Removed),
    ("x-forwarded-proto", Treatment::Removed),
    ("x-forwarded-protocol", Treatment::Removed),
    ("x-forwarded-scheme", Treatment::Removed),
    ("x-forwarded-server", Treatment::Removed),
    ("x-forwarded-ssl", Treatment::Removed),
    ("x-forwarded-uri", Treatment::Removed),
    ("x-host", Treatment::Removed),
    ("x-http-host-override", Treatment::Removed),
    ("x-http-method", Treatment::Removed),
    ("x-http-method-override", Treatment::Removed),
    ("x-method-override", Treatment::Removed),
    ("x-original-host", Treatment::Removed),
    ("x-original-method", Treatment::Removed),
    ("x-original-prefix", Treatment::Removed),
    ("x-original-proto", Treatment::Removed),
    ("x-original-uri", Treatment::Removed),
    ("x-original-url", Treatment::Removed),
    ("x-portcullis-hop", Treatment::Removed),
    ("x-rewrite-url", Treatment::Removed),
    ("x-scheme", Treatment::Removed),
    ("x-script-name", Treatment::Removed),
    ("x-url-scheme", Treatment::Removed),
];

/// The folded names of the headers that the gate removes from every incoming request.
pub(crate) fn never_forwarded() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().filter(|(_, treatment)| *treatment == Treatment::Removed).map(|row| row.0)
}

/// Whether a header has a meaning of its own in HTTP or for the gate, in any spelling. A policy may
/// neither write a claim to it nor read a token from it.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let name = folded(name);
    HEADERS.iter().any(|(header, _)| *header == name)
}

/// Whether a server may take a header for `Authorization`.
#[must_use]
pub(crate) fn is_authorization(name: &str) -> bool {
    folded(name) == "authorization"
}

/// Returns the name in lower case, with `-` for every character that is not a letter or a digit.
/// Names that a server may treat alike become equal this way: a CGI variable has `_` for each of
/// these characters (RFC 3875 section 4.1.18, CVE-2025-64484).
#[must_use]
pub fn folded(name: &str) -> Cow<'_, str> {
    // The runtime delivers names in lower case, so most names are folded already.
    if portcullis_text::is_folded(name) {
        return Cow::Borrowed(name);
    }
    let fold = |letter: char| match letter {
        'a'..='z' | '0'..='9' => letter,
        'A'..='Z' => letter.to_ascii_lowercase(),
        _ => '-',
    };
    name.chars().map(fold).collect()
}

/// The beginnings of the names of headers with which proxies pass on the certificate of a client,
/// after folding: RFC 9440, Apache, AWS, Azure, Cloudflare, Envoy, HAProxy, ingress-nginx, Traefik.
const OF_CERTIFICATES: [&str; 12] = [
    "cf-cert-",
    "cf-client-",
    "client-cert",
    "ssl-client-",
    "x-amzn-mtls-",
    "x-arr-clientcert",
    "x-client-cert",
    "x-forwarded-client-cert",
    "x-forwarded-tls-client-",
    "x-ssl",
    "x-tls-client-",
    "x-client-verify",
];

/// Whether a header with this folded name claims to say something about the client's certificate.
#[must_use]
pub(crate) fn is_of_certificate(folded: &str) -> bool {
    OF_CERTIFICATES.iter().any(|beginning| folded.starts_with(beginning))
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
