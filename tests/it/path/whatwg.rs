//! A second implementation for paths: the path state of the WHATWG URL parser for special schemes,
//! and plain percent-decoding. It shares no code with the crate.

/// Returns the path as a URL parser serializes it.
pub(super) fn serialized(path: &str) -> String {
    let path: String = path.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let path = path.split(['?', '#']).next().unwrap();
    let inner = path.strip_prefix(['/', '\\']).unwrap_or(path);
    let pieces: Vec<&str> = inner.split(['/', '\\']).collect();
    let mut segments: Vec<String> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        match piece.to_ascii_lowercase().replace("%2e", ".").as_str() {
            ".." => {
                segments.pop();
                if last {
                    segments.push(String::new());
                }
            }
            "." if last => segments.push(String::new()),
            "." => {}
            _ => segments.push(encoded(piece)),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Encodes the characters of the path percent-encode set.
fn encoded(segment: &str) -> String {
    let mut text = String::new();
    for byte in segment.bytes() {
        let keep = (0x21..0x7f).contains(&byte) && !b"\"#<>?^`{}".contains(&byte);
        text.push_str(&if keep { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    }
    text
}

/// Returns the segments that a server gets if it splits an accepted path and then decodes the
/// parts.
pub(super) fn decoded_segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap();
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split('/').map(decoded).collect()
}

fn decoded(segment: &str) -> String {
    let mut pieces = segment.split('%');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).unwrap()
}
