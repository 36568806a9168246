//! Header lines that a client adds, and cookies, with their meaning.
//!
//! RFC 3875 section 4.1.18 defines which names a server may treat alike: it turns a name into an
//! environment variable, with `_` for `-`. Servers also write `_` for every other character that a
//! variable's name cannot contain.

use super::{chance, one_of};
use fastrand::Rng;

/// The name and the value of a header.
pub(super) type Line = (String, String);

/// Headers of the gate, and some that make servers treat a request as another one.
const BELONG_TO_THE_GATE: [&str; 8] = [
    "X-Subject",
    "X-Auth-Payload",
    "X-Forwarded-Host",
    "X-Forwarded-Prefix",
    "X-Http-Method-Override",
    "X-Original-URL",
    "Forwarded",
    "Proxy-Authorization",
];

/// Headers that only look like these.
const HARMLESS: [&str; 6] =
    ["X-Subjects", "XSubject", "X-Sub-Ject", "X-Auth-Payload-2", "Accept-Language", "X-Request-Id"];

/// Every character of a name (RFC 9110 section 5.6.2) that is not a letter or a digit.
const SEPARATORS: &[u8] = b"-_.~!#$%&'*+^`|";

/// Generates up to three headers, in random spellings.
pub(super) fn draw(random: &mut Rng) -> Vec<Line> {
    let count = random.usize(..4);
    let names = (0..count).map(|_| {
        let name = if chance(random, 70) {
            one_of(random, &BELONG_TO_THE_GATE)
        } else {
            one_of(random, &HARMLESS)
        };
        respelled(random, name)
    });
    names.map(|name| (name, "the client's".to_owned())).collect()
}

fn respelled(random: &mut Rng, name: &str) -> String {
    let spell = |letter: char| match letter {
        '-' if chance(random, 60) => char::from(one_of(random, SEPARATORS)),
        letter if chance(random, 30) => letter.to_ascii_lowercase(),
        letter if chance(random, 30) => letter.to_ascii_uppercase(),
        letter => letter,
    };
    name.chars().map(spell).collect()
}

/// The environment variable in which a server passes a header on.
fn variable(name: &str) -> String {
    let letters = name.chars();
    letters.map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The names of the headers that must not reach the origin as they came, sorted.
pub(super) fn removed(
    lines: &[Line],
    strips_authorization: bool,
    strips_cookie: bool,
) -> Vec<String> {
    let gates = BELONG_TO_THE_GATE.map(variable);
    let is_removed = |name: &str| {
        let name = variable(name);
        gates.contains(&name)
            || (strips_authorization && name == "AUTHORIZATION")
            || (strips_cookie && name == "COOKIE")
    };
    let names = lines.iter().map(|(name, _)| name.clone());
    sorted(&names.filter(|name| is_removed(name)).collect::<Vec<_>>())
}

pub(super) fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

/// The cookies of a request (RFC 6265 section 4.2.1).
#[derive(Debug)]
pub(super) struct Cookies {
    /// The pairs besides the token's, in order.
    pub(super) others: Vec<String>,
    text: String,
}

impl Cookies {
    /// Generates cookies, among them the token's with each of these values.
    pub(super) fn draw(random: &mut Rng, tokens: &[&str]) -> Self {
        let count = random.usize(..3);
        let others = (0..count).map(|_| {
            let choices = ["x=y", "z", "n=", "a=b,c", "q=\"d, e\"", "__Host-tt=1", "x__Host-t=2"];
            one_of(random, &choices).to_owned()
        });
        let others: Vec<_> = others.collect();
        Self::mixed(random, others, tokens)
    }

    /// Generates cookies without the token's, in which a text like the token's pair is a part of
    /// another value.
    pub(super) fn draw_without(random: &mut Rng, token: &str) -> Self {
        let inner = one_of(random, &["theme=a,", "q=\"a, ", "p=x, ", "r=,"]);
        Self::mixed(random, vec![format!("{inner}__Host-t={token}")], &[])
    }

    fn mixed(random: &mut Rng, others: Vec<String>, tokens: &[&str]) -> Self {
        let mut pairs = others.clone();
        for token in tokens {
            pairs.insert(random.usize(..=pairs.len()), format!("__Host-t={token}"));
        }
        let separator = one_of(random, &["; ", ";"]);
        Self { others, text: pairs.join(separator) }
    }

    pub(super) fn line(&self) -> Line {
        ("Cookie".to_owned(), self.text.clone())
    }
}

/// The pairs of a header with cookies (RFC 6265 section 5.4).
pub(super) fn pairs(cookies: &str) -> Vec<String> {
    cookies.split(';').map(|pair| pair.trim().to_owned()).collect()
}
