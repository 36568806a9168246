//! What an admitted request becomes on its way to the origin: URL and headers, as text.
//!
//! Identity headers belong to the gate. Every header that the policy writes is removed from every
//! incoming request, on public routes too, in every spelling that a server may treat alike: in any
//! case, and with `_` or `.` for `-` (CVE-2025-64484). Then the gate writes its own.

use crate::admitted::Admitted;
use crate::budget;
use crate::claims::{Claims, scope_list};
use crate::extract::{TokenSource, query_without};
use crate::headers::{self, HOP_HEADER, folded, is_authorization, never_forwarded};
use crate::json::text::to_text;
use crate::json::{Object, is_beyond_safe_integers};
use crate::path::{UrlParts, split_url};
use crate::proof::{HopProof, Statement};
use crate::refusal::{Code, Refusal, Step};
use crate::request::Request;
use crate::server::Server;
use crate::signed_identity::{Randomness, SignedIdentity};
use crate::time::UnixSeconds;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// Where admitted requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The gate responds with what it would have sent, as a demonstration.
    Echo,
    /// A server.
    Url(Server),
    /// The Worker behind the service binding of that name. It receives the URL as the client wrote
    /// it.
    Service(String),
    /// The zone's own origin. It receives the URL as the client wrote it.
    Zone,
    /// None: the policy names no origin. The gate can authenticate requests, but not forward them.
    Absent,
}

impl Origin {
    /// Whether it receives the URL as the client wrote it, with its scheme, so that
    /// `X-Forwarded-Host` and `X-Forwarded-Proto` would tell it nothing new.
    const fn sees_url(&self) -> bool {
        match self {
            Self::Service(_) | Self::Absent => true,
            Self::Echo | Self::Url(_) | Self::Zone => false,
        }
    }

    /// The server that replaces the URL's scheme and authority, if one does.
    #[must_use]
    pub const fn server(&self) -> Option<&Server> {
        match self {
            Self::Url(server) => Some(server),
            Self::Echo | Self::Service(_) | Self::Zone | Self::Absent => None,
        }
    }
}

/// The headers that the gate writes.
#[derive(Debug, Default)]
pub struct OwnHeaders {
    /// Claims: the header's name, and the claim's name or JSON Pointer.
    pub claims: Vec<(String, String)>,
    /// The header that contains the token's payload, base64url, as received.
    pub payload: Option<String>,
    /// Headers that are the same for every request.
    pub fixed: Vec<FixedHeader>,
    /// The proof that a request came through the gate.
    pub proof: Option<HopProof>,
    /// The identity that the gate signs for the API.
    pub identity: Option<SignedIdentity>,
}

impl OwnHeaders {
    /// The names of the headers.
    fn names(&self) -> impl Iterator<Item = &str> {
        let claims = self.claims.iter().map(|(header, _)| header.as_str());
        let fixed = self.fixed.iter().map(|header| header.name.as_str());
        let proof = self.proof.as_ref().map(|proof| proof.header.as_str());
        let identity = self.identity.as_ref().map(|identity| identity.header.as_str());
        claims.chain(self.payload.as_deref()).chain(fixed).chain(proof).chain(identity)
    }
}

/// A header that is the same for every request: a secret with which the origin recognizes the gate.
pub struct FixedHeader {
    /// The header's name.
    pub name: String,
    /// Its value: visible ASCII characters, with spaces only between them.
    pub value: String,
}

/// Prints the name only, because the value is a secret.
impl fmt::Debug for FixedHeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FixedHeader").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The policy's settings for forwarding.
#[derive(Debug)]
pub struct Forwarding {
    /// Where requests go.
    pub origin: Origin,
    /// Whether `Authorization` and the DPoP proof are removed from every request, and the token
    /// from wherever it was: if the policy says so, and if it has the gate write `Authorization`
    /// itself.
    pub strip_authorization: bool,
    /// Whether URLs of the origin in `Location` and `Content-Location` are rewritten to the gate's.
    pub rewrites_location: bool,
    /// The headers that the gate writes.
    pub headers: OwnHeaders,
    /// Whether sender-constrained tokens are accepted. The headers with which proxies pass on the
    /// certificate of a client are then removed from every request.
    pub takes_bound_tokens: bool,
    /// The folded names of the headers to remove from every request, by their lengths. Most
    /// headers are kept, and few names are as long as theirs.
    removed: Vec<Vec<String>>,
}

impl Forwarding {
    /// Combines the policy's settings.
    #[must_use]
    pub fn new(
        origin: Origin,
        strip_authorization: bool,
        rewrites_location: bool,
        headers: OwnHeaders,
        takes_bound_tokens: bool,
    ) -> Self {
        let own = headers.names().map(|name| folded(name).into_owned());
        let mut removed: Vec<Vec<String>> = Vec::new();
        for name in never_forwarded().map(str::to_owned).chain(own) {
            if removed.len() <= name.len() {
                removed.resize(name.len().saturating_add(1), Vec::new());
            }
            if let Some(names) = removed.get_mut(name.len()) {
                names.push(name);
            }
        }
        Self {
            origin,
            strip_authorization,
            rewrites_location,
            headers,
            takes_bound_tokens,
            removed,
        }
    }

    /// Whether the gate writes a header that a server may treat like this one.
    #[must_use]
    pub fn writes(&self, name: &str) -> bool {
        let name = folded(name);
        self.headers.names().any(|header| folded(header) == name)
    }

    fn removes(&self, name: &str, credential: Option<&TokenSource>) -> bool {
        let name = folded(name);
        let is_credential = || {
            is_authorization(&name)
                || (name == "dpop" && self.takes_bound_tokens)
                || credential
                    .and_then(TokenSource::header)
                    .is_some_and(|header| name == folded(header))
        };
        self.removed.get(name.len()).is_some_and(|names| names.iter().any(|one| *one == name))
            || (self.strip_authorization && is_credential())
            || (self.takes_bound_tokens && headers::is_of_certificate(&name))
    }

    fn strips(&self, credential: &TokenSource) -> bool {
        self.strip_authorization || credential.is_always_stripped()
    }
}

/// A request that may be sent to the origin, and how.
pub struct Outgoing<'g> {
    /// The absolute URL.
    pub url: Cow<'g, str>,
    /// The path that the request must have when it is built: the one that was judged, after the
    /// origin's base path.
    pub path: Cow<'g, str>,
    /// The names of the incoming headers to remove, as received.
    pub remove: Vec<Cow<'g, str>>,
    /// The headers to set, each once.
    pub set: Vec<(String, String)>,
    /// Whether the request bypasses shared caches (`cache: "no-store"`).
    pub no_store: bool,
    admitted: Admitted<'g>,
    identity: Option<Vec<(String, String)>>,
    /// The audience of the proof, if the request gets one.
    proof: Option<String>,
    forwarding: &'g Forwarding,
}

/// Prints header names only, because the values are claims, and a query may contain anything.
impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<_> = self.set.iter().map(|(name, _)| name).collect();
        formatter
            .debug_struct("Outgoing")
            .field("origin", self.origin())
            .field("remove", &self.remove)
            .field("set", &set)
            .finish_non_exhaustive()
    }
}

impl<'g> Outgoing<'g> {
    /// Computes what an admitted request becomes.
    ///
    /// # Errors
    ///
    /// `claim_too_large` for a forwarded claim that is larger than
    /// [`budget::FORWARDED_CLAIM_BYTES`] or contains an integer beyond 2^53 - 1, and
    /// `claim_not_allowed` for scopes that are none: the token is valid, and another one would
    /// change nothing. `claim_too_large` also for a signed identity that is too large.
    /// `loop_detected` if the request has been here before.
    pub fn of(
        admitted: Admitted<'g>,
        request: &Request<'g>,
        forwarding: &'g Forwarding,
    ) -> Result<Self, Refusal> {
        let parts = split_url(request.url);
        let in_zone = forwarding.origin == Origin::Zone;
        if in_zone && request.headers.get(HOP_HEADER).is_some() {
            let because = "the request has the gate's own hop header";
            return Err(Refusal::new(Code::LoopDetected, because));
        }
        let client_url =
            [("X-Forwarded-Host", parts.authority), ("X-Forwarded-Proto", parts.scheme)];
        let sees_url = forwarding.origin.sees_url();
        let mut set = Vec::new();
        if !sees_url {
            set.extend(client_url.map(|(name, value)| (name.to_owned(), value.to_owned())));
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
            if let Some(signed) = &forwarding.headers.identity {
                signed.check(claims).map_err(|refusal| refusal.at(Step::Forward))?;
            }
        }
        let credential = admitted.credential();
        let fixed = forwarding.headers.fixed.as_slice();
        set.extend(fixed.iter().map(|header| (header.name.clone(), header.value.clone())));
        let is_proven = forwarding.headers.proof.is_some() && admitted.would_be_refusal().is_none();
        let proof = is_proven.then(|| audience(&forwarding.origin, parts));
        // The platform's own headers about the client's URL stay if they are true and the gate sets
        // none.
        let is_true = |name: &str| {
            sees_url
                && client_url.iter().any(|(header, value)| {
                    header.eq_ignore_ascii_case(name)
                        && request.headers.get(name).is_some_and(|said| said == *value)
                })
        };
        let mut remove = request.headers.names();
        remove.retain(|name| forwarding.removes(name, credential) && !is_true(name));
        let stripped = credential.filter(|source| forwarding.strips(source));
        if let Some((header, rest)) = stripped.and_then(|it| it.shared_header(request.headers)) {
            remove.push(Cow::Borrowed(header));
            set.extend(rest.map(|rest| (header.to_owned(), rest)));
        }
        Ok(Self {
            url: url_to(&forwarding.origin, request.url, parts, stripped),
            path: path_to(&forwarding.origin, parts.path),
            remove,
            set,
            no_store: admitted.route().no_store(),
            admitted,
            identity,
            proof,
            forwarding,
        })
    }
}

impl<'g> Outgoing<'g> {
    /// The proof that the request passed every check, with its claims.
    #[must_use]
    pub const fn admitted(&self) -> &Admitted<'g> {
        &self.admitted
    }

    /// Where it goes.
    #[must_use]
    pub const fn origin(&self) -> &'g Origin {
        &self.forwarding.origin
    }

    /// The headers that the gate sets, with their values, except for those that are secrets. Of the
    /// signed identity, the claims are shown that it would have at the time `now`.
    pub fn shown_headers(&self, now: UnixSeconds) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let fixed = &self.forwarding.headers.fixed;
        let is_secret = |name: &str| fixed.iter().any(|header| header.name == name);
        let identity = self.identity_claims(now);
        let identity = identity.map(|(header, claims)| {
            let claims = to_text(&Value::Object(claims));
            (header, Cow::Owned(format!("(a JWT that the gate signs) {claims}")))
        });
        let set = self.set.iter().map(move |(name, value)| {
            (name.as_str(), Cow::Borrowed(if is_secret(name) { "(a secret)" } else { value }))
        });
        set.chain(identity)
    }

    /// Whether the incoming request can be sent unchanged: to the same URL, with the same headers.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let is_same_url = matches!(self.url, Cow::Borrowed(_));
        let is_extended = self.proof.is_some() || self.signing().is_some();
        is_same_url && self.remove.is_empty() && self.set.is_empty() && !is_extended
    }

    /// The claims that the gate signs for the API, and how. Returns `None` for an anonymous
    /// request.
    fn signing(&self) -> Option<(&SignedIdentity, &Claims<'g>)> {
        self.forwarding.headers.identity.as_ref().zip(self.admitted.claims())
    }

    /// Returns the header with the signed identity, and its value: one that was signed before, or a
    /// new one with `random` in its `jti`. Returns `None` if the policy asks for none, and for an
    /// anonymous request.
    #[must_use]
    pub fn signed_identity(
        &self,
        now: impl FnOnce() -> UnixSeconds,
        random: impl FnOnce() -> Randomness,
    ) -> Option<(&str, Rc<str>)> {
        let (identity, claims) = self.signing()?;
        Some((&identity.header, identity.header_value(claims, now(), random)))
    }

    /// Returns the header with the signed identity, and the claims of an identity that is signed at
    /// the time `now`, without its `jti`.
    #[must_use]
    pub fn identity_claims(&self, now: UnixSeconds) -> Option<(&str, Object)> {
        let (identity, claims) = self.signing()?;
        Some((&identity.header, identity.claims(claims, now)))
    }

    /// Returns the header that proves to the origin that the request came through the gate, and the
    /// proof.
    ///
    /// `url` is the URL that is sent, as the runtime has serialized it.
    #[must_use]
    pub fn proof(
        &self,
        url: &str,
        method: &str,
        now: impl FnOnce() -> UnixSeconds,
    ) -> Option<(&str, String)> {
        let audience = self.proof.as_ref()?;
        let claims = self.admitted.claims();
        let subject = claims.and_then(|claims| claims.at("sub")?.as_str());
        let proof = self.forwarding.headers.proof.as_ref()?;
        let statement = Statement { audience, subject, method, url };
        Some((&proof.header, proof.token(&statement, now())))
    }

    /// Describes how to rewrite the incoming request, in lines: the URL, the names of the headers
    /// to remove with commas between them, and the name and the value of each header to set.
    /// Returns `None` if one of them contains a line feed, which none should.
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

    /// The refusal that report mode has set aside, if there is one.
    #[must_use]
    pub const fn reported(&self) -> Option<&Refusal> {
        self.admitted.would_be_refusal()
    }

    /// Whether the request goes to the origin without claims.
    #[must_use]
    pub const fn is_anonymous(&self) -> bool {
        self.identity.is_none()
    }

    /// Whether the origin learns the same about the client as from `other`: nothing, or the same
    /// claims in the same headers, signed or not.
    #[must_use]
    pub fn has_identity_of(&self, other: &Outgoing<'_>) -> bool {
        // Both would be signed at the same time.
        let signed = |outgoing: &Outgoing<'_>| {
            let (header, claims) = outgoing.identity_claims(UnixSeconds::new(0))?;
            Some((header.to_owned(), to_text(&Value::Object(claims))))
        };
        self.identity == other.identity && signed(self) == signed(other)
    }

    /// Whether the gate responds with the subprotocol `bearer` to an upgrade for which the origin
    /// chose no subprotocol.
    #[must_use]
    pub fn responds_with_subprotocol(&self) -> bool {
        self.admitted.credential() == Some(&TokenSource::WebSocketProtocol)
    }

    /// Whether a header contains a credential, which must not be shown.
    #[must_use]
    pub fn conceals(&self, name: &str) -> bool {
        let name = folded(name);
        let is_source = |source: &TokenSource| source.header().is_some_and(|it| folded(it) == name);
        let OwnHeaders { fixed, proof, identity, .. } = &self.forwarding.headers;
        self.admitted.credential().is_some_and(is_source)
            || fixed.iter().any(|header| folded(&header.name) == name)
            || proof.iter().any(|proof| folded(&proof.header) == name)
            || identity.iter().any(|identity| folded(&identity.header) == name)
            || matches!(name.as_ref(), "authorization" | "cookie" | "dpop")
    }
}

/// The audience of a hop proof.
fn audience(origin: &Origin, parts: UrlParts<'_>) -> String {
    match origin {
        Origin::Echo => "echo".to_owned(),
        Origin::Url(server) => server.url(),
        Origin::Service(name) => format!("service:{name}"),
        // A policy without an origin has no proofs.
        Origin::Zone | Origin::Absent => format!("{}://{}", parts.scheme, parts.authority),
    }
}

/// The URL to send the request to: the client's, at the origin's server, without the token if that
/// is stripped from the query.
fn url_to<'r>(
    origin: &Origin,
    url: &'r str,
    parts: UrlParts<'r>,
    stripped: Option<&TokenSource>,
) -> Cow<'r, str> {
    let query = match stripped.and_then(TokenSource::query_parameter) {
        Some(name) => Cow::Owned(query_without(parts.query, name)),
        None => Cow::Borrowed(parts.query),
    };
    match (origin.server(), &query) {
        (Some(server), _) => Cow::Owned(format!("{server}{}{query}", parts.path)),
        (None, Cow::Borrowed(_)) => Cow::Borrowed(url),
        (None, Cow::Owned(_)) => {
            Cow::Owned(format!("{}://{}{}{query}", parts.scheme, parts.authority, parts.path))
        }
    }
}

fn path_to<'r>(origin: &Origin, path: &'r str) -> Cow<'r, str> {
    let path = if path.is_empty() { "/" } else { path };
    match origin.server().map(Server::base_path) {
        None | Some("") => Cow::Borrowed(path),
        Some(base) => Cow::Owned(format!("{base}{path}")),
    }
}

fn claim_headers(
    claims: &Claims<'_>,
    forwarding: &Forwarding,
) -> Result<Vec<(String, String)>, Refusal> {
    let mut set = Vec::new();
    for (header, path) in &forwarding.headers.claims {
        let Some(value) = claims.at(path) else { continue };
        let text =
            header_text(value, claims.holds_scopes(path)).map_err(|refusal| refusal.about(path))?;
        if text.is_empty() {
            continue;
        }
        set.push((header.clone(), header_encoded(&text)));
    }
    if let Some(header) = &forwarding.headers.payload {
        set.push((header.clone(), claims.payload_segment().to_owned()));
    }
    let is_too_large = |(_, value): &&(String, String)| value.len() > budget::FORWARDED_CLAIM_BYTES;
    if let Some((header, _)) = set.iter().find(is_too_large) {
        return Err(too_large("a forwarded claim is larger than 8 KiB").about(header));
    }
    Ok(set)
}

/// Returns a claim as text: a string unchanged, scopes joined by spaces, anything else as JSON.
/// Returns an empty text for an empty claim.
fn header_text(value: &Value, scopes: bool) -> Result<String, Refusal> {
    refuse_unsafe_integers(value)?;
    Ok(match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // A scope with a space would be two scopes for the API.
        // The token is valid, so the client must not be asked for another one.
        Value::Array(_) if scopes => {
            let list = scope_list(value);
            list.map_err(|refusal| refusal.with_code(Code::ClaimNotAllowed))?.join(" ")
        }
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            other.to_string()
        }
    })
}

pub(crate) fn refuse_unsafe_integers(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Number(number) if is_beyond_safe_integers(number) => {
            Err(too_large("a forwarded claim contains an integer beyond 2^53 - 1"))
        }
        Value::Array(items) => items.iter().try_for_each(refuse_unsafe_integers),
        Value::Object(members) => members.values().try_for_each(refuse_unsafe_integers),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Percent-encodes a text as UTF-8, except for visible ASCII other than `%` and for single spaces
/// between words. So no value can end a header line, make the runtime throw, or be read in two
/// ways.
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

const fn too_large(because: &'static str) -> Refusal {
    Refusal::new(Code::ClaimTooLarge, because)
}
