//! Parses a curl command into a request.

use base64ct::{Base64, Encoding as _};

/// The request that a curl command makes.
pub(super) struct Curl {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, String)>,
}

/// Parses a command line. Returns `None` if it does not start with `curl` or has no URL.
pub(super) fn read(text: &str) -> Option<Curl> {
    let mut words = words(text).into_iter();
    let first = words.find(|word| word != "$")?;
    let is_curl = first == "curl" || first.ends_with("/curl") || first == "curl.exe";
    if !is_curl {
        return None;
    }
    let mut command = Command::default();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            Some(long) => {
                let (name, given) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let mut value = || given.clone().or_else(|| words.next()).unwrap_or_default();
                command.long(name, &mut value);
            }
            None => match word.strip_prefix('-').filter(|short| !short.is_empty()) {
                Some(short) => command.short(short, &mut || words.next().unwrap_or_default()),
                None => command.urls.push(word),
            },
        }
    }
    command.request()
}

#[derive(Default)]
struct Command {
    method: Option<String>,
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    has_body: bool,
    is_head: bool,
    is_get: bool,
}

impl Command {
    /// Applies a long option. `value` returns the value of the option.
    fn long(&mut self, name: &str, value: &mut dyn FnMut() -> String) {
        match name {
            "request" => self.method = Some(value()),
            "url" => self.urls.push(value()),
            "header" => self.header(&value()),
            "cookie" => self.add("Cookie", value()),
            "user-agent" => self.add("User-Agent", value()),
            "referer" => self.add("Referer", value()),
            "user" => self.user(&value()),
            "oauth2-bearer" => {
                let token = value();
                self.add("Authorization", format!("Bearer {token}"));
            }
            "head" => self.is_head = true,
            "get" => self.is_get = true,
            "data" | "data-raw" | "data-binary" | "data-urlencode" | "data-ascii" | "json"
            | "form" | "form-string" => {
                self.has_body = true;
                value();
            }
            "output" | "upload-file" | "max-time" | "connect-timeout" | "cacert" | "cert"
            | "key" | "proxy" | "resolve" | "write-out" | "retry" | "cookie-jar" | "config"
            | "dump-header" | "interface" | "connect-to" | "limit-rate" => drop(value()),
            _ => {}
        }
    }

    /// Applies the short options of one word. The last option may have a value, in the same word or
    /// in the next one.
    fn short(&mut self, letters: &str, next: &mut dyn FnMut() -> String) {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let long = match letter {
                'X' => "request",
                'H' => "header",
                'b' => "cookie",
                'A' => "user-agent",
                'e' => "referer",
                'u' => "user",
                'd' => "data",
                'F' => "form",
                'o' | 'T' | 'm' | 'E' | 'x' | 'w' | 'c' | 'K' | 'D' => "output",
                'I' => {
                    self.is_head = true;
                    continue;
                }
                'G' => {
                    self.is_get = true;
                    continue;
                }
                _ => continue,
            };
            let attached = rest.as_str().to_owned();
            let mut value = || if attached.is_empty() { next() } else { attached.clone() };
            self.long(long, &mut value);
            return;
        }
    }

    fn header(&mut self, line: &str) {
        if let Some((name, value)) = line.split_once(':') {
            self.add(name.trim(), value.trim().to_owned());
        }
    }

    fn user(&mut self, user: &str) {
        self.add("Authorization", format!("Basic {}", Base64::encode_string(user.as_bytes())));
    }

    fn add(&mut self, name: &str, value: String) {
        self.headers.push((name.to_owned(), value));
    }

    fn request(self) -> Option<Curl> {
        let url = self.urls.into_iter().next()?;
        // curl uses HTTP if the URL has no scheme.
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        let method = match (self.method, self.is_head, self.has_body && !self.is_get) {
            (Some(method), ..) => method,
            (None, true, _) => "HEAD".to_owned(),
            (None, false, true) => "POST".to_owned(),
            (None, false, false) => "GET".to_owned(),
        };
        Some(Curl { method, url, headers: self.headers })
    }
}

/// Splits a command line into words as a POSIX shell does, without expanding anything. An unclosed
/// quote ends with the text.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    match (c, chars.peek()) {
                        ('\\', Some('"' | '\\' | '$' | '`')) => word.extend(chars.next()),
                        ('\\', Some('\n')) => drop(chars.next()),
                        _ => word.push(c),
                    }
                }
            }
            '\\' => match chars.next() {
                Some('\n') => {}
                Some('\r') => drop(chars.next_if_eq(&'\n')),
                next => word.get_or_insert_default().extend(next),
            },
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
