//! Writes `.dev.vars`, the secrets and variables for local use, on the first run. It never changes
//! an existing file.

use crate::hash::hexadecimal;
use crate::say;
use crate::workspace::Workspace;
use anyhow::{Context, Result, anyhow};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use portcullis::policy::{Policy, Purpose};
use portcullis_cli::config::Environment;
use portcullis_cli::config::dev_vars::DevVars;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

/// Enables the console, and the minting of tokens in it, which is for local use only.
const CONSOLE: &str = "\
# The console at /_portcullis/, and minting tokens in it. For local use only.
CONSOLE=on
CONSOLE_MINT=on
";

/// Creates `.dev.vars` with a random value for each secret that the policy names, and with the
/// console enabled. An existing file stays unchanged, and `check` reports the values that it lacks.
pub(crate) fn ensure(
    workspace: &Workspace,
    environment: &Environment<'_>,
    raw_policy: &Value,
) -> Result<()> {
    let dev_vars = DevVars::read(environment)?;
    let references = Policy::binding_references(raw_policy);
    // A `.dev.vars` would hide a `.env` file, which may contain what the policy needs.
    let has_any = references.iter().any(|one| dev_vars.values.contains_key(&one.binding));
    if has_any || dev_vars.file.is_some_and(|file| file.starts_with(".dev.vars")) {
        return Ok(());
    }
    let mut secrets: Vec<(String, Purpose)> = references
        .into_iter()
        .filter(|reference| reference.purpose != Purpose::PublicKey)
        .map(|reference| (reference.binding, reference.purpose))
        .collect();
    secrets.sort_by(|(one, _), (other, _)| one.cmp(other));
    secrets.dedup_by(|(one, _), (other, _)| one == other);
    let mut text =
        String::from("# Secrets for local use, read by wrangler. Never commit this file.\n");
    for (name, purpose) in &secrets {
        let value = if *purpose == Purpose::PrivateKey { private_key()? } else { random()? };
        text.push_str(&format!("{name}={value}\n"));
    }
    text.push_str(CONSOLE);
    let path = workspace.path(".dev.vars");
    let mut options = OpenOptions::new();
    // Does not overwrite a file that another process has just written.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(&path) {
        Ok(mut file) => file
            .write_all(text.as_bytes())
            .with_context(|| format!("{} cannot be written", path.display()))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be created", path.display()));
        }
    }
    let names: Vec<&str> = secrets.iter().map(|(name, _)| name.as_str()).collect();
    let secrets = if names.is_empty() {
        String::new()
    } else {
        format!(", and a random secret for {}", names.join(", "))
    };
    say::line(&format!("wrote .dev.vars with the console enabled{secrets}"));
    Ok(())
}

/// Returns a new Ed25519 key as a JWK (RFC 8037 section 2), quoted for a dotenv file.
fn private_key() -> Result<String> {
    let mut seed = [0_u8; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| anyhow!("the system provides no random numbers: {error}"))?;
    let seed = Base64UrlUnpadded::encode_string(&seed);
    Ok(format!("'{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"{seed}\"}}'"))
}

/// Returns 64 random bytes in hexadecimal: long enough for every HMAC algorithm, in every encoding
/// that a policy can name.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 64];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow!("the system provides no random numbers: {error}"))?;
    Ok(hexadecimal(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generates_a_new_long_secret_each_time() {
        let secret = random().unwrap();
        assert_eq!(secret.len(), 128);
        assert!(secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(secret, random().unwrap());
    }
}
