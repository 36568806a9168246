//! Calling the introspection endpoints of issuers.
//!
//! As for keys, no request awaits what another has started. One request takes the lease for a token
//! and calls, to the end even if its client disconnects. The others poll until it has finished.

use super::bindings::fetch as fetch_over_network;
use super::call::Call;
use super::isolate::Isolate;
use super::stream::{self, Unread};
use super::{clock, keys, log};
use crate::budget;
use crate::introspection::{
    self, Endpoint, Failure, Fresh, HttpRequest, Introspection, IntrospectionRequest, Lease,
    Response, Unjudged,
};
use crate::keys::cache::FETCH_TIMEOUT;
use crate::keys::remote::INTROSPECTION_ENDPOINT;
use crate::time::UnixSeconds;
use futures_util::future::{Either, select};
use js_sys::{Function, Promise, Reflect};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, RequestRedirect};
use worker::{Delay, Env};

/// How often a request that waits for another's call checks whether it has finished.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// How often it checks before it gives up: for 6 seconds.
const POLLS: usize = 240;

/// Asks the endpoint about a token, or waits until another request has. Returns when there is
/// something new to judge by, or when that has taken too long.
pub(super) async fn ask(isolate: &Rc<Isolate>, request: IntrospectionRequest, call: &Call<'_>) {
    for _ in 0..POLLS {
        match lease(isolate, &request) {
            Lease::Taken => {
                drop(JsFuture::from(start(isolate, request, call)).await);
                return;
            }
            Lease::Elsewhere => return wait(isolate, &request).await,
            Lease::Later => Delay::from(POLL_INTERVAL).await,
            Lease::Refused => return,
        }
    }
}

/// Asks in the background, unless another request does.
pub(super) fn refresh(isolate: &Rc<Isolate>, request: IntrospectionRequest, call: &Call<'_>) {
    if lease(isolate, &request) == Lease::Taken {
        drop(start(isolate, request, call));
    }
}

fn lease(isolate: &Isolate, request: &IntrospectionRequest) -> Lease {
    let Some(introspection) = introspection_of(isolate, request) else { return Lease::Refused };
    let memory = isolate.memory();
    memory.introspections.take_lease(request, &introspection.endpoint, clock::now())
}

fn introspection_of<'i>(
    isolate: &'i Isolate,
    request: &IntrospectionRequest,
) -> Option<&'i Introspection> {
    isolate.policy.issuer(request.issuer)?.introspection()
}

async fn wait(isolate: &Isolate, request: &IntrospectionRequest) {
    for _ in 0..POLLS {
        Delay::from(POLL_INTERVAL).await;
        if !isolate.memory().introspections.is_leased(request, clock::now()) {
            return;
        }
    }
}

/// Starts an attempt, for which the runtime waits even if this request ends.
fn start(isolate: &Rc<Isolate>, request: IntrospectionRequest, call: &Call<'_>) -> Promise {
    call.start(attempt(Rc::clone(isolate), request, call.env.clone(), clock::now()))
}

/// One attempt, from taking the lease to returning it.
async fn attempt(
    isolate: Rc<Isolate>,
    request: IntrospectionRequest,
    env: Env,
    asked: UnixSeconds,
) {
    let limit = pin!(Delay::from(Duration::from_secs(u64::from(FETCH_TIMEOUT.get()))));
    let outcome = match select(pin!(run(&isolate, &request, &env, asked)), limit).await {
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(introspection::timed_out()),
    };
    if let Err(failure) = outcome {
        let name = isolate.policy.issuer(request.issuer).map(|issuer| issuer.name());
        log::introspection_failed(name, &failure);
        isolate.memory().introspections.failed(&request, asked, clock::now());
    }
}

async fn run(
    isolate: &Rc<Isolate>,
    request: &IntrospectionRequest,
    env: &Env,
    asked: UnixSeconds,
) -> Result<(), Failure> {
    let Some(introspection) = introspection_of(isolate, request) else { return Ok(()) };
    let url = locate(isolate, introspection, request, env, asked).await?;
    let fresh = Fresh { now: clock::now(), id: &random_id() };
    let response = fetch(&url, introspection.request(&url, &request.token, fresh)).await?;
    let judge =
        || isolate.memory().introspected(&isolate.policy, request, &response, asked, clock::now());
    let mut outcome = judge();
    if let Err(Unjudged::Keys(needed)) = outcome {
        keys::fetch_for(isolate, needed, env).await;
        outcome = judge();
    }
    outcome.map_err(|unjudged| match unjudged {
        Unjudged::Failed(failure) => failure,
        Unjudged::Keys(_) => Failure::new(
            "the keys of the signed response could not be fetched",
            "run `doctor`, which reports why",
        ),
    })
}

/// Returns the URL of the endpoint: from the policy, from metadata, or from stale metadata if
/// fetching new metadata fails.
async fn locate(
    isolate: &Isolate,
    introspection: &Introspection,
    request: &IntrospectionRequest,
    env: &Env,
    asked: UnixSeconds,
) -> Result<String, Failure> {
    let issuer = match &introspection.endpoint {
        Endpoint::Url(url) => return Ok(url.clone()),
        Endpoint::Discovery(issuer) => issuer,
    };
    let known = |even_stale| {
        isolate.memory().introspections.endpoint(request.issuer, even_stale, clock::now())
    };
    if let Some(url) = known(false) {
        return Ok(url);
    }
    match keys::discover(issuer, INTROSPECTION_ENDPOINT, None, env, asked).await {
        Ok(found) => {
            let url = found.value.clone();
            isolate.memory().introspections.discovered(request.issuer, found);
            Ok(url)
        }
        Err(fault) => known(true).ok_or_else(|| {
            Failure::new(
                fault.to_string(),
                "correct issuer, or write endpoint instead of discovery",
            )
        }),
    }
}

/// A random ID, or an empty one, which no provider accepts, if the runtime has none.
fn random_id() -> String {
    let random = || {
        let crypto = Reflect::get(&js_sys::global(), &JsValue::from_str("crypto")).ok()?;
        let method = Reflect::get(&crypto, &JsValue::from_str("randomUUID")).ok()?;
        method.dyn_into::<Function>().ok()?.call0(&crypto).ok()?.as_string()
    };
    random().unwrap_or_default()
}

async fn fetch(url: &str, request: HttpRequest) -> Result<Response, Failure> {
    const UNREACHABLE: &str = "check endpoint, and that the provider can be reached";
    let request = http_request(url, request)
        .map_err(|_| Failure::new("the endpoint cannot be called", UNREACHABLE))?;
    let answer = fetch_over_network(&request, &RequestInit::new());
    let response: web_sys::Response = JsFuture::from(answer)
        .await
        .ok()
        .and_then(|answer| answer.dyn_into().ok())
        .ok_or_else(|| Failure::new("the endpoint could not be reached", UNREACHABLE))?;
    let content_type = response.headers().get("content-type").ok().flatten();
    let body = match response.body() {
        None => Vec::new(),
        Some(stream) => stream::read(&stream, budget::INTROSPECTION_BYTES).await.map_err(
            |unread| match unread {
                Unread::Broken => {
                    Failure::new("the endpoint ended its response early", UNREACHABLE)
                }
                Unread::TooLong => introspection::too_large(),
            },
        )?,
    };
    Ok(Response { status: response.status(), content_type, body })
}

fn http_request(url: &str, request: HttpRequest) -> Result<Request, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.set(name, value)?;
    }
    // Some providers reject requests without a user agent.
    headers.set("user-agent", "portcullis")?;
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(&JsValue::from_str(&request.body));
    init.set_redirect(RequestRedirect::Manual);
    // A little later than the attempt ends, which then says what has happened.
    let milliseconds = FETCH_TIMEOUT.get().saturating_mul(1000).saturating_add(500);
    init.set_signal(Some(&AbortSignal::timeout_with_u32(milliseconds)));
    Request::new_with_str_and_init(url, &init)
}
