mod vault {
    use ring_cache::{RingKey, ring_impl};

    #[derive(RingKey)]
    pub struct Vault(pub u32);

    trait Audit {
        fn secret(&self) -> u32;
        async fn later(&self) -> u32;
    }

    trait Open {
        fn open(&self) -> u32;
    }

    #[ring_impl]
    impl Audit for Vault {
        #[ring]
        fn secret(&self) -> u32 {
            self.0 + 40
        }

        #[ring]
        async fn later(&self) -> u32 {
            self.0
        }
    }

    #[ring_impl]
    impl Open for Vault {
        #[ring(accessor = pub(crate) opened)]
        fn open(&self) -> u32 {
            self.0
        }
    }
}

fn main() {
    let vault = vault::Vault(2);
    vault.secret_ring().execute(); //~
    vault.secret_ring().set(0); //~
    vault.secret_entry().delete(); //~
    let _ = vault.later_entry(); //~
    vault::Vault::secret_cache().clear(); //~
    let _ = vault::Vault::later_cache(); //~
    vault.opened().get();
}
