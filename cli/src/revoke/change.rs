//! Changes to the revocation store.

use super::Options;
use anyhow::{Context as _, Result, bail};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::issuer::Issuer;
use portcullis::json;
use portcullis::policy::Policy;
use portcullis::revocation::{EXPIRATION_TTL, EXPIRATION_TTLS, Entry, Revocation, Subject};
use portcullis::time::UnixSeconds;
use portcullis::token::Unverified;
use serde_json::{Value, json};
use std::fmt;

/// How far --before may be in the future, in seconds, because clocks differ.
const LATEST_BEFORE: i64 = 300;

/// A change to one entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Change {
    /// Writes the entry.
    Put {
        /// Its key.
        key: String,
        /// Its value.
        text: String,
        /// How many seconds the store keeps it.
        expires_in: u32,
    },
    /// Deletes the entry.
    Delete {
        /// Its key.
        key: String,
    },
}

impl Change {
    /// The change as JSON.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Put { key, text, expires_in } => {
                json!({ "put": key, "text": text, "expires_in": expires_in })
            }
            Self::Delete { key } => json!({ "delete": key }),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, text, expires_in } => {
                write!(formatter, "wrote {key} = {text} for {expires_in} seconds into")
            }
            Self::Delete { key } => write!(formatter, "deleted {key} from"),
        }
    }
}

/// Returns the changes that the options describe. The change for the token is the first.
pub(super) fn changes(
    options: &Options,
    policy: &Policy,
    revocation: &Revocation,
    token: Option<&str>,
    now: i64,
) -> Result<Vec<Change>> {
    let token = token.map(|token| Token::read(token, policy)).transpose()?;
    let issuer = issuer(options, policy, token.as_ref())?;
    let expires_in = expires_in(options, revocation)?;
    let before = before(options, now)?;
    let mut wanted: Vec<(Subject, &str, i64)> = Vec::new();
    if let Some(token) = &token {
        if !options.undo {
            token.check_expiry(expires_in, now)?;
        }
        wanted.push((Subject::Jti, &token.id, now));
    }
    for (subject, values, time) in [
        (Subject::Jti, &options.jti, now),
        (Subject::Sub, &options.sub, before),
        (Subject::Sid, &options.sid, now),
        (Subject::Kid, &options.kid, now),
    ] {
        wanted.extend(values.iter().map(|value| (subject, value.as_str(), time)));
    }
    if wanted.is_empty() {
        bail!("nothing to revoke: give --jti, --sub, --sid or --kid, or a token with --token -");
    }
    let change = |(subject, value, time): (Subject, &str, i64)| {
        let key = Entry::new(subject, issuer.name(), value).key;
        if options.undo {
            Change::Delete { key }
        } else {
            Change::Put { key, text: time.to_string(), expires_in }
        }
    };
    Ok(wanted.into_iter().map(change).collect())
}

fn issuer<'p>(
    options: &Options,
    policy: &'p Policy,
    token: Option<&Token<'p>>,
) -> Result<&'p Issuer> {
    let names: Vec<&str> = policy.issuers().iter().map(Issuer::name).collect();
    let names = names.join(", ");
    let named = match &options.issuer {
        None => None,
        Some(name) => {
            let found = policy.issuers().iter().find(|issuer| issuer.name() == name);
            Some(found.with_context(|| {
                format!("the policy has no issuer {name}; its issuers: {names}")
            })?)
        }
    };
    match (named, token, policy.issuers()) {
        (Some(named), Some(token), _) if named.name() != token.issuer.name() => bail!(
            "the token is from the issuer {}, not from {}: remove --issuer",
            token.issuer.name(),
            named.name()
        ),
        (Some(issuer), _, _) => Ok(issuer),
        (None, Some(token), _) => Ok(token.issuer),
        (None, None, [only]) => Ok(only),
        (None, None, []) => bail!("the policy has no issuers, so the gate admits no token"),
        (None, None, _) => bail!("name the issuer with --issuer; the issuers: {names}"),
    }
}

fn expires_in(options: &Options, revocation: &Revocation) -> Result<u32> {
    let Some(lifetime) = options.expires_in else {
        let configured = revocation.logout.as_ref().map(|logout| logout.expiration_ttl);
        return Ok(configured.unwrap_or(EXPIRATION_TTL).get());
    };
    let seconds = u32::try_from(lifetime.seconds()).ok();
    seconds.filter(|seconds| EXPIRATION_TTLS.contains(seconds)).with_context(|| {
        let (least, most) = (EXPIRATION_TTLS.start(), EXPIRATION_TTLS.end());
        format!(
            "--expires-in must be {least} to {most} seconds; Workers KV has a minimum of {least}"
        )
    })
}

fn before(options: &Options, now: i64) -> Result<i64> {
    let before = options.before.unwrap_or(now);
    if before < 0 || before > now.saturating_add(LATEST_BEFORE) {
        bail!(
            "--before must be a time in Unix seconds (not milliseconds) up to now ({now}); the \
             user could not sign in again until a later time"
        );
    }
    Ok(before)
}

/// The content of a token, which is not verified.
struct Token<'p> {
    issuer: &'p Issuer,
    id: String,
    expires: Option<UnixSeconds>,
}

impl<'p> Token<'p> {
    fn read(token: &str, policy: &'p Policy) -> Result<Self> {
        let unverified = match Unverified::parse(token) {
            Ok(unverified) => unverified,
            Err(refusal) => bail!("the token cannot be read: {}", refusal.because()),
        };
        let payload = token.split('.').nth(1).unwrap_or_default();
        let payload = Base64UrlUnpadded::decode_vec(payload).unwrap_or_default();
        let Ok(claims) = json::parse_object(&payload) else {
            bail!("the token's payload is not a strict JSON object");
        };
        let name = claims.get("iss").and_then(Value::as_str);
        let chosen = policy.issuer_named_by(&unverified).ok().filter(|issuer| {
            // A policy with one issuer chooses it whatever `iss` is.
            issuer.accepts_any_name() || name.is_some_and(|name| issuer.is_named(name))
        });
        let issuer = chosen.context("no issuer of the policy has the token's iss")?;
        let id = claims.get("jti").and_then(Value::as_str).context(
            "the token has no jti that is a string, so it cannot be revoked alone: revoke the \
             tokens of its user with --sub, or of its session with --sid",
        )?;
        let expires = claims.get("exp").and_then(|exp| UnixSeconds::from_numeric_date(exp).ok());
        let leeway = issuer.rules().times.leeway;
        Ok(Self { issuer, id: id.to_owned(), expires: expires.map(|time| time.plus(leeway)) })
    }

    /// Checks that the token expires before its entry does.
    fn check_expiry(&self, expires_in: u32, now: i64) -> Result<()> {
        let Some(expires) = self.expires else { return Ok(()) };
        let rest = expires.get().saturating_sub(now);
        if rest > i64::from(expires_in) {
            bail!(
                "the token expires in {rest} seconds, and would be valid again after {expires_in}: \
                 write --expires-in {rest} or more"
            );
        }
        Ok(())
    }
}
