//! The endpoint at which providers report logouts (OpenID Connect Back-Channel Logout 1.0 section
//! 2.5).

use super::call::Call;
use super::isolate::Isolate;
use super::revocations::{self, Unreadable};
use super::{gateway, keys, log, stream};
use crate::gate::LogoutEvaluation;
use crate::path::split_url;
use crate::refusal::{Code, Refusal};
use crate::response::OwnResponse;
use crate::revocation::LogoutEndpoint;
use crate::time::Seconds;
use std::rc::Rc;
use web_sys::UrlSearchParams;

/// The largest body of a logout request, in bytes: a token, and the name of its field.
const BODY_BYTES: usize = 32 * 1024;

/// Responds to a request to the endpoint. Returns `None` if the policy has none, or the path is
/// another.
pub(super) async fn respond(
    call: &Call<'_>,
    isolate: &Rc<Isolate>,
) -> Option<worker::Result<web_sys::Response>> {
    let endpoint = isolate.policy.revocation()?.logout.as_ref()?;
    if split_url(call.view.url).path != endpoint.path {
        return None;
    }
    let outcome = process(call, isolate, endpoint).await;
    log::logout(&outcome);
    Some(match outcome {
        Ok(_) => {
            let headers = vec![("Cache-Control", "no-store".to_owned())];
            call.send(&OwnResponse { status: 200, headers, body: String::new() })
        }
        Err(refusal) => {
            let policy = &isolate.policy;
            let refusal = gateway::limited(refusal, policy, call).await;
            call.refuse(&refusal, policy.error_responses())
        }
    })
}

/// Processes a report. Returns the policy's name for the issuer that sent it.
async fn process(
    call: &Call<'_>,
    isolate: &Rc<Isolate>,
    endpoint: &LogoutEndpoint,
) -> Result<String, Refusal> {
    if call.view.method != "POST" {
        let because = "a provider reports logouts by POST";
        return Err(
            Refusal::new(Code::MethodNotAllowed, because).allowing_methods(vec!["POST".to_owned()])
        );
    }
    let media_type = call.view.headers.get("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("the body is not a form"));
    }
    let token = token(call.request).await;
    let token = token.ok_or(invalid("the form does not have exactly one logout_token"))?;
    let mut evaluation = LogoutEvaluation::new(&isolate.policy, endpoint, &token);
    let logout = gateway::settle(isolate, call, |memory, now, _| evaluation.run(memory, now)).await;
    if let Some(request) = evaluation.take_refresh() {
        keys::refresh(isolate, request, call);
    }
    // A provider repeats its report after a 503, and not after a 400.
    let logout = logout.map_err(|refusal| {
        let is_temporary = refusal.code() == Code::KeysUnavailable;
        if is_temporary { refusal } else { refusal.with_code(Code::InvalidLogoutToken) }
    })?;
    let unavailable = || {
        Refusal::new(Code::RevocationUnavailable, "the logout could not be written")
            .retrying_after(Seconds::new(5))
    };
    let revocation = isolate.policy.revocation().ok_or_else(unavailable)?;
    match revocations::write(revocation, endpoint, &logout, call.env).await {
        Ok(true) => Ok(evaluation.issuer().unwrap_or_default().to_owned()),
        Ok(false) => Err(invalid("the logout token has been used before")),
        Err(Unreadable) => Err(unavailable()),
    }
}

fn invalid(because: &'static str) -> Refusal {
    Refusal::new(Code::InvalidLogoutToken, because)
}

/// Reads the form's one `logout_token`.
async fn token(request: &web_sys::Request) -> Option<String> {
    let body = stream::read(&request.body()?, BODY_BYTES).await.ok()?;
    let form = UrlSearchParams::new_with_str(std::str::from_utf8(&body).ok()?).ok()?;
    let tokens = form.get_all("logout_token");
    (tokens.length() == 1).then(|| tokens.get(0).as_string()).flatten()
}
