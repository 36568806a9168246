//! Compiles `cors`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::cors::Cors;
use crate::extract::TokenSource;
use crate::headers;
use crate::url::Url;

/// Compiles `cors`. `sources` are the places where the gate looks for tokens.
pub(super) fn compile(
    policy: &Table<'_>,
    sources: &[TokenSource],
    faults: &mut Faults,
) -> Result<Option<Cors>, Faulty> {
    let known = ["allow_origins", "allow_headers", "max_age"];
    let Some(table) = policy.table("cors", &known, faults)? else { return Ok(None) };
    let by_cookie = sources.iter().any(TokenSource::is_ambient);
    let origins = compile_origins(&table, by_cookie, faults);
    let headers = compile_headers(&table, faults);
    let max_age = table.seconds("max_age", 0..=86_400, faults);
    Ok(Some(Cors {
        allow_origins: origins?,
        allow_headers: headers?,
        max_age: max_age?,
        credentials: by_cookie,
    }))
}

fn compile_origins(
    table: &Table<'_>,
    by_cookie: bool,
    faults: &mut Faults,
) -> Result<Vec<String>, Faulty> {
    let found = table.texts("allow_origins", false, faults);
    let remedy = "write a list such as [\"https://app.example.com\"]";
    let origins = table.require("allow_origins", found, remedy, faults)?;
    let mut outcome = Ok(());
    for (index, origin) in origins.iter().enumerate() {
        let problem = match *origin {
            "*" if by_cookie => "every page on the web could send requests with the token's cookie",
            "*" if origins.len() > 1 => {
                "\"*\" allows every origin, so the other origins have no effect"
            }
            "*" => continue,
            "null" => "every sandboxed page has this origin",
            origin => match origin_fault(origin) {
                Some(problem) => problem,
                None => continue,
            },
        };
        let remedy = "write an origin as browsers do, such as https://app.example.com";
        faults.fault(format!("{}[{index}]", table.at("allow_origins")), problem, remedy);
        outcome = Err(Faulty);
    }
    outcome.map(|()| origins.into_iter().map(str::to_owned).collect())
}

/// Returns why a text is not an origin as browsers serialize it (RFC 6454 section 6.2), or `None`
/// if it is one.
fn origin_fault(text: &str) -> Option<&'static str> {
    if text.contains('*') {
        return Some(
            "patterns are not supported, because a forgotten dot would allow another site",
        );
    }
    match Url::parse(text) {
        Err(problem) => Some(problem),
        Ok(url) if !url.rest.is_empty() => Some("an origin has no path and no final slash"),
        Ok(url) if url.base != text => Some("browsers write origins in lower case"),
        Ok(url) if implied_port(&url.base) => Some("browsers omit the scheme's default port"),
        Ok(_) => None,
    }
}

fn implied_port(base: &str) -> bool {
    (base.starts_with("https:") && base.ends_with(":443"))
        || (base.starts_with("http:") && base.ends_with(":80"))
}

fn compile_headers(table: &Table<'_>, faults: &mut Faults) -> Result<Option<Vec<String>>, Faulty> {
    let Some(names) = table.texts("allow_headers", false, faults)? else { return Ok(None) };
    let mut outcome = Ok(());
    for (index, name) in names.iter().enumerate() {
        if !headers::is_name(name) {
            faults.fault(
                format!("{}[{index}]", table.at("allow_headers")),
                "not a header name",
                "write names such as Authorization and Content-Type, or remove the key",
            );
            outcome = Err(Faulty);
        }
    }
    outcome.map(|()| Some(names.into_iter().map(str::to_owned).collect()))
}
