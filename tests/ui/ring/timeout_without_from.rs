use ring_cache::{RingKey, ring, ring_impl};

#[derive(Debug)]
pub struct Down;

#[ring(timeout = "2s")]
fn no_from(n: u32) -> Result<u32, Down> { //~
    Ok(n)
}

#[ring(timeout = "2s")]
async fn no_from_awaited(n: u32) -> Result<u32, Down> { //~
    Ok(n)
}

#[derive(RingKey)]
struct NoClone;

#[ring_impl]
impl NoClone {
    #[ring(timeout = "2s")] //~
    fn method(&self, n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        Ok(n)
    }
}

fn main() {}
