use ring_cache::ring;

#[ring(1)] //~
fn f1(n: u32) -> u32 { n }
#[ring("60s")] //~
fn f2(n: u32) -> u32 { n }
#[ring(expire: 60)] //~
fn f3(n: u32) -> u32 { n }
#[ring(expire => 60)] //~
fn f4(n: u32) -> u32 { n }
#[ring(expire = )] //~
fn f5(n: u32) -> u32 { n }
#[ring(= 60)] //~
fn f6(n: u32) -> u32 { n }
#[ring(expire = 60 capacity = 1)] //~
fn f7(n: u32) -> u32 { n }
#[ring(expire 60)] //~
fn f8(n: u32) -> u32 { n }
#[ring([expire])] //~
fn f9(n: u32) -> u32 { n }
#[ring(!)] //~
fn f10(n: u32) -> u32 { n }
#[ring(fn)] //~
fn f11(n: u32) -> u32 { n }

fn main() {}
