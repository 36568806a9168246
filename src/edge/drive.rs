//! Driving a request's future: on the spot for as long as it waits for nothing, and by a promise's job
//! after that.
//!
//! `wasm_bindgen_futures::spawn_local` begins each future in a microtask of its own and resumes it in another,
//! by a `queueMicrotask` that the Workers runtime wraps: a tenth of what the gate adds to a request.

use super::bridge::{self, Deferred};
use super::numbered::Numbered;
use js_sys::Promise;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

type Driven = Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>>;

/// A future that waits, and what its promise is settled with.
struct Task {
    future: Driven,
    outcome: Deferred,
}

thread_local! {
    static TASKS: RefCell<Numbered<Task>> = const { RefCell::new(Numbered::new()) };
    static WOKEN: RefCell<VecDeque<u32>> = const { RefCell::new(VecDeque::new()) };
    static IS_RESUMED: Cell<bool> = const { Cell::new(false) };
    static RESUME: Closure<dyn FnMut(JsValue)> = Closure::new(|_| resume());
}

/// Runs a future as far as it comes now. The promise of its outcome, or the outcome itself if it is there.
pub(super) fn drive(
    future: impl Future<Output = Result<JsValue, JsValue>> + 'static,
) -> Result<JsValue, JsValue> {
    let number = TASKS.with_borrow_mut(Numbered::number);
    let mut future: Driven = Box::pin(future);
    if let Poll::Ready(outcome) = poll(&mut future, number) {
        return outcome;
    }
    let outcome = bridge::deferred();
    let promise = outcome.promise();
    TASKS.with_borrow_mut(|tasks| tasks.put(number, Task { future, outcome }));
    Ok(promise.into())
}

fn poll(future: &mut Driven, number: u32) -> Poll<Result<JsValue, JsValue>> {
    let waker = Waker::from(Arc::new(Number(number)));
    future.as_mut().poll(&mut Context::from_waker(&waker))
}

/// A task by its number: what wakes it may be sent anywhere, where no JavaScript value may.
struct Number(u32);

impl Wake for Number {
    /// Not on the spot: whoever wakes may not be done yet.
    fn wake(self: Arc<Self>) {
        WOKEN.with_borrow_mut(|woken| woken.push_back(self.0));
        if !IS_RESUMED.get() {
            RESUME.with(|resume| drop(Promise::resolve(&JsValue::UNDEFINED).then(resume)));
        }
    }
}

/// Wakes at most one task, and goes on with it: for who is done before waking.
pub(super) fn on_the_spot(wake: impl FnOnce()) {
    IS_RESUMED.set(true);
    wake();
    IS_RESUMED.set(false);
    resume();
}

/// Goes on with the task that was woken first.
fn resume() {
    let Some(number) = WOKEN.with_borrow_mut(VecDeque::pop_front) else { return };
    // Woken again after its end, it is not there any more.
    let Some(mut task) = TASKS.with_borrow_mut(|tasks| tasks.take(number)) else { return };
    match poll(&mut task.future, number) {
        Poll::Pending => TASKS.with_borrow_mut(|tasks| tasks.put(number, task)),
        Poll::Ready(Ok(value)) => bridge::settle(&task.outcome, true, &value),
        Poll::Ready(Err(fault)) => bridge::settle(&task.outcome, false, &fault),
    }
}
