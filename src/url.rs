//! Absolute URLs in policies and in issuers' metadata: `https`, or `http` on a loopback address.

/// A URL, split before its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'t> {
    /// Scheme, host and port, in lower case, without a final slash.
    pub base: String,
    /// Path, query and fragment as written. It is empty, or begins with `/`, `?` or `#`.
    pub rest: &'t str,
}

impl<'t> Url<'t> {
    /// Parses a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with the URL: its scheme is not `https` (RFC 9110 section 4.2.2), nor `http`
    /// with a loopback address; it contains user information; its host or port is malformed; or it
    /// contains a character that URLs cannot contain.
    pub fn parse(text: &'t str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("it is not a URL with a scheme")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err("it contains user information, which would be a secret in the policy");
        }
        if rest.contains('\\') || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("it contains a character that must be percent-encoded");
        }
        let authority = authority.to_ascii_lowercase();
        let host = host_of(&authority)?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => return Err("it is http, which others could read and change"),
            _ => return Err("its scheme is not https"),
        }
        Ok(Self { base: format!("{scheme}://{authority}"), rest })
    }

    /// The path, without query and fragment.
    #[must_use]
    pub fn path(&self) -> &'t str {
        self.rest.split(['?', '#']).next().unwrap_or_default()
    }

    /// Whether the host is a loopback address or name.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let authority = self.base.split_once("://").map_or("", |parts| parts.1);
        host_of(authority).is_ok_and(is_loopback)
    }

    /// Whether the scheme is `http`, which only loopback hosts can have.
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
            // If the last label begins with a digit, browsers parse the host as an IPv4 address
            // (WHATWG URL section 3.5), so it must be a valid one.
            let numeric = host
                .rsplit('.')
                .next()
                .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_digit()));
            host.split('.').all(label) && (!numeric || host.parse::<std::net::Ipv4Addr>().is_ok())
        }
    };
    good.then_some(host).ok_or("its host is not an ASCII name or an IP address")
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
