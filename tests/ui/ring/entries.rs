use ring_cache::{Calls, ring};

#[ring(ignore(trace))]
fn page(path: &str, trace: &str) -> String {
    format!("{path} {trace}")
}

fn main() {
    page_entry("a").get_or_update(); //~
    page_entry("a").update(); //~
    page_entry("a").execute(); //~
    [page_entry("a")].get_or_update_many(); //~
    page_entry("a", "trace"); //~
}
