//! Your own gate: Portcullis judges the requests by the policy in `wrangler.toml`.

use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    portcullis::edge::serve(request, env, context).await
}
