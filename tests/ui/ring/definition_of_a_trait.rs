use ring_cache::{ring, ring_impl};

trait Marked {
    #[ring]
    fn provided(&self) -> u32 { //~
        1
    }

    #[ring]
    fn required(&self) -> u32; //~
}

#[ring_impl]
trait Whole { //~
    #[ring]
    fn provided(&self) -> u32 {
        1
    }
}

fn main() {}
