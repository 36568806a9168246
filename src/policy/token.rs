//! Compiles `token`: where the gate looks for tokens.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::extract::TokenSource;
use crate::headers::{self, folded, is_token_byte};
use crate::outgoing::Forwarding;
use serde_json::Value;

const REMEDY: &str = "write \"authorization\", \"websocket-protocol\", \
                      { cookie = \"__Host-token\" }, { header = \"Cf-Access-Jwt-Assertion\" }, \
                      { query = \"access_token\" }, { scheme = \"JWT\" }, \
                      { bearer_cookie = \"__Host-token\" } or { subprotocol = \"PREFIX.\" }";

/// The keys that name a source.
const KINDS: [&str; 6] = ["cookie", "header", "query", "scheme", "bearer_cookie", "subprotocol"];

/// Schemes whose credentials are something other than a bearer token.
const OTHER_SCHEMES: [&str; 8] =
    ["basic", "digest", "dpop", "gnap", "hoba", "mutual", "negotiate", "signature"];

/// Compiles `token`. `forwarding` is `None` if `forward` has faults of its own.
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    forwarding: Option<&Forwarding>,
    faults: &mut Faults,
) -> Option<Vec<TokenSource>> {
    let default = || Some(vec![TokenSource::Authorization]);
    let Some(table) = policy.table("token", &["sources"], faults).ok()? else { return default() };
    let path = table.at("sources");
    let items = match table.get("sources") {
        None => return default(),
        Some(Value::Array(items)) if !items.is_empty() => items,
        Some(_) => {
            faults.fault(path, "not a list of sources, or an empty list", REMEDY);
            return None;
        }
    };
    let mut sources = Vec::new();
    let mut outcome = Ok(());
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match compile_source(item, &path, forwarding, faults) {
            Ok(source) if sources.iter().any(|other| is_same(other, &source)) => {
                faults.fault(path, "the source is listed twice", "remove one of them");
                outcome = Err(Faulty);
            }
            Ok(source) => sources.push(source),
            Err(faulty) => outcome = Err(faulty),
        }
    }
    outcome.ok().map(|()| sources)
}

/// Adds `Authorization: DPoP`, which is read wherever `Authorization: Bearer` is (RFC 9449 section
/// 7.1).
pub(super) fn add_dpop(sources: &mut Vec<TokenSource>) {
    let bearer = sources.iter().position(|source| *source == TokenSource::Authorization);
    if let Some(index) = bearer {
        sources.insert(index.saturating_add(1), TokenSource::Dpop);
    }
}

/// Whether two sources are the same. Names of schemes and headers are compared in any case.
fn is_same(one: &TokenSource, other: &TokenSource) -> bool {
    match (one, other) {
        (TokenSource::Scheme(one), TokenSource::Scheme(other))
        | (TokenSource::Header(one), TokenSource::Header(other)) => one.eq_ignore_ascii_case(other),
        (TokenSource::Cookie(one), TokenSource::BearerCookie(other))
        | (TokenSource::BearerCookie(one), TokenSource::Cookie(other)) => one == other,
        (one, other) => one == other,
    }
}

fn compile_source(
    item: &Value,
    path: &str,
    forwarding: Option<&Forwarding>,
    faults: &mut Faults,
) -> Result<TokenSource, Faulty> {
    match item {
        Value::String(word) if word == "authorization" => return Ok(TokenSource::Authorization),
        Value::String(word) if word == "websocket-protocol" => {
            return Ok(TokenSource::WebSocketProtocol);
        }
        Value::Object(_) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            faults.fault(path, "not a source of tokens", REMEDY);
            return Err(Faulty);
        }
    }
    let table = Table::open(item, path.to_owned(), &KINDS, faults).ok_or(Faulty)?;
    let named: Vec<_> = KINDS.into_iter().filter(|kind| table.has(kind)).collect();
    let &[kind] = named.as_slice() else {
        faults.fault(path, "a source is exactly one place", REMEDY);
        return Err(Faulty);
    };
    let name = table.text(kind, faults)?.unwrap_or_default();
    let path = table.at(kind);
    let fault = match kind {
        "cookie" | "bearer_cookie" => cookie_fault(name),
        "header" => header_fault(name, forwarding),
        "scheme" => scheme_fault(name),
        "subprotocol" => subprotocol_fault(name),
        _ => query_fault(name),
    };
    if let Some((problem, remedy)) = fault {
        faults.fault(path, problem, remedy);
        return Err(Faulty);
    }
    if matches!(kind, "cookie" | "bearer_cookie") && !name.starts_with("__Host-") {
        faults.warning(
            path,
            "pages on other subdomains can set this cookie and so sign the user in as somebody \
             else",
            "use the prefix __Host-: browsers do not let other subdomains set such a cookie",
        );
    }
    if kind == "query" {
        faults.warning(
            table.at(kind),
            "a token in a URL is kept in browser histories and in the logs of servers in front of \
             the gate",
            "use it only if the client cannot send the token elsewhere, and with short-lived \
             tokens",
        );
    }
    let name = name.to_owned();
    Ok(match kind {
        "cookie" => TokenSource::Cookie(name),
        "bearer_cookie" => TokenSource::BearerCookie(name),
        "header" => TokenSource::Header(name),
        "scheme" => TokenSource::Scheme(name),
        "subprotocol" => TokenSource::Subprotocol(name),
        _ => TokenSource::Query(name),
    })
}

type NameFault = Option<(String, &'static str)>;

fn cookie_fault(name: &str) -> NameFault {
    (name.is_empty() || !name.bytes().all(is_token_byte)).then(|| {
        (
            "not a cookie name (RFC 6265 section 4.1.1)".to_owned(),
            "write a name such as __Host-token",
        )
    })
}

fn scheme_fault(name: &str) -> NameFault {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Some(("not the name of a scheme".to_owned(), "write a name such as JWT"));
    }
    let name = name.to_ascii_lowercase();
    if name == "bearer" {
        return Some(("Bearer is the usual scheme".to_owned(), "write \"authorization\""));
    }
    OTHER_SCHEMES.contains(&name.as_str()).then(|| {
        let problem = "credentials of this scheme are not bearer tokens".to_owned();
        (problem, "name the scheme that your clients send before a bearer token, such as JWT")
    })
}

fn subprotocol_fault(prefix: &str) -> NameFault {
    (prefix.is_empty() || !prefix.bytes().all(is_token_byte)).then(|| {
        (
            "not the beginning of a subprotocol (RFC 6455 section 4.1)".to_owned(),
            "write what is before the token, such as base64url.bearer.authorization.k8s.io.",
        )
    })
}

fn query_fault(name: &str) -> NameFault {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (name.is_empty() || !name.bytes().all(plain)).then(|| {
        ("not the name of a query parameter".to_owned(), "use letters, digits, hyphens and _")
    })
}

fn header_fault(name: &str, forwarding: Option<&Forwarding>) -> NameFault {
    if !headers::is_name(name) {
        return Some(("not a header name".to_owned(), "use letters, digits and hyphens"));
    }
    let reserved = match folded(name).as_ref() {
        "authorization" => Some("write \"authorization\""),
        "cookie" => Some("write { cookie = \"…\" } with the cookie's name"),
        "sec-websocket-protocol" => Some("write \"websocket-protocol\""),
        other if headers::is_reserved(other) => Some("name a header that contains nothing else"),
        _ => None,
    };
    if let Some(remedy) = reserved {
        return Some((format!("{name} is not a header that contains only a token"), remedy));
    }
    forwarding.is_some_and(|forwarding| forwarding.writes(name)).then(|| {
        (
            format!("the gate sets {name} itself and removes it from incoming requests"),
            "forward the claim in another header",
        )
    })
}
