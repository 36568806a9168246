//! What is sent to the origin in an admitted request's name: URL and headers, as text.
//!
//! Identity headers belong to the gate. Every header that the policy writes is removed from every
//! incoming request, public routes included, in every spelling that a server may take for it: case,
//! `_` and `.` in place of `-` (CVE-2025-64484). Then the gate writes its own.

use crate::admitted::Admitted;
use crate::budget;
use crate::claims::Claims;
use crate::extract::{self, Source};
use crate::json::is_beyond_safe_integers;
use crate::path::{UrlParts, split_url};
use crate::proof::{HopProof, Statement};
use crate::refusal::{Code, Refusal, Step};
use crate::request::Request;
use crate::time::UnixSeconds;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;

/// The gate's own header that a request carries into the zone: one that comes back has gone in a
/// circle.
pub const HOP_HEADER: &str = "X-Portcullis-Hop";

/// Where admitted requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The gate answers with what it would have sent: the demo.
    Echo,
    /// A server: scheme, host and port, without a path.
    Url(String),
    /// A Worker behind a service binding of that name, which is sent the URL as it came.
    Service(String),
    /// The zone's own origin: the URL as it came.
    Zone,
}

impl Origin {
    /// Whether it is sent the URL as the client wrote it, scheme and all, so that `X-Forwarded-Host` and
    /// `X-Forwarded-Proto` would tell it nothing.
    const fn sees_url(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

/// What the policy says about forwarding.
#[derive(Debug)]
pub struct Forwarding {
    /// Where requests go.
    pub origin: Origin,
    /// Whether `Authorization` is removed from every request, and the token from wherever it was.
    pub strip_authorization: bool,
    /// Claims written to headers: header name, and the claim's name or JSON Pointer.
    pub claims: Vec<(String, String)>,
    /// The header that carries the token's payload, base64url, as it stood in the token.
    pub payload: Option<String>,
    /// The proof that a request came through the gate.
    pub proof: Option<HopProof>,
    removed: Vec<String>,
}

/// Headers that tell a server to take the request for another one, or that speak for a proxy.
const NEVER_FORWARDED: [&str; 10] = [
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Forwarded-Uri",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Forwarded",
    "Proxy-Authorization",
];

impl Forwarding {
    /// Puts together what the policy says.
    #[must_use]
    pub fn new(
        origin: Origin,
        strip_authorization: bool,
        claims: Vec<(String, String)>,
        payload: Option<String>,
        proof: Option<HopProof>,
    ) -> Self {
        let written = claims.iter().map(|(header, _)| header.as_str()).chain(payload.as_deref());
        let written = written.chain(proof.as_ref().map(|proof| proof.header.as_str()));
        let removed =
            NEVER_FORWARDED.into_iter().chain([HOP_HEADER]).chain(written).map(folded).collect();
        Self { origin, strip_authorization, claims, payload, proof, removed }
    }

    /// Whether the policy has the gate write a header that a server may take for this one.
    #[must_use]
    pub fn writes(&self, name: &str) -> bool {
        let proof = self.proof.as_ref().map(|proof| &proof.header);
        let written =
            self.claims.iter().map(|(header, _)| header).chain(&self.payload).chain(proof);
        written.map(|header| folded(header)).any(|header| header == folded(name))
    }

    fn removes(&self, name: &str, credential: Option<&Source>) -> bool {
        // The runtime hands names over in lower case: most are folded as they come.
        let is_folded =
            !name.bytes().any(|byte| byte.is_ascii_uppercase() || b"_.".contains(&byte));
        let name = if is_folded { Cow::Borrowed(name) } else { Cow::Owned(folded(name)) };
        let stripped = match credential {
            Some(Source::Header(header)) => name == folded(header),
            _ => false,
        };
        self.removed.iter().any(|removed| *removed == name)
            || (self.strip_authorization && (stripped || name == "authorization"))
    }
}

/// A header name with every spelling that a server may take for it made one.
#[must_use]
pub fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// What to send.
pub struct Outgoing<'g> {
    /// The absolute URL.
    pub url: Cow<'g, str>,
    /// The path that was judged, with which the path of the built request must agree.
    pub judged_path: &'g str,
    /// Names of the incoming headers to leave out, as they came.
    pub remove: Vec<Cow<'g, str>>,
    /// Headers to set, each once.
    pub set: Vec<(String, String)>,
    /// Whether shared caches must be kept out (`cache: "no-store"`).
    pub no_store: bool,
    credential: Option<&'g Source>,
    identity: Option<Vec<(String, String)>>,
    reported: Option<Refusal>,
    proof: Option<(&'g HopProof, String, Option<String>)>,
    /// Where it goes.
    pub origin: &'g Origin,
}

/// Names only: the values are claims, and a query may hold anything.
impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> = self.set.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("Outgoing")
            .field("origin", self.origin)
            .field("remove", &self.remove)
            .field("set", &set)
            .finish_non_exhaustive()
    }
}

impl<'g> Outgoing<'g> {
    /// Works out what an admitted request becomes.
    ///
    /// # Errors
    ///
    /// `invalid_claim` for a claim to be forwarded that is over [`budget::FORWARDED_CLAIM_BYTES`] or
    /// holds an integer beyond 2^53 - 1; `loop_detected` where the request has been here before.
    pub fn of(
        admitted: Admitted<'g>,
        request: &Request<'g>,
        forwarding: &'g Forwarding,
    ) -> Result<Self, Refusal> {
        let parts = split_url(request.url);
        let in_zone = forwarding.origin == Origin::Zone;
        if in_zone && request.headers.get(HOP_HEADER).is_some() {
            return Err(Refusal::new(Code::LoopDetected, "the gate's own hop header came back"));
        }
        let asked_for =
            [("X-Forwarded-Host", parts.authority), ("X-Forwarded-Proto", parts.scheme)];
        let sees_url = forwarding.origin.sees_url();
        let mut set = Vec::new();
        if !sees_url {
            set.extend(asked_for.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        if in_zone {
            set.push((HOP_HEADER.to_owned(), "1".to_owned()));
        }
        let mut identity = None;
        if let Some(claims) = admitted.claims() {
            let written =
                claim_headers(claims, forwarding).map_err(|refusal| refusal.at(Step::Forward))?;
            set.extend_from_slice(&written);
            identity = Some(written);
        }
        let credential = admitted.credential();
        let proof = forwarding
            .proof
            .as_ref()
            .filter(|_| admitted.would_be_refusal().is_none())
            .map(|proof| (proof, audience(&forwarding.origin, parts), subject(&admitted)));
        // What the platform says of the request is left where it is true and the gate says nothing.
        let is_true = |name: &str| {
            sees_url
                && asked_for.iter().any(|(header, value)| {
                    header.eq_ignore_ascii_case(name)
                        && request.headers.get(name).is_some_and(|said| said == *value)
                })
        };
        let mut remove = request.headers.names();
        remove.retain(|name| forwarding.removes(name, credential) && !is_true(name));
        if let Some((header, rest)) = without_token(credential, request, forwarding) {
            remove.push(Cow::Borrowed(header));
            set.extend(rest.map(|rest| (header.to_owned(), rest)));
        }
        Ok(Self {
            url: url_to(&forwarding.origin, request.url, parts, credential),
            judged_path: if parts.path.is_empty() { "/" } else { parts.path },
            remove,
            set,
            no_store: !admitted.route().allows_shared_caches,
            credential,
            identity,
            reported: admitted.would_be_refusal().cloned(),
            proof,
            origin: &forwarding.origin,
        })
    }
}

impl Outgoing<'_> {
    /// Whether the request can go on itself, as it came: to the same URL, with the same headers.
    #[must_use]
    pub fn goes_as_it_came(&self) -> bool {
        let is_same_url = matches!(self.url, Cow::Borrowed(_));
        is_same_url && self.remove.is_empty() && self.set.is_empty() && self.proof.is_none()
    }

    /// The header that proves to the origin that the request came through the gate, and the proof.
    ///
    /// `url` is the one that is sent, as the runtime has serialised it.
    #[must_use]
    pub fn proof(
        &self,
        url: &str,
        method: &str,
        now: impl FnOnce() -> UnixSeconds,
    ) -> Option<(&str, String)> {
        let (proof, audience, subject) = self.proof.as_ref()?;
        let statement = Statement { audience, subject: subject.as_deref(), method, url };
        Some((&proof.header, proof.token(&statement, now())))
    }

    /// How the incoming request is to be rewritten, in lines: the URL, the names of the headers to remove with
    /// commas between them, and the name and the value of each header to set. Nothing where one of them
    /// would end a line, and none ever should.
    #[must_use]
    pub fn lines(&self) -> Option<String> {
        let mut lines = String::with_capacity(512);
        lines.push_str(&self.url);
        lines.push('\n');
        lines.push_str(&self.remove.join(","));
        for text in self.set.iter().flat_map(|(name, value)| [name, value]) {
            lines.push('\n');
            lines.push_str(text);
        }
        let expected = self.set.len().checked_mul(2)?.checked_add(1)?;
        (memchr::memchr_iter(b'\n', lines.as_bytes()).count() == expected).then_some(lines)
    }

    /// What the request would have been refused for, were that more than reported.
    #[must_use]
    pub const fn reported(&self) -> Option<&Refusal> {
        self.reported.as_ref()
    }

    /// Whether the origin is told the same of the sender as by another: nothing, or the same claims in
    /// the same headers.
    #[must_use]
    pub fn goes_in_the_name_of(&self, other: &Outgoing<'_>) -> bool {
        self.identity == other.identity
    }

    /// Whether an upgrade that the origin takes without a subprotocol is answered with `bearer`.
    #[must_use]
    pub fn answers_subprotocol(&self) -> bool {
        self.credential == Some(&Source::WebSocketProtocol)
    }

    /// Whether a header holds a credential, which must not be shown.
    #[must_use]
    pub fn conceals(&self, name: &str) -> bool {
        let source = match self.credential {
            Some(Source::Header(header)) => folded(header) == folded(name),
            _ => false,
        };
        let proof = self.proof.as_ref().map(|(proof, ..)| folded(&proof.header));
        source
            || proof == Some(folded(name))
            || matches!(folded(name).as_str(), "authorization" | "cookie")
    }
}

/// Whom a proof is for.
fn audience(origin: &Origin, parts: UrlParts<'_>) -> String {
    match origin {
        Origin::Echo => "echo".to_owned(),
        Origin::Url(base) => base.clone(),
        Origin::Service(name) => format!("service:{name}"),
        Origin::Zone => format!("{}://{}", parts.scheme, parts.authority),
    }
}

fn subject(admitted: &Admitted<'_>) -> Option<String> {
    admitted.claims()?.at("sub")?.as_str().map(str::to_owned)
}

/// Where a request goes: as it came, without the token if that was in the query, which ends up in every
/// server's log.
fn url_to<'r>(
    origin: &Origin,
    url: &'r str,
    parts: UrlParts<'r>,
    credential: Option<&Source>,
) -> Cow<'r, str> {
    let query = match credential {
        Some(Source::Query(name)) => Cow::Owned(extract::query_without(parts.query, name)),
        _ => Cow::Borrowed(parts.query),
    };
    match (origin, &query) {
        (Origin::Url(base), _) => Cow::Owned(format!("{base}{}{query}", parts.path)),
        (_, Cow::Borrowed(_)) => Cow::Borrowed(url),
        (_, Cow::Owned(_)) => {
            Cow::Owned(format!("{}://{}{}{query}", parts.scheme, parts.authority, parts.path))
        }
    }
}

/// The header that the token shares with other things, and what is left of it without the token.
fn without_token(
    credential: Option<&Source>,
    request: &Request<'_>,
    forwarding: &Forwarding,
) -> Option<(&'static str, Option<String>)> {
    match credential? {
        Source::Cookie(name) if forwarding.strip_authorization => {
            let cookies = request.headers.get("cookie")?;
            Some(("Cookie", extract::cookies_without(&cookies, name)))
        }
        // Always: an origin would otherwise have to choose the token as a protocol.
        Source::WebSocketProtocol => {
            let offered = request.headers.get("sec-websocket-protocol")?;
            Some(("Sec-WebSocket-Protocol", extract::protocols_without_token(&offered)))
        }
        _ => None,
    }
}

fn claim_headers(
    claims: &Claims<'_>,
    forwarding: &Forwarding,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut set = Vec::new();
    for (header, path) in &forwarding.claims {
        let Some(value) = claims.at(path) else { continue };
        let text = header_text(value, claims.holds_scopes(path))?;
        if text.is_empty() {
            continue;
        }
        set.push((header.clone(), header_encoded(&text)));
    }
    if let Some(header) = &forwarding.payload {
        set.push((header.clone(), claims.payload_segment().to_owned()));
    }
    if set.iter().any(|(_, value)| value.len() > budget::FORWARDED_CLAIM_BYTES) {
        return Err(invalid("a claim to be forwarded over 8 KiB"));
    }
    Ok(set)
}

/// A claim as text: a string as it is, scopes joined by spaces, the rest as JSON; empty for nothing.
fn header_text(value: &Value, scopes: bool) -> Result<String, Refusal> {
    refuse_unsafe_integers(value)?;
    Ok(match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if scopes => {
            let scopes: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
            scopes.ok_or(invalid("a scope that is not a string"))?.join(" ")
        }
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => other.to_string(),
    })
}

fn refuse_unsafe_integers(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Number(number) if is_beyond_safe_integers(number) => {
            Err(invalid("an integer beyond 2^53 - 1 in a claim to be forwarded"))
        }
        Value::Array(items) => items.iter().try_for_each(refuse_unsafe_integers),
        Value::Object(members) => members.values().try_for_each(refuse_unsafe_integers),
        _ => Ok(()),
    }
}

/// Visible ASCII and inner single spaces as they are; everything else, and `%` always, as
/// percent-encoded UTF-8. So no value can end a header line, throw, or be read in two ways.
fn header_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    let last = text.len().saturating_sub(1);
    let mut after_space = true;
    for (index, byte) in text.bytes().enumerate() {
        let space = byte == b' ';
        let plain = if space { !after_space && index != last } else { byte.is_ascii_graphic() };
        if plain && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        after_space = space;
    }
    encoded
}

const fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidClaim, because)
}
