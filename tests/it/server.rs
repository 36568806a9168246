//! The origin's server: its URL, and how the URL appears in responses.

use crate::kit::table;
use portcullis::server::Server;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks what becomes of each `Location` in the response to a request for this URL.
fn check(server: &str, request: &str, rows: &[(&str, Option<&str>)]) {
    let server = Server::parse(server).unwrap();
    let rows = rows.iter().map(|(location, public)| (*location, public.map(str::to_owned)));
    table(rows, |location| server.public_url(location, request));
}

#[test]
fn urls_of_the_origin_become_urls_of_the_gate() {
    check(
        "https://origin.example",
        "https://api.example/items?page=1",
        &[
            ("https://origin.example/items/", Some("https://api.example/items/")),
            ("http://origin.example/items/", Some("https://api.example/items/")),
            ("HTTPS://Origin.Example/items/", Some("https://api.example/items/")),
            ("https://origin.example:443/a", Some("https://api.example/a")),
            ("http://origin.example:80/a", Some("https://api.example/a")),
            ("//origin.example/a", Some("https://api.example/a")),
            ("https://origin.example", Some("https://api.example/")),
            ("https://origin.example?a#b", Some("https://api.example/?a#b")),
            ("https://origin.example/?next=https://origin.example/", {
                Some("https://api.example/?next=https://origin.example/")
            }),
            // Other servers, however similar their names are.
            ("https://origin.example:8443/a", None),
            ("https://origin.example.evil/a", None),
            ("https://evil.origin.example/a", None),
            ("https://origin.example@evil.example/a", None),
            ("https://user@origin.example/a", None),
            ("https://origin.example\\@evil.example/a", None),
            ("ftp://origin.example/a", None),
            ("javascript://origin.example/a", None),
            // References that are relative to the request.
            ("/items/", None),
            ("items/", None),
            ("?page=2", None),
            ("#a", None),
            ("", None),
            ("/a?b=https://origin.example/", None),
        ],
    );
    check(
        "http://127.0.0.1:8000",
        "http://localhost:8787/a",
        &[
            ("http://127.0.0.1:8000/a/", Some("http://localhost:8787/a/")),
            ("https://127.0.0.1:8000/a/", Some("http://localhost:8787/a/")),
            ("http://127.0.0.1/a/", None),
            ("http://127.0.0.1:80000/a/", None),
        ],
    );
}

#[test]
fn the_path_of_the_origin_is_taken_off() {
    check(
        "https://origin.example/base/v1/",
        "https://api.example/items",
        &[
            ("https://origin.example/base/v1/a?b", Some("https://api.example/a?b")),
            ("https://origin.example/base/v1", Some("https://api.example/")),
            ("https://origin.example/base/v1?b", Some("https://api.example/?b")),
            ("/base/v1/a", Some("/a")),
            ("/base/v1", Some("/")),
            ("//origin.example/base/v1/a", Some("https://api.example/a")),
            // Not below the path, so that clients cannot reach it.
            ("https://origin.example/base/v10/a", None),
            ("https://origin.example/login", None),
            ("/base/v10", None),
            ("/login", None),
            ("a", None),
        ],
    );
}
