//! `/_portcullis/`: the console's page, its API, and the health endpoint.
//!
//! These paths exist while the variable `CONSOLE` is `"on"`. Otherwise they are like any other. The
//! console only responds to pages of its own web origin, over TLS or on this machine, and no
//! response of it contains a secret.

mod api;
mod assets;

use super::bindings::EnvBindings;
use super::call::Call;
use super::isolate::Isolate;
use super::log;
use crate::json::text::ObjectText;
use crate::path::split_url;
use crate::policy::{Bindings as _, Fault};
use crate::response::{OwnResponse, problem};
use crate::url::Url;
use serde_json::Value;
use std::rc::Rc;
use web_sys::Response;
use worker::Env;

const ROOT: &str = "/_portcullis";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The security headers of every response. The page's code may compile WebAssembly, and may load,
/// run and reach only what the console serves.
const SECURITY: [(&str, &str); 7] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'",
    ),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
];

/// Responds to a request for the console. Returns `None` if the request is for another path, or the
/// console is off. `isolate` is `None` if the policy is invalid.
pub(super) async fn respond(
    call: &Call<'_>,
    isolate: Option<&Rc<Isolate>>,
) -> Option<worker::Result<Response>> {
    let name = split_url(call.view.url).path.strip_prefix(ROOT)?;
    let is_below = name.is_empty() || name.starts_with('/');
    if !is_below || !is_on(call.env, "CONSOLE") {
        return None;
    }
    Some(ConsoleRequest { name, call }.respond(isolate).await)
}

/// A request for the console.
struct ConsoleRequest<'c> {
    /// The path below the console's root: empty, or starting with a slash.
    name: &'c str,
    call: &'c Call<'c>,
}

impl ConsoleRequest<'_> {
    async fn respond(&self, isolate: Option<&Rc<Isolate>>) -> worker::Result<Response> {
        let content = self.content(isolate).await;
        let response = match content.unwrap_or_else(|problem| Content::Own(problem.response())) {
            Content::Own(response) => self.call.send(&response)?,
            Content::Asset(response) => response,
        };
        for (name, value) in SECURITY {
            response.headers().set(name, value)?;
        }
        Ok(response)
    }

    async fn content(&self, isolate: Option<&Rc<Isolate>>) -> Result<Content, Problem> {
        if self.name == "/health" {
            self.accept(&["GET", "HEAD"])?;
            return Ok(Content::Own(health(isolate.is_some())));
        }
        let own = self.own_web_origin()?;
        let body = match self.name {
            "/gate.json" => {
                self.accept(&["GET", "HEAD"])?;
                self.describe(isolate).await
            }
            "/judge" => {
                self.accept(&["POST"])?;
                self.evaluate(isolate, &self.body().await?).await?
            }
            "/mint" if is_on(self.call.env, "CONSOLE_MINT") && own.is_loopback() => {
                self.accept(&["POST"])?;
                api::mint(isolate, &self.body().await?)?
            }
            _ => {
                self.accept(&["GET", "HEAD"])?;
                return self.asset().await;
            }
        };
        Ok(Content::Own(json_response(200, body)))
    }

    /// Returns the web origin of the request, which must be the one of the page that sent it. So
    /// another site cannot make a browser use the console. Over plain http it must be this machine,
    /// because another host name could resolve to it (DNS rebinding).
    fn own_web_origin(&self) -> Result<Url<'_>, Problem> {
        let foreign = Problem::new(403, "the console only responds to pages of its own web origin");
        let get = |name| self.call.view.headers.get(name);
        let url = Url::parse(self.call.view.url).map_err(|_| {
            Problem::new(403, "the console is served over https, or from this machine")
        })?;
        let is_own_site = get("sec-fetch-site")
            .is_none_or(|site| matches!(site.as_ref(), "same-origin" | "none"));
        let is_own_origin = get("origin").is_none_or(|origin| origin == url.base);
        if is_own_site && is_own_origin { Ok(url) } else { Err(foreign) }
    }

    fn accept(&self, methods: &[&'static str]) -> Result<(), Problem> {
        if methods.contains(&self.call.view.method) {
            return Ok(());
        }
        Err(Problem {
            allow: methods.join(", "),
            ..Problem::new(405, "the method is not allowed here")
        })
    }
}

/// What is sent back.
enum Content {
    Own(OwnResponse),
    Asset(Response),
}

/// Why the console does not do what the request asks for.
struct Problem {
    status: u16,
    detail: &'static str,
    /// The accepted methods, if the request was refused for its method.
    allow: String,
}

impl Problem {
    const fn new(status: u16, detail: &'static str) -> Self {
        Self { status, detail, allow: String::new() }
    }

    fn response(self) -> OwnResponse {
        let mut problem = problem(self.status);
        problem.text("detail", Some(self.detail));
        let mut response = json_response(self.status, problem);
        if !self.allow.is_empty() {
            response.headers.push(("Allow", self.allow));
        }
        response
    }
}

/// Logs a warning if the console mints tokens. It only does so for requests to a loopback host
/// name, but clients choose that name.
pub(super) fn warn_of_minting(env: &Env) {
    if is_on(env, "CONSOLE") && is_on(env, "CONSOLE_MINT") {
        log::policy_warning(&Fault {
            path: "CONSOLE_MINT".to_owned(),
            problem: "anyone who can reach this server can mint tokens, with Host: localhost"
                .to_owned(),
            remedy: "listen on 127.0.0.1 only".to_owned(),
        });
    }
}

fn is_on(env: &Env, variable: &str) -> bool {
    EnvBindings(env).value(variable) == Some(Value::from("on"))
}

fn health(has_policy: bool) -> OwnResponse {
    let (status, word) = if has_policy { (200, "ok") } else { (500, "misconfigured") };
    let mut health = ObjectText::new();
    health.text("status", Some(word));
    health.text("version", Some(VERSION));
    json_response(status, health)
}

fn json_response(status: u16, object: ObjectText) -> OwnResponse {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    OwnResponse { status, headers, body: object.finish() }
}
