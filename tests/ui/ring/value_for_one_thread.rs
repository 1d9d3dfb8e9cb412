use ring_cache::{RingKey, ring};

use std::cell::{Cell, RefCell};
use std::rc::Rc;

#[ring]
fn rc() -> Rc<str> {
    "".into()
}

#[ring]
fn nested() -> Vec<RefCell<u32>> {
    Vec::new()
}

#[ring]
fn cell() -> Result<Cell<u32>, String> {
    Ok(Cell::new(1))
}

#[ring]
fn generic<T: RingKey + Clone>(value: T) -> T {
    value
}

fn main() {}
