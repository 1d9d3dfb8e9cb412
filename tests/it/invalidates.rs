use ring_cache::{Lru, RingKey, ring, ring_impl};
use std::collections::HashMap;
use std::sync::Mutex;

#[derive(RingKey)]
struct Users {
    tenant: u32,
    #[ring_key(skip)]
    names: Mutex<HashMap<u64, String>>,
    #[ring_key(skip)]
    cache: Lru<String>,
}

#[ring_impl(lru = self.cache)]
impl Users {
    #[ring]
    fn name(&self, id: u64) -> String {
        self.names.lock().unwrap().get(&id).cloned().unwrap_or_default()
    }

    #[ring(capacity = 10)]
    fn page(number: u32) -> u32 {
        number
    }

    #[ring(invalidates(self.name(id), Self::page(..), |new| self.name(new.0)))]
    fn rename(&self, id: u64, name: &str) -> (u64, u64) {
        self.names.lock().unwrap().insert(id, name.to_owned());
        (id, 1)
    }

    #[ring(invalidates(self.name(id), self.name(..), |new| self.name(*new)))]
    fn rename_mut(&mut self, id: u64, name: String) -> Result<u64, String> {
        self.names.get_mut().unwrap().insert(id, name);
        if id == 0 { return Err("0".into()) }
        Ok(id)
    }

    #[ring(invalidates(self.name(id), |new| self.name(*new)), on = ok)]
    async fn rename_async(&mut self, id: u64, name: String) -> Result<u64, String> {
        self.names.get_mut().unwrap().insert(id, name);
        Ok(id)
    }
}

#[test]
fn it_works() {
    let users = Users { tenant: 1, names: Mutex::default(), cache: Lru::new(10) };
    assert_eq!(users.name(1), "");
    users.rename(1, "a");
    assert_eq!(users.name(1), "a");
}
