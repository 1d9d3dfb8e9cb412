use ring_cache::{Calls, ring};

#[ring]
fn text(n: u32) -> String {
    n.to_string()
}

#[ring]
fn fallible(n: u32) -> Result<String, String> {
    Ok(n.to_string())
}

fn main() {
    text_ring(1).set(5); //~
    text_ring("1").get(); //~
    text_ring(1).expire_in(60).update(); //~
    fallible_ring(1).set(Ok(String::new())); //~
    text_ring(1).run("update"); //~
    let _: String = text_ring(1).get(); //~
    [text_ring(1)].set_many([5]); //~
}
