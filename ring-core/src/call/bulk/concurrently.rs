//! Many futures at a time, but not more than wanted.

use futures_util::stream::{FuturesUnordered, StreamExt};

/// Runs futures, at most `limit` of them at a time, and returns what they came to in the order in which they ended.
///
/// It takes them as a list: were an iterator's closures part of the future, the compiler could not tell that it is
/// `Send`.
pub(crate) async fn concurrently<F: Future>(limit: usize, futures: Vec<F>) -> Vec<F::Output> {
    let mut outputs = Vec::with_capacity(futures.len());
    if limit <= 1 {
        // One after another needs no set of them, and suits futures that block.
        for future in futures {
            outputs.push(future.await);
        }
        return outputs;
    }
    // The set only borrows them: it leaks the others if one panics as it is dropped, and with them their tickets.
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut waiting = futures.iter_mut();
    let mut running: FuturesUnordered<_> = waiting.by_ref().take(limit).collect();
    while let Some(output) = running.next().await {
        outputs.push(output);
        running.extend(waiting.next());
    }
    outputs
}
