use ring_cache::{RingKey, ring};

#[derive(RingKey)]
struct Page {
    url: String,
}

impl Page {
    #[ring]
    fn example_dot_com() -> String { //~
        String::new()
    }

    #[ring(expire = "1m", stale = "1h")]
    pub async fn of_a_host(host: String, port: u16) -> Result<String, ()> { //~
        Ok(format!("{host}:{port}"))
    }

    #[ring(class)]
    fn generic<T: RingKey>(of: T) -> u32 { //~
        let _ = of;
        1
    }
}

trait Named {
    fn name(id: u32) -> String;
}

impl Named for Page {
    #[ring]
    fn name(id: u32) -> String { //~
        id.to_string()
    }
}

/// What the methods are used for is no error of its own.
fn main() {
    Page::example_dot_com();
    Page::generic(1);
    Page::name(1);
}
