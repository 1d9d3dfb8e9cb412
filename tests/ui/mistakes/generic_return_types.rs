use ring_cache::ring;

trait Task: ring_cache::RingKey { type Out; }

#[ring]
fn f1<T: Task>(task: &T) -> T::Out { panic!() } //~
#[ring]
fn f2<T: Task>(task: &T) -> <T as Task>::Out { panic!() } //~
#[ring]
async fn f3<T: Task>(task: &T) -> T::Out { panic!() } //~
#[ring(ignore(task))]
fn f4<I: Iterator>(task: I) -> I::Item { panic!() } //~
#[ring(fallible = false)] //~
fn f5(n: u32) -> Result<u32, u32> { Ok(n) }

fn main() {}
