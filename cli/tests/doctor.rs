//! `doctor`, against a server on this machine.

use crate::kit::{Folder, Run};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// An Ed25519 key (RFC 8037 appendix A.2), with its name.
const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"one","use":"sig","alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Serves one response after the other, and returns the server's URL.
fn serve(responses: Vec<String>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for response in responses {
            let (stream, _) = listener.accept().unwrap();
            respond(stream, &response);
        }
    });
    url
}

fn respond(mut stream: TcpStream, response: &str) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let head: Vec<String> =
        lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let head = head.join("\n").to_lowercase();
    assert!(head.contains("user-agent: portcullis"), "{head}");
    assert!(head.contains("accept: application/jwk-set+json, application/json"), "{head}");
    stream.write_all(response.as_bytes()).unwrap();
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
}

fn doctor(url: &str) -> Run {
    let folder = Folder::new();
    let policy = json!({
        "origin": "echo",
        "issuers": [{
            "name": "provider", "issuer": "https://provider.example/", "audience": "api",
            "algorithms": ["EdDSA"], "keys": { "jwks_uri": format!("{url}/jwks.json") },
        }],
        "routes": [{ "path": "/*" }],
    });
    folder.write(
        "wrangler.jsonc",
        &json!({ "name": "gate", "vars": { "POLICY": policy } }).to_string(),
    );
    folder.run(&["doctor"])
}

#[test]
fn published_keys_are_fetched() {
    let headers = "Content-Type: application/json\r\nCache-Control: max-age=3600\r\n";
    let out = doctor(&serve(vec![response("200 OK", headers, KEYS)])).ended(0);
    assert!(out.contains("provider: keys from http://127.0.0.1:"), "{out}");
    assert!(out.contains("one"), "{out}");
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = "Location: https://elsewhere.example/keys\r\n";
    let out = doctor(&serve(vec![response("302 Found", elsewhere, "")])).ended(1);
    assert!(out.contains("https://elsewhere.example/keys"), "{out}");
}

#[test]
fn a_document_that_is_too_large_is_a_problem() {
    let large = format!("{{\"x\":\"{}\"}}", "x".repeat(400_000));
    let out = doctor(&serve(vec![response("200 OK", "", &large)])).ended(1);
    assert!(out.contains("larger than"), "{out}");
}

#[test]
fn a_server_that_cannot_be_reached_is_a_problem() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let out = doctor(&format!("http://{closed}")).ended(1);
    assert!(out.contains("no usable key"), "{out}");
}

/// The RFC 8037 key as a private key, and its thumbprint.
const SIGNING_KEY: &str =
    r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;
const THUMBPRINT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";

/// Runs `doctor` for a gate that signs identities, and whose key set is at this URL.
fn doctor_of_identity(url: &str, has_key: bool) -> Run {
    let folder = Folder::new();
    let policy = json!({
        "origin": "https://api.example",
        "issuers": [{
            "name": "own", "issuer": "https://own.example/", "audience": "api",
            "algorithms": ["HS256"], "keys": { "secret": "SECRET" },
        }],
        "routes": [{ "path": "/*" }],
        "forward": { "identity": { "key": "KEY", "issuer": url, "audience": "internal" } },
    });
    let config = json!({ "name": "gate", "vars": { "POLICY": policy } });
    folder.write("wrangler.jsonc", &config.to_string());
    let key = if has_key { format!("KEY='{SIGNING_KEY}'\n") } else { String::new() };
    folder.write(".dev.vars", &format!("SECRET={}\n{key}", "0123456789abcdef".repeat(4)));
    folder.run(&["doctor"])
}

#[test]
fn the_deployed_key_set_is_compared_with_the_identitys_key() {
    let published =
        |id: &str| response("200 OK", "", &format!("{{\"keys\":[{{\"kid\":\"{id}\"}}]}}"));
    let out = doctor_of_identity(&serve(vec![published(THUMBPRINT)]), true).ended(0);
    assert!(out.contains("the signed identity: keys from http://127.0.0.1:"), "{out}");
    assert!(out.contains(THUMBPRINT), "{out}");
    let out = doctor_of_identity(&serve(vec![published("other")]), true).ended(1);
    assert!(out.contains("which signs: APIs reject the identities"), "{out}");
    let out = doctor_of_identity(&serve(vec![published("other")]), false).ended(0);
    assert!(out.contains("the gate publishes the keys other"), "{out}");
    let out = doctor_of_identity(&serve(vec![response("404 Not Found", "", "")]), true).ended(0);
    assert!(out.contains("deploy the gate"), "{out}");
}
