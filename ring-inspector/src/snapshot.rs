//! What the pages show, read at one moment.

use ring_cache_core::inspect::{Inspected, KeyPage};
use ring_cache_core::{Error, Finding, RingInfo};

use crate::history::Recent;

/// The number of keys of a page.
const KEYS: usize = 100;

/// The number of rings of the page, and of those whose last minutes are kept: of services that are watched one by one there may
/// be very many.
pub(crate) const SHOWN: usize = 500;

/// A ring, as one row.
pub(crate) struct Row {
    /// Tells it from all other rows, also in other snapshots.
    pub(crate) id: String,
    pub(crate) info: RingInfo,
    pub(crate) storages: Vec<Inspected>,
    pub(crate) recent: Recent,
}

/// All there is at one moment.
pub(crate) struct Snapshot {
    pub(crate) rows: Vec<Row>,
    pub(crate) findings: Vec<Finding>,
}

/// Where pages are, and what they may offer.
#[derive(Clone)]
pub(crate) struct Place {
    /// The path before those of the pages.
    pub(crate) base: String,
    pub(crate) allows_changes: bool,
}

/// A page of keys, or why there is none.
pub(crate) enum Keys {
    Page(KeyPage),
    Refused(&'static str),
    Failed(Error),
}

/// One ring on one of its storages.
pub(crate) struct RingPage {
    pub(crate) row: Row,
    /// The place of the storage among those of the row.
    pub(crate) chosen: Option<usize>,
    pub(crate) keys: Option<Keys>,
    /// Where the page of keys begins.
    pub(crate) from: String,
    pub(crate) findings: Vec<Finding>,
    /// What was done before, in words.
    pub(crate) done: Option<&'static str>,
}

impl Row {
    /// The number by which a row of a watched service is asked for. The row of all others has none.
    pub(crate) fn number(&self) -> Option<u64> {
        self.info.service()?;
        self.storages.first().map(Inspected::number)
    }
}

impl Snapshot {
    /// Reads all. To be called where it may block.
    pub(crate) fn read() -> Self {
        let rows = ring_cache_core::rings().into_iter().map(|info| {
            let storages = info.inspected();
            let number = storages.first().filter(|_| info.service().is_some());
            Row {
                id: match number {
                    Some(storage) => format!("{}#{}", info.name(), storage.number()),
                    None => info.name().to_owned(),
                },
                info,
                storages,
                recent: Recent::default(),
            }
        });
        Snapshot {
            rows: rows.collect(),
            findings: ring_cache_core::doctor(),
        }
    }

    /// The row of a ring: the one with this storage, if it is named.
    pub(crate) fn take_row(&mut self, ring: &str, storage: Option<u64>) -> Option<Row> {
        let has = |row: &Row, number| row.storages.iter().any(|storage| storage.number() == number);
        let is_meant = |row: &&Row| row.info.name() == ring;
        let rows = || self.rows.iter().filter(is_meant);
        let of_storage = storage.and_then(|number| rows().find(|row| has(row, number)));
        let found = of_storage.or_else(|| rows().find(|row| row.info.service().is_none()));
        let id = found.or_else(|| rows().next())?.id.clone();
        let place = self.rows.iter().position(|row| row.id == id)?;
        Some(self.rows.swap_remove(place))
    }
}

/// A page of the keys in a storage. To be called where it may block.
pub(crate) fn keys_of(storage: &Inspected, from: &str) -> Keys {
    match storage.refusal() {
        Some(refusal) => Keys::Refused(refusal),
        None => storage.keys(from, KEYS).map_or_else(Keys::Failed, Keys::Page),
    }
}
