//! The page's files, from the Workers Assets binding.

use super::super::bindings::fetch_through;
use super::{ConsoleRequest, Content, Problem};
use crate::response::OwnResponse;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Request, RequestInit, Response, ResponseInit};

/// The binding's name in wrangler.toml.
const BINDING: &str = "ASSETS";

const NOT_FOUND: Problem = Problem::new(404, "there is no such file");

impl ConsoleRequest<'_> {
    /// Returns a file of the page.
    pub(super) async fn asset(&self) -> Result<Content, Problem> {
        let name = match self.name {
            // The page's links are relative to the root with its slash.
            "" => return Ok(Content::Own(redirect())),
            "/" => "/index.html",
            name => name,
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !name.bytes().skip(1).all(is_plain) {
            return Err(NOT_FOUND);
        }
        // The binding only looks at the path.
        let asked = Request::new_with_str(&format!("https://assets.invalid{name}"));
        let asked = asked.ok().and_then(|request| {
            fetch_through(self.call.env, BINDING, &request, &RequestInit::new())
        });
        let found = JsFuture::from(asked.ok_or(NOT_FOUND)?).await.map_err(|_| NOT_FOUND)?;
        let found: Response = found.dyn_into().map_err(|_| NOT_FOUND)?;
        if found.status() != 200 {
            return Err(NOT_FOUND);
        }
        self.served(&found).map(Content::Asset).map_err(|_| NOT_FOUND)
    }

    fn served(&self, found: &Response) -> Result<Response, JsValue> {
        let headers = Headers::new()?;
        if let Some(media_type) = found.headers().get("content-type")? {
            headers.set("content-type", &media_type)?;
        }
        let init = ResponseInit::new();
        init.set_headers(&headers);
        let body = found.body().filter(|_| self.call.view.method != "HEAD");
        Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)
    }
}

fn redirect() -> OwnResponse {
    let headers = vec![("Location", format!("{}/", super::ROOT))];
    OwnResponse { status: 308, headers, body: String::new() }
}
