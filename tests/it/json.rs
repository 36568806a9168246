//! Strict JSON: what the parser accepts and rejects.

mod reference;

use crate::kit::table;
use portcullis::json::{NotStrictJson, parse, parse_object};
use reference::{Found, survey};
use serde_json::Value;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Checks whether each text is accepted.
fn check<'t>(rows: impl IntoIterator<Item = (&'t str, bool)>) {
    table(rows, |text| parse(text.as_bytes()).is_ok());
}

fn nested(open: &str, inside: &str, close: &str, depth: usize) -> String {
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn rfc8259_section_2_accepts_one_value_with_white_space_around_it() {
    check([
        ("{}", true),
        (" \t\r\n{} \t\r\n", true),
        ("null", true),
        ("\"x\"", true),
        ("", false),
        (" ", false),
        ("{}x", false),
        ("{}{}", false),
        ("{},", false),
        ("{}\0", false),
        ("\u{a0}{}", false),
        ("\u{0c}{}", false),
        ("{\"a\":}", false),
        ("{\"a\":", false),
        ("{\"a\"", false),
        ("{\"a\":1,}", false),
        ("[1,]", false),
        ("[1 2]", false),
        ("{a:1}", false),
        ("{'a':1}", false),
        ("{\"a\":'x'}", false),
        ("{1:1}", false),
        ("{} // comment", false),
        ("/* comment */ {}", false),
        ("{\"a\":1 /* comment */}", false),
        ("{\"a\":undefined}", false),
        ("{\"a\":True}", false),
    ]);
}

#[test]
fn rfc8259_section_4_rejects_repeated_names() {
    check([
        (r#"{"a":1,"b":1}"#, true),
        (r#"{"a":{"a":{"a":1}}}"#, true),
        (r#"[{"a":1},{"a":2}]"#, true),
        (r#"{"a":1,"A":2}"#, true),
        (r#"{"a":1,"a":1}"#, false),
        (r#"{"a":1,"b":2,"a":3}"#, false),
        (r#"{"a":1,"\u0061":1}"#, false),
        (r#"{"sub":"u","\u0073ub":"admin"}"#, false),
        (r#"{"":1,"":2}"#, false),
        (r#"{"b":{"a":1,"a":2}}"#, false),
        (r#"{"b":[0,[{"a":1,"a":2}]]}"#, false),
        (r#"{"b":[{"c":{"a":null,"a":null}}]}"#, false),
        (r#"{"/":1,"\/":2}"#, false),
        // Two spellings of one character outside the basic plane.
        (r#"{"😀":1,"\ud83d\ude00":2}"#, false),
        // Two different names that look the same: é composed and decomposed.
        ("{\"\u{e9}\":1,\"e\u{301}\":2}", true),
    ]);
}

#[test]
fn rfc8259_section_6_rejects_malformed_numbers() {
    check([
        ("0", true),
        ("-0", true),
        ("1E3", true),
        ("1e-3", true),
        ("1.5", true),
        ("1e308", true),
        ("18446744073709551616", true),
        ("01", false),
        ("-", false),
        ("+1", false),
        ("1.", false),
        (".5", false),
        ("1e", false),
        ("0x10", false),
        ("NaN", false),
        ("Infinity", false),
        ("-Infinity", false),
        ("1e400", false),
        ("-1e400", false),
        ("1_000", false),
    ]);
    check([(format!("1{}", "0".repeat(10_000)).as_str(), false)]);
    check([(format!("{{\"a\":0.{}1}}", "0".repeat(10_000)).as_str(), true)]);
}

#[test]
fn rfc8259_section_7_rejects_malformed_strings() {
    check([
        (r#""\u0000""#, true),
        (r#""\ud83d\ude00""#, true),
        (r#""\ud800""#, false),
        (r#""\ud800\ud800""#, false),
        (r#""\ud800x""#, false),
        (r#""\udc00""#, false),
        (r#""\udc00\ud800""#, false),
        (r#"{"\ud800":1}"#, false),
        (r#""\x41""#, false),
        (r#""\u12""#, false),
        (r#""\"#, false),
        ("\"\0\"", false),
        ("\"\n\"", false),
        ("\"\t\"", false),
        ("\"\u{1f}\"", false),
        ("\"\u{7f}\"", true),
        ("\"", false),
    ]);
}

#[test]
fn rfc8259_section_8_accepts_only_utf8_without_a_byte_order_mark() {
    let bytes: [&[u8]; 9] = [
        b"\xef\xbb\xbf{}",       // byte order mark
        b"\"\xff\"",             // no UTF-8 at all
        b"\"\xc0\xaf\"",         // overlong slash
        b"\"\xe0\x80\xaf\"",     // overlong slash
        b"\"\xed\xa0\x80\"",     // an encoded surrogate
        b"\"\xf4\x90\x80\x80\"", // beyond U+10FFFF
        b"\"\xc3\"",             // cut short
        b"{\"\xff\":1}",         // in a name
        b"\xff\xfe{\0}\0",       // UTF-16
    ];
    table(bytes.map(|text| (text, false)), |text| parse(text).is_ok());
}

#[test]
fn rejects_nesting_deeper_than_32_levels() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let rows = [1, 31, 32, 33, 200, 5_000, 200_000].map(|depth| {
            let inside = if open == "[" { "" } else { "1" };
            (nested(open, inside, close, depth), depth <= 32)
        });
        table(rows, |text| parse(text.as_bytes()).is_ok());
        // The arrays and objects are never closed.
        table([(open.repeat(200_000), false)], |text| parse(text.as_bytes()).is_ok());
    }
}

#[test]
fn parse_object_rejects_other_values() {
    let rows = [("{}", true), ("[]", false), ("\"x\"", false), ("1", false), ("null", false)];
    table(rows, |text| parse_object(text.as_bytes()).is_ok());
}

#[test]
fn says_why_a_text_is_not_a_strict_json_object() {
    let deep = nested("[", "", "]", 40);
    let rows = [
        ("", NotStrictJson::Empty),
        (" \n", NotStrictJson::Empty),
        ("<!doctype html><p>Sign in", NotStrictJson::Markup),
        ("\n<?xml version=\"1.0\"?>", NotStrictJson::Markup),
        ("\u{feff}{}", NotStrictJson::ByteOrderMark),
        ("{\"a\":", NotStrictJson::Incomplete),
        ("{\"a\":\"b", NotStrictJson::Incomplete),
        ("{'a':1}", NotStrictJson::Syntax),
        ("{} {}", NotStrictJson::Syntax),
        ("{\"a\":1e999}", NotStrictJson::Syntax),
        ("Not Found", NotStrictJson::Syntax),
        ("{\"a\":{\"b\":1,\"b\":1}}", NotStrictJson::RepeatedName),
        (deep.as_str(), NotStrictJson::TooDeep),
        ("[]", NotStrictJson::NotAnObject),
        ("null", NotStrictJson::NotAnObject),
    ];
    table(rows, |text| parse_object(text.as_bytes()).unwrap_err());
}

#[test]
fn keeps_the_value_of_integers() {
    for number in ["9007199254740993", "-9223372036854775808", "18446744073709551615"] {
        assert_eq!(parse(number.as_bytes()).unwrap().to_string(), number);
    }
}

/// Appends random text that is mostly valid JSON.
fn append_random(random: &mut fastrand::Rng, depth: usize, text: &mut String) {
    const SCALARS: [&str; 14] = [
        "0",
        "-0",
        "1",
        "-17",
        "1.5",
        "1e3",
        "9007199254740993",
        "1e400",
        "01",
        "null",
        "true",
        "false",
        "\"\"",
        "nul",
    ];
    const NAMES: [&str; 8] = [
        "\"a\"",
        "\"b\"",
        "\"c\"",
        "\"\\u0061\"",
        "\"\\u0062\"",
        "\"é\"",
        "\"\\u00e9\"",
        "\"\\ud800\"",
    ];
    let space = |random: &mut fastrand::Rng| if random.u8(..20) == 0 { " " } else { "" };
    text.push_str(space(random));
    let kind = if depth == 0 { 0 } else { random.u8(..5) };
    let members = random.usize(..4);
    match kind {
        0 | 1 => text.push_str(SCALARS[random.usize(..SCALARS.len())]),
        2 => text.push_str(NAMES[random.usize(..NAMES.len())]),
        3 => {
            text.push('[');
            for index in 0..members {
                text.push_str(if index > 0 { "," } else { "" });
                append_random(random, depth - 1, text);
            }
            text.push(']');
        }
        _ => {
            text.push('{');
            for index in 0..members {
                text.push_str(if index > 0 { "," } else { "" });
                text.push_str(NAMES[random.usize(..NAMES.len() - usize::from(index > 0))]);
                text.push(':');
                append_random(random, depth - 1, text);
            }
            text.push('}');
        }
    }
    text.push_str(space(random));
}

/// serde_json reads every accepted text the same way. It also rejects every rejected text, unless
/// that text repeats a name or is nested too deeply.
#[test]
fn agrees_with_serde_json_on_what_it_accepts() {
    let mut random = fastrand::Rng::with_seed(0x0a5e);
    let mut counts = [0_u32; 3];
    for round in 0..20_000 {
        let mut text = String::new();
        append_random(&mut random, round % 6, &mut text);
        let mut bytes = text.into_bytes();
        if round % 3 == 0 && !bytes.is_empty() {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        let lenient = serde_json::from_slice::<Value>(&bytes).ok();
        let found = lenient.is_some().then(|| survey(&bytes));
        match parse(&bytes) {
            Ok(value) => {
                counts[0] += 1;
                assert_eq!(Some(value), lenient, "{bytes:?}");
                assert_eq!(found, Some(Found { repeats: false, depth: found.unwrap().depth }));
            }
            Err(_) => {
                let excused = found.is_none_or(|found| found.repeats || found.depth > 32);
                counts[if found.is_none() { 1 } else { 2 }] += 1;
                assert!(excused, "{}", String::from_utf8_lossy(&bytes));
            }
        }
    }
    // Each case must occur often enough for the test to mean something.
    assert!(counts.iter().all(|count| *count > 300), "{counts:?}");
}

#[test]
fn never_panics() {
    let mut random = fastrand::Rng::with_seed(0x0b17e5);
    const FRAGMENTS: &[u8] = b"{}[]:,\"\\u0123dD89eE+-. truefalsn\x00\xff\xc3\xa9\xf0";
    for _ in 0..20_000 {
        let length = random.usize(..40);
        let bytes: Vec<u8> =
            (0..length).map(|_| FRAGMENTS[random.usize(..FRAGMENTS.len())]).collect();
        let _ = parse(&bytes);
        let _ = parse_object(&bytes);
    }
}
