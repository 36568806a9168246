//! Tests of the arguments of wrangler, and of the errors.

use super::*;
use crate::config::ConfigFile;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use clap::Parser;

const NOW: i64 = 1_800_000_000;

const ONE: &str = "
kv_namespaces = [{ binding = 'REVOKED', id = '1' }]
[vars.POLICY]
origin = 'echo'
revocation = { kv = 'REVOKED' }
routes = [{ path = '/*' }]
[[vars.POLICY.issuers]]
name = 'a'
issuer = 'https://a.example/'
audience = 'api'
algorithms = ['HS256']
keys = { secret = 'SECRET' }
";

const SECOND: &str = "
[[vars.POLICY.issuers]]
name = 'b'
issuer = 'https://b.example/'
audience = 'api'
algorithms = ['HS256']
keys = { secret = 'SECRET' }
";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// Plans the changes for a command line. Returns the arguments of wrangler, without `--config` at
/// their end.
fn planned(toml: &str, words: &[&str], token: Option<&str>) -> Result<Vec<String>> {
    let line = Line::try_parse_from(["revoke"].iter().chain(words))?;
    let config_file = ConfigFile::parse("wrangler.toml", toml)?;
    let environment = line.options.selection.environment(&config_file)?;
    let plan = plan(&line.options, &environment, Path::new("/w/wrangler.toml"), token, NOW)?;
    let shown = |change| {
        let arguments = plan.store.arguments(change);
        let (config, rest) =
            arguments.split_last_chunk::<2>().map(|(rest, last)| (last, rest)).unwrap();
        assert_eq!(config, &["--config", "/w/wrangler.toml"]);
        let words: Vec<_> = rest.iter().map(|word| word.to_str().unwrap()).collect();
        words.join(" ")
    };
    Ok(plan.changes.iter().map(shown).collect())
}

fn check(toml: &str, words: &[&str], expected: &[&str]) {
    assert_eq!(planned(toml, words, None).unwrap(), expected, "{words:?}");
}

fn check_fault(toml: &str, words: &[&str], token: Option<&str>, expected: &str) {
    let fault = format!("{:#}", planned(toml, words, token).unwrap_err());
    assert!(fault.contains(expected), "{words:?}: {fault}");
}

#[test]
fn changes_become_arguments_of_wrangler() {
    const REST: &str = "1800000000 --ttl 604800 --binding REVOKED --env  --local";
    check(ONE, &["--jti", "-j"], &[&format!("kv key put jti:a:-j {REST}")]);
    check(
        ONE,
        &["--kid", "k", "--sid", "s", "--sub", "u", "--jti", "i", "--jti", "j"],
        &[
            &format!("kv key put jti:a:i {REST}"),
            &format!("kv key put jti:a:j {REST}"),
            &format!("kv key put sub:a:u {REST}"),
            &format!("kv key put sid:a:s {REST}"),
            &format!("kv key put kid:a:k {REST}"),
        ],
    );
    check(
        ONE,
        &["--sub", "u", "--sid", "s", "--before", "1799999999", "--expires-in", "60", "--remote"],
        &[
            "kv key put sub:a:u 1799999999 --ttl 60 --binding REVOKED --env  --remote",
            "kv key put sid:a:s 1800000000 --ttl 60 --binding REVOKED --env  --remote",
        ],
    );
    check(
        ONE,
        &["--jti", "j", "--undo", "--persist-to", "/p"],
        &["kv key delete jti:a:j --binding REVOKED --env  --local --persist-to /p"],
    );
    check(
        &format!("{ONE}{SECOND}"),
        &["--jti", "j", "--issuer", "b"],
        &[&format!("kv key put jti:b:j {REST}")],
    );
}

#[test]
fn the_environment_and_its_policy_determine_the_arguments() {
    let logout =
        ONE.replace("kv = 'REVOKED'", "kv = 'REVOKED', logout_path = '/l', expiration_ttl = 90");
    check(
        &logout,
        &["--jti", "j"],
        &["kv key put jti:a:j 1800000000 --ttl 90 --binding REVOKED --env  --local"],
    );
    let named = ONE.replace("kv_namespaces", "env.e.kv_namespaces").replace("vars.", "env.e.vars.");
    check(
        &named,
        &["--jti", "j", "--env", "e", "--undo"],
        &["kv key delete jti:a:j --binding REVOKED --env e --local"],
    );
    check_fault(&named, &["--jti", "j"], None, "there is no policy");
    let preview = ONE.replace("id = '1'", "id = '1', preview_id = '2'");
    for (place, preview_of) in [("--local", "true"), ("--remote", "false")] {
        let expected = format!(
            "kv key delete jti:a:j --binding REVOKED --env  --preview {preview_of} {place}"
        );
        check(&preview, &["--jti", "j", "--undo", place], &[&expected]);
    }
}

#[test]
fn invalid_options_are_rejected() {
    let two = format!("{ONE}{SECOND}");
    check_fault(ONE, &[], None, "nothing to revoke");
    check_fault(&two, &["--jti", "j"], None, "--issuer; the issuers: a, b");
    check_fault(
        &two,
        &["--jti", "j", "--issuer", "c"],
        None,
        "the policy has no issuer c; its issuers: a, b",
    );
    let without = ONE.replace("revocation = { kv = 'REVOKED' }", "");
    check_fault(&without, &["--jti", "j"], None, "the policy has no revocation store");
    check_fault(&ONE.replace("'echo'", "'ech'"), &["--jti", "j"], None, "POLICY.origin");
    check_fault(
        &ONE.replace("'REVOKED', id", "'OTHER', id"),
        &["--jti", "j"],
        None,
        "POLICY.revocation.kv",
    );
    for expires_in in ["59", "366d"] {
        check_fault(
            ONE,
            &["--jti", "j", "--expires-in", expires_in],
            None,
            "60 to 31536000 seconds",
        );
    }
    for before in ["1800000301", "1800000000000"] {
        check_fault(ONE, &["--sub", "u", "--before", before], None, "--before must be a time");
    }
    check_fault(ONE, &["--jti", "j", "--before", "1"], None, "--sub");
    check_fault(ONE, &["--jti", ""], None, "--jti");
    check_fault(ONE, &["--jti", "j", "--local", "--remote"], None, "cannot be used with");
    check_fault(ONE, &["--jti", "j", "--undo", "--expires-in", "60"], None, "cannot be used with");
}

fn token(claims: &str) -> String {
    let segment = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    format!("{}.{}.{}", segment(r#"{"alg":"HS256"}"#), segment(claims), segment("signature"))
}

#[test]
fn a_token_is_revoked_by_its_issuer_and_jti() {
    let two = format!("{ONE}{SECOND}");
    let good = token(r#"{"iss":"https://b.example/","jti":"j","exp":1800000100}"#);
    let expected = ["kv key delete jti:b:j --binding REVOKED --env  --local"];
    assert_eq!(planned(&two, &["--undo"], Some(&good)).unwrap(), expected);
    // The leeway is added to the expiry.
    let put = planned(&two, &["--expires-in", "160"], Some(&good)).unwrap();
    assert_eq!(put, ["kv key put jti:b:j 1800000000 --ttl 160 --binding REVOKED --env  --local"]);
    check_fault(&two, &["--expires-in", "159"], Some(&good), "--expires-in 160 or more");
    check_fault(&two, &["--issuer", "a"], Some(&good), "from the issuer b, not from a");
    for toml in [ONE, &two] {
        let other = token(r#"{"iss":"https://c.example/","jti":"j"}"#);
        check_fault(toml, &[], Some(&other), "no issuer of the policy has the token's iss");
    }
    for claims in [r#"{"iss":"https://a.example/"}"#, r#"{"iss":"https://a.example/","jti":7}"#] {
        check_fault(ONE, &[], Some(&token(claims)), "no jti that is a string");
    }
    check_fault(ONE, &[], Some("a.b"), "the token cannot be read");
    check_fault(ONE, &[], Some(&token("[]")), "not a strict JSON object");
}

#[test]
fn the_delay_depends_on_the_store() {
    let delay_note = |words: &[&str]| {
        let line = Line::try_parse_from(["revoke", "--jti", "j"].iter().chain(words)).unwrap();
        let config_file = ConfigFile::parse("wrangler.toml", ONE).unwrap();
        let environments = Environment::select(&config_file, Some("")).unwrap();
        let plan = plan(&line.options, &environments[0], Path::new("w.toml"), None, NOW).unwrap();
        (plan.store.to_string(), plan.delay_note())
    };
    let (store, note) = delay_note(&["--remote"]);
    assert!(
        store == "REVOKED on Cloudflare" && note.contains("about 120 seconds"),
        "{store} {note}"
    );
    let (store, note) = delay_note(&[]);
    assert!(
        store == "REVOKED on this machine" && note.contains("within 60 seconds"),
        "{store} {note}"
    );
}
