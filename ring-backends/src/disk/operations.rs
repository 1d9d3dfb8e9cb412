//! The operations on entries: statements, each on one connection.

use std::mem::take;
use std::ops::AddAssign;
use std::time::{Duration, SystemTime};

use rusqlite::types::{FromSql, FromSqlResult};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

use super::fault::Fault;
use super::metadata::{Condition, Metadata, Term, checksum, milliseconds};

/// The most expired entries that one write removes.
const SWEPT: u32 = 8;

/// The number of entries evicted at a time.
const EVICTED: u32 = 16;

/// One more entry may be evicted for so many written bytes. No entry takes less, so eviction keeps pace with writes.
const BYTES_PER_EVICTED: u64 = 64;

/// The most bytes of an entry beside its key and value; the index has the key again.
const OVERHEAD: u64 = 256;

/// Counts of entries that a write removed beside its own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RemovalCounts {
    pub(super) evictions: u64,
    pub(super) expirations: u64,
}

impl AddAssign for RemovalCounts {
    fn add_assign(&mut self, more: Self) {
        self.evictions += more.evictions;
        self.expirations += more.expirations;
    }
}

/// A row of an entry.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: i64,
    /// `None` if the entry is damaged.
    pub(super) metadata: Option<Metadata>,
    checksum: i64,
    value: Vec<u8>,
}

impl Found {
    /// The value and metadata, unless one of them is damaged.
    pub(super) fn take_intact(&mut self) -> Option<(Metadata, Vec<u8>)> {
        let metadata = self.metadata?;
        (checksum(&self.value) == metadata.value_checksum).then(|| (metadata, take(&mut self.value)))
    }

    pub(super) fn lives(&self, now: SystemTime) -> bool {
        self.metadata
            .is_some_and(|metadata| metadata.condition(now) != Condition::Expired)
    }
}

/// The entry under `key`, with its value.
pub(super) fn find(connection: &Connection, key: &str) -> Result<Option<Found>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, checksum, created, lifetime, expires, value_checksum, value FROM entries WHERE key = ?1",
    )?;
    first(&mut statement, key, |row| found(key, row, column(row, 6)))
}

/// The entry under `key`, without its value.
pub(super) fn look(connection: &Connection, key: &str) -> Result<Option<Found>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, checksum, created, lifetime, expires, value_checksum FROM entries WHERE key = ?1",
    )?;
    first(&mut statement, key, |row| found(key, row, Some(Vec::new())))
}

/// The entries, without values, whose keys are between two texts, both exclusive, in the order of keys.
#[cfg(feature = "inspect")]
pub(super) fn look_between(
    connection: &Connection,
    (after, before): (&str, &str),
    at_most: usize,
) -> Result<Vec<(String, Found)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT id, checksum, created, lifetime, expires, value_checksum, key FROM entries \
         WHERE key > ?1 AND key < ?2 ORDER BY key LIMIT ?3",
    )?;
    let at_most = i64::try_from(at_most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, before, at_most], |row| {
        let key: String = row.get(6)?;
        let found = found(&key, row, Some(Vec::new()))?;
        Ok((key, found))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn first(
    statement: &mut CachedStatement<'_>,
    key: &str,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<Found>,
) -> Result<Option<Found>, Fault> {
    Ok(statement.query_row([key], read).optional()?)
}

fn found(key: &str, row: &Row<'_>, value: Option<Vec<u8>>) -> rusqlite::Result<Found> {
    let checksum = column(row, 1);
    let metadata =
        metadata(row).filter(|metadata| value.is_some() && Some(metadata.checksum(key)) == checksum);
    Ok(Found {
        id: row.get(0)?,
        metadata,
        checksum: checksum.unwrap_or_default(),
        value: value.unwrap_or_default(),
    })
}

fn metadata(row: &Row<'_>) -> Option<Metadata> {
    let term = match (column::<Option<i64>>(row, 3)?, column::<Option<i64>>(row, 4)?) {
        (Some(lifetime), Some(expires)) => Some(Term { lifetime, expires }),
        (None, None) => None,
        _ => return None,
    };
    Some(Metadata {
        created: column(row, 2)?,
        term,
        value_checksum: column(row, 5)?,
    })
}

/// The value of a column, unless damage changed its type.
fn column<T: FromSql>(row: &Row<'_>, index: usize) -> Option<T> {
    let value = row.get_ref(index).ok()?;
    let read: FromSqlResult<T> = T::column_result(value);
    read.ok()
}

/// A write of one key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put<'p> {
    pub(super) key: &'p str,
    pub(super) value: &'p [u8],
    pub(super) metadata: Metadata,
}

/// Replaces the entry under the key, and makes room for it.
pub(super) fn put(
    connection: &Connection,
    put: Put<'_>,
    now: SystemTime,
    max_bytes: u64,
) -> Result<RemovalCounts, Fault> {
    let Put { key, value, metadata } = put;
    let bytes = (2 * key.len() + value.len()) as u64 + OVERHEAD;
    let removed = RemovalCounts {
        expirations: sweep(connection, key, now)?,
        evictions: make_room(connection, bytes, max_bytes)?,
    };
    let (lifetime, expires) = metadata.term.map(|term| (term.lifetime, term.expires)).unzip();
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO entries (key, created, lifetime, expires, value_checksum, checksum, value) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let checksum = metadata.checksum(key);
    insert.execute(params![
        key,
        metadata.created,
        lifetime,
        expires,
        metadata.value_checksum,
        checksum,
        value
    ])?;
    // Damage may separate the index from the table: a look-up by key then still finds the old row.
    match look(connection, key)? {
        Some(found) if found.id == connection.last_insert_rowid() => Ok(removed),
        _ => Err(Fault::damaged("an entry was put, and is not found")),
    }
}

/// Removes some expired entries, first that of `key`.
fn sweep(connection: &Connection, key: &str, now: SystemTime) -> Result<u64, Fault> {
    let now = milliseconds(now);
    let mut own = connection.prepare_cached("DELETE FROM entries WHERE key = ?1 AND expires <= ?2")?;
    let mut oldest = connection.prepare_cached(
        "DELETE FROM entries WHERE id IN \
         (SELECT id FROM entries WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
    )?;
    let swept = own.execute(params![key, now])? + oldest.execute(params![now, SWEPT])?;
    Ok(swept as u64)
}

/// Evicts the oldest entries until there is room for `bytes`, at most as many as `bytes` allow.
fn make_room(connection: &Connection, bytes: u64, max_bytes: u64) -> Result<u64, Fault> {
    let may_evict = u64::from(EVICTED) + bytes / BYTES_PER_EVICTED;
    let mut evicted = 0;
    while evicted < may_evict && used(connection)?.saturating_add(bytes) > max_bytes {
        let mut statement = connection.prepare_cached(
            "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY id LIMIT ?1)",
        )?;
        match statement.execute([EVICTED])? {
            0 => break,
            rows => evicted += rows as u64,
        }
    }
    Ok(evicted)
}

/// The used bytes of the file.
fn used(connection: &Connection) -> Result<u64, Fault> {
    let number = |pragma: &str| -> Result<u64, Fault> {
        let mut statement = connection.prepare_cached(pragma)?;
        let number: i64 = statement.query_row([], |row| row.get(0))?;
        u64::try_from(number).map_err(Fault::damaged)
    };
    let pages = number("PRAGMA page_count")?;
    let used = pages.checked_sub(number("PRAGMA freelist_count")?);
    let used = used.ok_or_else(|| Fault::damaged("more pages are free than there are"))?;
    Ok(used.saturating_mul(number("PRAGMA page_size")?))
}

/// Removes the entry under `key`. Returns whether it lived.
pub(super) fn remove(connection: &Connection, key: &str, now: SystemTime) -> Result<bool, Fault> {
    let Some(found) = look(connection, key)? else {
        return Ok(false);
    };
    remove_id(connection, found.id)?;
    match look(connection, key)? {
        None => Ok(found.lives(now)),
        Some(_) => Err(Fault::damaged("an entry was removed, and is found")),
    }
}

pub(super) fn remove_id(connection: &Connection, id: i64) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached("DELETE FROM entries WHERE id = ?1")?;
    statement.execute([id])?;
    Ok(())
}

/// Restarts the expiry of the entry under `key`. Returns whether it lived.
pub(super) fn renew(
    connection: &Connection,
    key: &str,
    expiry: Duration,
    now: SystemTime,
) -> Result<bool, Fault> {
    let found = look(connection, key)?.filter(|found| found.lives(now));
    let Some((found, metadata)) = found.and_then(|found| found.metadata.map(|metadata| (found, metadata)))
    else {
        return Ok(false);
    };
    if expiry.is_zero() {
        remove_id(connection, found.id)?;
        return Ok(true);
    }
    restart(connection, &found, key, metadata.restarted(now, expiry))?;
    Ok(true)
}

/// Changes the metadata of an entry, if it is still the one that was found.
pub(super) fn restart(
    connection: &Connection,
    found: &Found,
    key: &str,
    metadata: Metadata,
) -> Result<(), Fault> {
    let (lifetime, expires) = metadata.term.map(|term| (term.lifetime, term.expires)).unzip();
    let mut statement = connection.prepare_cached(
        "UPDATE entries SET created = ?1, lifetime = ?2, expires = ?3, checksum = ?4 \
         WHERE id = ?5 AND checksum = ?6",
    )?;
    let (old, new) = (found.checksum, metadata.checksum(key));
    statement.execute(params![metadata.created, lifetime, expires, new, found.id, old])?;
    Ok(())
}

/// Removes a bounded number of entries with ids up to `last` and keys between two texts. Returns the number.
pub(super) fn remove_between(
    connection: &Connection,
    (from, to): (&str, &str),
    last: i64,
    at_most: u32,
) -> Result<u32, Fault> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM entries WHERE id IN \
         (SELECT id FROM entries WHERE key >= ?1 AND key < ?2 AND id <= ?3 LIMIT ?4)",
    )?;
    Ok(statement.execute(params![from, to, last, at_most])? as u32)
}

/// The id of the newest entry.
pub(super) fn last(connection: &Connection) -> Result<i64, Fault> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM entries")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}
