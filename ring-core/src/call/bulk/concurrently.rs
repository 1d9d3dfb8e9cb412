//! Concurrent futures, up to a limit.

use futures_util::stream::{FuturesUnordered, StreamExt};

/// Runs futures, at most `limit` at a time, and returns their outputs in the order of completion.
///
/// Takes a `Vec`: with an iterator's closures in the future, the compiler could not prove it `Send`.
pub(crate) async fn concurrently<F: Future>(limit: usize, futures: Vec<F>) -> Vec<F::Output> {
    let mut outputs = Vec::with_capacity(futures.len());
    if limit <= 1 {
        // With a limit of one, futures may block, and no set is needed.
        for future in futures {
            outputs.push(future.await);
        }
        return outputs;
    }
    // The set only borrows them: if one panics in its drop, a set that owns them would leak the others, with their leaders.
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut waiting = futures.iter_mut();
    let mut running: FuturesUnordered<_> = waiting.by_ref().take(limit).collect();
    while let Some(output) = running.next().await {
        outputs.push(output);
        running.extend(waiting.next());
    }
    outputs
}
