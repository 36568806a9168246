//! Measures how long the core takes for a request, natively, for usual tokens and for tokens that
//! are made to be expensive.
//!
//! The line `find_route` gives the time to find a route in policies with 100 and 2,000 routes, as a
//! ratio to the time with 10 routes. Both must stay below 1.2.
//!
//! `hostile_16_kib/*` must stay below `good_16_kib/rs256`: rejecting an expensive token must take
//! less time than accepting a valid token of the same size.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark that fails to set up must stop, and it measures time"
)]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit as _, Mac as _};
use portcullis::gate::{Decision, Evaluation, Memory};
use portcullis::path::CanonicalPath;
use portcullis::policy::{Bindings, Policy};
use portcullis::request::Request;
use portcullis::time::UnixSeconds;
use portcullis::token::Unverified;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::hint::black_box;
use std::time::{Duration, Instant};

const SECRET: &str = "a secret of forty bytes, for benches only";
const PRIVATE_KEY: &str = include_str!("../tests/it/keys/rsa2048.pem");
const PUBLIC_KEY: &str = include_str!("../tests/it/keys/rsa2048.spki.pem");
const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);
const SIXTEEN_KIB: usize = 16 * 1024;

struct Secrets;

impl Bindings for Secrets {
    fn value(&self, name: &str) -> Option<Value> {
        match name {
            "SECRET" => Some(SECRET.into()),
            "PUBLIC_KEY" => Some(PUBLIC_KEY.into()),
            _ => None,
        }
    }

    fn is_service(&self, _: &str) -> bool {
        false
    }

    fn is_kv_namespace(&self, _: &str) -> bool {
        false
    }
}

fn policy() -> Policy {
    Policy::compile(&raw_policy(60), &Secrets).outcome.unwrap()
}

fn raw_policy(routes: usize) -> Value {
    let routes: Vec<_> = (0..routes)
        .map(|index| json!({ "path": format!("/service-{index}/{{id}}/*"), "scopes": ["read"] }))
        .collect();
    json!({
        "origin": "https://api.example.com",
        "issuers": [
            { "name": "hs", "issuer": "https://hs", "audience": "api", "algorithms": ["HS256"],
              "keys": { "secret": "SECRET" } },
            { "name": "rs", "issuer": "https://rs", "audience": "api", "algorithms": ["RS256"],
              "keys": { "pem": "PUBLIC_KEY" } },
        ],
        "routes": routes,
    })
}

/// Measures how long it takes to find a route among more and more of them. The policies take turns,
/// so that what else the machine does affects all of them.
fn find_routes(criterion: &mut Criterion) {
    const COUNTS: [usize; 3] = [10, 100, 2000];
    const LOOKUPS: u32 = 20_000;
    let policies =
        COUNTS.map(|count| Policy::compile(&raw_policy(count), &Secrets).outcome.unwrap());
    let paths = COUNTS.map(|count| format!("/service-{}/7/items", count - 1));
    let mut best = COUNTS.map(|_| Duration::MAX);
    for _ in 0..100 {
        for ((policy, path), best) in policies.iter().zip(&paths).zip(&mut best) {
            let path = CanonicalPath::parse(path).unwrap();
            let began = Instant::now();
            for _ in 0..LOOKUPS {
                assert!(policy.route_table().find(black_box(&path), "GET").is_ok());
            }
            *best = began.elapsed().min(*best);
        }
    }
    let [of_10, rest @ ..] = best.map(|best| best.as_secs_f64());
    let ratios = rest.map(|time| time / of_10);
    let nanoseconds = of_10 * 1e9 / f64::from(LOOKUPS);
    println!(
        "find_route: {nanoseconds:.0} ns of 10 routes; of 100 and 2,000: {ratios:.2?} times that"
    );

    let mut group = criterion.benchmark_group("compile_policy");
    for count in COUNTS {
        let raw = raw_policy(count);
        group.throughput(Throughput::Elements(count.try_into().unwrap()));
        group.bench_function(format!("routes_{count}"), |bencher| {
            bencher.iter(|| Policy::compile(black_box(&raw), &Secrets).outcome.is_ok());
        });
    }
    group.finish();
}

fn encode(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

/// Returns a validly signed token of about this many bytes.
fn good_token(algorithm: &str, issuer: &str, bytes: usize) -> String {
    let header = encode(&format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
    let claims = |padding: usize| {
        json!({
            "iss": issuer, "aud": "api", "sub": "user", "scope": "read write",
            "exp": 1_900_000_000, "iat": 1_700_000_000, "padding": "x".repeat(padding),
        })
        .to_string()
    };
    let signature_bytes = if algorithm == "RS256" { 256 } else { 32 };
    let fixed = header.len() + encode(&claims(0)).len() + signature_bytes * 4 / 3 + 8;
    let message = format!("{header}.{}", encode(&claims(bytes.saturating_sub(fixed) * 3 / 4)));
    let signature = if algorithm == "RS256" {
        let key = rsa::PrivateKey::from_pkcs1_pem(PRIVATE_KEY).unwrap();
        key.sign(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(&message)).unwrap()
    } else {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(message.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))
}

/// Returns tokens of 16 KiB that are expensive to reject.
fn hostile_tokens() -> Vec<(&'static str, String)> {
    let header = encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    let with_payload = |payload: &str| format!("{header}.{}.AAAA", encode(payload));
    // The largest payload that fits into a token of 16 KiB.
    let room = (SIXTEEN_KIB - header.len() - 16) * 3 / 4;
    let claims = r#""iss":"https://rs""#;
    let fill = |unit: &str| unit.repeat((room - 64) / unit.len());
    let members: String = (0..1_100).map(|index| format!(r#","m{index}":{index}"#)).collect();
    vec![
        ("deep_json", with_payload(&format!("{{{claims},\"x\":{}", fill("[")))),
        ("dots", ".".repeat(SIXTEEN_KIB)),
        ("giant_number", with_payload(&format!("{{{claims},\"x\":{}}}", fill("9")))),
        ("many_members", with_payload(&format!("{{{claims}{members}}}"))),
        ("many_items", with_payload(&format!("{{{claims},\"x\":[0{}]}}", fill(",0")))),
        ("escapes", with_payload(&format!("{{{claims},\"x\":\"{}\"}}", fill(r"\u0041")))),
        ("long_signature", {
            let payload = encode(&format!("{{{claims}}}"));
            format!("{header}.{payload}.{}", "A".repeat(16_000))
        }),
        ("long_kid", {
            let kid = "k".repeat(room - 64);
            format!("{}.e30.AAAA", encode(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#)))
        }),
    ]
}

fn benches(criterion: &mut Criterion) {
    let policy = policy();
    let judge_with = |memory: &Memory, token: &str| {
        let headers = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        let url = "https://gate.example/service-59/7/items";
        let request = Request { method: "GET", url, headers: &headers };
        let decision = Evaluation::new(&policy, black_box(request)).run(memory, NOW);
        matches!(decision, Ok(Decision::Forward(_)))
    };
    // The token is not in the cache.
    let judge = |token: &str| judge_with(&Memory::new(&policy), token);

    let mut group = criterion.benchmark_group("judge_700_bytes");
    for (name, algorithm, issuer) in
        [("hs256", "HS256", "https://hs"), ("rs256", "RS256", "https://rs")]
    {
        let token = good_token(algorithm, issuer, 700);
        assert!(judge(&token), "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| judge(&token)));
    }
    group.finish();

    let mut group = criterion.benchmark_group("cached_700_bytes");
    let token = good_token("RS256", "https://rs", 700);
    let memory = Memory::new(&policy);
    // The second use of a token puts it into the cache.
    assert!(judge_with(&memory, &token) && judge_with(&memory, &token));
    group.bench_function("rs256", |bencher| bencher.iter(|| judge_with(&memory, &token)));
    group.finish();

    let mut group = criterion.benchmark_group("good_16_kib");
    let token = good_token("RS256", "https://rs", SIXTEEN_KIB);
    assert!(judge(&token) && token.len() > SIXTEEN_KIB - 64);
    group.bench_function("rs256", |bencher| bencher.iter(|| judge(&token)));
    group.finish();

    let mut group = criterion.benchmark_group("hostile_16_kib");
    for (name, token) in hostile_tokens() {
        assert!(!judge(&token) && token.len() > 15_500 && token.len() <= SIXTEEN_KIB, "{name}");
        group.bench_function(name, |bencher| bencher.iter(|| judge(&token)));
    }
    group.finish();

    let mut group = criterion.benchmark_group("steps");
    let token = good_token("RS256", "https://rs", 700);
    group.throughput(Throughput::Bytes(u64::try_from(token.len()).unwrap()));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| Unverified::parse(black_box(&token)).is_ok());
    });
    group.bench_function("path", |bencher| {
        bencher.iter(|| CanonicalPath::parse(black_box("/service-59/7/caf%C3%A9/items")).is_ok());
    });
    let path = CanonicalPath::parse("/service-59/7/items").unwrap();
    group.bench_function("route_of_60", |bencher| {
        bencher.iter(|| policy.route_table().find(black_box(&path), "GET").is_ok());
    });
    group.finish();
}

criterion_group!(core, find_routes, benches);
criterion_main!(core);
