//! Methods that are not cached and make calls out of date: `#[ring(invalidates(..))]`.

mod dropped;
mod failures;
mod forms;
mod outcomes;
#[cfg(all(feature = "redis", feature = "tokio"))]
mod redis;
mod threads;

/// Runs a future on the thread of the test, in a runtime.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}
