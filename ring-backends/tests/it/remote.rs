//! The common part of storages behind a network, on a scripted server.
//!
//! Most tests run twice: with blocking calls and with awaited calls.

mod beside_others;
mod breaker;
mod bulk;
#[cfg(feature = "tokio")]
mod cancelled;
mod deadlines;
mod fake;
mod handles;
#[cfg(feature = "tokio")]
mod passed_over;
mod plain_calls;
mod repairs;
mod shops;

use std::future::Future;
use std::time::{Duration, Instant};

/// Long enough for any expected event, and short enough to wait for a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` on one thread. It must not hang.
fn run<F: Future>(test: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().build().unwrap();
    let done = runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await });
    done.expect("it hangs")
}

/// Waits until `true`, or fails.
fn eventually(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < PATIENCE, "it did not happen");
        std::thread::yield_now();
    }
}

/// Makes two tests of a scenario: with blocking and with awaited calls.
macro_rules! in_both_colours {
    ($($scenario:ident),+ $(,)?) => {
        $(
            mod $scenario {
                #[test]
                fn blocking() {
                    let shop = crate::remote::shops::BlockingShop::new();
                    crate::remote::run(super::$scenario(&shop));
                }

                #[cfg(feature = "tokio")]
                #[test]
                fn awaited() {
                    let shop = crate::remote::shops::AsyncShop::new();
                    crate::remote::run(super::$scenario(&shop));
                }
            }
        )+
    };
}
use in_both_colours;
