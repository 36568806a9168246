//! What is sent to the origin in an admitted request's name.

use crate::kit::{Call, Gate, Held, Sent, Signer, faults, hs_issuer, payload, policy, table, with};
use portcullis::headers::folded;
use portcullis::outgoing::Outgoing;
use portcullis::refusal::Refusal;
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A gate that forwards as told, with a guarded, an optional and a public route.
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

/// What becomes of a claim: the header that it makes, nothing, or a refusal.
fn written(gate: &Gate, claim: &str, raw: &str) -> Result<Option<String>, String> {
    let token = Signer::hs256().signed(payload(&[(claim, raw)]));
    let sent = gate.ask(&Call::get("/").bearer(&token));
    sent.map(|sent| sent.header("X-Claim").map(str::to_owned))
        .map_err(|refusal: Refusal| refusal.code().to_string())
}

/// The header that each raw JSON value of the claim `x` makes; `None` makes none.
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
fn attack_33_texts_that_would_end_a_header_line() {
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
fn attack_33_texts_outside_ascii() {
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
fn attack_33_spaces_and_percent_signs() {
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
fn attack_33_values_of_other_types() {
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
        // Absent, null and empty are nothing.
        ("", None),
        ("null", None),
        (r#""""#, None),
        ("[]", None),
        ("{}", None),
    ]);
    check_refused([
        ("1e21", "invalid_claim"),
        ("9007199254740993", "invalid_claim"),
        ("-9007199254740993", "invalid_claim"),
        ("18446744073709551616", "invalid_claim"),
        ("[1,9007199254740993]", "invalid_claim"),
        (r#"{"a":[{"b":9007199254740993}]}"#, "invalid_claim"),
        ("1e400", "malformed_token"),
    ]);
}

#[test]
fn attack_33_sizes() {
    let gate = gate(json!({ "claims": { "X-Claim": "/x" } }));
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let written = |raw: &str| written(&gate, "x", raw).map(|header| header.map(|text| text.len()));
    assert_eq!(written(&text(8_192)), Ok(Some(8_192)));
    assert_eq!(written(&text(8_193)), Err("invalid_claim".to_owned()));
    assert_eq!(written(&text(65_536)), Err("token_too_large".to_owned()));
    // The size is that of what is sent, three bytes for one that is encoded.
    assert_eq!(written(&format!("\"{}\"", "%".repeat(2_730))), Ok(Some(8_190)));
    assert_eq!(written(&format!("\"{}\"", "%".repeat(2_731))), Err("invalid_claim".to_owned()));
    // A claim that is not forwarded may be as long as it likes.
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
        (r#"["read",17]"#, Err("invalid_claim".to_owned())),
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
fn the_payload_is_the_tokens_own_segment() {
    let gate = gate(json!({ "payload": "X-Payload", "claims": { "X-Subject": "sub" } }));
    let body = format!(" \n{}", payload(&[("n", "9007199254740993"), ("x", "1.0e0")]));
    let token = Signer::hs256().signed(&body);
    let sent = gate.ask(&Call::get("/").bearer(&token)).unwrap();
    assert_eq!(sent.header("X-Payload"), token.split('.').nth(1));
    assert_eq!(sent.header("X-Subject"), Some("u"));
    let long = Signer::hs256().signed(payload(&[("x", &format!("\"{}\"", "x".repeat(8_192)))]));
    assert_eq!(gate.token(&long), "401 invalid_claim");
}

/// Every spelling that a server may take for one of the gate's headers.
const SPELLINGS: [&str; 9] = [
    "X-Auth-User",
    "x-auth-user",
    "X-AUTH-USER",
    "X_Auth_User",
    "x_auth-user",
    "X.Auth.User",
    "X-Auth_User",
    "x.auth-USER",
    "X-Auth.User",
];

#[test]
fn attack_31_identity_headers_belong_to_the_gate() {
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
        "X-Portcullis-Hop",
        "x_portcullis_hop",
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
            // Twice each: a second line is no better than the first.
            call.header(name, "admin").header(name, "root")
        });
        let sent = gate.ask(&spoofed).unwrap();
        for name in SPELLINGS.iter().chain(&others) {
            assert!(sent.removed.iter().any(|removed| removed == name), "{name} {}", spoofed.url);
        }
        for name in kept {
            assert!(!sent.removed.iter().any(|removed| removed == name), "{name} {}", spoofed.url);
        }
        // What is written is the gate's own word, and nothing for an anonymous request.
        let expected = (!sent.anonymous).then_some("u");
        assert_eq!(sent.header("X-Auth-User"), expected);
        assert_eq!(sent.header("X_Auth_Mail"), None);
    }
}

/// A connection's own headers cannot take the gate's away (CVE-2024-45410): they are set after
/// whatever the request says, and the runtime drops `Connection` itself.
#[test]
fn attack_31_connection_takes_nothing_away() {
    let gate = gate(json!({ "claims": { "X-Auth-User": "/sub" } }));
    let token = Signer::hs256().signed(payload(&[]));
    let call = Call::get("/").bearer(&token).header("Connection", "X-Auth-User, X-Forwarded-Host");
    let sent = gate.ask(&call).unwrap();
    assert_eq!(sent.header("X-Auth-User"), Some("u"));
    assert_eq!(sent.header("X-Forwarded-Host"), Some("gate.example"));
}

#[test]
fn attack_31_headers_that_are_not_the_policys_to_write() {
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
fn headers_that_lead_a_server_astray_never_pass() {
    let gate = gate(json!({}));
    let names = [
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
    for name in names {
        for spelling in [name.to_owned(), name.to_lowercase(), name.replace('-', "_")] {
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
fn where_it_goes_and_what_is_added() {
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
fn a_request_that_comes_back_is_refused() {
    let mut raw = policy(hs_issuer());
    raw["origin"] = json!("zone");
    raw["routes"] = json!([{ "path": "/*", "access": "public" }]);
    let gate = Gate::new(&raw);
    let first = gate.ask(&Call::get("/")).unwrap();
    assert_eq!(first.header("X-Portcullis-Hop"), Some("1"));
    assert_eq!(gate.verdict(&Call::get("/").header("x-portcullis-hop", "0")), "508 loop_detected");
}

#[test]
fn what_needed_a_token_is_kept_from_shared_caches() {
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

/// Where there is nothing to change, a Worker is handed the request itself.
#[test]
fn what_goes_on_unchanged() {
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
    // What the platform says of the request, and what is true of it.
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
fn attack_33_what_would_end_a_line_is_not_sent() {
    let gate = gate(json!({}));
    let call = Call::get("/public");
    let spoiled = |spoil: &dyn Fn(&mut Outgoing<'_>)| {
        let mut outgoing = gate.outgoing(&call);
        spoil(&mut outgoing);
        outgoing.lines()
    };
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert!(spoiled(&|_| {}).is_some());
    assert_eq!(spoiled(&|outgoing| outgoing.url.to_mut().push('\n')), None);
    assert_eq!(spoiled(&|outgoing| outgoing.remove.push("x\nx-admin".into())), None);
    assert_eq!(spoiled(&|outgoing| outgoing.set.push(set("x", "1\nx-admin"))), None);
    assert_eq!(spoiled(&|outgoing| outgoing.set.push(set("x", "1\nx-admin\n1"))), None);
    assert_eq!(spoiled(&|outgoing| outgoing.set.push(set("x\ny", "1"))), None);
}

#[test]
fn one_name_for_every_spelling() {
    table(SPELLINGS.map(|name| (name, "x-auth-user")), |name| folded(name));
}

/// Whatever a claim holds, the header is visible ASCII with single spaces inside, and decodes back.
#[test]
fn every_text_makes_a_header_that_decodes_back() {
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
