//! The keys of a ring in Redis, by pages: `SCAN` of each server in turn, or `HSCAN`.

use std::time::{Duration, Instant};

use redis::Value;
use ring_cache_core::Name;
use ring_cache_core::inspect::FoundKey;

use super::faults::Unexpected;
use super::request::Commands;
use super::ring_scan::Page;
use super::route::Route;
use super::schema::KeySchema;
use super::server::{RedisServer, next_step};
use crate::remote::inspect::InspectedServer;
use crate::remote::{BlockingClear, Fault};

/// The number of scans for one page.
const SCANS: u32 = 20;

/// The start of a page: the position of a server, and the server's cursor.
struct Cursor {
    node: usize,
    place: String,
}

impl Cursor {
    fn parse(text: &str) -> Self {
        let parsed = text.split_once('.').and_then(|(node, place)| {
            let is_number = !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit());
            let node = node.parse().ok().filter(|_| is_number)?;
            let place = place.to_owned();
            Some(Cursor { node, place })
        });
        parsed.unwrap_or_else(|| Cursor::of_node(0))
    }

    fn of_node(node: usize) -> Self {
        let place = "0".to_owned();
        Cursor { node, place }
    }

    fn text(&self) -> String {
        format!("{}.{}", self.node, self.place)
    }
}

impl<L: KeySchema> InspectedServer for RedisServer<L> {
    const REFUSAL: Option<&'static str> = None;

    fn key_of_text(namespace: &str, ring: &Name, text: &str) -> Option<L::StoredKey> {
        L::key_of_text(namespace, ring, text)
    }

    fn keys(
        &self,
        namespace: &str,
        ring: &Name,
        from: &str,
        at_most: usize,
    ) -> Result<(Vec<FoundKey>, Option<String>), Fault> {
        // The time limit of all scans of a page but the last, which may take one more step.
        let until = next_step();
        let nodes = self.route().nodes(until)?;
        let (mut cursor, mut found) = (Cursor::parse(from), Vec::new());
        for _ in 0..SCANS {
            let Some(node) = nodes.get(cursor.node) else {
                return Ok((self.with_lives(namespace, ring, found)?, None));
            };
            let scan = L::list(namespace, ring, &cursor.place);
            let page = self.route().send_to(node, &Commands::One(scan), next_step())?;
            let Page { next, found: all } = Page::read(page)?;
            found.extend(L::texts(namespace, ring, all));
            cursor = match next {
                Some(place) => Cursor { place, ..cursor },
                None => Cursor::of_node(cursor.node + 1),
            };
            if found.len() >= at_most || Instant::now() >= until {
                break;
            }
        }
        let next = (cursor.node < nodes.len()).then(|| cursor.text());
        Ok((self.with_lives(namespace, ring, found)?, next))
    }

    fn clear_ring(&self, namespace: &str, ring: &Name) -> Result<(), Fault> {
        BlockingClear::clear(self, namespace, ring)
    }
}

impl<L: KeySchema> RedisServer<L> {
    /// The keys with their remaining lives. Omits keys removed meanwhile.
    fn with_lives(&self, namespace: &str, ring: &Name, texts: Vec<String>) -> Result<Vec<FoundKey>, Fault> {
        let keys: Vec<_> = texts
            .iter()
            .filter_map(|text| L::key_of_text(namespace, ring, text))
            .collect();
        let lives = match L::lives(&keys) {
            Some(commands) if !keys.is_empty() => lives(self.route().send(&commands, next_step())?)?,
            _ => texts.iter().map(|_| Some(None)).collect(),
        };
        let found = texts.into_iter().zip(lives);
        let found = found.filter_map(|(text, life)| {
            let remaining = life?;
            Some(FoundKey { text, remaining })
        });
        Ok(found.collect())
    }
}

/// The replies to `PTTL`: the life of each existing key, if it expires.
fn lives(replies: Vec<Value>) -> Result<Vec<Option<Option<Duration>>>, Unexpected> {
    let life = |reply| match Unexpected::check(reply)? {
        Value::Int(-1) => Ok(Some(None)),
        Value::Int(left @ 0..) => Ok(Some(Some(Duration::from_millis(left.unsigned_abs())))),
        Value::Int(_) => Ok(None),
        _ => Err(Unexpected::Reply),
    };
    replies.into_iter().map(life).collect()
}
