//! The keys of the other tables.

use super::{ByTest, Evidence, added, either, token};
use crate::kit::{Call, Signer, payload, with};
use serde_json::{Value, json};

fn preflight() -> Call {
    Call::new("OPTIONS", "/api/x")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "x-a")
}

fn metadata() -> Call {
    Call::get("/.well-known/oauth-protected-resource")
}

pub(super) fn rows() -> Vec<(&'static str, Evidence)> {
    let good = || Signer::hs256().signed(payload(&[]));
    let source = |source: Value| json!({ "sources": [source] });
    let cookie = Call::get("/api/x").header("Cookie", &format!("__Host-t={}", good()));
    let proof = |proof: Value| json!({ "proof": proof });
    let identity = |changes: Value| {
        let usual = json!({
            "key": "IDENTITY_KEY",
            "issuer": "https://gate.example",
            "audience": "https://internal.example",
        });
        json!({ "identity": with(usual, changes) })
    };
    let cors = |more: Value| {
        let mut cors = json!({ "allow_origins": ["https://app.example"] });
        cors.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cors
    };
    let resource = |identifier: &str, server: &str, scopes: Value| {
        json!({
            "identifier": identifier, "authorization_servers": [server], "scopes_supported": scopes,
        })
    };
    let usual = || resource("https://api.example", "https://i", json!(["a"]));
    vec![
        ("origin", added("/origin", json!("https://other.example"), token(&[]))),
        ("realm", added("/realm", json!("other"), Call::get("/api/x"))),
        (
            "origin_timeout",
            ByTest(
                include_str!("../../e2e/origin-answers.test.mjs"),
                "answers 504 if the origin does not respond in time",
            ),
        ),
        (
            "forward.headers",
            added("/forward", json!({ "headers": { "X-Api-Key": "LONG" } }), token(&[])),
        ),
        (
            "forward.location",
            ByTest(
                include_str!("../../e2e/location.test.mjs"),
                "location = \"keep\" leaves URLs of the origin as they are",
            ),
        ),
        (
            "dpop.algorithms",
            ByTest(
                include_str!("../possession/proof.rs"),
                "rfc9449_section_4_2_a_key_of_ed25519_proves_possession_too",
            ),
        ),
        (
            "dpop.max_age",
            ByTest(
                include_str!("../possession/proof.rs"),
                "rfc9449_section_4_3_number_11_the_time",
            ),
        ),
        (
            "dpop.nonce",
            ByTest(
                include_str!("../possession/nonce.rs"),
                "rfc9449_section_9_a_proof_without_a_nonce_is_told_one",
            ),
        ),
        (
            "dpop.replay.durable_object",
            ByTest(
                include_str!("../possession/replay.rs"),
                "the_durable_object_of_the_key_decides",
            ),
        ),
        (
            "mtls.trust",
            ByTest(
                include_str!("../possession/certificate.rs"),
                "attack_43_a_token_without_its_certificate_is_rejected",
            ),
        ),
        (
            "key_cache.secret",
            ByTest(
                include_str!("../shared_cache.rs"),
                "attack_38_ignores_entries_that_another_worker_has_planted",
            ),
        ),
        (
            "key_cache.encoding",
            ByTest(include_str!("../shared_cache.rs"), "rejects_a_weak_or_shared_secret"),
        ),
        ("token.sources", added("/token", source(json!({ "header": "X-T" })), token(&[]))),
        (
            "token.sources[].cookie",
            either(
                "/token",
                source(json!({ "cookie": "__Host-t" })),
                source(json!({ "cookie": "__Host-u" })),
                cookie,
            ),
        ),
        (
            "token.sources[].header",
            either(
                "/token",
                source(json!({ "header": "X-T" })),
                source(json!({ "header": "X-U" })),
                Call::get("/api/x").header("X-T", &good()),
            ),
        ),
        (
            "token.sources[].query",
            either(
                "/token",
                source(json!({ "query": "t" })),
                source(json!({ "query": "u" })),
                Call::get(&format!("/api/x?t={}", good())),
            ),
        ),
        (
            "token.sources[].scheme",
            either(
                "/token",
                source(json!({ "scheme": "JWT" })),
                source(json!({ "scheme": "Token" })),
                Call::get("/api/x").header("Authorization", &format!("JWT {}", good())),
            ),
        ),
        (
            "token.sources[].bearer_cookie",
            either(
                "/token",
                source(json!({ "bearer_cookie": "__Host-t" })),
                source(json!({ "bearer_cookie": "__Host-u" })),
                Call::get("/api/x").header("Cookie", &format!("__Host-t=Bearer%20{}", good())),
            ),
        ),
        (
            "token.sources[].subprotocol",
            either(
                "/token",
                source(json!({ "subprotocol": "token." })),
                source(json!({ "subprotocol": "jwt." })),
                Call::get("/api/x").header("Sec-WebSocket-Protocol", &format!("token.{}", good())),
            ),
        ),
        (
            "forward.authorization",
            added("/forward", json!({ "authorization": "strip" }), token(&[])),
        ),
        ("forward.claims", added("/forward", json!({ "claims": { "X-A": "sub" } }), token(&[]))),
        ("forward.payload", added("/forward", json!({ "payload": "X-P" }), token(&[]))),
        (
            "forward.proof.header",
            either(
                "/forward",
                proof(json!({ "secret": "HOP" })),
                proof(json!({ "secret": "HOP", "header": "X-Hop" })),
                token(&[]),
            ),
        ),
        (
            "forward.proof.secret",
            either(
                "/forward",
                proof(json!({ "secret": "HOP" })),
                proof(json!({ "secret": "OTHER_HOP" })),
                token(&[]),
            ),
        ),
        (
            "forward.proof.encoding",
            either(
                "/forward",
                proof(json!({ "secret": "LONG" })),
                proof(json!({ "secret": "LONG", "encoding": "hex" })),
                token(&[]),
            ),
        ),
        (
            "forward.proof.lifetime",
            either(
                "/forward",
                proof(json!({ "secret": "HOP" })),
                proof(json!({ "secret": "HOP", "lifetime": 300 })),
                token(&[]),
            ),
        ),
        (
            "forward.identity.key",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "key": "OTHER_IDENTITY_KEY" })),
                token(&[]),
            ),
        ),
        (
            "forward.identity.issuer",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "issuer": "https://other.example" })),
                token(&[]),
            ),
        ),
        (
            "forward.identity.audience",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "audience": "other" })),
                token(&[]),
            ),
        ),
        (
            "forward.identity.header",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "header": "X-Identity" })),
                token(&[]),
            ),
        ),
        (
            "forward.identity.claims",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "claims": ["sub", "exp_hint"] })),
                token(&[("exp_hint", "1")]),
            ),
        ),
        (
            "forward.identity.lifetime",
            either(
                "/forward",
                identity(json!({})),
                identity(json!({ "lifetime": 60 })),
                token(&[]),
            ),
        ),
        (
            "cors.allow_origins",
            either(
                "/cors",
                cors(json!({})),
                json!({ "allow_origins": ["https://other.example"] }),
                preflight(),
            ),
        ),
        (
            "cors.allow_headers",
            either(
                "/cors",
                cors(json!({})),
                cors(json!({ "allow_headers": ["X-B"] })),
                preflight(),
            ),
        ),
        (
            "cors.max_age",
            either("/cors", cors(json!({})), cors(json!({ "max_age": 600 })), preflight()),
        ),
        (
            "cors.allow_credentials",
            either(
                "/cors",
                cors(json!({})),
                cors(json!({ "allow_credentials": true })),
                preflight(),
            ),
        ),
        (
            "cors.responses",
            ByTest(
                include_str!("../../e2e/cors.test.mjs"),
                "with responses = true, the gate adds the headers to the API's responses",
            ),
        ),
        (
            "cors.expose_headers",
            ByTest(
                include_str!("../cors.rs"),
                "fn adds_headers_to_the_apis_responses_if_the_policy_says_so",
            ),
        ),
        (
            "resource.identifier",
            either(
                "/resource",
                usual(),
                resource("https://other.example", "https://i", json!(["a"])),
                metadata(),
            ),
        ),
        (
            "resource.authorization_servers",
            either(
                "/resource",
                usual(),
                resource("https://api.example", "https://j", json!(["a"])),
                metadata(),
            ),
        ),
        (
            "resource.scopes_supported",
            either(
                "/resource",
                usual(),
                resource("https://api.example", "https://i", json!(["b"])),
                metadata(),
            ),
        ),
        (
            "resource.root",
            either(
                "/resource",
                resource("https://api.example/v1", "https://i", json!(["a"])),
                with(
                    resource("https://api.example/v1", "https://i", json!(["a"])),
                    json!({ "root": true }),
                ),
                metadata(),
            ),
        ),
        ("revocation.kv", added("/revocation", json!({ "kv": "REVOKED" }), token(&[]))),
        (
            "revocation.max_staleness",
            ByTest(
                include_str!("../revocation.rs"),
                "fn a_revocation_is_noticed_within_max_staleness",
            ),
        ),
        (
            "revocation.on_error",
            ByTest(
                include_str!("../revocation.rs"),
                "fn on_error_decides_the_verdict_while_the_store_cannot_be_read",
            ),
        ),
        (
            "revocation.logout_path",
            ByTest(
                include_str!("../../e2e/revocation.test.mjs"),
                "a logout token from the provider revokes the session",
            ),
        ),
        (
            "revocation.logout_audience",
            ByTest(
                include_str!("../revocation.rs"),
                "fn oidc_backchannel_logout_2_6_checks_the_claims_of_a_logout_token",
            ),
        ),
        (
            "revocation.expiration_ttl",
            ByTest(
                include_str!("../../e2e/revocation.test.mjs"),
                "keeps the entries that a logout writes for expiration_ttl",
            ),
        ),
        (
            "log.decisions",
            ByTest(
                include_str!("../../e2e/logs.test.mjs"),
                "a policy can have every decision logged",
            ),
        ),
        (
            "log.analytics",
            ByTest(
                include_str!("../../e2e/observability.test.mjs"),
                "writes a data point for every decision",
            ),
        ),
        (
            "log.server_timing",
            ByTest(
                include_str!("../../e2e/observability.test.mjs"),
                "adds Server-Timing if the policy asks for it",
            ),
        ),
        (
            "rate_limit.binding",
            ByTest(
                include_str!("../../e2e/rate-limit.test.mjs"),
                "answers 429 after too many refused tokens from one address",
            ),
        ),
        ("errors.detail", added("/errors", json!({ "detail": "reason" }), Call::get("/api/x"))),
    ]
}
