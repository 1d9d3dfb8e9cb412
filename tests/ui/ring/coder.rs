use ring_cache::ring;

#[ring(coder)] //~
fn f1(n: u32) -> u32 {
    n
}

#[ring(coder = "json")] //~
fn f2(n: u32) -> u32 {
    n
}

#[ring(coder = u32)]
fn f4(n: u32) -> u32 { //~
    n
}

mod axum {
    pub struct Json;
}
use axum::Json;

/// The message says which `Json` it is.
#[ring(coder = Json)]
fn f5(n: u32) -> u32 { //~
    n
}

fn main() {}
