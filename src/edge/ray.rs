//! The platform's ID of a request, by which operators find it.

use crate::request::Request;
use std::borrow::Cow;

/// Returns the value of `CF-Ray`, if it is as short and plain as the platform writes it.
pub(super) fn of<'r>(request: &Request<'r>) -> Option<Cow<'r, str>> {
    let ray = request.headers.get("cf-ray")?;
    let is_plain = ray.len() <= 64 && ray.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(ray)
}
