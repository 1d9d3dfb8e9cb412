//! Snapshots: the data of the pages.

use ring_cache_core::inspect::{Inspected, KeyPage};
use ring_cache_core::{Error, Finding, RingInfo};

use crate::history::Recent;

/// The number of keys of a page.
const KEYS: usize = 100;

/// The number of rings on the page and in the history: services that are watched one by one may have very many.
pub(crate) const SHOWN: usize = 500;

/// A ring, as one row.
pub(crate) struct Row {
    /// The unique id of the row, the same in all snapshots.
    pub(crate) id: String,
    pub(crate) info: RingInfo,
    pub(crate) storages: Vec<Inspected>,
    pub(crate) recent: Recent,
}

/// The data of all rings.
pub(crate) struct Snapshot {
    pub(crate) rows: Vec<Row>,
    pub(crate) findings: Vec<Finding>,
}

/// The paths of pages, and the allowed actions.
#[derive(Clone)]
pub(crate) struct Place {
    /// The path above the pages.
    pub(crate) base: String,
    pub(crate) allows_changes: bool,
}

/// A page of keys, or the reason for none.
pub(crate) enum Keys {
    Page(KeyPage),
    Refused(&'static str),
    Failed(Error),
}

/// One ring on one of its storages.
pub(crate) struct RingPage {
    pub(crate) row: Row,
    /// The index of the storage among those of the row.
    pub(crate) chosen: Option<usize>,
    pub(crate) keys: Option<Keys>,
    /// The start of the page of keys.
    pub(crate) from: String,
    pub(crate) findings: Vec<Finding>,
    /// The outcome of the last change, as a sentence.
    pub(crate) done: Option<&'static str>,
}

impl Row {
    /// The number by which the row of a watched service is requested. The row of all others has none.
    pub(crate) fn number(&self) -> Option<u64> {
        self.info.service()?;
        self.storages.first().map(Inspected::number)
    }
}

impl Snapshot {
    /// Reads all data. To be called where it may block.
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

    /// The row of a ring: that with this storage, if given.
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
