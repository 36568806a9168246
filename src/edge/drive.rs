//! Driving a request's future: on the spot for as long as it waits for nothing, which most never do.

use futures_util::task::AtomicWaker;
use js_sys::Promise;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

/// Runs a future as far as it comes now. The outcome if it is there, or else the promise of it; of an error always.
///
/// `future_to_promise` alone begins each future in a microtask, by a `queueMicrotask` that the Workers runtime
/// wraps: a tenth of what the gate adds to a request.
pub(super) fn drive(future: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> JsValue {
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

/// Wakes whoever polls the future now. A timer of the runtime's remembers the first who asked, and nobody after that.
struct Relay(AtomicWaker);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}
