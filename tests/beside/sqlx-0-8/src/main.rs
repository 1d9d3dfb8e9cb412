//! The application's own database, and a cache on disk.

use ring_cache::{Disk, ring};
use sqlx::{Connection, Row, SqliteConnection};
use std::sync::LazyLock;

static DISK: LazyLock<Disk> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("ring-cache-beside-{}", std::process::id()));
    Disk::open(folder.join("cache.db")).expect("a folder that can be written")
});

#[ring(disk = DISK, expire = "1h")]
fn double(number: i64) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.expect("memory");
        let query = sqlx::query("SELECT 2 * ?1").bind(number);
        query.fetch_one(&mut database).await.expect("a number").get(0)
    })
}

fn main() {
    assert_eq!((double(4), double(4)), (8, 8));
    assert_eq!(double_ring(4).get().expect("a file"), Some(8));
    std::fs::remove_dir_all(DISK.path().parent().expect("a folder")).expect("it can be removed");
}
