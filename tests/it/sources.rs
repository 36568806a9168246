//! Token sources: a request may contain one token, in one of the sources that the policy lists.

use crate::kit::{Call, Gate, Sent, Signer, b64, hs_issuer, keys, payload, policy, table, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ADMITTED: &str = "200";
const NO_TOKEN: &str = "401 missing_token";
const MALFORMED: &str = "400 malformed_authorization";
const SEVERAL: &str = "400 multiple_tokens";
const BAD_TOKEN: &str = "401 malformed_token";
const FORGED: &str = "401 bad_signature";
const CROSS_SITE: &str = "403 cross_site";

/// Header lines, a name and a value each.
type Lines<'l> = &'l [(&'l str, &'l str)];

fn good() -> String {
    Signer::hs256().signed(payload(&[]))
}

fn forged() -> String {
    Signer::hmac(256, keys::OTHER_SECRET).signed(payload(&[]))
}

/// Replaces each `T` in a text by a valid token and each `F` by a forged one.
fn filled(text: &str) -> String {
    let fill = |letter| match letter {
        'T' => good(),
        'F' => forged(),
        other => String::from(other),
    };
    text.chars().map(fill).collect()
}

fn gate(sources: Value, forward: Value) -> Gate {
    let mut raw = with(policy(hs_issuer()), json!({ "forward": forward }));
    raw["token"] = json!({ "sources": sources });
    raw["routes"] = json!([
        { "path": "/*" },
        { "path": "/optional", "access": "optional" },
        { "path": "/public", "access": "public" },
    ]);
    Gate::new(&raw)
}

fn every_source() -> Value {
    json!([
        "authorization",
        { "cookie": "token" },
        { "header": "X-Token" },
        { "query": "access_token" },
        "websocket-protocol",
    ])
}

fn call(path: &str, headers: Lines<'_>) -> Call {
    let call = Call::get(&filled(path));
    headers.iter().fold(call, |call, (name, value)| call.header(name, &filled(value)))
}

fn check_header<'r>(
    sources: Value,
    name: &str,
    rows: impl IntoIterator<Item = (&'r str, &'r str)>,
) {
    let gate = gate(sources, json!({}));
    table(rows, |value| gate.verdict(&call("/", &[(name, value)])));
}

#[test]
fn rfc6265_section_5_4_finds_a_token_in_a_cookie() {
    check_header(
        json!([{ "cookie": "token" }]),
        "Cookie",
        [
            ("token=T", ADMITTED),
            ("a=b; token=T", ADMITTED),
            ("token=T; a=b", ADMITTED),
            ("a=b;token=T;c=d", ADMITTED),
            ("a=b; token=F; c", FORGED),
            ("a=b", NO_TOKEN),
            ("", NO_TOKEN),
            (";;", NO_TOKEN),
            ("Token=T", NO_TOKEN),
            ("xtoken=T", NO_TOKEN),
            ("token2=T", NO_TOKEN),
            ("a=token=T", NO_TOKEN),
            ("a=b token=T", NO_TOKEN),
            ("a=b, token=T", NO_TOKEN),
            ("a=b,token=F; token=T", ADMITTED),
            ("token=T; a=b,token=F", ADMITTED),
            ("token=T,token=F", SEVERAL),
            // The cookie is present, but its value is not a token.
            ("token=", MALFORMED),
            ("token", MALFORMED),
            ("a=b; token; c=d", MALFORMED),
            ("token=\"T\"", MALFORMED),
            ("token= T", MALFORMED),
            ("token=Bearer T", MALFORMED),
            ("token=T T", MALFORMED),
            ("token=%54", MALFORMED),
            ("token==", MALFORMED),
            ("token=x", BAD_TOKEN),
            ("token=T=x", MALFORMED),
        ],
    );
}

#[test]
fn attack_28_refuses_two_tokens_in_one_source() {
    let check = |source: Value, name: &str, rows: &[&str]| {
        let rows = rows.iter().map(|row| (*row, SEVERAL));
        check_header(json!([source]), name, rows);
    };
    check(
        json!({ "cookie": "token" }),
        "Cookie",
        &[
            "token=T; token=T",
            "token=T; token=F",
            "token=F; a=b; token=T",
            "token=; token=T",
            "token; token=T",
            " token =T; token=T",
            "token=T; a=b, c=d; token=F",
        ],
    );
    check(json!({ "header": "X-Token" }), "X-Token", &["T, T", "T,F", "F, T", "T, x"]);
    check(
        json!("websocket-protocol"),
        "Sec-WebSocket-Protocol",
        &["bearer, T, bearer, T", "bearer, T, bearer", "bearer, bearer, T", "bearer,F,bearer,T"],
    );
    let gate = gate(json!([{ "query": "access_token" }]), json!({}));
    let rows = [
        "/?access_token=T&access_token=T",
        "/?access_token=T&a=b&access_token=F",
        "/?access_token&access_token=T",
        "/?access%5ftoken=T&access_token=T",
        "/?access_token=T&%61ccess_token=x",
    ];
    table(rows.map(|row| (row, SEVERAL)), |path| gate.verdict(&call(path, &[])));
}

/// RFC 6265 section 5.4 allows one `Cookie` field. The runtime joins several with commas, so the
/// beginning of the second is a part of the last value of the first.
#[test]
fn attack_28_a_second_cookie_field_continues_the_last_value() {
    let gate = gate(json!([{ "cookie": "token" }]), json!({}));
    let rows = [
        (["a=b", "token=T"], NO_TOKEN),
        (["token=T; a=b", "token=F"], ADMITTED),
        (["token=T", "a=b"], SEVERAL),
        (["token=T", "token=T"], SEVERAL),
        (["a=b; token=T", "c=d; token=F"], SEVERAL),
    ];
    table(rows, |[one, two]| gate.verdict(&call("/", &[("Cookie", one), ("Cookie", two)])));
}

#[test]
fn finds_a_token_in_a_custom_header() {
    check_header(
        json!([{ "header": "X-Token" }]),
        "x-token",
        [
            ("T", ADMITTED),
            ("F", FORGED),
            ("", MALFORMED),
            (" T", MALFORMED),
            ("Bearer T", MALFORMED),
            ("\"T\"", MALFORMED),
            ("T,", MALFORMED),
            ("é", MALFORMED),
            ("x", BAD_TOKEN),
        ],
    );
}

#[test]
fn rfc6750_section_2_3_finds_a_token_in_the_query() {
    let gate = gate(json!([{ "query": "access_token" }]), json!({}));
    let rows = [
        ("/?access_token=T", ADMITTED),
        ("/?a=b&access_token=T", ADMITTED),
        ("/?access_token=T&a=b", ADMITTED),
        ("/?&&access_token=T&", ADMITTED),
        ("/?access_token=F", FORGED),
        // A server that decodes the name reads the same parameter.
        ("/?access%5ftoken=T", ADMITTED),
        ("/?%61ccess_token=T", ADMITTED),
        ("/", NO_TOKEN),
        ("/?", NO_TOKEN),
        ("/?access_token2=T", NO_TOKEN),
        ("/?access_toke=T", NO_TOKEN),
        ("/?Access_token=T", NO_TOKEN),
        ("/?a=access_token=T", NO_TOKEN),
        ("/?a;access_token=T", NO_TOKEN),
        ("/?access_token%=T", NO_TOKEN),
        ("/?%=T&%a=T&%zz=T", NO_TOKEN),
        ("/access_token=T", NO_TOKEN),
        ("/?access_token", MALFORMED),
        ("/?access_token=", MALFORMED),
        ("/?access_token=&a=T", MALFORMED),
        ("/?access_token=+T", "401 malformed_token"),
        ("/?access_token=%20T", MALFORMED),
        ("/?access_token=T%20", MALFORMED),
        ("/?access_token=T;a=b", MALFORMED),
        ("/?access_token=T#x", MALFORMED),
        ("/?access_token=x", BAD_TOKEN),
    ];
    table(rows, |path| gate.verdict(&call(path, &[])));
}

#[test]
fn rfc6455_section_11_3_4_finds_a_token_among_the_subprotocols() {
    check_header(
        json!(["websocket-protocol"]),
        "Sec-WebSocket-Protocol",
        [
            ("bearer, T", ADMITTED),
            ("bearer,T", ADMITTED),
            ("chat, bearer, T", ADMITTED),
            ("bearer, T, chat", ADMITTED),
            ("bearer, F", FORGED),
            ("chat", NO_TOKEN),
            ("T", NO_TOKEN),
            ("", NO_TOKEN),
            ("Bearer, T", NO_TOKEN),
            ("bearer T", NO_TOKEN),
            ("bearer", MALFORMED),
            ("chat, bearer", MALFORMED),
            ("bearer,", MALFORMED),
            ("bearer, , T", MALFORMED),
            ("bearer, chat", BAD_TOKEN),
        ],
    );
}

/// Refuses two tokens even if they are identical, in every rotation of the policy's list of
/// sources.
#[test]
fn attack_28_refuses_tokens_in_two_sources() {
    let places: [(&str, Lines<'_>); 5] = [
        ("/", &[("Authorization", "Bearer T")]),
        ("/", &[("Cookie", "token=T")]),
        ("/", &[("X-Token", "T")]),
        ("/?access_token=T", &[]),
        ("/", &[("Sec-WebSocket-Protocol", "bearer, T")]),
    ];
    let mut sources = every_source();
    for _ in 0..5 {
        sources.as_array_mut().unwrap().rotate_left(1);
        let gate = gate(sources.clone(), json!({}));
        for (one, (path, headers)) in places.iter().enumerate() {
            assert_eq!(gate.verdict(&call(path, headers)), ADMITTED);
            for (other, (other_path, other_headers)) in places.iter().enumerate() {
                if one == other {
                    continue;
                }
                let path = if *path == "/" { other_path } else { path };
                for second in ["T", "F", "x"] {
                    let again: Vec<_> = other_headers
                        .iter()
                        .map(|(name, value)| (*name, value.replace('T', second)))
                        .collect();
                    let again = again.iter().map(|(name, value)| (*name, value.as_str()));
                    let headers: Vec<_> = headers.iter().copied().chain(again).collect();
                    assert_eq!(gate.verdict(&call(path, &headers)), SEVERAL, "{headers:?}");
                }
            }
        }
    }
}

#[test]
fn attack_28_ignores_sources_that_are_not_configured() {
    let gate = gate(json!([{ "cookie": "token" }]), json!({}));
    let rows = [
        (call("/", &[("Authorization", "Bearer T")]), NO_TOKEN),
        (call("/", &[("Authorization", "Bearer")]), NO_TOKEN),
        (call("/?access_token=T", &[]), NO_TOKEN),
        (call("/", &[("X-Token", "T")]), NO_TOKEN),
        (call("/", &[("Sec-WebSocket-Protocol", "bearer, T")]), NO_TOKEN),
        (call("/?access_token=F", &[("Authorization", "Bearer F"), ("Cookie", "token=T")]), "200"),
    ];
    table(rows, |call| gate.verdict(call));
}

#[test]
fn a_public_route_ignores_every_source() {
    let gate = gate(every_source(), json!({ "authorization": "strip" }));
    let rows: [(&str, Lines<'_>); 7] = [
        ("/public?access_token=T&access_token=x", &[]),
        ("/public?access_token=", &[("Cookie", "token=x; token=y; a=b")]),
        ("/public", &[("X-Token", "x, y")]),
        ("/public", &[("Sec-WebSocket-Protocol", "bearer")]),
        ("/public", &[("Sec-WebSocket-Protocol", "bearer, T")]),
        ("/public", &[("Cookie", "token=T"), ("X-Token", "T")]),
        ("/public?access_token=T", &[("Cookie", "token=T")]),
    ];
    for (path, headers) in rows {
        let call = call(path, headers);
        let sent = gate.ask(&call).unwrap();
        assert!(sent.anonymous);
        assert!(sent.removed.is_empty(), "{sent:?}");
        assert_eq!(sent.url, call.url.replace("gate.example", "origin.example"));
        assert_eq!(sent.set.len(), 2, "{sent:?}");
    }
}

#[test]
fn an_optional_route_refuses_malformed_and_forged_tokens() {
    let gate = gate(every_source(), json!({}));
    let rows: [(&str, Lines<'_>, &str); 6] = [
        ("/optional?a=b", &[("Cookie", "a=b"), ("Authorization", "Basic x")], ADMITTED),
        ("/optional?access_token=", &[], MALFORMED),
        ("/optional", &[("Cookie", "token=")], MALFORMED),
        ("/optional", &[("X-Token", "")], MALFORMED),
        ("/optional", &[("Sec-WebSocket-Protocol", "bearer")], MALFORMED),
        ("/optional", &[("Cookie", "token=F")], FORGED),
    ];
    for (path, headers, expected) in rows {
        assert_eq!(gate.verdict(&call(path, headers)), expected, "{path} {headers:?}");
    }
}

#[test]
fn attack_26_refuses_a_token_over_16_kib_in_any_source() {
    let gate = gate(every_source(), json!({}));
    let long = "x".repeat(16 * 1024 + 1);
    let calls = [
        Call::get("/").bearer(&long),
        Call::get("/").header("Cookie", &format!("token={long}")),
        Call::get("/").header("X-Token", &long),
        Call::get(&format!("/?access_token={long}")),
        Call::get("/").header("Sec-WebSocket-Protocol", &format!("bearer, {long}")),
    ];
    table(calls.map(|call| (call, "400 token_too_large")), |call| gate.verdict(call));
}

fn sent(sources: Value, forward: Value, path: &str, headers: Lines<'_>) -> Sent {
    gate(sources, forward).ask(&call(path, headers)).unwrap()
}

#[test]
fn removes_the_token_from_the_query_and_keeps_the_rest() {
    let rows = [
        ("?access_token=T", ""),
        ("?access_token=T&a=b", "?a=b"),
        ("?a=b&access_token=T", "?a=b"),
        ("?a=b&access_token=T&c=d", "?a=b&c=d"),
        ("?a=%2f+%zz&&=&access%5ftoken=T&b=\"'x'&c", "?a=%2f+%zz&&=&b=\"'x'&c"),
        ("?&access_token=T", "?"),
        ("?access_token=T&", "?"),
        ("?access_tokens=1&access_token=T", "?access_tokens=1"),
    ];
    for strip in ["keep", "strip"] {
        for (origin, base) in [
            ("https://origin.example", "https://origin.example"),
            ("echo", "https://gate.example"),
            ("service:API", "https://gate.example"),
            ("zone", "https://gate.example"),
        ] {
            let mut raw = policy(hs_issuer());
            raw["origin"] = json!(origin);
            raw["token"] = json!({ "sources": [{ "query": "access_token" }] });
            raw["forward"] = json!({ "authorization": strip });
            let gate = Gate::new(&raw);
            table(rows.map(|(query, left)| (query, format!("{base}/p{left}"))), |query| {
                gate.ask(&call(&format!("/p{query}"), &[])).unwrap().url
            });
        }
    }
}

#[test]
fn removes_the_token_from_the_subprotocols_and_keeps_the_rest() {
    let rows = [
        ("bearer, T", None),
        ("bearer, T, chat", Some("chat")),
        ("chat, bearer, T", Some("chat")),
        ("a,b, bearer ,T, c", Some("a, b, c")),
    ];
    for strip in ["keep", "strip"] {
        table(rows.map(|(offered, left)| (offered, left.map(str::to_owned))), |offered| {
            let headers = [("Sec-WebSocket-Protocol", *offered)];
            let sources = json!(["websocket-protocol"]);
            let sent = sent(sources, json!({ "authorization": strip }), "/", &headers);
            assert!(sent.removed.iter().any(|name| name == "Sec-WebSocket-Protocol"));
            sent.header("Sec-WebSocket-Protocol").map(str::to_owned)
        });
    }
}

#[test]
fn strip_removes_the_token_cookie_and_keeps_the_others() {
    let rows = [
        ("token=T", None),
        ("token=T;", None),
        ("a=b; token=T", Some("a=b")),
        ("token=T; a=b", Some("a=b")),
        ("a=b; token=T; c=\"d, e\"; tokens=1", Some("a=b; c=\"d, e\"; tokens=1")),
        ("a=b;token=T;c=d", Some("a=b;c=d")),
        ("token=T; a=b,token=x,c; d=e", Some("a=b,token=x,c; d=e")),
        ("a=é; token=T; b==;c", Some("a=é; b==;c")),
    ];
    table(rows.map(|(cookies, left)| (cookies, left.map(str::to_owned))), |cookies| {
        let headers = [("Cookie", *cookies)];
        let sources = json!([{ "cookie": "token" }]);
        let sent = sent(sources, json!({ "authorization": "strip" }), "/", &headers);
        assert!(sent.removed.iter().any(|name| name == "Cookie"));
        sent.header("Cookie").map(str::to_owned)
    });
    let kept = sent(json!([{ "cookie": "token" }]), json!({}), "/", &[("Cookie", "token=T")]);
    assert!(kept.removed.is_empty() && kept.header("Cookie").is_none(), "{kept:?}");
}

#[test]
fn finds_a_token_after_another_scheme() {
    check_header(
        json!([{ "scheme": "Apikey" }]),
        "Authorization",
        [
            ("Apikey T", ADMITTED),
            ("APIKEY  T", ADMITTED),
            ("Apikey F", FORGED),
            ("Apikey x", BAD_TOKEN),
            ("Apikey", MALFORMED),
            ("Apikey T T", MALFORMED),
            ("Apikey\tT", MALFORMED),
            ("Apikey T, Apikey T", SEVERAL),
            ("Basic x, Apikey T", SEVERAL),
            ("Bearer T", NO_TOKEN),
            ("Apikeys T", NO_TOKEN),
            ("T", NO_TOKEN),
        ],
    );
    // The header is one place, whatever its scheme is.
    let both = json!(["authorization", { "scheme": "Apikey" }]);
    let rows = [
        ("Apikey T", ADMITTED),
        ("Bearer T", ADMITTED),
        ("Bearer T, Apikey T", MALFORMED),
        ("Apikey T, Bearer T", SEVERAL),
        ("Apikey Bearer T", MALFORMED),
    ];
    check_header(both, "Authorization", rows);
    let source = json!([{ "scheme": "Apikey" }]);
    let headers = [("Authorization", "Apikey T")];
    let stripped = sent(source, json!({ "authorization": "strip" }), "/", &headers);
    assert_eq!(stripped.removed, ["Authorization"]);
}

/// FastAPI's guides and Passport's write such cookies.
#[test]
fn finds_a_token_after_bearer_in_a_cookie() {
    check_header(
        json!([{ "bearer_cookie": "token" }]),
        "Cookie",
        [
            ("token=Bearer%20T", ADMITTED),
            ("token=Bearer+T", ADMITTED),
            ("token=\"Bearer T\"; a=b", ADMITTED),
            ("a=b; token=bearer T", ADMITTED),
            ("token=Bearer%20F", FORGED),
            ("token=Bearer%20x", BAD_TOKEN),
            ("token=T", MALFORMED),
            ("token=", MALFORMED),
            ("token=Bearer", MALFORMED),
            ("token=BearerT", MALFORMED),
            ("token=Bearer%20", MALFORMED),
            ("token=Bearer%20Bearer%20T", MALFORMED),
            ("token=Bearer%2520T", MALFORMED),
            ("token=\"Bearer T", MALFORMED),
            ("token=Basic%20T", MALFORMED),
            ("token=Bearer%20T; token=Bearer%20T", SEVERAL),
            ("tokens=Bearer%20T", NO_TOKEN),
        ],
    );
    let source = || json!([{ "bearer_cookie": "token" }]);
    let headers = [("Cookie", "a=b; token=Bearer%20T; c=d")];
    let stripped = sent(source(), json!({ "authorization": "strip" }), "/", &headers);
    assert_eq!(stripped.header("Cookie"), Some("a=b; c=d"));
    // Like any cookie, it needs proof that no other site has sent it.
    let gate = gate(source(), json!({}));
    let post = Call::new("POST", "/").header("Cookie", &filled("token=Bearer%20T"));
    assert_eq!(gate.verdict(&post), CROSS_SITE);
}

/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/>, and clients that put
/// the token after a prefix as it is.
#[test]
fn finds_a_token_after_the_prefix_of_a_subprotocol() {
    const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";
    let source = || json!([{ "subprotocol": PREFIX }]);
    let encoded = |text: &str| format!("{PREFIX}{}", b64(filled(text)));
    let check = |offered: &str, expected: &str| {
        let gate = gate(source(), json!({}));
        let call = Call::get("/").header("Sec-WebSocket-Protocol", offered);
        assert_eq!(gate.verdict(&call), expected, "{offered}");
    };
    check(&format!("{}, v4.channel.k8s.io", encoded("T")), ADMITTED);
    check(&format!("v4.channel.k8s.io,{}", encoded("T")), ADMITTED);
    check(&filled(&format!("{PREFIX}T, chat")), ADMITTED);
    check(&encoded("F"), FORGED);
    check(&encoded("x"), BAD_TOKEN);
    check(PREFIX, MALFORMED);
    check(&format!("{PREFIX}====, chat"), MALFORMED);
    check(&format!("{PREFIX}é"), MALFORMED);
    check(&encoded("Bearer T"), MALFORMED);
    check(&format!("{}=", encoded("T")), MALFORMED);
    check(&format!("{}, {}", encoded("T"), encoded("T")), SEVERAL);
    check("chat", NO_TOKEN);
    check(&filled("bearer, T"), NO_TOKEN);
    // The origin must not see the token, and chooses one of the other subprotocols.
    let offered = format!("{}, v4.channel.k8s.io, chat", encoded("T"));
    let call = Call::get("/").header("Sec-WebSocket-Protocol", &offered);
    let forwarded = gate(source(), json!({})).ask(&call).unwrap();
    assert_eq!(forwarded.header("Sec-WebSocket-Protocol"), Some("v4.channel.k8s.io, chat"));
}

/// workerd replaces bytes that are not UTF-8 before a Worker can read them. The origin must not
/// take a cookie that was changed on the way for the client's.
#[test]
fn strip_drops_cookies_whose_bytes_the_runtime_has_replaced() {
    let rows = [
        ("token=T; a=\u{fffd}", None),
        ("a=\u{fffd}; token=T; b=é; c=\u{fffd}x", Some("b=é")),
        ("a\u{fffd}=1; token=T; b=2", Some("b=2")),
    ];
    for (cookies, kept) in rows {
        let headers = [("Cookie", cookies)];
        let source = json!([{ "cookie": "token" }]);
        let stripped = sent(source.clone(), json!({ "authorization": "strip" }), "/", &headers);
        assert_eq!(stripped.header("Cookie").map(str::trim), kept, "{cookies}");
        // Without stripping, the header is forwarded as it came.
        let forwarded = sent(source, json!({}), "/", &headers);
        assert!(forwarded.header("Cookie").is_none() && forwarded.removed.is_empty());
    }
}

#[test]
fn a_refusal_without_a_token_says_what_the_authorization_header_lacks() {
    let because = |sources: Value, headers: Lines<'_>| {
        let gate = gate(sources, json!({}));
        gate.ask(&call("/", headers)).unwrap_err().because().to_owned()
    };
    let usual = || json!(["authorization"]);
    assert_eq!(because(usual(), &[]), "the request has no token");
    let bare = because(usual(), &[("Authorization", "T")]);
    assert!(bare.contains("without a scheme"), "{bare}");
    assert!(!bare.contains("eyJ"), "{bare}");
    for value in ["Basic dTpw", "jwt T", "x"] {
        let other = because(usual(), &[("Authorization", value)]);
        assert!(other.contains("a scheme that the policy does not name"), "{value}: {other}");
    }
    let elsewhere = because(json!([{ "cookie": "token" }]), &[("Authorization", "T")]);
    assert_eq!(elsewhere, "the request has no token");
}

#[test]
fn strip_removes_the_token_and_every_authorization_header() {
    let removed = |path: &str, headers: Lines<'_>| {
        let mut removed =
            sent(every_source(), json!({ "authorization": "strip" }), path, headers).removed;
        removed.sort();
        removed
    };
    let basic = ("Authorization", "Basic x");
    assert_eq!(removed("/", &[("Authorization", "Bearer T")]), ["Authorization"]);
    assert_eq!(removed("/", &[("X-Token", "T"), basic]), ["Authorization", "X-Token"]);
    assert_eq!(removed("/", &[("X-Token", "T"), ("x_token", "y")]), ["X-Token", "x_token"]);
    assert_eq!(removed("/", &[("Cookie", "token=T"), basic]), ["Authorization", "Cookie"]);
    assert_eq!(removed("/?access_token=T", &[basic]), ["Authorization"]);
    assert_eq!(removed("/optional", &[basic, ("Cookie", "a=b")]), ["Authorization"]);
    assert_eq!(removed("/public", &[basic, ("X-Token", "T")]), ["Authorization"]);
}

/// Browsers also send cookies with requests that other sites trigger. Such a request must not
/// change anything or open a WebSocket.
#[test]
fn a_cookie_needs_proof_of_the_same_origin_for_unsafe_methods_and_websockets() {
    let gate = gate(json!(["authorization", { "cookie": "token" }]), json!({}));
    let headers: [(Lines<'_>, bool); 17] = [
        (&[], false),
        (&[("Sec-Fetch-Site", "same-origin")], true),
        (&[("Sec-Fetch-Site", "same-site")], false),
        (&[("Sec-Fetch-Site", "cross-site")], false),
        (&[("Sec-Fetch-Site", "none")], false),
        (&[("Sec-Fetch-Site", "Same-Origin")], false),
        (&[("Sec-Fetch-Site", "same-origin, same-origin")], false),
        (&[("Origin", "https://gate.example")], true),
        (&[("Origin", "https://gate.example:443")], false),
        (&[("Origin", "http://gate.example")], false),
        (&[("Origin", "https://gate.example.evil.example")], false),
        (&[("Origin", "https://evil.example")], false),
        (&[("Origin", "null")], false),
        (&[("Origin", "")], false),
        (&[("Origin", "https://gate.example, https://evil.example")], false),
        (&[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://gate.example")], true),
        (&[("Referer", "https://gate.example/")], false),
    ];
    for (headers, passes) in headers {
        let ask = |method: &str, extra: Lines<'_>| {
            let headers: Vec<_> = headers.iter().chain(extra).copied().collect();
            let mut call = call("/", &headers);
            call.method = method.to_owned();
            gate.verdict(&call)
        };
        let cookie = ("Cookie", "token=T");
        let expected = if passes { ADMITTED } else { CROSS_SITE };
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get"] {
            assert_eq!(ask(method, &[cookie]), expected, "{method} {headers:?}");
            // A page of another site cannot set this header, so it needs no proof.
            assert_eq!(ask(method, &[("Authorization", "Bearer T")]), ADMITTED);
        }
        for method in ["GET", "HEAD", "OPTIONS"] {
            assert_eq!(ask(method, &[cookie]), ADMITTED, "{method} {headers:?}");
        }
        for upgrade in ["websocket", "WebSocket", "h2c, websocket"] {
            assert_eq!(ask("GET", &[cookie, ("Upgrade", upgrade)]), expected, "{headers:?}");
        }
        assert_eq!(ask("GET", &[("Authorization", "Bearer T"), ("Upgrade", "websocket")]), "200");
    }
}

#[test]
fn compares_origins_without_the_default_port() {
    let gate = gate(json!([{ "cookie": "token" }]), json!({}));
    let rows = [
        (("https://gate.example/", "https://gate.example"), ADMITTED),
        (("https://gate.example:443/", "https://gate.example"), ADMITTED),
        (("http://gate.example:80/", "http://gate.example"), ADMITTED),
        (("http://gate.example:8080/", "http://gate.example:8080"), ADMITTED),
        (("https://GATE.example/", "https://gate.example"), ADMITTED),
        (("http://gate.example:8080/", "http://gate.example"), CROSS_SITE),
        (("http://gate.example:443/", "http://gate.example"), CROSS_SITE),
        (("http://gate.example/", "https://gate.example"), CROSS_SITE),
    ];
    table(rows, |(url, origin)| {
        let mut call = call("/", &[("Cookie", "token=T"), ("Origin", origin)]);
        call.method = "POST".to_owned();
        call.url = (*url).to_owned();
        gate.verdict(&call)
    });
}

/// The cross-site check runs before the token is parsed, so the refusal reveals nothing about the
/// token.
#[test]
fn attack_34_cross_site_refusals_do_not_depend_on_the_token() {
    let gate = gate(json!([{ "cookie": "token" }]), json!({}));
    let rows = ["token=T", "token=F", "token=x"].map(|cookie| (cookie, CROSS_SITE));
    table(rows, |cookie| {
        let mut call = call("/", &[("Cookie", cookie)]);
        call.method = "POST".to_owned();
        gate.verdict(&call)
    });
}
