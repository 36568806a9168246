//! The outgoing request: its URL, and the headers that the gate sets and removes.

use crate::kit::{Call, Gate, Held, Sent, Signer, faults, hs_issuer, payload, policy, table, with};
use portcullis::headers::folded;
use portcullis::outgoing::Outgoing;
use portcullis::refusal::Refusal;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns a gate with this `forward` table and with protected, optional and public routes.
fn gate(forward: Value) -> Gate {
    let mut raw = with(policy(hs_issuer()), json!({ "forward": forward }));
    raw["routes"] = json!([
        { "path": "/required" },
        { "path": "/optional", "access": "optional" },
        { "path": "/public", "access": "public" },
        { "path": "/" },
    ]);
    Gate::new(&raw)
}

/// Returns the header `X-Claim` for a token with this claim, `None` if the gate does not set the
/// header, or the code of the refusal.
fn written(gate: &Gate, claim: &str, raw: &str) -> Result<Option<String>, String> {
    let token = Signer::hs256().signed(payload(&[(claim, raw)]));
    let sent = gate.ask(&Call::get("/").bearer(&token));
    sent.map(|sent| sent.header("X-Claim").map(str::to_owned))
        .map_err(|refusal: Refusal| refusal.code().to_string())
}

/// Checks the header for each raw JSON value of the claim `x`. `None` expects no header.
fn check<'r>(rows: impl IntoIterator<Item = (&'r str, Option<&'r str>)>) {
    let gate = gate(json!({ "claims": { "X-Claim": "/x" } }));
    let rows = rows.into_iter().map(|(raw, header)| (raw, Ok(header.map(str::to_owned))));
    table(rows, |raw| written(&gate, "x", raw));
}

fn check_refused<'r>(rows: impl IntoIterator<Item = (&'r str, &'r str)>) {
    let gate = gate(json!({ "claims": { "X-Claim": "/x" } }));
    let rows = rows.into_iter().map(|(raw, code)| (raw, Err(code.to_owned())));
    table(rows, |raw| written(&gate, "x", raw));
}

#[test]
fn attack_33_percent_encodes_line_breaks_and_control_characters() {
    check([
        (r#""a\r\nX-Admin: 1""#, Some("a%0D%0AX-Admin: 1")),
        (r#""a\nb""#, Some("a%0Ab")),
        (r#""a\rb""#, Some("a%0Db")),
        (r#""a\u0000b""#, Some("a%00b")),
        (r#""a\tb""#, Some("a%09b")),
        (r#""a\u007fb""#, Some("a%7Fb")),
        (r#""a\u0085b""#, Some("a%C2%85b")),
        (r#""a\u2028b""#, Some("a%E2%80%A8b")),
        (r#""\r\n\r\n""#, Some("%0D%0A%0D%0A")),
    ]);
}

#[test]
fn attack_33_percent_encodes_text_outside_ascii() {
    check([
        (r#""日本""#, Some("%E6%97%A5%E6%9C%AC")),
        (r#""é""#, Some("%C3%A9")),
        (r#""\u00e9""#, Some("%C3%A9")),
        (r#""😀""#, Some("%F0%9F%98%80")),
        (r#""\ud83d\ude00""#, Some("%F0%9F%98%80")),
        (r#""\u00a0""#, Some("%C2%A0")),
        (r#""\ufeffx""#, Some("%EF%BB%BFx")),
        (r#""\u202e""#, Some("%E2%80%AE")),
    ]);
    check_refused([(r#""\ud800""#, "malformed_token"), (r#""\udc00x""#, "malformed_token")]);
}

#[test]
fn attack_33_percent_encodes_percent_signs_and_outer_or_repeated_spaces() {
    check([
        (r#""a b""#, Some("a b")),
        (r#"" a ""#, Some("%20a%20")),
        (r#"" a b ""#, Some("%20a b%20")),
        (r#""a  b""#, Some("a %20b")),
        (r#""a   b""#, Some("a %20%20b")),
        (r#"" ""#, Some("%20")),
        (r#""  ""#, Some("%20%20")),
        (r#""100%""#, Some("100%25")),
        (r#""%0D%0A""#, Some("%250D%250A")),
        (r#""%20""#, Some("%2520")),
        (r#""a,b;c=\"d\"\\""#, Some(r#"a,b;c="d"\"#)),
    ]);
}

#[test]
fn attack_33_forwards_other_json_types_exactly_or_refuses_them() {
    check([
        ("true", Some("true")),
        ("false", Some("false")),
        ("0", Some("0")),
        ("-17", Some("-17")),
        ("1.5", Some("1.5")),
        ("9007199254740991", Some("9007199254740991")),
        (r#"["a","b,c"]"#, Some(r#"["a","b,c"]"#)),
        (r#"["é"]"#, Some(r#"["%C3%A9"]"#)),
        (r#"["a\nb"]"#, Some(r#"["a\nb"]"#)),
        (r#"[1,2,3]"#, Some("[1,2,3]")),
        (r#"{"a":1}"#, Some(r#"{"a":1}"#)),
        (r#"{"a":[{}]}"#, Some(r#"{"a":[{}]}"#)),
        // Absent, null and empty values set no header.
        ("", None),
        ("null", None),
        (r#""""#, None),
        ("[]", None),
        ("{}", None),
    ]);
    check_refused([
        ("1e21", "claim_too_large"),
        ("9007199254740993", "claim_too_large"),
        ("-9007199254740993", "claim_too_large"),
        ("18446744073709551616", "claim_too_large"),
        ("[1,9007199254740993]", "claim_too_large"),
        (r#"{"a":[{"b":9007199254740993}]}"#, "claim_too_large"),
        ("1e400", "malformed_token"),
    ]);
}

#[test]
fn attack_33_limits_a_claim_header_to_8_kib() {
    let gate = gate(json!({ "claims": { "X-Claim": "/x" } }));
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let written = |raw: &str| written(&gate, "x", raw).map(|header| header.map(|text| text.len()));
    assert_eq!(written(&text(8_192)), Ok(Some(8_192)));
    assert_eq!(written(&text(8_193)), Err("claim_too_large".to_owned()));
    assert_eq!(written(&text(65_536)), Err("token_too_large".to_owned()));
    // The limit applies to the encoded value, in which a percent sign takes three bytes.
    assert_eq!(written(&format!("\"{}\"", "%".repeat(2_730))), Ok(Some(8_190)));
    assert_eq!(written(&format!("\"{}\"", "%".repeat(2_731))), Err("claim_too_large".to_owned()));
    // The limit does not apply to a claim that is not forwarded.
    let token = Signer::hs256().signed(payload(&[("y", &text(10_000))]));
    assert_eq!(gate.token(&token), "200");
}

#[test]
fn scopes_are_joined_by_spaces() {
    let gate = |forward: &str, issuer: Value| {
        let forward = json!({ "claims": { "X-Claim": forward } });
        Gate::new(&with(policy(with(hs_issuer(), issuer)), json!({ "forward": forward })))
    };
    let scope = gate("/scope", json!({}));
    let rows = [
        (r#"["read","write"]"#, Ok(Some("read write".to_owned()))),
        (r#""read write""#, Ok(Some("read write".to_owned()))),
        ("[]", Ok(None)),
        (r#"["read",17]"#, Err("claim_not_allowed".to_owned())),
        // One scope must not become two.
        (r#"["read admin"]"#, Err("claim_not_allowed".to_owned())),
        (r#"["read",""]"#, Err("claim_not_allowed".to_owned())),
        (r#"["read","a\tb"]"#, Err("claim_not_allowed".to_owned())),
    ];
    table(rows, |raw| written(&scope, "scope", raw));
    let scp = gate("scp", json!({}));
    assert_eq!(written(&scp, "scp", r#"["a","b"]"#), Ok(Some("a b".to_owned())));
    let elsewhere = gate("/permissions", json!({ "scopes_claim": "permissions" }));
    assert_eq!(written(&elsewhere, "permissions", r#"["a","b"]"#), Ok(Some("a b".to_owned())));
    let roles = gate("/roles", json!({}));
    assert_eq!(written(&roles, "roles", r#"["a","b"]"#), Ok(Some(r#"["a","b"]"#.to_owned())));
}

#[test]
fn forwards_the_payload_segment_unchanged() {
    let gate = gate(json!({ "payload": "X-Payload", "claims": { "X-Subject": "sub" } }));
    let body = format!(" \n{}", payload(&[("n", "9007199254740993"), ("x", "1.0e0")]));
    let token = Signer::hs256().signed(&body);
    let sent = gate.ask(&Call::get("/").bearer(&token)).unwrap();
    assert_eq!(sent.header("X-Payload"), token.split('.').nth(1));
    assert_eq!(sent.header("X-Subject"), Some("u"));
    let long = Signer::hs256().signed(payload(&[("x", &format!("\"{}\"", "x".repeat(8_192)))]));
    assert_eq!(gate.token(&long), "431 claim_too_large");
}

/// Spellings of one header name that a server may not distinguish.
const SPELLINGS: [&str; 13] = [
    "X-Auth-User",
    "x-auth-user",
    "X-AUTH-USER",
    "X_Auth_User",
    "x_auth-user",
    "X.Auth.User",
    "X-Auth_User",
    "x.auth-USER",
    "X-Auth.User",
    "X~Auth~User",
    "X!Auth!User",
    "x#auth'user",
    "X|Auth^User",
];

#[test]
fn attack_31_removes_every_spelling_of_the_gates_headers_from_requests() {
    let gate = gate(json!({
        "claims": { "X-Auth-User": "/sub", "X_Auth_Mail": "/email" },
        "payload": "X-Auth-Payload",
    }));
    let others = [
        "x-auth-mail",
        "X_AUTH_MAIL",
        "X.Auth.Mail",
        "x-auth-payload",
        "X_Auth_Payload",
        "X&Auth&Payload",
        "X-Portcullis-Hop",
        "x_portcullis_hop",
        "X*Portcullis+Hop",
    ];
    let kept = ["X-Auth-Users", "X-Auth", "Auth-User", "XAuthUser", "X-User", "Cookie", "Accept"];
    let token = Signer::hs256().signed(payload(&[]));
    let calls = [
        Call::get("/required").bearer(&token),
        Call::get("/optional"),
        Call::get("/optional").bearer(&token),
        Call::get("/public"),
        Call::get("/public").bearer(&token),
    ];
    for call in calls {
        let spoofed = SPELLINGS.iter().chain(&others).chain(&kept).fold(call, |call, name| {
            // Each header is sent twice. Both lines must be removed.
            call.header(name, "admin").header(name, "root")
        });
        let sent = gate.ask(&spoofed).unwrap();
        for name in SPELLINGS.iter().chain(&others) {
            assert!(sent.removed.iter().any(|removed| removed == name), "{name} {}", spoofed.url);
        }
        for name in kept {
            assert!(!sent.removed.iter().any(|removed| removed == name), "{name} {}", spoofed.url);
        }
        // The gate sets its own value, and no value for an anonymous request.
        let expected = (!sent.anonymous).then_some("u");
        assert_eq!(sent.header("X-Auth-User"), expected);
        assert_eq!(sent.header("X_Auth_Mail"), None);
    }
}

/// A request cannot use `Connection` to have the gate's headers dropped (CVE-2024-45410). The gate
/// sets its headers regardless of the request, and the runtime drops `Connection`.
#[test]
fn attack_31_a_connection_header_cannot_remove_the_gates_headers() {
    let gate = gate(json!({ "claims": { "X-Auth-User": "/sub" } }));
    let token = Signer::hs256().signed(payload(&[]));
    let call = Call::get("/").bearer(&token).header("Connection", "X-Auth-User, X-Forwarded-Host");
    let sent = gate.ask(&call).unwrap();
    assert_eq!(sent.header("X-Auth-User"), Some("u"));
    assert_eq!(sent.header("X-Forwarded-Host"), Some("gate.example"));
}

#[test]
fn attack_31_a_policy_cannot_set_reserved_or_invalid_headers() {
    let names = [
        "Cf-Connecting-IP",
        "CF-Ray",
        "cf_ipcountry",
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Authorization",
        "Cookie",
        "X-Forwarded-Host",
        "X_Forwarded_Proto",
        "X-Portcullis-Hop",
        "Upgrade",
        "X User",
        "X-User:",
        "X-User\r\n",
        "X-Usér",
        "",
    ];
    for name in names {
        for forward in [json!({ "claims": { name: "/sub" } }), json!({ "payload": name })] {
            let raw = with(policy(hs_issuer()), json!({ "forward": forward }));
            assert_eq!(faults(&raw, &Held::usual()).len(), 1, "{name:?}");
        }
    }
}

#[test]
fn removes_headers_that_could_mislead_the_origin() {
    let gate = gate(json!({}));
    let names = [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Original-Uri",
        "X-Original-Host",
        "X-Original-Method",
        "X-Original-Proto",
        "X-Original-Prefix",
        "X-Rewrite-URL",
        "X-Envoy-Original-Path",
        "X-Envoy-Original-Host",
        "X-Forwarded-Uri",
        "X-Forwarded-Prefix",
        "X-Forwarded-Path",
        "X-Forwarded-Base",
        "X-Forwarded-Port",
        "X-Forwarded-Method",
        "X-Forwarded-Server",
        "X-Forwarded-Scheme",
        "X-Forwarded-Protocol",
        "X-Forwarded-Ssl",
        "X-Host",
        "X-HTTP-Host-Override",
        "X-Scheme",
        "X-Script-Name",
        "X-Url-Scheme",
        "Front-End-Https",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "Forwarded",
        "Proxy-Authorization",
    ];
    for name in names {
        for spelling in
            [name.to_owned(), name.to_lowercase(), name.replace('-', "_"), name.replace('-', "`")]
        {
            let call = Call::get("/public").header(&spelling, "/admin");
            assert_eq!(gate.ask(&call).unwrap().removed, [spelling]);
        }
    }
}

#[test]
fn authorization_is_kept_unless_the_policy_strips_it() {
    let token = Signer::hs256().signed(payload(&[]));
    let calls = [
        Call::get("/required").bearer(&token),
        Call::get("/optional").header("AUTHORIZATION", "Basic dTpw"),
        Call::get("/public").header("authorization", "anything"),
    ];
    for call in calls {
        let name = call.headers[0].0.clone();
        let removed = |forward: Value| gate(forward).ask(&call).unwrap().removed;
        assert!(removed(json!({})).is_empty());
        assert!(removed(json!({ "authorization": "keep" })).is_empty());
        assert_eq!(removed(json!({ "authorization": "strip" })), [name]);
    }
}

#[test]
fn builds_the_origin_url_and_sets_the_forwarded_headers() {
    let sent = |origin: &str, url: &str| -> Result<Sent, Refusal> {
        let mut raw = policy(hs_issuer());
        raw["origin"] = json!(origin);
        raw["routes"] = json!([{ "path": "/*", "access": "public" }]);
        let call = Call { method: "GET".to_owned(), url: url.to_owned(), headers: Vec::new() };
        Gate::new(&raw).ask(&call)
    };
    let rows = [
        (("https://o.example", "https://g/a?b"), "https://o.example/a?b"),
        (("https://o.example/", "https://g/a"), "https://o.example/a"),
        (("https://O.Example:8443", "https://g/"), "https://o.example:8443/"),
        (("http://localhost:1", "https://g/a/"), "http://localhost:1/a/"),
        (("service:API", "https://g:8080/a?b"), "https://g:8080/a?b"),
        (("echo", "https://g/a"), "https://g/a"),
        (("zone", "https://g/a?"), "https://g/a?"),
    ];
    table(rows, |(origin, url)| sent(origin, url).unwrap().url);
    let sent = sent("https://o.example", "http://g.example:81/a").unwrap();
    assert_eq!(sent.header("X-Forwarded-Host"), Some("g.example:81"));
    assert_eq!(sent.header("X-Forwarded-Proto"), Some("http"));
    assert_eq!(sent.header("X-Portcullis-Hop"), None);
}

#[test]
fn refuses_a_request_that_has_already_passed_the_gate() {
    let mut raw = policy(hs_issuer());
    raw["origin"] = json!("zone");
    raw["routes"] = json!([{ "path": "/*", "access": "public" }]);
    let gate = Gate::new(&raw);
    let first = gate.ask(&Call::get("/")).unwrap();
    assert_eq!(first.header("X-Portcullis-Hop"), Some("1"));
    assert_eq!(gate.verdict(&Call::get("/").header("x-portcullis-hop", "0")), "508 loop_detected");
}

#[test]
fn sets_no_store_on_required_and_optional_routes_by_default() {
    let kept = |cache: Value| {
        let mut raw = policy(hs_issuer());
        let route =
            |access| with(json!({ "path": format!("/{access}"), "access": access }), cache.clone());
        raw["routes"] = ["required", "optional", "public"].map(route).into();
        let gate = Gate::new(&raw);
        let token = Signer::hs256().signed(payload(&[]));
        let sent = |call: Call| gate.ask(&call).unwrap().no_store;
        assert_eq!(sent(Call::get("/optional")), sent(Call::get("/optional").bearer(&token)));
        ["/required", "/optional", "/public"].map(|path| sent(Call::get(path).bearer(&token)))
    };
    assert_eq!(kept(json!({})), [true, true, false]);
    assert_eq!(kept(json!({ "cache": "no-store" })), [true; 3]);
    assert_eq!(kept(json!({ "cache": "origin" })), [false; 3]);
}

/// A Worker behind a service binding gets the original request if the gate has nothing to change.
#[test]
fn forwards_the_original_request_only_if_no_edit_is_needed() {
    let token = Signer::hs256().signed(payload(&[]));
    let sent = |origin: &str, parts: Value, call: Call| {
        let mut raw = with(policy(hs_issuer()), parts);
        raw["origin"] = json!(origin);
        Gate::new(&raw).ask(&call).unwrap()
    };
    let call = || Call::get("/").bearer(&token);
    let same = |origin| sent(origin, json!({}), call()).unchanged;
    assert!(same("service:API"));
    assert!(!same("zone") && !same("echo") && !same("https://gate.example"));

    let service = |parts, call| {
        let sent = sent("service:API", parts, call);
        assert_eq!(sent.header("X-Forwarded-Host"), None);
        assert_eq!(sent.header("X-Forwarded-Proto"), None);
        sent.unchanged
    };
    // Forwarded headers that match the request do not have to be removed.
    assert!(service(json!({}), call().header("x-forwarded-proto", "https")));
    assert!(service(json!({}), call().header("X-Forwarded-Host", "gate.example")));
    let changed = [
        call().header("x-forwarded-proto", "http"),
        call().header("X-Forwarded-Host", "evil.example"),
        call().header("X_Forwarded_Host", "gate.example"),
        call()
            .header("X-Forwarded-Host", "gate.example")
            .header("x-forwarded-host", "gate.example"),
        call().header("x-portcullis-hop", "1"),
        call().header("X-Original-URL", "/"),
    ];
    for call in changed {
        assert!(!service(json!({}), call.clone()), "{:?}", call.headers);
    }
    let claims = json!({ "forward": { "claims": { "X-User": "sub" } } });
    assert!(!service(claims, call()));
    assert!(!service(json!({ "forward": { "payload": "X-Payload" } }), call()));
    assert!(!service(json!({ "forward": { "authorization": "strip" } }), call()));
    let query = json!({ "token": { "sources": [{ "query": "access_token" }] } });
    let asked = Call::get(&format!("/?access_token={token}&a=b"));
    assert!(!service(query, asked));
}

#[test]
fn attack_33_does_not_serialize_a_url_or_header_with_a_line_break() {
    let gate = gate(json!({}));
    let call = Call::get("/public");
    let lines_with = |edit: &dyn Fn(&mut Outgoing<'_>)| {
        let mut outgoing = gate.outgoing(&call);
        edit(&mut outgoing);
        outgoing.lines()
    };
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(lines_with(&|_| {}).is_some());
    assert_eq!(lines_with(&|outgoing| outgoing.url.to_mut().push('\n')), None);
    assert_eq!(lines_with(&|outgoing| outgoing.remove.push("x\nx-admin".into())), None);
    assert_eq!(lines_with(&|outgoing| outgoing.set.push(set("x", "1\nx-admin"))), None);
    assert_eq!(lines_with(&|outgoing| outgoing.set.push(set("x", "1\nx-admin\n1"))), None);
    assert_eq!(lines_with(&|outgoing| outgoing.set.push(set("x\ny", "1"))), None);
}

#[test]
fn folds_every_spelling_of_a_header_name_to_one() {
    table(SPELLINGS.map(|name| (name, "x-auth-user")), |name| folded(name));
}

/// The header is visible ASCII without outer or repeated spaces.
#[test]
fn encodes_any_text_as_a_header_that_decodes_to_the_same_text() {
    const PIECES: [&str; 16] =
        [" ", "  ", "%", "%2", "a", "Z", "~", "!", "\"", "\\", "\r\n", "\t", "\0", "é", "日", "😀"];
    let gate = gate(json!({ "claims": { "X-Claim": "x" } }));
    let mut random = fastrand::Rng::with_seed(0x4ead);
    for round in 0..2_000 {
        let text: String = (0..random.usize(1..10))
            .map(|_| match round % 2 {
                0 => PIECES[random.usize(..PIECES.len())].to_owned(),
                _ => random.char(..).to_string(),
            })
            .collect();
        let raw = Value::from(text.as_str()).to_string();
        let header = written(&gate, "x", &raw).unwrap().unwrap();
        assert!(header.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{header:?}");
        assert!(!header.contains("  ") && header.trim() == header, "{header:?}");
        assert_eq!(decoded(&header), text);
    }
}

fn decoded(header: &str) -> String {
    let mut pieces = header.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(piece[2..].bytes());
    }
    String::from_utf8(bytes).unwrap()
}
