//! Calls that time out while an operation of theirs waits or runs: they keep the same promises.

use std::time::Duration;

use ring_cache::storage::{AsyncStorage, StorageBase};
use ring_cache::{AsyncCalls, RingKey, ring_impl};
use ring_cache_backends::Blocking;
use tokio::sync::Semaphore;

use super::gated::Gated;
use super::{Slow, ask, eventually, run};

/// Shorter than the delay of the gates, and long enough for a few polls.
const DEADLINE: Duration = Duration::from_millis(100);

/// One entry, for awaited and blocking calls.
#[derive(RingKey)]
struct Board {
    #[ring_key(skip)]
    storage: Slow,
    /// Without a permit, bodies wait.
    #[ring_key(skip)]
    go: Semaphore,
}

/// Values above nine are not stored.
fn is_large(value: &u32) -> bool {
    *value > 9
}

#[ring_impl]
impl Board {
    #[ring(storage = self.storage as Slow, key_prefix = "board", ignore(self, value), unless = is_large)]
    async fn shown(&self, _line: u32, value: u32) -> u32 {
        self.go.acquire().await.expect("it is never closed").forget();
        value
    }

    #[ring(storage = self.storage.backend() as Gated<u32>, key_prefix = "board", ignore(self, value))]
    fn seen(&self, _line: u32, value: u32) -> u32 {
        value
    }
}

impl Board {
    /// With an older value on its first two lines.
    fn with_older(permits: usize) -> Self {
        let board = Board {
            storage: Blocking::new(Gated::new().deadline(DEADLINE)),
            go: Semaphore::new(permits),
        };
        for line in [1, 2] {
            board.seen_ring(line, 0).set(1).unwrap();
        }
        board
    }

    fn inside(&self) -> &Gated<u32> {
        self.storage.backend()
    }

    /// The values that blocking look-ups find.
    fn found(&self) -> [Option<u32>; 2] {
        [1, 2].map(|line| self.seen_ring(line, 0).get().unwrap())
    }
}

/// A look-up that runs on both lines: changes wait for its end.
async fn occupied(board: &Board) -> impl Future {
    board.inside().close("read");
    let keys = [1, 2].map(|line| board.shown_ring(line, 0).key());
    let storage = board.storage.clone();
    let mut reads = Box::pin(async move { storage.read_many(&keys, None).await });
    ask(&mut reads).await;
    eventually(|| board.inside().running() > 0).await;
    reads
}

/// A cancelled delete supersedes an update, so the update has to remove the older value, and has no time left.
#[test]
fn an_update_that_does_not_come_to_its_removal() {
    run(async {
        let board = Board::with_older(0);
        let mut update = Box::pin(board.shown_ring(1, 2).update());
        ask(&mut update).await;
        let occupied = occupied(&board).await;
        let mut delete = Box::pin(board.shown_ring(1, 0).delete());
        ask(&mut delete).await;
        board.go.add_permits(1);
        ask(&mut update).await;
        drop(delete);
        assert_eq!(update.await, 2);
        board.inside().open();
        drop(occupied);
        assert_eq!(board.found(), [None, Some(1)]);
    });
}

/// Each verb after which the older value must not be found. The new value is not stored.
async fn forget(board: &Board, verb: &str) {
    let call = || board.shown_ring(1, 10);
    let calls = || [1, 2].map(|line| board.shown_ring(line, 10));
    match verb {
        "update" => assert_eq!(call().update().await, 10),
        "update_many" => assert_eq!(calls().update_many().await, [10, 10]),
        "delete" => assert!(call().delete().await.is_err()),
        _ => assert!(calls().delete_many().await.is_err()),
    }
}

const VERBS: [(&str, [Option<u32>; 2]); 4] = [
    ("update", [None, Some(1)]),
    ("update_many", [None, None]),
    ("delete", [None, Some(1)]),
    ("delete_many", [None, None]),
];

#[test]
fn a_removal_that_never_began_leaves_nothing_that_is_trusted() {
    for (verb, left) in VERBS {
        run(async {
            let board = Board::with_older(2);
            let occupied = occupied(&board).await;
            forget(&board, verb).await;
            board.inside().open();
            drop(occupied);
            assert_eq!(board.found(), left, "{verb}");
        });
    }
}

#[test]
fn nothing_is_found_while_a_removal_is_at_work_whose_caller_is_gone() {
    for (verb, left) in VERBS {
        run(async {
            let board = Board::with_older(2);
            board.inside().close("remove");
            forget(&board, verb).await;
            assert_eq!(board.found(), left, "{verb}");
            board.inside().open();
            eventually(|| board.inside().map.len() == left.iter().flatten().count()).await;
            assert_eq!(board.found(), left, "{verb}");
            eventually(|| board.inside().map.flights().under_way() == 0).await;
        });
    }
}
