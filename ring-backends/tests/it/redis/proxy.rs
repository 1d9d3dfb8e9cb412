//! A proxy before a Redis: it counts round trips, and can cut or block connections.

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

    /// Asserts this number of round trips after `before`. Large messages may come in parts, between which the server sends,
    /// so some more may be counted.
    pub(super) fn assert_round_trips(&self, before: usize, expected: usize) {
        let seen = self.round_trips() - before;
        assert!(
            (expected..expected + 20).contains(&seen),
            "{seen}, not {expected}"
        );
    }

    /// Blocks the traffic of existing connections.
    pub(super) fn fall_silent(&self) {
        self.set(Spoil::Hole);
    }

    /// Lets new connections pass.
    pub(super) fn speak(&self) {
        self.set(Spoil::Nothing);
    }
}
