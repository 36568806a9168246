//! Building the request to an introspection endpoint (RFC 7662 section 2.1).

use super::{ClientAuthentication, Fresh, Introspection};

/// The media type of a signed response (RFC 9701 section 4).
pub(super) const SIGNED_RESPONSE: &str = "application/token-introspection+jwt";

/// The type of a JWT with which a client authenticates (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A POST request. It contains the token and the client's credentials, so it has no `Debug`.
pub struct HttpRequest {
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, a form.
    pub body: String,
}

impl Introspection {
    /// Builds the request that asks the endpoint at this URL about a token.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn request(&self, url: &str, token: &str, fresh: Fresh<'_>) -> HttpRequest {
        let accepted = if self.signed { SIGNED_RESPONSE } else { "application/json" };
        let mut headers = vec![
            ("Accept", accepted.to_owned()),
            ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ];
        let mut body = format!("token={}&token_type_hint=access_token", form_encoded(token));
        match &self.client.authentication {
            ClientAuthentication::Basic(secret) => {
                headers.push(("Authorization", secret.basic(&self.client.id)));
            }
            ClientAuthentication::Post(secret) => {
                field(&mut body, "client_id", &form_encoded(&self.client.id));
                field(&mut body, "client_secret", &secret.form_value());
            }
            ClientAuthentication::PrivateKey(key) => {
                field(&mut body, "client_id", &form_encoded(&self.client.id));
                field(&mut body, "client_assertion_type", &form_encoded(ASSERTION_TYPE));
                let assertion = self.client.assertion(key, url, fresh);
                field(&mut body, "client_assertion", &assertion);
            }
        }
        HttpRequest { headers, body }
    }
}

fn field(body: &mut String, name: &str, encoded: &str) {
    for part in ["&", name, "=", encoded] {
        body.push_str(part);
    }
}

/// Encodes a text as a name or value of a form (WHATWG URL section 5.2): every byte is
/// percent-encoded, except for those that every parser reads as themselves.
#[cold]
#[inline(never)]
pub(super) fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
