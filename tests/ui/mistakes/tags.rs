//! Tags that name nothing, and calls that nothing can depend on.

use ring_cache::{RingKey, ring, ring_impl};

struct NoKey;

#[derive(RingKey)]
struct User {
    id: u64,
}

#[ring(tags)] //~ names in parentheses
fn no_names(id: u64) -> u64 {
    id
}

#[ring(tags())] //~ no group
fn empty(id: u64) -> u64 {
    id
}

#[ring(tags = "team")] //~ names in parentheses
fn with_a_value(id: u64) -> u64 {
    id
}

#[ring(tags("team:{di}"))] //~ an unknown argument
fn misspelled(id: u64) -> u64 {
    id
}

#[ring(tags("team:{}"))] //~ names nothing
fn unnamed(id: u64) -> u64 {
    id
}

#[ring(tags("team:{user.name}"))] //~ no such field
fn wrong_field(user: User) -> u64 {
    user.id
}

#[ring(ignore(key), tags(NoKey))] //~ no key
fn no_key(id: u64, key: NoKey) -> u64 {
    let _ = key;
    id
}

#[ring(ignore(trace), tags("trace {trace}"))] //~ not in the key
fn ignored(id: u64, trace: &str) -> u64 {
    let _ = trace;
    id
}

#[ring(tag("team"))] //~ it is called tags
fn synonym(id: u64) -> u64 {
    id
}

#[ring(depends_on(user(id)))] //~ it is called depends
fn other_synonym(id: u64) -> u64 {
    id
}

#[ring(depends(id))] //~ no call
fn no_call(id: u64) -> u64 {
    id
}

#[ring]
fn user(id: u64) -> u64 {
    id
}

#[ring(depends(user("Ada")))] //~ another type
fn wrong_argument(id: u64) -> u64 {
    id
}

#[ring(depends(self.user(id)))] //~ no self
fn without_self(id: u64) -> u64 {
    id
}

#[ring_impl(depends(User::name(1)))] //~ of methods
impl User {
    #[ring]
    fn name(&self) -> u64 {
        self.id
    }
}

struct Cards;

#[ring_impl(ignore(self))]
impl Cards {
    #[ring(depends(self.title(id)))] //~ not cached
    fn card(&self, id: u64) -> u64 {
        id
    }

    #[ring(depends(self.own(id)))] //~ itself
    fn own(&self, id: u64) -> u64 {
        id
    }

    fn title(&self, id: u64) -> u64 {
        id
    }

    #[ring(ignore(trace), depends(Self::own(trace.len() as u64)))] //~ not in the key
    fn traced(&self, id: u64, trace: &str) -> u64 {
        let _ = trace;
        id
    }
}

fn main() {}
