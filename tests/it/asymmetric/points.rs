//! Attack 24: JWKs with `kty` EC that are not valid keys (RFC 7518 section 6.2).

use super::signing::bytes_of;
use super::{Pair, check_keys};
use crate::kit::{b64, with};
use serde_json::{Value, json};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn coordinate(jwk: &Value, name: &str) -> Vec<u8> {
    bytes_of(jwk[name].as_str().unwrap())
}

#[test]
fn attack_24_skips_points_off_the_curve() {
    for pair in Pair::CURVES {
        let jwk = pair.jwk();
        let (x, y) = (coordinate(&jwk, "x"), coordinate(&jwk, "y"));
        let put = |x: &[u8], y: &[u8]| with(jwk.clone(), json!({ "x": b64(x), "y": b64(y) }));
        let zero = vec![0; x.len()];
        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        };
        const OFF: &str = "no point on";
        check_keys(
            *pair,
            [
                (put(&x, &y), ""),
                (put(&x, &changed(&y)), OFF),
                (put(&changed(&x), &y), OFF),
                (put(&y, &x), OFF),
                (put(&x, &x), OFF),
                // Some libraries use (0, 0) for the point at infinity.
                (put(&zero, &zero), OFF),
                (put(&x, &zero), OFF),
                (put(&zero, &y), OFF),
                // Coordinates that are not below the field's prime.
                (put(&vec![0xff; x.len()], &y), OFF),
                (put(&x, &vec![0xff; x.len()]), OFF),
            ],
        );
    }
}

#[test]
fn attack_24_skips_coordinates_of_the_wrong_length() {
    const LENGTH: &str = "bytes long";
    for pair in Pair::CURVES {
        let jwk = pair.jwk();
        let x = coordinate(&jwk, "x");
        let put = |x: &[u8]| with(jwk.clone(), json!({ "x": b64(x) }));
        let both = |prefix: &[u8]| {
            let longer = |name: &str| b64([prefix, &coordinate(&jwk, name)].concat());
            with(jwk.clone(), json!({ "x": longer("x"), "y": longer("y") }))
        };
        check_keys(
            *pair,
            [
                (put(&x[1..]), LENGTH),
                (put(&x[..x.len() - 1]), LENGTH),
                (put(&[&x[..], b"\0"].concat()), LENGTH),
                (put(b""), LENGTH),
                (both(b"\0"), LENGTH),
                (both(b"\x04"), LENGTH),
                (put(&pair.public()), LENGTH),
                (put(&pair.public()[1..]), LENGTH),
            ],
        );
    }
}

#[test]
fn attack_24_skips_keys_with_missing_or_malformed_members() {
    for pair in Pair::CURVES {
        let jwk = pair.jwk();
        let set = |changes: Value| with(jwk.clone(), changes);
        let mut compressed = jwk.clone();
        compressed["y"] = json!(true);
        check_keys(
            *pair,
            [
                (set(json!({ "x": null })), "\"x\" is missing"),
                (set(json!({ "y": null })), "\"y\" is missing"),
                (set(json!({ "crv": null })), "\"crv\" is missing"),
                (set(json!({ "kty": null })), "\"kty\" is missing"),
                (compressed, "\"y\" is not a string"),
                (set(json!({ "x": 17 })), "\"x\" is not a string"),
                (set(json!({ "crv": 256 })), "\"crv\" is not a string"),
                (set(json!({ "crv": "" })), "\"crv\""),
                (set(json!({ "crv": "P-192" })), "\"crv\""),
                (set(json!({ "crv": "prime256v1" })), "\"crv\""),
                (set(json!({ "crv": "brainpoolP256r1" })), "\"crv\""),
                (set(json!({ "kty": "OKP" })), "\"crv\" is not \"Ed25519\""),
                (set(json!({ "kty": "ec" })), "\"kty\" is not supported"),
                (set(json!({ "kty": "EC2" })), "\"kty\" is not supported"),
                (set(json!({ "kty": "RSA" })), "\"n\" is missing"),
                (set(json!({ "kty": "oct" })), "\"k\" is missing"),
                (set(json!({ "x": format!("{}=", jwk["x"].as_str().unwrap()) })), "base64url"),
                (set(json!({ "use": "enc" })), "\"use\""),
                (set(json!({ "key_ops": ["deriveBits"] })), "\"key_ops\""),
                (set(json!({ "alg": "ECDH-ES" })), "\"alg\""),
                (set(json!({ "alg": "RS256" })), "none of the issuer's algorithms"),
                (set(json!({ "alg": pair.algorithm(), "use": "sig", "key_ops": ["verify"] })), ""),
            ],
        );
    }
}

#[test]
fn attack_24_skips_private_keys() {
    for pair in Pair::CURVES {
        let d = pair.jwk()["x"].clone();
        let mut null = pair.jwk();
        null["d"] = Value::Null;
        check_keys(
            *pair,
            [
                (with(pair.jwk(), json!({ "d": d })), "a private key"),
                (with(pair.jwk(), json!({ "d": 1 })), "a private key"),
                (with(pair.jwk(), json!({ "d": "" })), ""),
                (null, ""),
            ],
        );
    }
}

#[test]
fn attack_24_skips_points_labeled_with_another_curve() {
    for pair in Pair::CURVES {
        for other in Pair::CURVES.iter().filter(|other| *other != pair) {
            let jwk = with(pair.jwk(), json!({ "crv": other.jwk()["crv"] }));
            let wide = pair.public().len() == other.public().len();
            check_keys(*pair, [(jwk, if wide { "no point on" } else { "bytes long" })]);
            check_keys(*pair, [(other.jwk(), "none of the issuer's algorithms")]);
        }
    }
}

#[cfg(not(feature = "es512"))]
#[test]
fn skips_keys_on_a_curve_that_is_not_compiled_in() {
    let jwk = json!({
        "kty": "EC",
        "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    });
    check_keys(Pair::Es256, [(jwk, "\"crv\" is not a curve that this build supports")]);
}
