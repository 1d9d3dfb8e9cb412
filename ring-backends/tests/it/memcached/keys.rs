//! The stored bytes, and their keys.

use ring_cache::Key;
use ring_cache_core::storage::{AsyncStorage, Storage, StorageBase};

use super::tap::Tap;
use super::{patient, read, read_async, run, start, write, write_async};

#[test]
fn bytes_and_keys_are_what_other_programs_see() {
    let Some((server, storage)) = start("entries as they lie in memcached") else {
        return;
    };
    let storage = storage.namespace("shop");
    let bytes = b"\0\r\nset injected 0 0 1\r\nx\r\n\xff".to_vec();
    Storage::write(&storage, "key", bytes.clone(), None, None).unwrap();
    assert_eq!(server.value("shop:key").unwrap(), bytes);
    let raw = server.command("get shop:key");
    assert!(raw.starts_with(b"VALUE shop:key 0 "), "flags of zero");
    assert_eq!(server.value("injected"), None);
    assert_eq!(read(&storage, "key").unwrap().unwrap(), bytes);
    Storage::write(&storage, "empty", Vec::new(), None, None).unwrap();
    assert_eq!(server.value("shop:empty").unwrap(), b"");
    assert_eq!(read(&storage, "empty").unwrap().unwrap(), b"");
    // The reverse, with any flags.
    server.command("set shop:theirs 5 0 3\r\nAda");
    assert_eq!(read(&storage, "theirs").unwrap().unwrap(), b"Ada");
}

#[test]
fn long_keys_are_stored_under_their_hash() {
    let Some((server, storage)) = start("long keys in memcached") else {
        return;
    };
    let storage = storage.namespace("shop");
    for length in [244, 245, 246, 250, 1_000, 100_000] {
        let (one, other) = ("k".repeat(length), format!("{}x", "k".repeat(length - 1)));
        write(&storage, &one, "one").unwrap();
        write(&storage, &other, "other").unwrap();
        assert_eq!(read(&storage, &one).unwrap().unwrap(), b"one");
        assert_eq!(run(read_async(&storage, &other)).unwrap().unwrap(), b"other");
        let stored = storage.stored_key(&one);
        assert_eq!(server.value(&stored).unwrap(), b"one");
        assert!(stored.len() <= 250 && stored.starts_with("shop:kkk"), "{stored}");
        assert_eq!(stored == Key::in_namespace("shop:", &one).as_str(), length <= 245);
        // The text of the short form, as a key, is another key.
        let imitation = stored.strip_prefix("shop:").unwrap();
        let same = storage.stored_key(imitation) == stored;
        assert_eq!(same, length <= 245, "{imitation}");
    }
}

const HOSTILE: [&str; 9] = [
    "a\r\nflush_all\r\n",
    "a 0 0 1\r\nx\r\nset injected 0 0 1\r\nx\r\n",
    "\0",
    " ",
    "",
    "\u{7f}\t\n",
    "ключ 🔑",
    "a b",
    "%0D%0Aflush_all",
];

/// No part of a key or a namespace becomes a command.
#[test]
fn no_key_and_no_namespace_is_a_command() {
    let Some((server, _)) = start("hostile keys in memcached") else {
        return;
    };
    let tap = Tap::on(server.port());
    server.command("set untouched 0 0 1\r\n1");
    let long = "\r\nflush_all\r\n".repeat(50);
    let texts: Vec<&str> = HOSTILE.into_iter().chain([long.as_str()]).collect();
    for namespace in &texts {
        let storage = patient(tap.address()).namespace(namespace);
        for key in &texts {
            let value = format!("{namespace}{key}\r\nflush_all\r\n");
            write(&storage, key, &value).unwrap();
            assert_eq!(read(&storage, key).unwrap().unwrap(), value.as_bytes());
            assert!(Storage::contains(&storage, *key, None).unwrap());
            assert!(Storage::remove(&storage, *key, None).unwrap());
            run(async {
                write_async(&storage, key, &value).await.unwrap();
                assert_eq!(
                    read_async(&storage, key).await.unwrap().unwrap(),
                    value.as_bytes()
                );
                assert!(AsyncStorage::remove(&storage, *key, None).await.unwrap());
            });
        }
    }
    let (asked, _) = tap.asked();
    assert!(commands(&asked) > 8 * texts.len() * texts.len());
    assert_eq!(server.value("untouched").unwrap(), b"1");
    assert_eq!(server.value("injected"), None);
    assert_eq!(server.statistics()["cmd_flush"], "0");
}

/// Parses the sent bytes as memcached does. Fails for any unexpected command.
fn commands(asked: &str) -> usize {
    let (mut rest, mut count) = (asked, 0);
    while let Some((line, after)) = rest.split_once("\r\n") {
        count += 1;
        rest = after;
        let words: Vec<_> = line.split(' ').collect();
        match words[0] {
            "mn" | "version" => assert_eq!(words.len(), 1, "{line}"),
            "mg" | "md" | "ms" => assert!(!words[1].is_empty() && words[1].len() <= 250, "{line}"),
            _ => panic!("no command of ours: {line:?}"),
        }
        if words[0] == "ms" {
            let length: usize = words[2].parse().unwrap();
            rest = rest[length..].strip_prefix("\r\n").expect("the end of a value");
        }
        assert!(
            line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
            "{line:?}"
        );
    }
    assert!(rest.is_empty(), "{rest:?}");
    count
}
