//! A proxy before a Redis: it counts round trips, and can cut connections or fall silent.

use std::ops::Deref;

use ring_cache_test_servers::{Proxy as Wire, Redis as Server, Spoil};

pub(super) struct Proxy(Wire);

impl Deref for Proxy {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.0
    }
}

impl Proxy {
    pub(super) fn before(server: &Server) -> Self {
        Proxy(Wire::before(server.port()))
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// Makes sure that there were this many round trips since there were `before`. Large messages may come in some parts,
    /// between which the server speaks, so there may seem to be some more.
    pub(super) fn assert_round_trips(&self, before: usize, expected: usize) {
        let seen = self.round_trips() - before;
        assert!(
            (expected..expected + 20).contains(&seen),
            "{seen}, not {expected}"
        );
    }

    /// Holds back all that is said, on connections that there are.
    pub(super) fn fall_silent(&self) {
        self.set(Spoil::Hole);
    }

    /// Lets new connections speak.
    pub(super) fn speak(&self) {
        self.set(Spoil::Nothing);
    }
}
