use ring_cache::{ring, ring_impl};

#[ring]
async fn user(id: u64) -> u64 { id }

#[ring(invalidates(user(1)))] //~
fn blocks() {}

#[ring(invalidates(user(1), user(..)))] //~ 2
fn blocks_twice() {}

#[ring(invalidates(|id| user(*id)))] //~
fn blocks_after() -> u64 { 1 }

#[ring(invalidates(usr(1)))] //~
fn names_nothing() {}

#[ring(invalidates(Users::nam(1)))] //~
fn names_nothing_of_a_type() {}

struct Users;

#[ring_impl(ignore(self))]
impl Users {
    #[ring]
    async fn name(&self, id: u64) -> u64 { id }

    #[ring(invalidates(self.name(id)))] //~
    fn blocks(&mut self, id: u64) { let _ = id; }

    #[ring(invalidates(self.name(..)))] //~
    fn blocks_all(&self) {}
}

fn main() {}
