//! `keygen`: generates a key pair or a shared secret, and shows where to store each part.

use super::key::Key;
use super::key::generate::random;
use super::{mint, output, system};
use crate::outcome::Outcome;
use anyhow::{Context as _, Result, bail};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use clap::{Args, ValueEnum};
use portcullis::alg::{Algorithm, Family, Hash};
use serde_json::{Map, Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The public key is printed on standard output. The private key or secret is only written to a
/// file.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  portcullis keygen --alg ES256                        writes key-es256.pem and key-es256.public.pem
  portcullis keygen --alg EdDSA --format jwks          writes the public key as a JWK Set
  portcullis keygen --alg HS256 --binding API_SECRET   a secret that signs and verifies tokens
  portcullis mint --key key-es256.pem                  a token signed with the generated key
  portcullis keygen --alg EdDSA --identity             a key for forward.identity, for the gate

Exit codes: 0 generated; 2 not generated, for example because a file of that name exists.")]
pub struct Options {
    /// The algorithm that signs the tokens: HS256, RS256, PS256, ES256, EdDSA, ML-DSA-44 ...
    #[arg(long, value_name = "ALGORITHM", value_parser = mint::algorithm)]
    alg: Algorithm,
    /// The format of the keys
    #[arg(long, value_enum, default_value_t = Form::Pem)]
    format: Form,
    /// The file for the private key or the secret. The public key is written beside it, with
    /// `.public` in its name [default: key-ALGORITHM with a suitable extension]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The `kid` of the key in a JWK [default: its thumbprint, RFC 7638]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    kid: Option<String>,
    /// The size of an RSA key
    #[arg(long, value_name = "BITS", default_value_t = 2048, value_parser = bits)]
    bits: usize,
    /// The name of the binding that will hold it [default: PUBLIC_KEY, JWKS, SECRET or
    /// IDENTITY_KEY]
    #[arg(long, value_name = "NAME", value_parser = binding)]
    binding: Option<String>,
    /// Generate a key with which the gate signs identities for the API (forward.identity)
    #[arg(long, conflicts_with = "kid")]
    identity: bool,
    /// Print the result as JSON, without the private key or secret
    #[arg(long)]
    json: bool,
}

/// The format of keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Form {
    /// PEM: PKCS#8 and SubjectPublicKeyInfo
    Pem,
    /// JWK (RFC 7517)
    Jwk,
    /// The private key as a JWK, and the public key in a JWK Set
    Jwks,
}

/// What was generated, without the private key or secret.
struct Generated {
    secret_file: PathBuf,
    public: Option<(PathBuf, String)>,
    kid: Option<String>,
    binding: String,
    purpose: Purpose,
}

/// Where the policy names the binding.
enum Purpose {
    /// In `keys` of an issuer, which has this value in TOML. The binding holds the public key.
    Issuer(String),
    /// In `forward.identity`. The binding holds the private key.
    Identity,
}

/// Generates and writes the keys, and prints what to do with them.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    match generate(options) {
        Ok(generated) => {
            if options.json {
                output::json(&generated.to_json(options.alg));
            } else {
                if let Some((_, text)) = &generated.public {
                    output::result(text.trim_end());
                }
                output::write(&generated.guidance(options.alg));
            }
            Outcome::Success
        }
        Err(error) => output::could_not_run(&error, options.json),
    }
}

fn generate(options: &Options) -> Result<Generated> {
    let algorithm = options.alg;
    if options.identity {
        check_identity(options)?;
    }
    if let Family::Hmac(hash) = algorithm.family() {
        return generate_secret(options, hash);
    }
    let extension = if options.format == Form::Pem { "pem" } else { "json" };
    let secret_file = file(options, extension);
    let public_file = public_path(&secret_file)?;
    let key = Key::generate(algorithm, options.bits)?;
    let public = key.public();
    let thumbprint = public.thumbprint(algorithm)?;
    let kid = options.kid.clone().unwrap_or(thumbprint);
    let named = |mut members: Map<String, Value>| {
        members.insert("use".to_owned(), json!("sig"));
        members.insert("kid".to_owned(), json!(kid));
        Value::Object(members)
    };
    let (secret_text, public_text) = match options.format {
        Form::Pem => (key.to_pem()?, public.pem()?),
        form => {
            let public = named(public.jwk(algorithm));
            let public = if form == Form::Jwks { json!({ "keys": [public] }) } else { public };
            (format!("{:#}\n", named(key.private_jwk(algorithm))), format!("{public:#}\n"))
        }
    };
    let (source, binding) = match options.format {
        Form::Pem => ("pem", "PUBLIC_KEY"),
        Form::Jwk | Form::Jwks => ("jwks", "JWKS"),
    };
    let binding = if options.identity { "IDENTITY_KEY" } else { binding };
    let binding = options.binding.clone().unwrap_or_else(|| binding.to_owned());
    let purpose = if options.identity {
        Purpose::Identity
    } else {
        Purpose::Issuer(format!("{{ {source} = \"{binding}\" }}"))
    };
    if system::exists(&public_file) {
        bail!("{} exists: name another file with --out", public_file.display());
    }
    write_new(&secret_file, &secret_text, true)?;
    write_new(&public_file, &public_text, false)?;
    Ok(Generated {
        purpose,
        secret_file,
        public: Some((public_file, public_text)),
        kid: Some(kid),
        binding,
    })
}

/// Checks that the gate can sign identities with the key.
fn check_identity(options: &Options) -> Result<()> {
    if !matches!(options.alg, Algorithm::EdDSA | Algorithm::ES256) {
        bail!("identities are signed with EdDSA or ES256: write --alg EdDSA");
    }
    if options.format == Form::Jwks {
        bail!("the gate publishes the key set itself: write --format jwk, or remove --format");
    }
    Ok(())
}

/// Generates a secret as long as the hash (RFC 7518 section 3.2), in base64url.
fn generate_secret(options: &Options, hash: Hash) -> Result<Generated> {
    if options.format != Form::Pem || options.kid.is_some() {
        bail!("a secret has no format and no kid: remove --format and --kid");
    }
    let bytes = random::<64>()?;
    let text = Base64UrlUnpadded::encode_string(bytes.get(..hash.bytes()).unwrap_or(&bytes));
    let secret_file = file(options, "secret");
    // Without a line break: the gate rejects a secret that starts or ends with white space.
    write_new(&secret_file, &text, true)?;
    let binding = options.binding.clone().unwrap_or_else(|| "SECRET".to_owned());
    Ok(Generated {
        purpose: Purpose::Issuer(format!("{{ secret = \"{binding}\", encoding = \"base64url\" }}")),
        secret_file,
        public: None,
        kid: None,
        binding,
    })
}

fn file(options: &Options, extension: &str) -> PathBuf {
    let usual = || PathBuf::from(format!("key-{}.{extension}", options.alg.name().to_lowercase()));
    options.out.clone().unwrap_or_else(usual)
}

/// Returns the file for the public key: `key.public.pem` for `key.pem`.
fn public_path(secret_file: &Path) -> Result<PathBuf> {
    let stem = secret_file.file_stem().context("--out is not the name of a file")?;
    let mut name = stem.to_owned();
    name.push(".public");
    if let Some(extension) = secret_file.extension() {
        name.push(".");
        name.push(extension);
    }
    Ok(secret_file.with_file_name(name))
}

/// Writes a new file. Never overwrites a file, because it may contain a key that exists nowhere
/// else.
fn write_new(path: &Path, text: &str, is_secret: bool) -> Result<()> {
    match system::create_new(path, text, is_secret) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists: name another file with --out", path.display())
        }
        result => result.with_context(|| format!("{} cannot be written", path.display())),
    }
}

impl Generated {
    /// The file whose text the binding holds.
    fn bound_file(&self) -> &Path {
        match (&self.purpose, &self.public) {
            (Purpose::Issuer(_), Some((public, _))) => public,
            (Purpose::Issuer(_), None) | (Purpose::Identity, _) => &self.secret_file,
        }
    }

    /// What the policy has to contain.
    fn policy(&self, algorithm: Algorithm) -> Value {
        match &self.purpose {
            Purpose::Issuer(keys) => json!({ "algorithms": [algorithm.name()], "keys": keys }),
            Purpose::Identity => json!({ "forward": { "identity": { "key": self.binding } } }),
        }
    }

    /// Describes what to do with the keys, one step per line.
    fn guidance(&self, algorithm: Algorithm) -> String {
        let Self { secret_file, binding, .. } = self;
        let (secret, bound) = (secret_file.display(), self.bound_file().display());
        let mut text = String::from("\n");
        let mut step = |what: &str, how: String| text.push_str(&format!("{what:<15} {how}\n"));
        match (&self.public, &self.purpose) {
            (Some((public, _)), Purpose::Identity) => {
                step("private key", format!("{secret}, only for the gate"));
                step("public key", format!("{}, which the gate publishes", public.display()));
            }
            (Some(_), Purpose::Issuer(_)) => {
                step("private key", format!("{secret}, only for the issuer of the tokens"));
                step("public key", bound.to_string());
            }
            (None, _) => {
                step("secret", format!("{secret}, for the issuer of the tokens and for the gate"))
            }
        }
        if let Some(kid) = &self.kid {
            step("kid", kid.clone());
        }
        match &self.purpose {
            Purpose::Issuer(keys) => {
                step("in the policy", format!("algorithms = [\"{algorithm}\"]"));
                step("", format!("keys = {keys}"));
            }
            Purpose::Identity => {
                step("in the policy", "[vars.POLICY.forward.identity]".to_owned());
                step("", format!("key = \"{binding}\""));
                step("", "issuer = \"https://HOST\", the URL of the gate".to_owned());
                step("", "audience = \"https://API\", the name of the API".to_owned());
            }
        }
        step(
            "for local use",
            format!("printf \"{binding}='%s'\\n\" \"$(cat {bound})\" >> .dev.vars"),
        );
        step("deployed", format!("npx wrangler secret put {binding} < {bound}"));
        match self.public {
            _ if matches!(self.purpose, Purpose::Identity) => {}
            Some(_) => step("a token", {
                let kid = self.kid.as_deref().unwrap_or_default();
                format!("portcullis mint --alg {algorithm} --kid {kid} --key {secret}")
            }),
            None => step("a token", format!("portcullis mint --alg {algorithm}")),
        }
        text
    }

    fn to_json(&self, algorithm: Algorithm) -> Value {
        let text = |path: &Path| path.display().to_string();
        json!({
            "alg": algorithm.name(),
            "kid": self.kid,
            "secret_file": text(&self.secret_file),
            "public_file": self.public.as_ref().map(|(file, _)| text(file)),
            "public": self.public.as_ref().map(|(_, public)| {
                serde_json::from_str(public).unwrap_or_else(|_| json!(public))
            }),
            "binding": self.binding,
            "policy": self.policy(algorithm),
            "deploy": format!(
                "npx wrangler secret put {} < {}", self.binding, text(self.bound_file())
            ),
        })
    }
}

fn bits(text: &str) -> Result<usize, String> {
    match text {
        "2048" => Ok(2048),
        "3072" => Ok(3072),
        "4096" => Ok(4096),
        _ => Err("use 2048, 3072 or 4096 bits".to_owned()),
    }
}

/// Checks that wrangler and dotenv files accept the name.
fn binding(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if begins && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("use letters, digits and _, and do not start with a digit".to_owned())
    }
}
