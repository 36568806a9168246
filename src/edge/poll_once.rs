//! Polling a request's future once, synchronously. Most requests wait for nothing and are done
//! then.

use futures_util::task::AtomicWaker;
use js_sys::Promise;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

/// Polls once. Returns the value if it is ready, otherwise a promise. Errors always become rejected
/// promises.
///
/// `future_to_promise` alone would start each future in a microtask, with a `queueMicrotask` that
/// the Workers runtime wraps. That takes a tenth of the time that the gate adds to a request.
pub(super) fn poll_once(
    future: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> JsValue {
    let mut future = Box::pin(future);
    let relay = Arc::new(Relay(AtomicWaker::new()));
    let waker = Waker::from(Arc::clone(&relay));
    match future.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(outcome) => outcome.unwrap_or_else(|error| Promise::reject(&error).into()),
        Poll::Pending => future_to_promise(poll_fn(move |context| {
            relay.0.register(context.waker());
            future.as_mut().poll(&mut Context::from_waker(&waker))
        }))
        .into(),
    }
}

/// Wakes the task that polled the future last. A timer of the runtime remembers only the first
/// waker that it was given.
struct Relay(AtomicWaker);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}
