use std::rc::Rc;

use ring_cache::ring;

type Answer = Result<u32, std::fmt::Error>;

#[ring]
async fn alias() -> Answer { //~
    Ok(1)
}

struct NotClone;

#[ring]
async fn not_clone() -> NotClone { //~
    NotClone
}

#[ring]
async fn of_one_thread() -> Rc<str> { //~
    "x".into()
}

fn main() {}
