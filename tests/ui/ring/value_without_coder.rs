use ring_cache::coder::{Json, Raw};
use ring_cache::ring;

struct User;

#[ring(coder = Json)]
fn user() -> User { //~
    User
}

#[ring(coder = Json)]
fn users() -> Result<Vec<User>, User> { //~
    Ok(Vec::new())
}

#[ring(coder = Raw)]
fn number() -> u32 { //~
    1
}

fn main() {}
