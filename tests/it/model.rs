//! Compares the gate's verdicts on ten thousand random requests, under random policies, with those
//! of a model that shares no code with the gate.
//!
//! The model never parses a token, a path or a header. The test generates each of them together
//! with its meaning, and the model reads only the meaning.

mod headers;
mod values;

use self::headers::{Cookies, Line};
use self::values::{Claim, Rule};
use crate::kit::{Call, Gate, Held, NOW, Signer, hs_issuer, keys, now, payload, with};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const POLICIES: usize = 200;
const REQUESTS: usize = 50;

/// A randomly generated route.
#[derive(Clone, Debug)]
struct Drawn {
    /// `None` stands for a `{name}` segment.
    segments: Vec<Option<&'static str>>,
    open_ended: bool,
    methods: Option<Vec<&'static str>>,
    access: &'static str,
    scope: Option<&'static str>,
    rule: Option<Rule>,
    issuer: Option<&'static str>,
    report: bool,
    encoded_slash: bool,
}

/// A randomly generated token and its meaning.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    issuer: &'static str,
    scope: Claim,
    audience: Claim,
    groups: Claim,
    /// The code with which the token is refused regardless of the route, or `None` if it is valid.
    flaw: Option<&'static str>,
}

/// The token of a request, `None` if it has none, or the code with which malformed or repeated
/// credentials are refused.
type Credentials = Result<Option<Token>, &'static str>;

/// The settings of a random policy besides its routes.
#[derive(Clone, Copy, Debug)]
struct Settings {
    /// The issuer in report mode.
    reporting: Option<&'static str>,
    /// Whether the token is removed from what the origin receives.
    strip: bool,
}

/// A path and its decoded segments, which are `None` if servers could read the path differently.
#[derive(Clone, Debug)]
struct Path {
    text: String,
    meaning: Option<Vec<String>>,
    encoded_slash: bool,
}

const LITERALS: [&str; 4] = ["a", "b", "admin", "café"];
const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"];
const SCOPES: [&str; 2] = ["read", "admin"];
const ISSUERS: [(&str, &str, &str); 2] =
    [("one", "https://one", keys::SECRET), ("two", "https://two", keys::OTHER_SECRET)];

fn one_of<T: Copy>(random: &mut Rng, choices: &[T]) -> T {
    choices[random.usize(..choices.len())]
}

fn chance(random: &mut Rng, percent: u8) -> bool {
    random.u8(..100) < percent
}

fn draw_route(random: &mut Rng) -> Drawn {
    let length = random.usize(..4);
    let segments = (0..length)
        .map(|_| (!chance(random, 30)).then(|| one_of(random, &LITERALS)))
        .collect::<Vec<_>>();
    let access = one_of(random, &["required", "required", "optional", "public"]);
    let guarded = access != "public";
    let methods = chance(random, 40).then(|| {
        let mut methods: Vec<_> = METHODS.into_iter().filter(|_| chance(random, 40)).collect();
        if methods.is_empty() {
            methods.push("GET");
        }
        methods
    });
    Drawn {
        open_ended: chance(random, 40),
        methods,
        access,
        scope: (guarded && chance(random, 40)).then(|| one_of(random, &SCOPES)),
        rule: (guarded && chance(random, 30)).then(|| Rule::draw(random)),
        issuer: (guarded && chance(random, 30)).then(|| one_of(random, &ISSUERS).0),
        report: guarded && chance(random, 10),
        encoded_slash: chance(random, 20),
        segments,
    }
}

impl Drawn {
    fn written(&self) -> Value {
        let segments: Vec<_> = self
            .segments
            .iter()
            .map(|segment| segment.unwrap_or("{name}"))
            .chain(self.open_ended.then_some("*"))
            .collect();
        let mut raw = json!({ "path": format!("/{}", segments.join("/")), "access": self.access });
        if let Some(methods) = &self.methods {
            raw["methods"] = json!(methods);
        }
        if let Some(scope) = self.scope {
            raw["scopes"] = json!([scope]);
        }
        if let Some(rule) = &self.rule {
            raw["claims"] = json!([rule.written()]);
        }
        if let Some(issuer) = self.issuer {
            raw["issuers"] = json!([issuer]);
        }
        if self.report {
            raw["mode"] = json!("report");
        }
        if self.encoded_slash {
            raw["encoded_slash"] = json!("allow");
        }
        raw
    }

    fn matches(&self, path: &[String]) -> bool {
        (path.len() == self.segments.len() || (self.open_ended && path.len() > self.segments.len()))
            && self.segments.iter().zip(path).all(|(want, have)| want.is_none_or(|one| one == have))
    }

    /// Orders routes by how specific they are. The most specific route has the lowest rank.
    fn rank(&self) -> Vec<u8> {
        let own = self.segments.iter().map(|segment| u8::from(segment.is_none()));
        let end = if self.open_ended { 3 } else { 2 };
        own.chain([end]).collect()
    }

    fn takes(&self, method: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| {
            methods.contains(&method) || (method == "HEAD" && methods.contains(&"GET"))
        })
    }
}

fn draw_token(random: &mut Rng) -> Token {
    let (issuer, name, secret) = one_of(random, &ISSUERS);
    let scope = chance(random, 60).then(|| one_of(random, &SCOPES));
    let scope = Claim::of(random, scope.as_slice());
    let audiences: &[&[&str]] = &[&["api"], &["api"], &["api", "other"]];
    let audience = one_of(random, audiences);
    let audience = Claim::of(random, audience);
    let group_lists: &[&[&str]] = &[&[], &["a"], &["b"], &["a", "b"]];
    let groups = one_of(random, group_lists);
    let groups = Claim::of(random, groups);
    let iss = format!("\"{name}\"");
    let mut claims = vec![
        ("iss", iss.as_str()),
        ("scope", scope.written.as_str()),
        ("aud", audience.written.as_str()),
        ("groups", groups.written.as_str()),
    ];
    let expired = (NOW - 1).to_string();
    let later = (NOW + 1).to_string();
    let mut signer = Signer::hmac(256, secret);
    let flaw = match random.u8(..24) {
        0 => Some(("exp", expired.as_str(), "expired")),
        1 => Some(("nbf", later.as_str(), "not_yet_valid")),
        2 => Some(("aud", "\"other\"", "wrong_audience")),
        3 => Some(("exp", "", "missing_claim")),
        4 => Some(("nbf", "\"1\"", "invalid_claim")),
        5 => Some(("iss", "\"https://three\"", "unknown_issuer")),
        6 => Some(("cnf", "{}", "invalid_claim")),
        7 => Some(("sub", "17", "invalid_claim")),
        _ => None,
    };
    claims.retain(|(name, _)| flaw.is_none_or(|(changed, ..)| changed != *name));
    claims.extend(flaw.map(|(name, raw, _)| (name, raw)));
    let mut flaw = flaw.map(|(_, _, code)| code);
    if flaw.is_none() && chance(random, 10) {
        signer = Signer::hmac(256, "a-secret-that-no-issuer-of-these-policies-has-ever-had");
        flaw = Some("bad_signature");
    }
    let mut text = signer.signed(payload(&claims));
    if chance(random, 8) {
        let choices = [
            ("a.b.c", "malformed_token"),
            ("x", "malformed_token"),
            ("e30.e30.e30", "malformed_token"),
            ("eyJhbGciOiJub25lIn0.e30.e30", "algorithm_not_allowed"),
        ];
        let (broken, code) = one_of(random, &choices);
        (text, flaw) = (broken.to_owned(), Some(code));
    }
    Token { text, issuer, scope, audience, groups, flaw }
}

fn draw_path(random: &mut Rng, routes: &[Drawn]) -> Path {
    let mut path = Path { text: String::new(), meaning: Some(Vec::new()), encoded_slash: false };
    // Most paths follow the pattern of a route, so that the requests reach every step of the gate.
    let wanted: Vec<Option<&'static str>> = if chance(random, 60) {
        routes[random.usize(..routes.len())].segments.clone()
    } else {
        (0..random.usize(..4)).map(|_| Some(one_of(random, &LITERALS))).collect()
    };
    let tail = (0..random.usize(..3)).map(|_| None);
    let tail: Vec<_> = if chance(random, 30) { tail.collect() } else { Vec::new() };
    for segment in wanted.into_iter().chain(tail) {
        let (text, meaning) = match (segment, random.u8(..100)) {
            (_, 0) => ("..", None),
            (_, 1) => ("%2e%2e", None),
            (_, 2) => ("/x", None),
            (_, 3) => ("%61dmin", None),
            (_, 4) => ("a;b", None),
            (_, 5) => ("a%5Cb", None),
            (_, 6) => ("a%2F..", None),
            (_, 7) => ("%252e", None),
            (_, 8 | 9) => ("a%2Fadmin", Some("a/admin")),
            (_, 10) => ("ADMIN", Some("ADMIN")),
            (Some("café"), _) => ("caf%C3%A9", Some("café")),
            (Some(literal), _) => (literal, Some(literal)),
            (None, other) => match other % 4 {
                0 => ("x", Some("x")),
                1 => ("admin", Some("admin")),
                2 => ("a%20b", Some("a b")),
                _ => ("a.b", Some("a.b")),
            },
        };
        path.text.push('/');
        path.text.push_str(text);
        path.encoded_slash |= meaning.is_some_and(|meaning| meaning.contains('/'));
        match (&mut path.meaning, meaning) {
            (Some(segments), Some(meaning)) => segments.push(meaning.to_owned()),
            _ => path.meaning = None,
        }
    }
    // A single slash at the end does not change the meaning.
    if chance(random, 20) || path.text.is_empty() {
        path.text.push('/');
    }
    path
}

/// The credentials of a request: its header lines, and their meaning.
struct Presented {
    lines: Vec<Line>,
    credentials: Credentials,
    /// The cookies, if the token is among them.
    cookies: Option<Cookies>,
}

/// Generates credentials.
fn draw_credentials(random: &mut Rng) -> Presented {
    let header = |name: &str, value: String| (name.to_owned(), value);
    let token = draw_token(random);
    let text = token.text.clone();
    let bearer = |scheme: &str| header("Authorization", format!("{scheme} {text}"));
    let (lines, credentials) = match random.u8(..20) {
        0 | 1 => (vec![], Ok(None)),
        2 => (vec![header("Authorization", "Basic dTpw".to_owned())], Ok(None)),
        3 => (vec![header("Authorization", "Bearer".to_owned())], Err("malformed_authorization")),
        4 => (
            vec![header("Authorization", format!("Bearer {text} x"))],
            Err("malformed_authorization"),
        ),
        5 => {
            let twice = vec![bearer("Bearer"), header("authorization", format!("Bearer {text}"))];
            (twice, Err("multiple_tokens"))
        }
        6 => {
            let cookies = Cookies::draw(random, &[&text]);
            (vec![bearer("bearer"), cookies.line()], Err("multiple_tokens"))
        }
        7 => (vec![Cookies::draw(random, &[""]).line()], Err("malformed_authorization")),
        8 => (vec![Cookies::draw(random, &[&text, "x"]).line()], Err("multiple_tokens")),
        // The only token is a part of another cookie's value, which any page of a sibling domain
        // may have set.
        9 => (vec![Cookies::draw_without(random, &text).line()], Ok(None)),
        // A browser sends `Sec-Fetch-Site: same-origin` with a page's requests to its own origin.
        // The gate then accepts the cookie with every method.
        10..=13 => {
            let own = header("Sec-Fetch-Site", "same-origin".to_owned());
            let cookies = Cookies::draw(random, &[&text]);
            let lines = vec![cookies.line(), own];
            return Presented { lines, credentials: Ok(Some(token)), cookies: Some(cookies) };
        }
        _ => (vec![bearer("Bearer")], Ok(Some(token))),
    };
    Presented { lines, credentials, cookies: None }
}

/// The codes with which a token is refused before its signature has verified.
const UNVERIFIED: [&str; 4] =
    ["malformed_token", "algorithm_not_allowed", "unknown_issuer", "bad_signature"];

/// Why a route refuses a token, if it does. The second value says whether the token's issuer has
/// signed it and is one that the route admits.
fn objection(route: &Drawn, token: &Token) -> (Option<&'static str>, bool) {
    if let Some(early @ ("malformed_token" | "algorithm_not_allowed" | "unknown_issuer")) =
        token.flaw
    {
        return (Some(early), false);
    }
    if route.issuer.is_some_and(|issuer| issuer != token.issuer) {
        return (Some("unknown_issuer"), false);
    }
    let rule_holds = route.rule.as_ref().is_none_or(|rule| {
        rule.holds(|claim| if claim == "aud" { &token.audience } else { &token.groups })
    });
    let refusal = match token.flaw {
        Some(flaw) => Some(flaw),
        None if route.scope.is_some_and(|scope| !token.scope.values.contains(&scope)) => {
            Some("insufficient_scope")
        }
        None if !rule_holds => Some("claim_not_allowed"),
        None => None,
    };
    (refusal, refusal.is_none_or(|code| !UNVERIFIED.contains(&code)))
}

/// The model. Returns the forwarded subject, if any, or the code of the refusal.
fn verdict(
    settings: Settings,
    routes: &[Drawn],
    path: &Path,
    method: &str,
    credentials: &Credentials,
) -> Result<Option<&'static str>, &'static str> {
    let route = matching(routes, path, method)?;
    if route.access == "public" {
        return Ok(None);
    }
    let (refusal, issuer) = match credentials.as_ref().map_err(|code| *code)? {
        None if route.access == "optional" => return Ok(None),
        None => ("missing_token", None),
        Some(token) => match objection(route, token) {
            (None, _) => return Ok(Some("u")),
            (Some(refusal), is_signed) => (refusal, is_signed.then_some(token.issuer)),
        },
    };
    let is_excused = route.report || (issuer.is_some() && issuer == settings.reporting);
    if is_excused { Ok(None) } else { Err(refusal) }
}

/// The route of a request, or the code of the refusal.
fn matching<'r>(routes: &'r [Drawn], path: &Path, method: &str) -> Result<&'r Drawn, &'static str> {
    let Some(segments) = &path.meaning else { return Err("ambiguous_path") };
    let best = routes.iter().filter(|route| route.matches(segments)).min_by_key(|one| one.rank());
    let entries = |best: &Drawn| {
        let rank = (best.segments.clone(), best.open_ended);
        routes.iter().filter(move |route| (route.segments.clone(), route.open_ended) == rank)
    };
    let entry = best.and_then(|best| entries(best).find(|route| route.takes(method)));
    if path.encoded_slash && !entry.is_some_and(|entry| entry.encoded_slash) {
        return Err("ambiguous_path");
    }
    if best.is_none() {
        return Err("no_route");
    }
    entry.ok_or("method_not_allowed")
}

#[test]
fn no_request_reaches_the_origin_unless_the_model_says_so() {
    let mut random = Rng::with_seed(0x90_7c);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = 0;
    for _ in 0..POLICIES {
        let mut routes: Vec<Drawn> = Vec::new();
        for _ in 0..random.usize(2..9) {
            let drawn = draw_route(&mut random);
            // Two routes that match the same requests are a fault of the policy.
            let ties = |other: &Drawn| {
                (&other.segments, other.open_ended) == (&drawn.segments, drawn.open_ended)
                    && METHODS.iter().any(|method| other.takes(method) && drawn.takes(method))
            };
            if !routes.iter().any(ties) {
                routes.push(drawn);
            }
        }
        let reporting = chance(&mut random, 40).then(|| one_of(&mut random, &ISSUERS).0);
        let settings = Settings { reporting, strip: random.bool() };
        let issuer = |(name, issuer, _): (&str, &str, &str)| {
            let secret = if name == "one" { "SECRET" } else { "OTHER_SECRET" };
            let keys = json!({ "secret": secret });
            let mode = if settings.reporting == Some(name) { "report" } else { "enforce" };
            let own = json!({ "name": name, "issuer": issuer, "keys": keys, "mode": mode });
            with(hs_issuer(), own)
        };
        let raw = json!({
            "origin": "https://origin.example",
            "issuers": ISSUERS.map(issuer),
            "token": { "sources": ["authorization", { "cookie": "__Host-t" }] },
            "routes": routes.iter().map(Drawn::written).collect::<Vec<_>>(),
            "forward": {
                "claims": { "X-Subject": "/sub" },
                "payload": "X-Auth-Payload",
                "authorization": if settings.strip { "strip" } else { "keep" },
            },
        });
        let gate = Gate::bound(&raw, &Held::usual());
        for _ in 0..REQUESTS {
            let path = draw_path(&mut random, &routes);
            let method = one_of(&mut random, &METHODS);
            let Presented { lines, credentials, cookies } = draw_credentials(&mut random);
            let mut call = Call::new(method, &path.text);
            call.headers = lines;
            call.headers.extend(headers::draw(&mut random));

            let expected = verdict(settings, &routes, &path, method, &credentials);
            let actual = gate.trace(&call, now()).1;
            let shown = || format!("{method} {path:?} {credentials:?} {call:?} by {raw:#}");
            let outcome = match &actual {
                Ok(sent) => {
                    assert_eq!(
                        sent.url,
                        format!("https://origin.example{}", path.text),
                        "{}",
                        shown()
                    );
                    let is_public = matching(&routes, &path, method).unwrap().access == "public";
                    let stripped = cookies.filter(|_| settings.strip && !is_public);
                    let removed =
                        headers::removed(&call.headers, settings.strip, stripped.is_some());
                    assert_eq!(headers::sorted(&sent.removed), removed, "{}", shown());
                    let left = stripped.map(|cookies| cookies.others);
                    let set = sent.header("Cookie").map(headers::pairs);
                    assert_eq!(set, left.filter(|left| !left.is_empty()), "{}", shown());
                    Ok(sent.header("X-Subject"))
                }
                Err(refusal) => {
                    assert!((400..406).contains(&refusal.code().status()), "{}", shown());
                    Err(refusal.code().as_str())
                }
            };
            assert_eq!(outcome, expected, "{}", shown());
            *seen.entry(format!("{outcome:?}")).or_default() += 1;
            count += 1;
        }
    }
    assert_eq!(count, 10_000);
    // Each outcome must occur often enough for the test to mean something.
    let codes = [
        "ambiguous_path",
        "no_route",
        "method_not_allowed",
        "missing_token",
        "malformed_authorization",
        "multiple_tokens",
        "malformed_token",
        "algorithm_not_allowed",
        "bad_signature",
        "unknown_issuer",
        "wrong_audience",
        "missing_claim",
        "invalid_claim",
        "not_yet_valid",
        "expired",
        "insufficient_scope",
        "claim_not_allowed",
    ];
    let expected = codes.map(|code| format!("Err({code:?})"));
    let admitted = ["Ok(None)", "Ok(Some(\"u\"))"].map(str::to_owned);
    for outcome in expected.iter().chain(&admitted) {
        assert!(seen.get(outcome).is_some_and(|times| *times >= 10), "{outcome}: {seen:#?}");
    }
}
