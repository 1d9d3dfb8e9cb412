//! The application's own database, and a cache on disk.

use ring_cache::{Disk, ring};
use rusqlite::Connection;
use std::sync::LazyLock;

static DISK: LazyLock<Disk> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("ring-cache-beside-{}", std::process::id()));
    Disk::open(folder.join("cache.db")).expect("a folder that can be written")
});

#[ring(disk = DISK, expire = "1h")]
fn double(number: i64) -> i64 {
    let database = Connection::open_in_memory().expect("memory");
    let query = database.query_row("SELECT 2 * ?1", [number], |row| row.get(0));
    query.expect("a number")
}

fn main() {
    assert_eq!((double(4), double(4)), (8, 8));
    assert_eq!(double_ring(4).get().expect("a file"), Some(8));
    let read = |connection: Connection| connection.query_row("SELECT count(*) FROM entries", [], |row| row.get(0));
    let entries: i64 = read(DISK.backend().expect("a file")).expect("a table");
    assert_eq!(entries, 1);
    std::fs::remove_dir_all(DISK.path().parent().expect("a folder")).expect("it can be removed");
    println!("SQLite {}", rusqlite::version());
}
