use std::sync::Arc;

use ring_cache::{TimedOut, ring, ring_impl};

pub struct Slow;

impl From<TimedOut> for Slow {
    fn from(_: TimedOut) -> Self { Slow }
}

#[ring(timeout = "2s")] //~
fn f1(n: u32) -> u32 { n }
#[ring(timeout = 0)] //~
fn f2(n: u32) -> Result<u32, Slow> { Ok(n) }
#[ring(timeout = "later")] //~
fn f3(n: u32) -> Result<u32, Slow> { Ok(n) }
#[ring(timeout = 2, action = update)] //~
fn f4(n: u32) -> Result<u32, Slow> { Ok(n) }
#[ring(timeout = 2, refresh = caller)] //~
fn f5(n: u32) -> Result<u32, Slow> { Ok(n) }
#[ring(timeout = 2, ignore(log))]
fn f6(n: u32, log: &dyn Fn(u32)) -> Result<u32, Slow> { log(n); Ok(n) } //~
#[ring(timeout = 2)]
async fn f7(n: Option<&str>) -> Result<usize, Slow> { Ok(n.map_or(0, str::len)) } //~
#[ring(timeout)] //~
fn f8(n: u32) -> Result<u32, Slow> { Ok(n) }
#[ring(timeout = 2)] //~
fn f9(n: u32) -> Option<u32> { Some(n) }
#[ring(timeout = 2, retry = 2)] //~
fn f10(n: u32) -> Result<u32, Slow> { Ok(n) }

#[ring_impl(timeout = 2)] //~
impl Arguments {
    #[ring]
    fn plain(&self) -> u32 { self.0 }
    #[ring]
    fn fallible(self: &Arc<Self>) -> Result<u32, Slow> { Ok(self.0) }
}

#[derive(Clone, ring_cache::RingKey)]
pub struct Arguments(u32);

fn main() {}
