//! I2 and I4: a writer removes entries however its body ends, and returns the body's result.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ring_cache::{Lru, ring, ring_impl};

use super::run;

struct Service {
    cache: Lru<u32>,
    awaited: Lru<u32>,
}

fn service() -> Service {
    let service = Service {
        cache: Lru::new(10),
        awaited: Lru::new(10),
    };
    service.value_entry(1).set(0);
    run(service.value_awaited_entry(1).set(0));
    service
}

#[derive(Clone, Copy)]
enum End {
    Ok,
    Err,
    Panic,
}

impl End {
    fn reach(self) -> Result<&'static str, &'static str> {
        match self {
            End::Ok => Ok("ok"),
            End::Err => Err("err"),
            End::Panic => panic!("the body panics"),
        }
    }
}

/// A `Result` by another name.
type Answer = Result<&'static str, &'static str>;

#[ring_impl(ignore(self))]
impl Service {
    #[ring(lru = self.cache)]
    fn value(&self, id: u32) -> u32 {
        id
    }

    #[ring(lru = self.awaited)]
    async fn value_awaited(&self, id: u32) -> u32 {
        id
    }

    #[ring(invalidates(self.value(1)))]
    fn write(&mut self, end: End) -> Answer {
        end.reach()
    }

    #[ring(on = ok, invalidates(self.value(1)))]
    fn write_on_ok(&mut self, end: End) -> Answer {
        end.reach()
    }

    #[ring(invalidates(|text| self.value(text.len() as u32 - 1)))]
    fn write_named(&mut self, end: End) -> Answer {
        end.reach()
    }

    #[ring(invalidates(self.value_awaited(1)))]
    async fn write_awaited(&mut self, end: End) -> Result<&'static str, &'static str> {
        tokio::task::yield_now().await;
        end.reach()
    }

    #[ring(invalidates(self.value_awaited(1)), on = ok)]
    async fn write_awaited_on_ok(&mut self, end: End) -> Answer {
        tokio::task::yield_now().await;
        end.reach()
    }
}

/// Whether the entry exists after the writer ended; and the writer's result, or its panic.
fn after(end: End, write: impl FnOnce(&mut Service, End) -> Answer) -> (bool, Option<Answer>) {
    let mut service = service();
    let returned = catch_unwind(AssertUnwindSafe(|| write(&mut service, end))).ok();
    let (blocking, awaited) = (
        service.value_entry(1).has(),
        run(service.value_awaited_entry(1).has()),
    );
    (blocking && awaited, returned)
}

#[test]
fn i2_a_writer_forgets_also_on_err_and_panic() {
    for write in [Service::write, |service: &mut Service, end| {
        run(service.write_awaited(end))
    }] {
        assert_eq!(after(End::Ok, write), (false, Some(Ok("ok"))));
        assert_eq!(after(End::Err, write), (false, Some(Err("err"))));
        assert_eq!(after(End::Panic, write), (false, None));
    }
}

#[test]
fn i2_on_ok_forgets_only_on_ok() {
    for write in [Service::write_on_ok, |service: &mut Service, end| {
        run(service.write_awaited_on_ok(end))
    }] {
        assert_eq!(after(End::Ok, write), (false, Some(Ok("ok"))));
        assert_eq!(after(End::Err, write), (true, Some(Err("err"))));
        assert_eq!(after(End::Panic, write), (true, None));
    }
}

#[test]
fn i2_an_err_names_no_call() {
    assert_eq!(after(End::Ok, Service::write_named), (false, Some(Ok("ok"))));
    assert_eq!(after(End::Err, Service::write_named), (true, Some(Err("err"))));
}

/// Panics when it is dropped, as the cache does with removed values.
#[derive(Clone)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped");
        }
    }
}

#[ring]
fn bomb(id: u32) -> Option<std::sync::Arc<Bomb>> {
    (id == 1).then(|| std::sync::Arc::new(Bomb))
}

#[ring]
fn calm(id: u32) -> u32 {
    id
}

#[ring(invalidates(bomb(1), calm(1)))]
fn defuse() -> &'static str {
    "done"
}

#[ring(invalidates(bomb(1), calm(1)))]
async fn defuse_awaited() -> &'static str {
    "done"
}

#[test]
fn i4_a_value_whose_drop_panics_does_not_change_what_a_writer_returns() {
    for write in [defuse, || run(defuse_awaited())] {
        assert!(bomb(1).is_some() && calm(1) == 1);
        assert_eq!(write(), "done");
        assert_eq!((bomb_entry(1).has(), calm_entry(1).has()), (false, false));
    }
}
