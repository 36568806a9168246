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

    /// What a fetcher answers in time; `undefined` when it does not.
    #[wasm_bindgen(catch)]
    pub(super) fn answer(
        fetcher: &JsValue,
        rewritten: &Rewritten,
        is_cached: bool,
        milliseconds: f64,
    ) -> Result<Promise, JsValue>;

    fn follow(promise: &Promise, number: u32, tell: &Closure<dyn FnMut(u32, bool, JsValue)>);
}

/// A promise that is awaited: as `wasm_bindgen_futures::JsFuture`, with no closures of its own, each of which
/// the garbage collector has to be told of.
pub(super) struct Settled(u32);

enum Followed {
    Awaited(Option<Waker>),
    Settled(Result<JsValue, JsValue>),
}

thread_local! {
    static FOLLOWED: RefCell<Numbered<Followed>> = const { RefCell::new(Numbered::new()) };
    static TELL: Closure<dyn FnMut(u32, bool, JsValue)> = Closure::new(tell);
}

impl Settled {
    pub(super) fn of(promise: &Promise) -> Self {
        let number = FOLLOWED.with_borrow_mut(|all| {
            let number = all.number();
            all.put(number, Followed::Awaited(None));
            number
        });
        TELL.with(|tell| follow(promise, number, tell));
        Self(number)
    }
}

impl Future for Settled {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        FOLLOWED.with_borrow_mut(|all| match all.take(self.0) {
            Some(Followed::Settled(outcome)) => Poll::Ready(outcome),
            _ => {
                all.put(self.0, Followed::Awaited(Some(context.waker().clone())));
                Poll::Pending
            }
        })
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        FOLLOWED.with_borrow_mut(|all| all.take(self.0));
    }
}

fn tell(number: u32, is_fulfilled: bool, value: JsValue) {
    let outcome = if is_fulfilled { Ok(value) } else { Err(value) };
    let waker = FOLLOWED.with_borrow_mut(|all| {
        // It may be awaited no more.
        let followed = all.take(number)?;
        all.put(number, Followed::Settled(outcome));
        match followed {
            Followed::Awaited(waker) => waker,
            Followed::Settled(_) => None,
        }
    });
    if let Some(waker) = waker {
        drive::on_the_spot(|| waker.wake());
    }
}
