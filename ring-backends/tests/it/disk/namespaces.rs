//! Services that share a file, and rings that are cleared.

use ring_cache::storage::{Clear, Storage, StorageBase};
use ring_cache::{Key, Name, ring};
use ring_cache_backends::Disk;

use super::{Folder, get, keys, set};

#[test]
fn a_namespace_stands_before_the_text_of_the_key() {
    let folder = Folder::new();
    let disk = folder.open().namespace("shop");
    assert_eq!(StorageBase::namespace(&disk), "shop:");
    let key = ("users", 7_u32, "ä b");
    disk.set(&key, vec![1], None).unwrap();
    assert_eq!(keys(&disk), [format!("shop:{}", Key::of(&key))]);
    let none = folder.open();
    assert_eq!(StorageBase::namespace(&none), "");
    assert_eq!(StorageBase::namespace(&none.namespace("")), "");
}

#[test]
fn namespaces_do_not_cross() {
    let folder = Folder::new();
    let disk = folder.open();
    let names = ["", "a", "a:b", "a%3Ab", "a b", "ä", "a:", "%", "A"];
    let handles = names.map(|name| disk.clone().namespace(name));
    for (handle, name) in handles.iter().zip(names) {
        handle.set(&"b", name.as_bytes().to_vec(), None).unwrap();
    }
    for (handle, name) in handles.iter().zip(names) {
        assert_eq!(handle.get(&"b").unwrap().as_deref(), Some(name.as_bytes()));
        let prefix = StorageBase::namespace(handle);
        assert!(prefix.bytes().all(|byte| byte.is_ascii_graphic()), "{prefix}");
        assert!(
            prefix.is_empty() || prefix.find(':') == Some(prefix.len() - 1),
            "{prefix}"
        );
    }
    assert_eq!(keys(&disk).len(), names.len());
    assert!(handles[1].delete(&"b").unwrap());
    assert_eq!(keys(&disk).len(), names.len() - 1);
}

#[test]
fn clear_forgets_one_ring() {
    let folder = Folder::new();
    let disk = folder.open();
    let put = |disk: &Disk, text: &str| {
        super::tamper(
            disk,
            &format!(
                "INSERT INTO entries (key, created, value_checksum, checksum, value) \
                 VALUES ('{text}', 0, 0, 0, x'00')"
            ),
        );
    };
    let stays = [
        "pag",
        "pagE:1",
        "page2",
        "page2:1",
        "page;",
        "page%3A1",
        "shop:page:1",
        "p_ge:1",
    ];
    for text in ["page", "page:", "page:1", "page:1:2", "page:~", "page:%"]
        .iter()
        .chain(&stays)
    {
        put(&disk, text);
    }
    disk.clear_ring(Name::chosen("page")).unwrap();
    let mut stays = stays.to_vec();
    stays.sort_unstable();
    assert_eq!(keys(&disk), stays);
    disk.clear_ring(Name::chosen("p_g%")).unwrap();
    assert_eq!(keys(&disk), stays);
    disk.clone()
        .namespace("shop")
        .clear_ring(Name::chosen("page"))
        .unwrap();
    assert_eq!(keys(&disk).len(), stays.len() - 1);
}

#[test]
fn clear_of_many_entries() {
    let folder = Folder::new();
    let disk = folder.open();
    let entries = (0..3_000).map(|key| (format!("n:{key}"), vec![1], None));
    disk.write_many(entries.collect(), None).unwrap();
    set(&disk, 7, "stays");
    assert_eq!(keys(&disk).len(), 3_001);
    disk.clear_ring(Name::chosen("n")).unwrap();
    assert_eq!(keys(&disk), ["7"]);
    assert_eq!(get(&disk, 7).as_deref(), Some("stays"));
}

static SHARED: std::sync::LazyLock<(Folder, Disk)> = std::sync::LazyLock::new(|| {
    let folder = Folder::new();
    let disk = folder.open().namespace("shop");
    (folder, disk)
});

#[ring(storage = &SHARED.1 as Disk, key_prefix = "double", coder = ring_cache::coder::Raw)]
fn double(text: &str) -> String {
    text.repeat(2)
}

#[ring(storage = &SHARED.1 as Disk, key_prefix = "triple", coder = ring_cache::coder::Raw)]
fn triple(text: &str) -> String {
    text.repeat(3)
}

#[test]
fn methods_share_a_storage() {
    assert_eq!((double("a"), triple("a")), ("aa".into(), "aaa".into()));
    assert_eq!(double_ring("a").key(), "shop:double:a");
    assert_eq!(keys(&SHARED.1), ["shop:double:a", "shop:triple:a"]);
    double_cache().clear().unwrap();
    assert_eq!(keys(&SHARED.1), ["shop:triple:a"]);
    assert_eq!(triple_ring("a").get().unwrap().as_deref(), Some("aaa"));
    assert_eq!(
        SHARED.1.get(&triple_ring("a").key()).unwrap().as_deref(),
        Some(b"aaa".as_slice())
    );
    std::fs::remove_dir_all(&SHARED.0.0).unwrap();
}
