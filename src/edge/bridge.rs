//! The calls into JavaScript that every request takes, and waiting for their outcome.

use super::drive;
use super::numbered::Numbered;
use js_sys::Promise;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Headers, Request};

#[wasm_bindgen(module = "/src/edge/bridge.js")]
extern "C" {
    /// The request, as [`crate::request::Lines`] takes it apart.
    pub(super) fn read(request: &Request) -> String;

    /// A request to be sent.
    pub(super) type Rewritten;

    /// The request, as [`crate::outgoing::Outgoing::lines`] has it rewritten.
    #[wasm_bindgen(catch)]
    pub(super) fn rewrite(
        request: &Request,
        lines: &str,
        keeps_cf: bool,
    ) -> Result<Rewritten, JsValue>;

    /// Whether its URL is known to be the one that was asked for, byte by byte.
    #[wasm_bindgen(method, getter, js_name = isAsAsked)]
    pub(super) fn is_as_asked(this: &Rewritten) -> Option<bool>;

    /// Its URL, as the runtime has serialised it.
    #[wasm_bindgen(method, getter)]
    pub(super) fn url(this: &Rewritten) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn method(this: &Rewritten) -> String;

    #[wasm_bindgen(method, getter)]
    pub(super) fn headers(this: &Rewritten) -> Headers;

    /// Sends a request, and has its outcome told under a number.
    #[wasm_bindgen(catch)]
    fn ask(
        fetcher: &JsValue,
        rewritten: &Rewritten,
        is_cached: bool,
        milliseconds: f64,
        number: u32,
        tell: &Closure<dyn FnMut(u32, bool, JsValue)>,
    ) -> Result<(), JsValue>;

    /// A promise, with what settles it: once, the first time.
    pub(super) type Deferred;

    pub(super) fn deferred() -> Deferred;

    #[wasm_bindgen(method, getter)]
    pub(super) fn promise(this: &Deferred) -> Promise;

    /// Fulfils the promise with a value, or rejects it.
    pub(super) fn settle(deferred: &Deferred, is_fulfilled: bool, value: &JsValue);
}

/// An answer that is awaited: as a `wasm_bindgen_futures::JsFuture`, with no closures of its own, each of which
/// the garbage collector has to be told of.
pub(super) struct Answer(u32);

/// What has become of it, and who waits.
enum Outcome {
    NotYet(Option<Waker>),
    Told(Result<JsValue, JsValue>),
}

thread_local! {
    static AWAITED: RefCell<Numbered<Outcome>> = const { RefCell::new(Numbered::new()) };
    static TELL: Closure<dyn FnMut(u32, bool, JsValue)> = Closure::new(tell);
}

impl Answer {
    /// What a fetcher answers to a request; `undefined` when it does not in time.
    pub(super) fn of(
        fetcher: &JsValue,
        rewritten: &Rewritten,
        is_cached: bool,
        milliseconds: f64,
    ) -> Result<Self, JsValue> {
        let number = AWAITED.with_borrow_mut(|all| {
            let number = all.number();
            all.put(number, Outcome::NotYet(None));
            number
        });
        let answer = Self(number);
        TELL.with(|tell| ask(fetcher, rewritten, is_cached, milliseconds, number, tell))?;
        Ok(answer)
    }
}

impl Future for Answer {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        AWAITED.with_borrow_mut(|all| match all.take(self.0) {
            Some(Outcome::Told(outcome)) => Poll::Ready(outcome),
            _ => {
                all.put(self.0, Outcome::NotYet(Some(context.waker().clone())));
                Poll::Pending
            }
        })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        AWAITED.with_borrow_mut(|all| all.take(self.0));
    }
}

/// What JavaScript calls when the answer is there, or its fault, or `undefined` in its place.
fn tell(number: u32, is_fulfilled: bool, value: JsValue) {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    let waker = AWAITED.with_borrow_mut(|all| {
        // It may be awaited no more.
        let (outcome, waker) = match all.take(number)? {
            Outcome::NotYet(waker) => (Outcome::Told(outcome), waker),
            // What was told first holds.
            told @ Outcome::Told(_) => (told, None),
        };
        all.put(number, outcome);
        waker
    });
    if let Some(waker) = waker {
        drive::on_the_spot(|| waker.wake());
    }
}
