//! The issuers of a policy, as far as minting a token needs them.

use crate::config::Environment;
use crate::config::bindings;
use crate::config::dev_vars::DevVars;
use anyhow::{Context, Result, anyhow, bail};
use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use portcullis::alg::Algorithm;
use portcullis::issuer;
use portcullis::policy::{Policy, Purpose};
use portcullis::rules::{Condition, Expected, Rules, TenantClaim};
use serde_json::{Value, json};

/// An issuer of the policy.
#[derive(Debug, Default)]
pub(crate) struct Issuer {
    /// Its name in the policy.
    pub(crate) name: String,
    /// The possible values of `iss`.
    pub(crate) urls: Vec<String>,
    /// The possible values of `aud`.
    pub(crate) audience: Vec<String>,
    /// The claim that repeats the tenant within `iss`.
    pub(crate) tenant: Option<TenantClaim>,
    /// The possible values of `sub`, or none if every value is possible.
    pub(crate) subjects: Vec<String>,
    /// The possible values of `typ`, or none if the default is possible.
    pub(crate) types: Vec<String>,
    /// Claims that its rules need, by name or JSON Pointer, with a value that meets them.
    pub(crate) needed: Vec<(String, Value)>,
    /// The listed algorithms.
    pub(crate) algorithms: Vec<Algorithm>,
    /// The binding of its newest secret.
    pub(crate) secret: Option<String>,
    /// The encoding of the secret.
    pub(crate) encoding: Option<String>,
}

/// Returns the issuers of a policy, as the gate compiles them. The raw policy adds what a compiled
/// policy does not contain: the names of bindings, and the encodings of their secrets.
pub(crate) fn issuers(policy: &Policy, raw: &Value) -> Vec<Issuer> {
    let references = Policy::binding_references(raw);
    let secret_of = |issuer: &issuer::Issuer| {
        let mut secrets = references.iter().filter(|one| one.purpose == Purpose::Secret);
        secrets.find(|one| one.issuer == Some(issuer.id())).map(|one| one.binding.clone())
    };
    let encoding_of = |issuer: &issuer::Issuer| {
        let pointer = format!("/issuers/{}/keys/encoding", issuer.id().index());
        raw.pointer(&pointer).and_then(Value::as_str).map(str::to_owned)
    };
    let issuer = |issuer: &issuer::Issuer| {
        let rules = issuer.rules();
        Issuer {
            name: issuer.name().to_owned(),
            urls: listed(&rules.issuer),
            audience: listed(&rules.audience),
            tenant: rules.tenant.clone(),
            subjects: rules.subject.clone().unwrap_or_default(),
            types: rules.types.clone().unwrap_or_default(),
            needed: needed(rules),
            algorithms: issuer.algorithms().to_vec(),
            secret: secret_of(issuer),
            encoding: encoding_of(issuer),
        }
    };
    policy.issuers().iter().map(issuer).collect()
}

/// The claims that the rules need, each with a value that meets them.
fn needed(rules: &Rules) -> Vec<(String, Value)> {
    let required = rules.require.iter().map(|path| (path.clone(), json!("example")));
    let of_rules = rules.claims.iter().filter(|rule| !rule.if_present).map(|rule| {
        let value = match &rule.condition {
            Condition::Equals(value) => value.clone(),
            Condition::OneOf(values) => values.first().cloned().unwrap_or_default(),
            Condition::Contains(value) => json!([value]),
            Condition::StartsWith(start) => json!(start),
        };
        (rule.path.clone(), value)
    });
    required.chain(of_rules).collect()
}

/// The listed values. A claim of which every value is accepted has none.
fn listed(expected: &Expected) -> Vec<String> {
    match expected {
        Expected::OneOf(values) => values.clone(),
        Expected::Any => Vec::new(),
    }
}

impl Issuer {
    /// The bytes of the issuer's newest secret.
    pub(crate) fn secret(
        &self,
        environment: &Environment<'_>,
        dev_vars: &DevVars,
    ) -> Result<Vec<u8>> {
        let Some(binding) = &self.secret else {
            bail!("the issuer {} has no secret: name its private key with --key FILE", self.name);
        };
        let secret = bindings::local(environment, dev_vars, binding);
        let Some(secret) = secret.as_ref().and_then(Value::as_str) else {
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
}
