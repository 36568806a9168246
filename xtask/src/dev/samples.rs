//! Example commands for the current policy.

use crate::workspace::Workspace;
use anyhow::Result;
use portcullis_cli::config::Selection;
use portcullis_cli::config::routes::{RouteDescription, requires, sample_path};
use portcullis_cli::mint::{self, Lifetime};
use serde_json::Value;

/// What the commands are built from.
pub(crate) struct Samples<'a> {
    base: String,
    protected: Option<&'a RouteDescription<'a>>,
    public: Option<&'a RouteDescription<'a>>,
    echo: bool,
    environment: Option<String>,
    has_console: bool,
}

impl<'a> Samples<'a> {
    /// Picks a protected route with as few requirements as possible, and a public route.
    pub(crate) fn new(
        port: u16,
        routes: &'a [RouteDescription<'a>],
        raw_policy: &Value,
        environment: Option<String>,
        has_console: bool,
    ) -> Self {
        let protected = || routes.iter().filter(|route| route.access == "required");
        let origin = raw_policy.get("origin").and_then(Value::as_str);
        Self {
            base: format!("http://127.0.0.1:{port}"),
            protected: protected().find(|route| requires(route).is_empty()).or_else(|| {
                protected()
                    .find(|route| requires(route).iter().all(|one| one.starts_with("scope ")))
            }),
            public: routes.iter().find(|route| route.access == "public"),
            echo: matches!(origin, Some("echo" | "zone")),
            environment,
            has_console,
        }
    }

    /// Returns a path whose response shows that the gate answers, without a request to an origin.
    pub(crate) fn probe(&self) -> String {
        match self.public {
            Some(route) if self.echo => sample_path(route),
            _ => "/".to_owned(),
        }
    }

    /// The address of the console, if it is enabled.
    pub(crate) fn console(&self) -> Option<String> {
        self.has_console.then(|| format!("{}/_portcullis/", self.base))
    }

    /// Prints the commands, with newly minted tokens. The console's page may still be compiled.
    pub(crate) fn print(&self, workspace: &Workspace, has_page: bool) -> Result<()> {
        println!("\nPortcullis listens on {}. Try it in another terminal:\n", self.base);
        if let Some(route) = self.protected {
            let request = self.request(route);
            match self.mint(workspace, route, Lifetime::default()) {
                Ok(token) => {
                    let outcome =
                        if self.echo { "200, with the forwarded request" } else { "forwarded" };
                    println!("# with a token that is valid for an hour: {outcome}");
                    println!("{request} -H \"Authorization: Bearer {token}\"\n");
                    println!("# without a token: 401\n{request}\n");
                    let expired = self.mint(workspace, route, Lifetime::minutes(-10))?;
                    println!("# with a token that expired ten minutes ago: 401");
                    println!("{request} -H \"Authorization: Bearer {expired}\"\n");
                }
                Err(_) => {
                    println!("# without a token: 401\n{request}\n");
                    println!(
                        "# to mint a valid token: cargo xtask token --key FILE (a private key)\n"
                    );
                }
            }
        }
        if let Some(route) = self.public {
            let outcome = if self.echo { ": 200" } else { "" };
            println!("# a public route, without a token{outcome}\n{}\n", self.request(route));
        }
        if let Some(console) = self.console() {
            println!("# the console explains why a token is rejected: {console}");
            if !has_page {
                println!(
                    "# (its page is still being compiled; a message follows when it is ready)"
                );
            }
            println!();
        }
        println!("To mint other tokens: cargo xtask token --help. To stop: Ctrl-C.\n");
        Ok(())
    }

    fn mint(
        &self,
        workspace: &Workspace,
        route: &RouteDescription<'_>,
        lifetime: Lifetime,
    ) -> Result<String> {
        let requires = requires(route);
        let scopes: Vec<&str> =
            requires.iter().filter_map(|one| one.strip_prefix("scope ")).collect();
        let options = mint::Options {
            // Always some scope, to show in which header the API receives it.
            scope: Some(if scopes.is_empty() { "read".to_owned() } else { scopes.join(" ") }),
            issuer: route.issuers.first().map(|&issuer| issuer.to_owned()),
            selection: Selection {
                env: self.environment.clone(),
                config: Some(workspace.path("wrangler.toml")),
            },
            expires_in: lifetime,
            ..mint::Options::default()
        };
        mint::mint(&options).map(|minted| minted.token)
    }

    fn request(&self, route: &RouteDescription<'_>) -> String {
        let method = match route.methods.first().map(String::as_str) {
            None | Some("GET") => String::new(),
            Some("HEAD") => " --head".to_owned(),
            Some(other) => format!(" -X {other}"),
        };
        format!("curl -i{method} {}{}", self.base, sample_path(route))
    }
}
