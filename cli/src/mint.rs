//! `mint`: mints a token for local use.

use crate::config::dev_vars::DevVars;
use crate::config::routes::{RouteDescription, requires, sample_path};
use crate::config::{Selection, bindings, policy};
use crate::dpop::{Changes, ProofKey, Proven};
use crate::outcome::Outcome;
use crate::{clock, output, system};
use anyhow::{Context, Result, bail};
use base64ct::{Base64UrlUnpadded, Encoding};
use clap::Args;
use portcullis::alg::Algorithm;
use portcullis::policy::Policy;
use serde_json::{Map, Value, json};
use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) mod issuer;
mod lifetime;
pub(crate) mod signer;

pub use lifetime::Lifetime;

use crate::key::Key;
use issuer::Issuer;
use signer::Signer;

/// The claims that are times, besides those that every token has.
const TIMES: [&str; 2] = ["auth_time", "nbf"];

/// Where `wrangler dev` listens.
const LOCAL: &str = "http://127.0.0.1:8787";

/// The default subject of a token.
const SUBJECT: &str = "demo-user";

/// By default, the policy admits the token: the token has the `iss` and `aud` of the first issuer
/// with a secret, and is signed with this secret from .dev.vars.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples:
  portcullis mint                                        a token that the policy admits for one hour
  portcullis mint --sub alice --scope 'read write'       with this subject and these scopes
  portcullis mint --claim tenant=acme --claim level=3    with further claims
  portcullis mint --expires-in=-10m                      an expired token
  portcullis mint --key key.pem --issuer https://tenant.example.com/   signed with a private key
  portcullis mint --dpop --url http://127.0.0.1:8787/api/me   bound to a new key, as a curl command

Exit codes: 0 minted; 2 there is no key or secret, or it cannot be used with the algorithm.")]
pub struct Options {
    /// The subject (`sub`) [default: demo-user]
    #[arg(long, value_name = "SUBJECT", allow_hyphen_values = true)]
    pub sub: Option<String>,
    /// The audience (`aud`); repeat the option for several [default: the issuer's first audience]
    #[arg(long, value_name = "AUDIENCE", allow_hyphen_values = true)]
    pub aud: Vec<String>,
    /// The scopes (`scope`), separated by spaces
    #[arg(long, value_name = "SCOPES", allow_hyphen_values = true)]
    pub scope: Option<String>,
    /// A further claim, or another value for a claim; the value is JSON if it can be parsed, or
    /// else text
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    pub claims: Vec<(String, Value)>,
    /// The algorithm: HS... with a secret, or one that the private key supports [default: the first
    /// that the policy lists and the key supports, or else RS256, ES256, EdDSA...]
    #[arg(long, value_name = "ALGORITHM", value_parser = algorithm)]
    pub alg: Option<Algorithm>,
    /// The key ID (`kid`) in the header
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub kid: Option<String>,
    /// The lifetime: 60, 10m, 1h, 7d. A negative lifetime such as -10m makes an expired token
    #[arg(long, value_name = "TIME", default_value = "1h", allow_hyphen_values = true)]
    pub expires_in: Lifetime,
    /// The issuer: the name or `iss` of an issuer in the policy, or any other text for `iss`
    #[arg(long, value_name = "ISSUER")]
    pub issuer: Option<String>,
    /// Sign with the private key in this PEM file instead of a secret: RSA, P-256, P-384, P-521,
    /// secp256k1, Ed25519 or ML-DSA, as `openssl genpkey` writes it
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Bind the token to a new key, and print the curl command that sends it with a DPoP proof. The
    /// proof is valid once, and for a minute unless the policy sets dpop.max_age
    #[arg(long)]
    pub dpop: bool,
    /// The URL of the request that the proof is for [default: one of a route that requires a token,
    /// at http://127.0.0.1:8787]
    #[arg(long, value_name = "URL", requires = "dpop")]
    pub url: Option<String>,
    /// The method of the request that the proof is for [default: the first that the route takes]
    #[arg(long, value_name = "METHOD", requires = "dpop")]
    pub method: Option<String>,
    /// The nonce for the proof, from the gate's header DPoP-Nonce
    #[arg(long, value_name = "NONCE", requires = "dpop", allow_hyphen_values = true)]
    pub nonce: Option<String>,
    /// The configuration and its environment.
    #[command(flatten)]
    pub selection: Selection,
    /// Print the token as JSON
    #[arg(long)]
    pub json: bool,
}

/// Mints a token, prints nothing else, and returns the exit code.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    match mint(options) {
        Ok(minted) => {
            if options.json {
                output::json(&minted.to_json());
            } else {
                output::result(&minted.to_string());
            }
            Outcome::Success
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

/// A token, and how to send it if it is bound to a key.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: String,
    bound: Option<Bound>,
}

/// The request that the proof of a bound token is for.
#[derive(Debug)]
struct Bound {
    method: String,
    url: String,
    proof: String,
}

impl Minted {
    fn to_json(&self) -> Value {
        match &self.bound {
            None => json!({ "token": self.token }),
            Some(Bound { method, url, proof }) => json!({
                "token": self.token, "proof": proof, "method": method, "url": url,
            }),
        }
    }
}

/// Writes the token, or the curl command that sends it with its proof.
impl fmt::Display for Minted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Bound { method, url, proof }) = &self.bound else {
            return formatter.write_str(&self.token);
        };
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        write!(
            formatter,
            "curl -X {} {} -H {} -H {}",
            quoted(method),
            quoted(url),
            quoted(&format!("Authorization: DPoP {}", self.token)),
            quoted(&format!("DPoP: {proof}"))
        )
    }
}

/// Mints the token that the options describe.
///
/// # Errors
///
/// If there is no key or secret, or if it cannot be used with the algorithm.
pub fn mint(options: &Options) -> Result<Minted> {
    let config_file = options.selection.read()?;
    let environment = &options.selection.environment(&config_file)?;
    let dev_vars = DevVars::read(environment)?;
    let mut compiled = None;
    let issuers = if environment.variable(policy::VARIABLE).is_some() {
        let (raw, policy) = bindings::compiled(environment, &dev_vars)?;
        let issuers = issuer::issuers(&policy, &raw);
        compiled = Some(policy);
        issuers
    } else {
        Vec::new()
    };

    let (signer, issuer) = match &options.key {
        Some(file) => {
            let key = read_key(file)?;
            let issuer = pick(&issuers, options, |issuer| {
                issuer.algorithms.iter().any(|algorithm| key.fits(*algorithm))
            });
            if issuer.is_none() {
                output::note(
                    "no issuer in the policy uses keys of this kind, so iss and aud come only from \
                     the options",
                );
            }
            let algorithm = options.alg.or_else(|| {
                let listed = &issuer?.algorithms;
                listed.iter().copied().find(|algorithm| key.fits(*algorithm))
            });
            (Signer::key(algorithm, key)?, issuer)
        }
        None => {
            let Some(issuer) = pick(&issuers, options, |issuer| issuer.secret.is_some()) else {
                bail!("no issuer in the policy has a secret: name a private key with --key FILE");
            };
            let secret = issuer.secret(environment, &dev_vars)?;
            let algorithm = options.alg.or_else(|| issuer.algorithms.first().copied());
            (Signer::secret(algorithm, secret)?, Some(issuer))
        }
    };

    let now = clock::unix_now();
    let mut claims = claims(options, issuer, now.get())?;
    let media_type = issuer.and_then(|issuer| issuer.types.first()).map_or("JWT", String::as_str);
    let kid = options.kid.as_deref();
    if !options.dpop {
        return Ok(Minted { token: compose(&signer, kid, media_type, claims)?, bound: None });
    }
    if compiled.as_ref().is_some_and(|policy| !policy.possession().is_used) {
        output::note(
            "the policy refuses tokens that are bound to a key: set sender_constrained = \
             \"accepted\" for the issuer",
        );
    }
    let key = ProofKey::generate()?;
    claims.insert("cnf".to_owned(), key.confirmation()?);
    let token = compose(&signer, kid, media_type, claims)?;
    let (method, url) = proven_request(options, compiled.as_ref());
    let nonce = options.nonce.as_deref();
    let proven = Proven { token: &token, method: &method, url: &url, nonce, now };
    let proof = key.proof(proven, &Changes::default())?;
    Ok(Minted { token, bound: Some(Bound { method, url, proof }) })
}

/// The method and the URL of the request that a proof is for.
fn proven_request(options: &Options, policy: Option<&Policy>) -> (String, String) {
    let rows = policy.map(RouteDescription::all).unwrap_or_default();
    let guarded = || rows.iter().filter(|row| row.access != "public");
    let row = guarded().find(|row| requires(row).is_empty()).or(guarded().next()).or(rows.first());
    let path = row.map_or_else(|| "/".to_owned(), sample_path);
    let method = row.and_then(|row| row.methods.first()).map_or("GET", String::as_str);
    (
        options.method.clone().unwrap_or_else(|| method.to_owned()),
        options.url.clone().unwrap_or_else(|| format!("{LOCAL}{path}")),
    )
}

/// Signs the claims, and returns the token (RFC 7515 section 7.1).
pub(crate) fn compose(
    signer: &Signer,
    kid: Option<&str>,
    media_type: &str,
    claims: Map<String, Value>,
) -> Result<String> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), json!(media_type));
    if let Some(kid) = kid {
        header.insert("kid".to_owned(), json!(kid));
    }
    sign(signer, header, claims)
}

/// Signs claims under a header, to which it adds `alg` if it has none.
pub(crate) fn sign(
    signer: &Signer,
    mut header: Map<String, Value>,
    claims: Map<String, Value>,
) -> Result<String> {
    header.entry("alg").or_insert_with(|| json!(signer.algorithm().name()));
    let signed = format!("{}.{}", segment(header), segment(claims));
    let signature = signer.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", Base64UrlUnpadded::encode_string(&signature)))
}

fn read_key(file: &Path) -> Result<Key> {
    let text = system::read_text(file)
        .with_context(|| format!("the key {} cannot be read", file.display()))?;
    Key::read(&text).with_context(|| format!("{} cannot be used", file.display()))
}

/// Returns the issuer that the options name, or else the first one that suits the key.
fn pick<'a>(
    issuers: &'a [Issuer],
    options: &Options,
    suits: impl Fn(&Issuer) -> bool,
) -> Option<&'a Issuer> {
    let named = options.issuer.as_deref().and_then(|wanted| {
        issuers
            .iter()
            .find(|issuer| issuer.name == wanted || issuer.urls.iter().any(|u| u == wanted))
    });
    named.or_else(|| issuers.iter().find(|issuer| suits(issuer)))
}

/// Returns the claims that the options and the issuer's rules name.
pub(crate) fn claims(
    options: &Options,
    issuer: Option<&Issuer>,
    now: i64,
) -> Result<Map<String, Value>> {
    let mut claims = Map::new();
    let url = match (&options.issuer, issuer) {
        (Some(wanted), Some(issuer)) if issuer.name == *wanted => issuer.urls.first(),
        (Some(wanted), _) => Some(wanted),
        (None, issuer) => issuer.and_then(|issuer| issuer.urls.first()),
    };
    if let Some(url) = url {
        claims.insert("iss".to_owned(), json!(url));
    }
    if let (Some(url), Some(tenant)) = (url, issuer.and_then(|issuer| issuer.tenant.as_ref())) {
        let named = tenant.tenant_of(url).map(|value| (tenant.claim.clone(), json!(value)));
        claims.extend(named);
    }
    let subject = issuer.and_then(|issuer| issuer.subjects.first()).map_or(SUBJECT, String::as_str);
    claims.insert("sub".to_owned(), json!(options.sub.as_deref().unwrap_or(subject)));
    match options.aud.as_slice() {
        [] => {
            if let Some(audience) = issuer.and_then(|issuer| issuer.audience.first()) {
                claims.insert("aud".to_owned(), json!(audience));
            }
        }
        [one] => {
            claims.insert("aud".to_owned(), json!(one));
        }
        several => {
            claims.insert("aud".to_owned(), json!(several));
        }
    }
    if let Some(scope) = &options.scope {
        claims.insert("scope".to_owned(), json!(scope));
    }
    claims.insert("iat".to_owned(), json!(now));
    let expiry = now.checked_add(options.expires_in.seconds());
    claims.insert("exp".to_owned(), json!(expiry.context("--expires-in is too long")?));
    for (path, value) in issuer.map(|issuer| issuer.needed.as_slice()).unwrap_or_default() {
        let value = if TIMES.contains(&path.as_str()) { &json!(now) } else { value };
        add(&mut claims, path, value);
    }
    claims.extend(options.claims.iter().cloned());
    Ok(claims)
}

/// Adds a claim by its name or JSON Pointer (RFC 6901), unless there is one. A rule may need times
/// and other claims that are there already.
fn add(claims: &mut Map<String, Value>, path: &str, value: &Value) {
    let steps: Vec<String> = match path.strip_prefix('/') {
        Some(pointer) => {
            pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
        }
        None => vec![path.to_owned()],
    };
    let Some((last, above)) = steps.split_last() else { return };
    let mut members = claims;
    for step in above {
        let inner = members.entry(step).or_insert_with(|| json!({}));
        let Value::Object(inner) = inner else { return };
        members = inner;
    }
    members.entry(last).or_insert_with(|| value.clone());
}

fn segment(members: Map<String, Value>) -> String {
    Base64UrlUnpadded::encode_string(Value::Object(members).to_string().as_bytes())
}

/// Parses the name of an algorithm. The error lists all names.
pub(crate) fn algorithm(name: &str) -> Result<Algorithm, String> {
    Algorithm::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        format!("use one of {}", names.join(", "))
    })
}

/// Parses `name=value`. The value is JSON if it can be parsed, or else text.
fn claim(argument: &str) -> Result<(String, Value), String> {
    match argument.split_once('=') {
        None | Some(("", _)) => Err("write it as NAME=VALUE, for example tenant=acme".to_owned()),
        Some((name, value)) => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            Ok((name.to_owned(), value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_json_or_text() {
        let cases = [
            ("tenant=acme", "tenant", json!("acme")),
            ("level=3", "level", json!(3)),
            ("level=\"3\"", "level", json!("3")),
            ("groups=[\"a\",\"b\"]", "groups", json!(["a", "b"])),
            ("admin=true", "admin", json!(true)),
            ("empty=", "empty", json!("")),
            ("formula=a=b", "formula", json!("a=b")),
            ("https://example.com/role=x", "https://example.com/role", json!("x")),
        ];
        for (argument, name, value) in cases {
            assert_eq!(claim(argument), Ok((name.to_owned(), value)), "{argument}");
        }
        assert!(claim("tenant").is_err());
        assert!(claim("=acme").is_err());
    }

    fn issuer() -> Issuer {
        Issuer {
            name: "demo".to_owned(),
            urls: vec!["https://issuer.example/".to_owned()],
            audience: vec!["https://api.example.com".to_owned()],
            ..Issuer::default()
        }
    }

    fn check_claims(options: &Options, expected: Value) {
        let claims = claims(options, Some(&issuer()), 1000).unwrap();
        assert_eq!(Value::Object(claims), expected);
    }

    #[test]
    fn claims_come_from_the_policy_unless_the_options_set_them() {
        check_claims(
            &Options::default(),
            json!({
                "iss": "https://issuer.example/", "sub": "demo-user",
                "aud": "https://api.example.com", "iat": 1000, "exp": 4600,
            }),
        );
        check_claims(
            &Options {
                sub: Some("alice".to_owned()),
                aud: vec!["a".to_owned(), "b".to_owned()],
                scope: Some("read write".to_owned()),
                claims: vec![("exp".to_owned(), json!(7)), ("tenant".to_owned(), json!("acme"))],
                issuer: Some("demo".to_owned()),
                ..Options::default()
            },
            json!({
                "iss": "https://issuer.example/", "sub": "alice", "aud": ["a", "b"],
                "scope": "read write", "iat": 1000, "exp": 7, "tenant": "acme",
            }),
        );
        let claims = claims(
            &Options { issuer: Some("https://other.example".to_owned()), ..Options::default() },
            Some(&issuer()),
            1000,
        );
        assert_eq!(claims.unwrap()["iss"], json!("https://other.example"));
    }
}
