//! Compiles `token`: where the gate looks for tokens.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::extract::TokenSource;
use crate::headers::{self, folded, is_token_byte};
use crate::outgoing::Forwarding;
use serde_json::Value;

const REMEDY: &str = "write \"authorization\", \"websocket-protocol\", \
                      { cookie = \"__Host-token\" }, { header = \"Cf-Access-Jwt-Assertion\" } \
                      or { query = \"access_token\" }";

/// Compiles `token`. `forwarding` is `None` if `forward` has faults of its own.
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
            Ok(source) if sources.contains(&source) => {
                faults.fault(path, "the source is listed twice", "remove one of them");
                outcome = Err(Faulty);
            }
            Ok(source) => sources.push(source),
            Err(faulty) => outcome = Err(faulty),
        }
    }
    outcome.ok().map(|()| sources)
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
    let kinds = ["cookie", "header", "query"];
    let table = Table::open(item, path.to_owned(), &kinds, faults).ok_or(Faulty)?;
    let named: Vec<_> = kinds.into_iter().filter(|kind| table.has(kind)).collect();
    let &[kind] = named.as_slice() else {
        faults.fault(path, "a source is exactly one cookie, header or query parameter", REMEDY);
        return Err(Faulty);
    };
    let name = table.text(kind, faults)?.unwrap_or_default();
    let path = table.at(kind);
    let fault = match kind {
        "cookie" => cookie_fault(name),
        "header" => header_fault(name, forwarding),
        _ => query_fault(name),
    };
    if let Some((problem, remedy)) = fault {
        faults.fault(path, problem, remedy);
        return Err(Faulty);
    }
    if kind == "cookie" && !name.starts_with("__Host-") {
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
        "header" => TokenSource::Header(name),
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
