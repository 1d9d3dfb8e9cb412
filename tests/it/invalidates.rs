//! Methods that are not cached and say which calls they make out of date: `#[ring(invalidates(..))]`.

mod dropped;
mod failures;
mod forms;
mod outcomes;
#[cfg(all(feature = "redis", feature = "tokio"))]
mod redis;
mod threads;

/// Runs a future on the thread of the test, with what a runtime offers.
fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(future)
}
