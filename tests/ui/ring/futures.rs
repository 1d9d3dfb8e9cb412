use ring_cache::ring;

#[ring]
async fn borrowed(text: &str) -> &str { //~
    text
}

#[ring]
fn future() -> impl Future<Output = u32> { //~
    async { 1 }
}

#[ring]
fn boxed() -> std::pin::Pin<Box<dyn Future<Output = u32>>> { //~
    Box::pin(async { 1 })
}

fn main() {}
