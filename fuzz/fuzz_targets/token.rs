//! Parses a token. A parsed token must be within the size limit and consist of three nonempty
//! base64url segments.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::budget;
use portcullis::token::Unverified;

fuzz_target!(|text: &str| {
    if let Ok(token) = Unverified::parse(text) {
        assert!(text.len() <= budget::TOKEN_BYTES);
        assert_eq!(text.split('.').filter(|segment| !segment.is_empty()).count(), 3);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)));
        let _ = token.issuer_hint();
    }
});
