use ring_cache::ring;

struct User {
    id: u32,
    client: Client,
}

struct Client;

#[ring(key = "{user.no_such_field}")] //~
fn f1(user: &User) -> u32 {
    user.id
}

#[ring(key = "{user.client}")] //~
fn f2(user: User) -> u32 {
    user.id
}

#[ring(key = "{id.deeper}")] //~
fn f3(id: u32) -> u32 {
    id
}

#[ring(key = "{user}:{user.id}")] //~
fn f4(user: &User) -> u32 {
    user.id
}

fn main() {}
