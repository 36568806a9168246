//! A second implementation for well-formed JSON, which finds repeated names and the depth of
//! nesting. It shares no code with the crate.

use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) repeats: bool,
    pub(super) depth: usize,
}

/// Reads well-formed JSON token by token, with a stack of the names seen in each open object.
pub(super) fn survey(bytes: &[u8]) -> Found {
    let mut found = Found { repeats: false, depth: 0 };
    let mut open: Vec<Option<BTreeSet<String>>> = Vec::new();
    let mut name_next = false;
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => {
                open.push((byte == b'{').then(BTreeSet::new));
                found.depth = found.depth.max(open.len());
                name_next = byte == b'{';
            }
            b'}' | b']' => {
                open.pop();
            }
            b',' => name_next = matches!(open.last(), Some(Some(_))),
            b':' => name_next = false,
            b'"' => {
                let end = end_of_string(rest);
                if let (true, Some(Some(names))) = (name_next, open.last_mut()) {
                    found.repeats |= !names.insert(unescaped(&rest[..end]));
                }
                rest = &rest[end + 1..];
            }
            _ => {}
        }
    }
    found
}

fn end_of_string(bytes: &[u8]) -> usize {
    let mut escaped = false;
    bytes
        .iter()
        .position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })
        .unwrap()
}

fn unescaped(bytes: &[u8]) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut units = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let unit = match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('u')) => {
                let digits: String = chars.by_ref().take(4).collect();
                u16::from_str_radix(&digits, 16).unwrap()
            }
            ('\\', Some('b')) => 8,
            ('\\', Some('f')) => 12,
            ('\\', Some('n')) => 10,
            ('\\', Some('r')) => 13,
            ('\\', Some('t')) => 9,
            ('\\', Some(c)) | (c, _) => {
                units.extend(c.encode_utf16(&mut [0; 2]).iter().copied());
                continue;
            }
        };
        units.push(unit);
    }
    String::from_utf16(&units).unwrap()
}
