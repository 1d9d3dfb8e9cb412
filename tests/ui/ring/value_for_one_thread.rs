use ring_cache::{RingKey, ring};

use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[ring]
fn rc() -> Rc<str> { //~
    "".into()
}

#[ring]
fn nested() -> Vec<RefCell<u32>> { //~
    Vec::new()
}

#[ring]
fn cell() -> Result<Cell<u32>, String> { //~
    Ok(Cell::new(1))
}

#[derive(Clone)]
struct Own(Rc<str>);

#[ring]
fn own(n: u32) -> Own { //~
    Own(n.to_string().into())
}

#[ring]
fn generic<T: RingKey + Clone + 'static>(value: T) -> T { //~
    value
}

#[ring]
fn no_bound<T: RingKey + Clone>(value: T) -> T { //~
    value
}

fn main() {}
