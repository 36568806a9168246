//! Strict parsing of a compact JWS (RFC 7515 section 3.1). Nothing in it is trusted yet.

use crate::alg::Algorithm;
use crate::budget;
use crate::json::{self, Object};
use crate::refusal::{Code, Refusal, Step};
use crate::signature::SignatureProof;
use portcullis_text::{decode_base64url, is_equal};
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// The type of a signed introspection response (RFC 9701 section 5), which is never an access
/// token.
pub(crate) const INTROSPECTION_TYPE: &str = "token-introspection+jwt";

/// Whether a credential looks like a compact JWS, so that it is parsed and verified as one: it has
/// three segments, and the first decodes to a text that begins like a JSON object. Anything else is
/// an opaque token.
///
/// It accepts more than [`Unverified::parse`] does, so that nobody can write a JWS in a way which
/// the gate takes for an opaque token and its provider for a JWS: that would bypass the checks of
/// the header.
#[must_use]
pub fn looks_like_jws(text: &str) -> bool {
    let mut segments = text.split('.');
    let (Some(header), Some(_), Some(_), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return false;
    };
    let mut bits = 0_u32;
    let mut held = 0_u32;
    for byte in header.bytes() {
        let Some(value) = base64_value(byte) else { continue };
        bits = (bits << 6) | value;
        held = held.saturating_add(6);
        if held < 8 {
            continue;
        }
        held = held.saturating_sub(8);
        match (bits >> held) & 0xff {
            // The white space of JSON.
            0x09 | 0x0a | 0x0d | 0x20 => {}
            first => return first == u32::from(b'{'),
        }
    }
    false
}

/// The value of a letter of base64 or base64url.
fn base64_value(byte: u8) -> Option<u32> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let index = match byte {
        b'-' | b'+' => 62,
        b'_' | b'/' => 63,
        _ => letters.iter().position(|letter| *letter == byte)?,
    };
    u32::try_from(index).ok()
}

/// A token whose signature has not been verified.
///
/// Its header can be read, because the header says how to verify the signature. Its payload cannot,
/// except for [`Unverified::issuer_hint`]. Only [`crate::signature::verify`] turns it into a
/// [`crate::signature::Verified`].
///
/// ```compile_fail,E0616
/// use portcullis::token::Unverified;
///
/// fn subject(token: &Unverified<'_>) -> Option<String> {
///     let claims = token.payload.bytes.clone(); // error[E0616]: field `payload` is private
///     String::from_utf8(claims).ok()
/// }
/// ```
///
/// Nor can a caller take the payload out without a verified signature:
///
/// ```compile_fail,E0624
/// use portcullis::token::Unverified;
///
/// fn payload(token: Unverified<'_>) {
///     let _ = token.into_signed(todo!()); // error[E0624]: method `into_signed` is private
/// }
/// ```
pub struct Unverified<'a> {
    pub(crate) signing_input: &'a str,
    pub(crate) signature: Vec<u8>,
    payload: Payload<'a>,
    header: Rc<Header>,
}

/// The payload of a token. It must not be trusted before the signature has verified.
pub(crate) struct Payload<'a> {
    /// The segment as received, base64url.
    pub(crate) segment: &'a str,
    /// The segment decoded. A JWS may sign any bytes; only the step that wants claims reads them.
    pub(crate) bytes: Vec<u8>,
}

/// The members of a JOSE header that the gate reads. It ignores all others, among them `jku`,
/// `jwk`, `x5u` and `x5c`, and never fetches anything that they name. Only of a DPoP proof, `jwk`
/// is read too.
pub struct Header {
    /// `alg` (RFC 7515 section 4.1.1).
    pub algorithm: Algorithm,
    /// `kid` (RFC 7515 section 4.1.4). An attacker may have chosen it.
    pub key_id: Option<String>,
    /// `typ` (RFC 7515 section 4.1.9), lower-case, without `application/`.
    pub media_type: Option<String>,
    /// Whether `cty` says that the payload is another token (RFC 7519 section 5.2).
    pub is_nested: bool,
}

impl<'a> Unverified<'a> {
    /// Parses a token: exactly three non-empty segments in canonical unpadded base64url, and a
    /// header that is one strict JSON object.
    ///
    /// # Errors
    ///
    /// `token_too_large`, `malformed_token`, `unsupported_critical` for `crit` (RFC 7515 section
    /// 4.1.11) or a `b64` other than `true` (RFC 7797), `algorithm_not_allowed` for an `alg` that
    /// the gate does not know.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        Self::parse_with(token, &LastHeader::default())
    }

    /// Parses a token as [`Unverified::parse`] does, with the header that was parsed before if the
    /// token has the same. The tokens of an issuer usually do.
    ///
    /// # Errors
    ///
    /// The same as [`Unverified::parse`].
    pub fn parse_with(token: &'a str, last: &LastHeader) -> Result<Self, Refusal> {
        Self::read(token, |segment| Ok((last.parse(segment)?, ()))).map(|(token, ())| token)
    }

    /// Parses like [`Unverified::parse`], and returns all members of the header as well, which
    /// anyone may have written.
    #[inline(never)]
    pub(crate) fn parse_with_header(token: &'a str) -> Result<(Self, Object), Refusal> {
        Self::read(token, |segment| {
            let (header, members) = Header::parse(&decode(segment)?)?;
            Ok((Rc::new(header), members))
        })
    }

    /// Splits and decodes a token, whose header `read_header` parses.
    fn read<H>(
        token: &'a str,
        read_header: impl FnOnce(&str) -> Result<(Rc<Header>, H), Refusal>,
    ) -> Result<(Self, H), Refusal> {
        if token.len() > budget::TOKEN_BYTES {
            return Err(Refusal::new(Code::TokenTooLarge, "a token over 16 KiB").at(Step::Parsed));
        }
        let (signing_input, signature) =
            token.rsplit_once('.').ok_or(malformed("a token without dots"))?;
        let (header, payload) =
            signing_input.split_once('.').ok_or(malformed("a token of two segments"))?;
        if payload.contains('.') {
            // RFC 7516 section 3.1: an encrypted token has five.
            let five = payload.split('.').take(4).count() == 3;
            return Err(malformed(if five {
                "an encrypted token (JWE): only signed tokens (JWS) can be verified"
            } else {
                "a token of more than three segments"
            }));
        }
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(malformed("an empty segment"));
        }
        let (header, members) = read_header(header)?;
        let token = Self {
            signing_input,
            signature: decode(signature)?,
            payload: Payload { segment: payload, bytes: decode(payload)? },
            header,
        };
        Ok((token, members))
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns payload and header to the signature step, the only one that can make the proof.
    pub(crate) fn into_signed(self, _: SignatureProof) -> (Payload<'a>, Rc<Header>) {
        (self.payload, self.header)
    }

    /// The issuer that the token claims, to select one of the policy's issuers and for nothing
    /// else. The signature must then verify under one of that issuer's keys.
    ///
    /// Returns `None` if a shallow scan of the payload finds no string `iss`.
    #[must_use]
    pub fn issuer_hint(&self) -> Option<String> {
        json::first_string(&self.payload.bytes, "iss")
    }

    /// The `cnf` that the token claims (RFC 7800 section 3.1). It may only add to what the client
    /// has to prove.
    pub(crate) fn confirmation_hint(&self) -> Option<Value> {
        json::parse_object(&self.payload.bytes).ok()?.remove("cnf")
    }
}

/// Prints lengths only, because the rest is a credential.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Unverified")
            .field("algorithm", &self.header.algorithm)
            .field("signing_input_bytes", &self.signing_input.len())
            .field("signature_bytes", &self.signature.len())
            .finish_non_exhaustive()
    }
}

/// The header that was parsed last, and its segment.
#[derive(Default)]
pub struct LastHeader(RefCell<Option<(Box<str>, Rc<Header>)>>);

impl LastHeader {
    fn parse(&self, segment: &str) -> Result<Rc<Header>, Refusal> {
        if let Some((last, header)) = self.0.borrow().as_ref()
            && is_equal(last, segment)
        {
            return Ok(Rc::clone(header));
        }
        let (header, _) = Header::parse(&decode(segment)?)?;
        let header = Rc::new(header);
        *self.0.borrow_mut() = Some((segment.into(), Rc::clone(&header)));
        Ok(header)
    }
}

/// Does not print the header, because it is part of a credential.
impl fmt::Debug for LastHeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LastHeader").finish_non_exhaustive()
    }
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<(Self, Object), Refusal> {
        let members = json::parse_object(bytes).map_err(|reason| {
            malformed("the header is not a strict JSON object").about(reason.as_str())
        })?;
        // `true` says what its absence says (RFC 7797 section 3).
        let is_encoded = members.get("b64").is_none_or(|b64| *b64 == Value::Bool(true));
        if members.contains_key("crit") || !is_encoded {
            return Err(Refusal::new(
                Code::UnsupportedCritical,
                "the header has crit or b64, and the gate supports no extensions",
            ));
        }
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => Algorithm::from_name(name).ok_or_else(|| {
                Refusal::new(Code::AlgorithmNotAllowed, "the gate does not know the token's alg")
                    .at(Step::Parsed)
            })?,
            Some(_) => return Err(malformed("alg is not a string")),
            None => return Err(malformed("no alg")),
        };
        let key_id = optional_text(&members, "kid", "kid is not a string")?;
        if key_id.is_some_and(|kid| kid.len() > budget::KEY_ID_BYTES) {
            return Err(malformed("a kid over 1 KiB"));
        }
        let media_type = optional_text(&members, "typ", "typ is not a string")?;
        let content_type = optional_text(&members, "cty", "cty is not a string")?;
        let header = Self {
            algorithm,
            key_id: key_id.map(str::to_owned),
            media_type: media_type.map(media_subtype),
            is_nested: content_type.map(media_subtype).as_deref() == Some("jwt"),
        };
        Ok((header, members))
    }
}

/// Returns a media type in lower case, without the `application/` that a header may omit (RFC 7515
/// section 4.1.9).
pub(crate) fn media_subtype(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    lower.strip_prefix("application/").map_or_else(|| lower.clone(), str::to_owned)
}

fn optional_text<'m>(
    members: &'m Object,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<&'m str>, Refusal> {
    json::optional_string(members, name).map_err(|_| malformed(otherwise))
}

fn decode(segment: &str) -> Result<Vec<u8>, Refusal> {
    decode_base64url(segment).ok_or(malformed("a segment that is not canonical unpadded base64url"))
}

const fn malformed(because: &'static str) -> Refusal {
    Refusal::new(Code::MalformedToken, because)
}
