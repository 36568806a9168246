//! The platform's name for a request, for operators to find it by.

use crate::request::Request;
use std::borrow::Cow;

/// What stands in `CF-Ray`, if it is as short and as plain as the platform writes it.
pub(super) fn of<'r>(request: &Request<'r>) -> Option<Cow<'r, str>> {
    let ray = request.headers.get("cf-ray")?;
    let is_plain = ray.len() <= 64 && ray.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then_some(ray)
}
