//! The endpoint at which providers report logouts (OpenID Connect Back-Channel Logout 1.0 section 2.5).

use super::isolate::Isolate;
use super::revocations::{self, Unreadable};
use super::{clock, keys, log, respond, stream};
use crate::gate::{self, Trace};
use crate::path::split_url;
use crate::refusal::{Answer, Code, Refusal};
use crate::request::Request;
use crate::revocation::LogoutEndpoint;
use crate::time::Seconds;
use std::rc::Rc;
use web_sys::UrlSearchParams;
use worker::{Context, Env};

/// Bytes of a logout request's body: a token, and the name of its field.
const BODY_BYTES: usize = 32 * 1024;

/// Answers a request to the endpoint; nothing where the policy has none, or the path is another.
pub(super) async fn answer(
    isolate: &Rc<Isolate>,
    request: &web_sys::Request,
    view: &Request<'_>,
    env: &Env,
    context: &Context,
) -> Option<worker::Result<web_sys::Response>> {
    let endpoint = isolate.policy.revocation()?.logout.as_ref()?;
    if split_url(view.url).path != endpoint.path {
        return None;
    }
    let outcome = process(isolate, endpoint, request, view, env, context).await;
    log::logout(&outcome);
    Some(match outcome {
        Ok(_) => {
            let headers = vec![("Cache-Control", "no-store".to_owned())];
            let done = Answer { status: 200, headers, body: String::new() };
            respond::respond(&done, false).map_err(Into::into)
        }
        Err(refusal) => respond::refuse(&refusal, isolate.policy.answers(), view),
    })
}

/// The issuer whose provider has reported a logout, by the policy's name for it.
async fn process(
    isolate: &Rc<Isolate>,
    endpoint: &LogoutEndpoint,
    request: &web_sys::Request,
    view: &Request<'_>,
    env: &Env,
    context: &Context,
) -> Result<String, Refusal> {
    if view.method != "POST" {
        return Err(Refusal::new(Code::MethodNotAllowed, "logouts are reported by POST")
            .allowing_methods(vec!["POST".to_owned()]));
    }
    let invalid = |because| Refusal::new(Code::InvalidLogoutToken, because);
    let media_type = view.headers.get("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("the body is not a form"));
    }
    let token = token(request).await.ok_or(invalid("no single logout_token in the form"))?;
    let mut trace = Trace::default();
    let mut verdict = judge(isolate, endpoint, &token, &mut trace);
    if let Some(wanted) = trace.keys_wanted.take() {
        keys::obtain(isolate, wanted, env, context).await;
        verdict = judge(isolate, endpoint, &token, &mut trace);
    }
    let logout = verdict.map_err(|refusal| match refusal.code() {
        Code::KeysUnavailable => refusal,
        _ => invalid(refusal.because()),
    })?;
    let unavailable = || {
        Refusal::new(Code::RevocationUnavailable, "the logout could not be written")
            .retrying_after(Seconds::new(5))
    };
    let revocation = isolate.policy.revocation().ok_or_else(unavailable)?;
    match revocations::write(revocation, endpoint, &logout, env).await {
        Ok(true) => Ok(trace.issuer.unwrap_or_default().to_owned()),
        Ok(false) => Err(invalid("a logout token that has been used")),
        Err(Unreadable) => Err(unavailable()),
    }
}

fn judge<'i>(
    isolate: &'i Isolate,
    endpoint: &LogoutEndpoint,
    token: &str,
    trace: &mut Trace<'i>,
) -> Result<crate::revocation::Logout, Refusal> {
    gate::judge_logout(&isolate.policy, endpoint, &isolate.memory(), token, clock::now(), trace)
}

/// The form's one `logout_token`.
async fn token(request: &web_sys::Request) -> Option<String> {
    let body = stream::read(&request.body()?, BODY_BYTES).await.ok()?;
    let form = UrlSearchParams::new_with_str(std::str::from_utf8(&body).ok()?).ok()?;
    let tokens = form.get_all("logout_token");
    (tokens.length() == 1).then(|| tokens.get(0).as_string()).flatten()
}
