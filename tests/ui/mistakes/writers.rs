use ring_cache::{ring, ring_impl};

#[ring]
fn user(id: u64) -> u64 { id }

#[ring(invalidates())] //~
fn w1() {}
#[ring(invalidates)] //~
fn w2() {}
#[ring(invalidates = user(1))] //~
fn w3() {}
#[ring(invalidates(1, user(2)))] //~
fn w4() {}
#[ring(invalidates(user))] //~
fn w5() {}
#[ring(invalidates(|| user(1)))] //~
fn w6() {}
#[ring(invalidates(|id| id + 1))] //~
fn w7() -> u64 { 1 }
#[ring(invalidates(user(1), user 2))] //~
fn w8() {}
#[ring(invalidates(user(1)), expire = "1m")] //~
fn w9() {}
#[ring(invalidates(user(1)), capacity = 10, ignore(id), fallible)] //~
fn w10(id: u64) -> Result<u64, ()> { Ok(id) }
#[ring(invalidates(user(1)), invalidates(user(2)))] //~
fn w11() {}
#[ring(invalidates(user(1)), on = err)] //~
fn w12() -> Result<u64, ()> { Ok(1) }
#[ring(invalidates(user(1)), on)] //~
fn w13() -> Result<u64, ()> { Ok(1) }
#[ring(invalidates(user(1)), on = ok)] //~
fn w14() -> Option<u64> { None }
#[ring(on = ok)] //~
fn w15() -> Result<u64, String> { Ok(1) }
#[ring(invalidates(user(1)))]
const fn w16() {} //~
#[ring(invalidates(user(1)))]
#[track_caller] //~
fn w17() {}
#[ring(invalidates(user(..), user(1, 2)))] //~
fn w18() {}
#[ring(invalidates(user("Ada")))] //~
fn w19() {}
#[ring(invalidates(|id| user(id)))] //~
fn w21() -> u64 { 1 }

struct Users;

#[ring_impl(invalidates(user(1)))] //~
impl Users {
    #[ring]
    fn a() -> u32 { 1 }
}

#[ring_impl(ignore(self))]
impl Users {
    #[ring]
    fn name(&self, id: u64) -> u64 { id }

    #[ring(expire = 0)] //~
    fn broken(&self, id: u64) -> u64 { id }

    // Its only mistake is the one of `broken`.
    #[ring(invalidates(self.broken(id), self.name(id)))]
    fn w1(&self, id: u64) { let _ = id; }

    #[ring(invalidates(self.nam(id)))] //~
    fn w2(&self, id: u64) { let _ = id; }

    #[ring(invalidates(self.name(id, 1)))] //~
    fn w3(&mut self, id: u64) { let _ = id; }

    #[ring(invalidates(self.name(id.other)))] //~
    fn w4(&mut self, id: u64) { let _ = id; }

    #[ring(invalidates(|value| self.name(value.other)))] //~
    fn w5(&mut self, id: u64) -> Result<u64, String> { Ok(id) }

    #[ring(invalidates(self.name(id)))] //~
    #[ring(invalidates(self.name(1)))]
    fn w6(&mut self, id: u64) { let _ = id; }

    #[ring(invalidates(Self::w2(id)))] //~
    fn w7(&mut self, id: u64) { let _ = id; }
}

trait Store {
    #[ring(invalidates(user(1)))]
    fn save(&mut self); //~
}

fn main() {}
