//! The issuers of a policy, as far as minting a token needs them.

use crate::config::dev_vars::DevVars;
use anyhow::{Context, Result, anyhow, bail};
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use portcullis::alg::Algorithm;
use serde_json::Value;

/// An issuer of the policy. Invalid members are ignored, because `check` reports them.
#[derive(Debug, Default)]
pub(crate) struct Issuer {
    /// Its name in the policy.
    pub(crate) name: String,
    /// The possible values of `iss`.
    pub(crate) urls: Vec<String>,
    /// The possible values of `aud`.
    pub(crate) audience: Vec<String>,
    /// The listed algorithms.
    pub(crate) algorithms: Vec<Algorithm>,
    /// The binding of its newest secret.
    pub(crate) secret: Option<String>,
    /// The encoding of the secret.
    pub(crate) encoding: Option<String>,
}

/// Returns the issuers of a policy.
pub(crate) fn issuers(policy: &Value) -> Vec<Issuer> {
    let issuers = policy.get("issuers").and_then(Value::as_array);
    issuers.into_iter().flatten().map(issuer).collect()
}

fn issuer(raw: &Value) -> Issuer {
    let keys = raw.get("keys");
    // `"*"` means any value, so it is not the value of a claim.
    let named = |key| texts(raw.get(key)).into_iter().filter(|text| text != "*").collect();
    Issuer {
        name: texts(raw.get("name")).into_iter().next().unwrap_or_default(),
        urls: named("issuer"),
        audience: named("audience"),
        algorithms: texts(raw.get("algorithms"))
            .iter()
            .filter_map(|name| Algorithm::from_name(name))
            .collect(),
        secret: texts(keys.and_then(|keys| keys.get("secret"))).into_iter().next(),
        encoding: texts(keys.and_then(|keys| keys.get("encoding"))).into_iter().next(),
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

impl Issuer {
    /// The bytes of the issuer's newest secret.
    pub(crate) fn secret(&self, dev_vars: &DevVars) -> Result<Vec<u8>> {
        let Some(binding) = &self.secret else {
            bail!("the issuer {} has no secret: name its private key with --key FILE", self.name);
        };
        let Some(secret) = dev_vars.values.get(binding) else {
            match &dev_vars.file {
                Some(file) => bail!("{file} has no {binding}: add the line {binding}=..."),
                None => bail!(
                    "there is no .dev.vars with {binding}: create it with the line {binding}=..."
                ),
            }
        };
        let encoding = self.encoding.as_deref().unwrap_or("utf8");
        decode(secret, encoding).with_context(|| format!("{binding} is not {encoding}"))
    }
}

fn decode(secret: &str, encoding: &str) -> Result<Vec<u8>> {
    let secret_text = secret.trim();
    let unpadded = secret_text.trim_end_matches('=');
    match encoding {
        "utf8" => Ok(secret.as_bytes().to_vec()),
        "base64" => Base64Unpadded::decode_vec(unpadded).map_err(|error| anyhow!(error)),
        "base64url" => Base64UrlUnpadded::decode_vec(unpadded).map_err(|error| anyhow!(error)),
        "hex" => hex(secret_text),
        other => bail!("the policy names the unknown encoding {other}"),
    }
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .map(|digit| {
            digit.to_digit(16).context("it contains a character that is not a hexadecimal digit")
        })
        .collect::<Result<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        bail!("it has an odd number of digits");
    }
    pairs.iter().map(|[high, low]| Ok(u8::try_from((high << 4) | low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: &str, encoding: &str, expected: Option<&[u8]>) {
        assert_eq!(decode(secret, encoding).ok().as_deref(), expected, "{secret:?} as {encoding}");
    }

    #[test]
    fn secrets_are_decoded_with_the_encoding_of_the_policy() {
        check("secret", "utf8", Some(b"secret"));
        check("_-8=", "base64url", Some(&[0xff, 0xef]));
        check("/+8=", "base64", Some(&[0xff, 0xef]));
        check("/+8=", "base64url", None);
        check("00fF", "hex", Some(&[0x00, 0xff]));
        check("00f", "hex", None);
        check("xx", "hex", None);
        check("x", "rot13", None);
    }

    #[test]
    fn issuers_are_read_from_the_policy() {
        let policy = serde_json::json!({ "issuers": [{
            "name": "a", "issuer": ["https://a.example", "https://b.example"], "audience": "*",
            "algorithms": ["none", "RS512"], "keys": { "secret": ["NEW", "OLD"] },
        }]});
        let issuers = issuers(&policy);
        let issuer = &issuers[0];
        assert_eq!(issuer.urls, ["https://a.example", "https://b.example"]);
        assert!(issuer.audience.is_empty());
        assert_eq!(issuer.algorithms, [Algorithm::RS512]);
        assert_eq!(issuer.secret.as_deref(), Some("NEW"));
    }
}
