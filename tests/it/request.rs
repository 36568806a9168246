//! The line format in which the runtime passes a request.

use crate::kit::table;
use portcullis::request::Lines;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the method, the URL, the value of the header `X` and the number of header lines.
fn read(text: &str) -> (String, String, Option<String>, usize) {
    let lines = Lines::of(text);
    let request = lines.request();
    let x = request.headers.get("X").map(String::from);
    (request.method.to_owned(), request.url.to_owned(), x, request.headers.names().len())
}

#[test]
fn rfc9110_section_5_joins_repeated_headers_in_any_letter_case() {
    let row = |x: Option<&str>, count| {
        ("GET".to_owned(), "https://a/b".to_owned(), x.map(str::to_owned), count)
    };
    let rows = [
        ("GET\nhttps://a/b", row(None, 0)),
        ("GET\nhttps://a/b\nx\n1", row(Some("1"), 1)),
        ("GET\nhttps://a/b\nx\n", row(Some(""), 1)),
        ("GET\nhttps://a/b\ny\nx\nx\n1", row(Some("1"), 2)),
        ("GET\nhttps://a/b\nx\n1\ny\n2\nx\n3", row(Some("1, 3"), 3)),
        ("GET\nhttps://a/b\nX\na b\t\u{e9}", row(Some("a b\t\u{e9}"), 1)),
    ];
    table(rows, |text| read(text));
}
