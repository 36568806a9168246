//! `htu` is compared after the normalization of RFC 3986 sections 6.2.2 and 6.2.3.

use crate::kit::table;
use portcullis::possession::is_same_uri;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn rfc9449_section_4_3_number_9_compares_normalized_urls() {
    const URL: &str = "https://gate.example/a/~b/%C3%A9?query=1";
    let rows = [
        ("https://gate.example/a/~b/%C3%A9", true),
        ("https://gate.example/a/~b/%C3%A9?query=2", true),
        ("https://gate.example/a/~b/%C3%A9#fragment", true),
        ("HTTPS://GATE.Example/a/~b/%C3%A9", true),
        ("https://gate.example:443/a/~b/%C3%A9", true),
        ("https://gate.example:/a/~b/%C3%A9", true),
        ("https://gate.example/a/%7Eb/%C3%A9", true),
        ("https://gate.example/a/%7eb/%c3%a9", true),
        ("https://gate.example/x/../a/./~b/%C3%A9", true),
        ("https://gate.example/%61/~b/%C3%A9", true),
        ("https://g%61te.example/a/~b/%C3%A9", true),
        ("https://gate.example/../a/~b/%C3%A9", true),
        ("https://gate.example/A/~b/%C3%A9", false),
        ("https://gate.example/a/~b/%C3%A9/", false),
        ("https://gate.example//a/~b/%C3%A9", false),
        ("https://gate.example/a/~b/é", false),
        ("https://gate.example/a/~b/%25C3%25A9", false),
        ("https://gate.example/a%2F~b/%C3%A9", false),
        ("http://gate.example/a/~b/%C3%A9", false),
        ("http://gate.example:443/a/~b/%C3%A9", false),
        ("https://gate.example:80/a/~b/%C3%A9", false),
        ("https://gate.example:8443/a/~b/%C3%A9", false),
        ("https://gate.example.evil/a/~b/%C3%A9", false),
        ("https://user@gate.example/a/~b/%C3%A9", false),
        ("https://gate.example@evil/a/~b/%C3%A9", false),
        ("https://gate.example\\a/~b/%C3%A9", false),
        ("https:/gate.example/a/~b/%C3%A9", false),
        ("//gate.example/a/~b/%C3%A9", false),
        ("/a/~b/%C3%A9", false),
        (" https://gate.example/a/~b/%C3%A9", false),
        ("https://gate.example/a/~b/%C3%A", false),
        ("https://gate.example/a/~b/%C3%", false),
        ("https://gate.example/a/~b/%+3%A9", false),
        ("wss://gate.example/a/~b/%C3%A9", false),
        ("https://", false),
        ("https:///a/~b/%C3%A9", false),
        ("", false),
    ];
    table(rows, |claimed| is_same_uri(claimed, URL));
}

#[test]
fn rfc3986_section_6_2_3_an_empty_path_is_the_root() {
    let rows = [
        (("https://gate.example", "https://gate.example/"), true),
        (("https://gate.example?x", "https://gate.example/"), true),
        (("https://gate.example/.", "https://gate.example/"), true),
        (("https://gate.example/..", "https://gate.example/"), true),
        (("https://gate.example/a/..", "https://gate.example/"), true),
        (("https://gate.example/a/.", "https://gate.example/a/"), true),
        (("https://gate.example/a", "https://gate.example/"), false),
        (("http://127.0.0.1:8787/", "http://127.0.0.1:8787"), true),
        (("http://127.0.0.1:80/", "http://127.0.0.1/"), true),
        (("http://[::1]:8787/a", "http://[::1]:8787/a"), true),
        (("http://[::1]:8787/a", "http://[::1]:8788/a"), false),
    ];
    table(rows, |(claimed, actual)| is_same_uri(claimed, actual));
}
