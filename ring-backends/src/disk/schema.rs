//! The schema of the database, and the settings of its connections.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::Fault;
use super::wait_limit::WaitLimit;

/// The application id of storages: "ring".
const APPLICATION: i32 = 0x7269_6e67;

/// The version of the schema. A database with another one is replaced.
const VERSION: i32 = 1;

/// Ids rise, so they give the order of writes.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE entries (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, \
     lifetime INTEGER, expires INTEGER, value_checksum INTEGER NOT NULL, checksum INTEGER NOT NULL, \
     value BLOB NOT NULL)",
    "CREATE INDEX entries_by_expiry ON entries (expires) WHERE expires IS NOT NULL",
];

/// With `NORMAL`, a crash of the process loses nothing; a loss of power, the last writes. No memory is mapped: truncating a
/// mapped file would kill the process.
const BEHAVIOUR: &str = "\
    PRAGMA synchronous = NORMAL; PRAGMA mmap_size = 0; PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY; \
    PRAGMA cell_size_check = ON; PRAGMA journal_size_limit = 4194304;";

/// Opens a connection to an existing file. An empty file becomes a storage.
pub(super) fn connect(path: &Path, wait_limit: WaitLimit) -> Result<Connection, Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(wait_limit.left())?;
    connection.set_prepared_statement_cache_capacity(32);
    // A hostile schema must not run code of the library.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.execute_batch(BEHAVIOUR)?;
    let is_new = is_new(&connection)?;
    // Checked before the first write, whose error would not show that the header is damaged.
    check_writable(&connection, path, wait_limit)?;
    if is_new {
        create(&connection, wait_limit)?;
    }
    check(&connection, wait_limit)?;
    Ok(connection)
}

fn is_new(connection: &Connection) -> Result<bool, Fault> {
    let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(objects == 0 && number(connection, "application_id")? == 0)
}

/// Without conflicts: connections are opened one at a time.
fn create(connection: &Connection, wait_limit: WaitLimit) -> Result<(), Fault> {
    enter_wal(connection, wait_limit)?;
    let transaction = rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for statement in SCHEMA {
        transaction.execute_batch(statement)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

fn check(connection: &Connection, wait_limit: WaitLimit) -> Result<(), Fault> {
    let ours = number(connection, "application_id")? == APPLICATION;
    let mut statement =
        connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?;
    let found: Vec<String> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let has_our_tables = found == SCHEMA;
    if !ours && !has_our_tables {
        return Err(Fault::foreign(FOREIGN));
    }
    if !ours || number(connection, "user_version")? != VERSION {
        return Err(Fault::damaged("the file is not a storage of this version"));
    }
    if !has_our_tables || number(connection, "auto_vacuum")? != 0 {
        return Err(Fault::damaged("the tables are not those of a storage"));
    }
    enter_wal(connection, wait_limit)
}

/// Why a file is not opened.
pub(super) const FOREIGN: &str =
    "the file is not a storage of ring-cache, and stays as it is: name another file, or remove it";

/// Whether the first page of a file shows a storage, maybe damaged: by the mark or by the tables.
pub(super) fn is_marked(page: &[u8]) -> bool {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let has_mark = page.starts_with(MAGIC) && page.get(68..72) == Some(&APPLICATION.to_be_bytes());
    let shows = |statement: &str| {
        let part = &statement.as_bytes()[..STATEMENT_PART];
        page.windows(STATEMENT_PART).any(|window| window == part)
    };
    has_mark || SCHEMA.into_iter().any(shows)
}

/// The length of a prefix of a statement that is unique to storages.
const STATEMENT_PART: usize = 60;

/// Enters WAL mode: readers go on during writes, also in other processes.
fn enter_wal(connection: &Connection, wait_limit: WaitLimit) -> Result<(), Fault> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode == "wal" || is_readonly(connection, wait_limit)? {
        return Ok(());
    }
    Err(Fault::failed(
        "the file system does not support a write-ahead log",
    ))
}

/// A database is read-only if its header is damaged, or if the user may not write.
fn check_writable(connection: &Connection, path: &Path, wait_limit: WaitLimit) -> Result<(), Fault> {
    if !is_readonly(connection, wait_limit)? {
        return Ok(());
    }
    let permissions = fs::metadata(path)?.permissions();
    // Only the owner can set permissions. Opening the file instead would release the locks of other connections.
    if !permissions.readonly() && fs::set_permissions(path, permissions).is_ok() {
        return Err(Fault::damaged("the file says that it cannot be written"));
    }
    Err(Fault::failed("the file cannot be written"))
}

/// Whether SQLite refuses writes, independent of other connections. Runs a statement: the method for this differs between
/// versions of rusqlite.
fn is_readonly(connection: &Connection, wait_limit: WaitLimit) -> Result<bool, Fault> {
    connection.busy_timeout(Duration::ZERO)?;
    // `BEGIN IMMEDIATE` alone succeeds on a read-only database.
    let begun = connection.execute_batch("BEGIN IMMEDIATE; PRAGMA user_version = 0");
    let code = begun.as_ref().err().and_then(rusqlite::Error::sqlite_error_code);
    // `ROLLBACK` fails if the transaction did not begin.
    let _ = connection.execute_batch("ROLLBACK");
    connection.busy_timeout(wait_limit.left())?;
    match code {
        Some(ErrorCode::ReadOnly) => Ok(true),
        // Another process writes.
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Ok(false),
        _ => Ok(begun.map(|()| false)?),
    }
}

fn number(connection: &Connection, pragma: &str) -> Result<i32, Fault> {
    Ok(connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))?)
}
