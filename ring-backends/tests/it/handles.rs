//! Two handles of a storage, which stand for two processes, and a runtime for their awaited calls.

pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Two handles.
pub(crate) fn twice<S>(open: impl Fn() -> Result<S, ring_cache::Error>) -> Result<[S; 2], ring_cache::Error> {
    Ok([open()?, open()?])
}
