//! Absolute URLs that an operator or an issuer names: `https`, or `http` to this machine.

/// A URL, split before its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'t> {
    /// Scheme, host and port, in lower case, without a slash at the end.
    pub base: String,
    /// Path, query and fragment as they were written; empty, or begins with `/`, `?` or `#`.
    pub rest: &'t str,
}

impl<'t> Url<'t> {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong with it: no `https` (RFC 9110 section 4.2.2), except for
    /// `http` to a loopback address; user information; an invalid host or port; a character that no
    /// URL has.
    pub fn parse(text: &'t str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("not a URL with a scheme")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("it has user information, which would be a secret in the policy");
        }
        if rest.contains('\\') || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it holds a character that has to be percent-encoded");
        }
        let authority = authority.to_ascii_lowercase();
        let host = host_of(&authority)?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err("it is http, and what it carries could be read and changed"),
            _ => return Err("its scheme is not https"),
        }
        Ok(Self { base: format!("{scheme}://{authority}"), rest })
    }

    /// The path, without query and fragment.
    #[must_use]
    pub fn path(&self) -> &'t str {
        self.rest.split(['?', '#']).next().unwrap_or_default()
    }

    /// Whether its host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let authority = self.base.split_once("://").map_or("", |parts| parts.1);
        host_of(authority).is_ok_and(is_loopback)
    }

    /// Whether it is `http`, which is allowed only to this machine.
    #[must_use]
    pub fn is_plain_http(&self) -> bool {
        self.base.starts_with("http:")
    }
}

fn host_of(authority: &str) -> Result<&str, &'static str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if port.is_some_and(|port| {
        port.starts_with('+') || !port.parse::<u16>().is_ok_and(|port| port > 0)
    }) {
        return Err("its port is not a number from 1 to 65535");
    }
    let good = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |label: &str| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            };
            // A last label that begins with a digit makes an IPv4 address of the whole (WHATWG URL
            // section 3.5), so that it has to be one.
            let numeric = host
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
            host.split('.').all(label) && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
        }
    };
    good.then_some(host).ok_or("its host is not a name or address in ASCII")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
