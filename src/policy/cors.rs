//! Compiles `cors`.

use super::fault::Faults;
use super::reader::{Faulty, Table};
use crate::cors::Cors;
use crate::extract::TokenSource;
use crate::headers;
use crate::possession::Settings;
use crate::url::Url;

/// Compiles `cors`. `sources` are the places where the gate looks for tokens. If it accepts
/// sender-constrained tokens, pages may send proofs and read nonces.
#[cold]
#[inline(never)]
pub(super) fn compile(
    policy: &Table<'_>,
    sources: &[TokenSource],
    possession: &Settings,
    faults: &mut Faults,
) -> Result<Option<Cors>, Faulty> {
    let known = [
        "allow_origins",
        "allow_headers",
        "allow_credentials",
        "max_age",
        "responses",
        "expose_headers",
    ];
    let Some(table) = policy.table("cors", &known, faults)? else { return Ok(None) };
    let by_cookie = sources.iter().any(TokenSource::is_ambient);
    let credentials = table.flag("allow_credentials", faults);
    let credentials = credentials.map(|set| by_cookie || set.unwrap_or(false));
    let origins = compile_origins(&table, by_cookie, matches!(credentials, Ok(true)), faults);
    let headers = compile_headers(&table, "allow_headers", faults);
    let responses = table.flag("responses", faults);
    let exposed = compile_headers(&table, "expose_headers", faults);
    if matches!(responses, Ok(None)) && table.has("expose_headers") {
        faults.fault(
            table.at("expose_headers"),
            "it has no effect without responses = true",
            "set responses = true, or remove it",
        );
    }
    let max_age = table.seconds("max_age", 0..=86_400, faults);
    let (mut headers, mut exposed) = (headers?, exposed?.unwrap_or_default());
    let add = |names: &mut Vec<String>, name: &str| {
        if !names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
            names.push(name.to_owned());
        }
    };
    if possession.is_used {
        headers.iter_mut().for_each(|names| add(names, "DPoP"));
    }
    let has_nonces = possession.is_used && possession.dpop.nonces.is_some();
    if has_nonces {
        add(&mut exposed, "DPoP-Nonce");
    }
    Ok(Some(Cors {
        allow_origins: origins?,
        allow_headers: headers,
        max_age: max_age?,
        credentials: credentials?,
        responses: responses?.unwrap_or(false),
        expose_headers: exposed,
        exposes_nonces: has_nonces,
    }))
}

fn compile_origins(
    table: &Table<'_>,
    by_cookie: bool,
    credentials: bool,
    faults: &mut Faults,
) -> Result<Vec<String>, Faulty> {
    let found = table.texts("allow_origins", false, faults);
    let remedy = "write a list such as [\"https://app.example.com\"]";
    let origins = table.require("allow_origins", found, remedy, faults)?;
    let mut outcome = Ok(());
    for (index, origin) in origins.iter().enumerate() {
        let problem = match *origin {
            "*" if by_cookie => "every page on the web could send requests with the token's cookie",
            "*" if credentials => "browsers reject \"*\" together with credentials",
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

/// Domains below which anyone can have a site of their own.
const SHARED_DOMAINS: [&str; 22] = [
    "amazonaws.com",
    "azurestaticapps.net",
    "azurewebsites.net",
    "cloudfront.net",
    "deno.dev",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "railway.app",
    "surge.sh",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "webflow.io",
    "workers.dev",
];

/// Schemes whose origins browsers serialize as `null`, or that are not those of an application.
const NOT_OF_APPLICATIONS: [&str; 9] =
    ["about", "blob", "data", "file", "ftp", "javascript", "view-source", "ws", "wss"];

/// Returns why a text is not an origin as browsers serialize it (RFC 6454 section 6.2), or `None`
/// if it is one. The first label of its host may be `*`.
fn origin_fault(text: &str) -> Option<&'static str> {
    if let Some(rest) = text.strip_prefix("https://*.") {
        let domain = rest.split(':').next().unwrap_or_default();
        return if !domain.contains('.') {
            Some("it would allow the sites of everyone below this top-level domain")
        } else if SHARED_DOMAINS.contains(&domain) {
            Some("anyone can have a site below this domain")
        } else {
            origin_fault(&format!("https://label.{rest}"))
        };
    }
    if text.contains('*') {
        return Some(
            "a * can only stand for the first label of an https host, as in https://*.example.com",
        );
    }
    match text.split_once("://") {
        Some((scheme, host)) if !matches!(scheme, "http" | "https") => {
            return application_fault(scheme, host);
        }
        Some(_) | None => {}
    }
    match Url::parse(text) {
        Err(problem) => Some(problem),
        Ok(url) if !url.rest.is_empty() => Some("an origin has no path and no final slash"),
        Ok(url) if url.base != text => Some("browsers write origins in lower case"),
        Ok(url) if implied_port(&url.base) => Some("browsers omit the scheme's default port"),
        Ok(_) => None,
    }
}

/// Returns why a text is not the origin of an application shell or a browser extension, such as
/// `capacitor://localhost`.
fn application_fault(scheme: &str, host: &str) -> Option<&'static str> {
    let plain = |text: &str, more: &[u8]| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || more.contains(&byte);
        !text.is_empty() && text.bytes().all(is_plain)
    };
    if NOT_OF_APPLICATIONS.contains(&scheme) {
        Some("pages of this scheme have no origin of their own")
    } else if plain(scheme, b"+-.") && plain(host, b"-._") {
        None
    } else {
        Some("browsers write a scheme and a host in lower case, without a path")
    }
}

fn implied_port(base: &str) -> bool {
    (base.starts_with("https:") && base.ends_with(":443"))
        || (base.starts_with("http:") && base.ends_with(":80"))
}

fn compile_headers(
    table: &Table<'_>,
    key: &str,
    faults: &mut Faults,
) -> Result<Option<Vec<String>>, Faulty> {
    let Some(names) = table.texts(key, false, faults)? else { return Ok(None) };
    let mut outcome = Ok(());
    for (index, name) in names.iter().enumerate() {
        if !headers::is_name(name) {
            faults.fault(
                format!("{}[{index}]", table.at(key)),
                "not a header name",
                "write names such as Authorization and Content-Type, or remove the key",
            );
            outcome = Err(Faulty);
        }
    }
    outcome.map(|()| Some(names.into_iter().map(str::to_owned).collect()))
}
