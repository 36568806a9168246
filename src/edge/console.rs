//! `/_portcullis/`: the console's page, what it asks of the Worker, and whether the gate is well.
//!
//! It is there while the variable `CONSOLE` is `"on"`; else these paths are like any other. It answers
//! pages of its own origin alone, over TLS or on this machine, and no answer of it holds a secret.

mod ask;
mod assets;

use super::bindings::EnvBindings;
use super::isolate::Isolate;
use super::respond;
use crate::json::text::ObjectText;
use crate::path::split_url;
use crate::policy::Bindings as _;
use crate::refusal::{Answer, reason_phrase};
use crate::request::Request;
use crate::url::Url;
use serde_json::Value;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::Response;
use worker::{Context, Env};

const ROOT: &str = "/_portcullis";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What browsers are told of every answer. The page's code may compile WebAssembly, and load, run and
/// reach nothing but what is served here.
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

/// A request for the console.
pub(super) struct Asked<'a> {
    /// What comes after the console's root: empty, or begins with a slash.
    name: &'a str,
    view: &'a Request<'a>,
    request: &'a web_sys::Request,
    env: &'a Env,
    context: &'a Context,
}

impl<'a> Asked<'a> {
    /// The request, if it is one for the console and the console is on.
    pub(super) fn of(
        view: &'a Request<'a>,
        request: &'a web_sys::Request,
        env: &'a Env,
        context: &'a Context,
    ) -> Option<Self> {
        let name = split_url(view.url).path.strip_prefix(ROOT)?;
        let is_below = name.is_empty() || name.starts_with('/');
        (is_below && is_on(env, "CONSOLE")).then_some(Self { name, view, request, env, context })
    }

    /// Answers it. `isolate` is nothing where the policy has a fault.
    pub(super) async fn answer(&self, isolate: Option<&Rc<Isolate>>) -> Result<Response, JsValue> {
        let reply =
            self.reply(isolate).await.unwrap_or_else(|problem| Reply::Own(problem.answer()));
        let response = match reply {
            Reply::Own(answer) => respond::respond(&answer, self.view.method != "HEAD")?,
            Reply::Asset(response) => response,
        };
        for (name, value) in SECURITY {
            response.headers().set(name, value)?;
        }
        Ok(response)
    }

    async fn reply(&self, isolate: Option<&Rc<Isolate>>) -> Result<Reply, Problem> {
        if self.name == "/health" {
            self.takes(&["GET", "HEAD"])?;
            return Ok(Reply::Own(health(isolate.is_some())));
        }
        let own = self.own_origin()?;
        let answer = match self.name {
            "/gate.json" => {
                self.takes(&["GET", "HEAD"])?;
                self.gate(isolate).await
            }
            "/judge" => {
                self.takes(&["POST"])?;
                self.judge(isolate, &self.body().await?).await?
            }
            "/mint" if is_on(self.env, "CONSOLE_MINT") && own.is_loopback() => {
                self.takes(&["POST"])?;
                ask::mint(isolate, &self.body().await?)?
            }
            _ => {
                self.takes(&["GET", "HEAD"])?;
                return self.asset().await;
            }
        };
        Ok(Reply::Own(json_answer(200, answer)))
    }

    /// The origin that is asked, which has to be that of the page that asks: nothing that another site
    /// makes a browser send gets an answer. Over plain http it is this machine's, lest a name of somebody
    /// else's that leads here be taken for it.
    fn own_origin(&self) -> Result<Url<'_>, Problem> {
        let foreign = Problem::new(403, "the console answers pages of its own origin alone");
        let get = |name| self.view.headers.get(name);
        let url = Url::parse(self.view.url).map_err(|_| {
            Problem::new(403, "the console is served over https, or from this machine")
        })?;
        let is_own_site = get("sec-fetch-site")
            .is_none_or(|site| matches!(site.as_ref(), "same-origin" | "none"));
        let is_own_origin = get("origin").is_none_or(|origin| origin == url.base);
        if is_own_site && is_own_origin { Ok(url) } else { Err(foreign) }
    }

    fn takes(&self, methods: &[&'static str]) -> Result<(), Problem> {
        if methods.contains(&self.view.method) {
            return Ok(());
        }
        Err(Problem { allow: methods.join(", "), ..Problem::new(405, "not with this method") })
    }
}

/// What is sent back.
enum Reply {
    Own(Answer),
    Asset(Response),
}

/// Why the console does not do what it is asked for.
struct Problem {
    status: u16,
    detail: &'static str,
    /// The methods that would have done; empty where it is not for the method.
    allow: String,
}

impl Problem {
    const fn new(status: u16, detail: &'static str) -> Self {
        Self { status, detail, allow: String::new() }
    }

    fn answer(self) -> Answer {
        let mut problem = ObjectText::new();
        problem.text("type", Some("about:blank"));
        problem.text("title", Some(reason_phrase(self.status)));
        problem.json("status", &self.status.to_string());
        problem.text("detail", Some(self.detail));
        let mut answer = json_answer(self.status, problem);
        if !self.allow.is_empty() {
            answer.headers.push(("Allow", self.allow));
        }
        answer
    }
}

fn is_on(env: &Env, variable: &str) -> bool {
    EnvBindings(env).value(variable) == Some(Value::from("on"))
}

fn health(has_policy: bool) -> Answer {
    let (status, word) = if has_policy { (200, "ok") } else { (500, "misconfigured") };
    let mut health = ObjectText::new();
    health.text("status", Some(word));
    health.text("version", Some(VERSION));
    json_answer(status, health)
}

fn json_answer(status: u16, object: ObjectText) -> Answer {
    let headers = vec![("Content-Type", "application/json".to_owned())];
    Answer { status, headers, body: object.finish() }
}
