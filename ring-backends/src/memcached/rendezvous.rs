//! Which of several servers has a key: rendezvous hashing, with the same hashes as `HashClient` of Python's pymemcache.
//!
//! Each server has a score for the key; the one with the highest score has the key. So the order of the servers does not
//! matter, and adding or removing a server moves only that server's keys.

use memcache::exp::Router;

/// The servers by their names, such as `10.0.0.1:11211`.
#[derive(Clone, Debug)]
pub(super) struct Rendezvous {
    servers: Vec<String>,
}

impl Rendezvous {
    pub(super) fn new(servers: Vec<String>) -> Self {
        Rendezvous { servers }
    }

    /// The number of the server for `key`.
    pub(super) fn server(&self, key: &[u8]) -> usize {
        if self.servers.len() < 2 {
            return 0;
        }
        let score = |server: &String| murmur3([server.as_bytes(), b"-", key].concat().as_slice());
        let scores = self.servers.iter().map(|server| (score(server), server));
        let best = scores.enumerate().max_by_key(|(_, score)| *score);
        best.map_or(0, |(number, _)| number)
    }
}

/// For the client of [`backend`](super::Memcached::backend), which finds keys on the same servers.
impl Router for Rendezvous {
    fn route(&self, key: &[u8], _: &[String]) -> usize {
        self.server(key)
    }
}

/// MurmurHash3 (Austin Appleby), 32 bits, with the seed 0.
fn murmur3(bytes: &[u8]) -> u32 {
    let mixed = |block: u32| {
        let block = block.wrapping_mul(0xcc9e_2d51).rotate_left(15);
        block.wrapping_mul(0x1b87_3593)
    };
    let (blocks, rest) = bytes.as_chunks::<4>();
    let mut hash = blocks.iter().fold(0_u32, |hash, block| {
        let hash = (hash ^ mixed(u32::from_le_bytes(*block))).rotate_left(13);
        hash.wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    hash ^= mixed(u32::from_le_bytes(last));
    // Modulo 2^32.
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(names: &[&str]) -> Rendezvous {
        Rendezvous::new(names.iter().map(ToString::to_string).collect())
    }

    const THREE: [&str; 3] = ["10.0.0.1:11211", "10.0.0.2:11211", "cache.example.com:11211"];

    /// The numbers are those of pymemcache 4.0.0.
    #[test]
    fn it_agrees_with_pymemcache() {
        let long = "a".repeat(250);
        let page = "shop:my_app.pages.Page.content:page=http://example.com";
        let known = [
            ("p:1", 1_706_919_347, 0),
            ("p:1:2", 1_064_425_587, 0),
            (page, 3_304_455_318, 1),
            ("", 0, 1),
            (&long, 2_960_223_664, 2),
            ("x%~y", 837_374_318, 2),
        ];
        let three = servers(&THREE);
        for (key, hash, server) in known {
            assert_eq!(murmur3(key.as_bytes()), hash, "{key}");
            assert_eq!(three.server(key.as_bytes()), server, "{key}");
        }
    }

    #[test]
    fn a_server_that_goes_moves_its_own_keys_only() {
        let (three, two) = (servers(&THREE), servers(&[THREE[2], THREE[0]]));
        let mut shares = [0; 3];
        for key in 0..3_000 {
            let key = format!("key:{key}");
            let before = three.server(key.as_bytes());
            shares[before] += 1;
            let after = two.server(key.as_bytes());
            if before != 1 {
                assert_eq!(two.servers[after], three.servers[before]);
            }
        }
        assert!(shares.iter().all(|share| *share > 800), "{shares:?}");
    }
}
