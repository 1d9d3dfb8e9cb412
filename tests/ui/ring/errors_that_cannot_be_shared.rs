use ring_cache::ring;

#[derive(Debug)]
struct Error;

#[ring(share_errors)]
fn user(id: u64) -> Result<u64, Error> { //~
    (id > 0).then_some(id).ok_or(Error)
}

fn main() {}
