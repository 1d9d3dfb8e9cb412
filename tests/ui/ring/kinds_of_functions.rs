use ring_cache::ring;

#[ring]
const fn constant() -> u32 { //~
    1
}

#[ring]
unsafe fn dangerous() -> u32 { //~
    1
}

#[ring]
extern "C" fn foreign() -> u32 { //~
    1
}

#[ring]
fn never() -> ! { //~
    loop {}
}

fn main() {}
