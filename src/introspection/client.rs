//! How the gate authenticates to an introspection endpoint (RFC 7662 section 2.1, RFC 6749 section
//! 2.3).

use super::request::form_encoded;
use crate::json::Object;
use crate::signing::SigningKey;
use crate::time::{Seconds, UnixSeconds};
use base64ct::{Base64, Encoding as _};
use serde_json::Value;
use std::fmt;

/// The gate as a client of an authorization server.
#[derive(Debug)]
pub struct Client {
    /// Its `client_id`.
    pub id: String,
    /// How it proves that it is this client.
    pub authentication: ClientAuthentication,
    /// The authorization server as the audience of an assertion: its issuer identifier, or if the
    /// policy does not name exactly one, the URL of the endpoint.
    pub audience: Option<String>,
}

/// How the gate proves that it is the client.
#[derive(Debug)]
pub enum ClientAuthentication {
    /// With the secret in `Authorization: Basic` (RFC 6749 section 2.3.1).
    Basic(ClientSecret),
    /// With the secret in the body.
    Post(ClientSecret),
    /// With a signed assertion, `private_key_jwt` (RFC 7523 section 2.2).
    PrivateKey(Box<SigningKey>),
}

/// How long an assertion is valid. Clocks may differ by as much.
const ASSERTION_LIFETIME: Seconds = Seconds::new(60);

/// What makes an assertion unique.
#[derive(Clone, Copy)]
pub struct Fresh<'f> {
    /// The time.
    pub now: UnixSeconds,
    /// A random ID that is not used twice.
    pub id: &'f str,
}

impl Client {
    /// Signs an assertion (RFC 7523 section 3).
    #[cold]
    #[inline(never)]
    pub(super) fn assertion(&self, key: &SigningKey, url: &str, fresh: Fresh<'_>) -> String {
        let mut claims = Object::new();
        let mut text = |name: &str, value: &str| claims.insert(name.to_owned(), Value::from(value));
        text("iss", &self.id);
        text("sub", &self.id);
        text("aud", self.audience.as_deref().unwrap_or(url));
        text("jti", fresh.id);
        claims.insert("iat".to_owned(), Value::from(fresh.now.get()));
        claims.insert("exp".to_owned(), Value::from(fresh.now.plus(ASSERTION_LIFETIME).get()));
        key.sign("JWT", claims)
    }
}

/// A client secret.
pub struct ClientSecret(String);

impl ClientSecret {
    /// Accepts the text of a binding as a client secret.
    ///
    /// # Errors
    ///
    /// A message, if the text is empty, or if it begins or ends with white space. For example,
    /// `echo secret | wrangler secret put` adds a line feed.
    pub fn new(text: String) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("the client secret is empty");
        }
        if text.trim() != text {
            return Err("the client secret begins or ends with white space");
        }
        Ok(Self(text))
    }

    /// The value of `Authorization` for this client. ID and secret are form-encoded first (RFC 6749
    /// section 2.3.1), so that a `:` in the ID is not read as the separator.
    pub(super) fn basic(&self, client_id: &str) -> String {
        let pair = format!("{}:{}", form_encoded(client_id), form_encoded(&self.0));
        format!("Basic {}", Base64::encode_string(pair.as_bytes()))
    }

    /// The secret as the value of a form field.
    pub(super) fn form_value(&self) -> String {
        form_encoded(&self.0)
    }
}

/// Does not print the secret.
impl fmt::Debug for ClientSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ClientSecret")
    }
}
