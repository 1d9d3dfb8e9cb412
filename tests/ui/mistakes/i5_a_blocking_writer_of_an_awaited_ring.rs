//! A writer that blocks cannot wait for the storage of an `async fn`.

use ring_cache::{ring, ring_impl};

#[ring]
async fn user(id: u64) -> u64 {
    id
}

#[ring(invalidates(user(id)))] //~ blocks
fn rename(id: u64) {
    let _ = id;
}

#[ring(invalidates(user(..)))] //~ blocks
fn rename_all() {}

struct Users;

#[ring_impl(ignore(self))]
impl Users {
    #[ring]
    async fn page(&self, number: u64) -> u64 {
        number
    }

    #[ring(invalidates(Self::page(number)))] //~ blocks
    fn write(&mut self, number: u64) {
        let _ = number;
    }
}

fn main() {}
