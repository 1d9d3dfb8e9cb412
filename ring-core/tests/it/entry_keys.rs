//! Coders that use the key of the entry: each verb of each form passes the same text for one entry.

use ring_cache_core::body::{AsyncBody, Body};
use ring_cache_core::coder::{Cause, Coder, EntryKey};
use ring_cache_core::storage::Coded;
use ring_cache_core::{AsyncCache, AsyncCall, AsyncCalls, Call, Calls, Map, Plain, Ring};

use crate::support::{AsyncRemote, Cache, Gate, Remote, drive, finish, hold, patient, ring, run};

/// Writes the key of the entry before the value, and reads no entry with another key.
struct Bound;

impl Coder<u32> for Bound {
    fn encode(_: &u32) -> Result<Vec<u8>, Cause> {
        Err("it needs a key".into())
    }

    fn decode(_: &[u8]) -> Result<u32, Cause> {
        Err("it needs a key".into())
    }

    fn encode_entry(value: &u32, key: EntryKey<'_>) -> Result<Vec<u8>, Cause> {
        Ok(format!("{}={value}", key.text()).into_bytes())
    }

    fn decode_entry(bytes: &[u8], key: EntryKey<'_>) -> Result<u32, Cause> {
        let text = std::str::from_utf8(bytes)?;
        let (entry, value) = text.split_once('=').ok_or("no key")?;
        if entry != key.text() {
            return Err("another key".into());
        }
        Ok(value.parse()?)
    }
}

type View<'s, S> = Coded<'s, S, Bound>;

/// `fn method(id: u32) -> u32`, cached.
fn call<'s>(
    ring: &'static Ring,
    remote: &'s Remote<Vec<u8>>,
    id: u32,
) -> Call<Plain<u32>, View<'s, Remote<Vec<u8>>>, impl Body<Out = u32>> {
    Cache::new(ring, View::from(remote)).bind((id,), move |_| 10 * id)
}

/// `async fn method(id: u32) -> u32`, cached, which stops at the gate.
fn async_call<'s>(
    ring: &'static Ring,
    remote: &'s AsyncRemote<Vec<u8>>,
    id: u32,
    gate: &'static Gate,
) -> AsyncCall<Plain<u32>, View<'s, AsyncRemote<Vec<u8>>>, impl AsyncBody<Out = u32>> {
    AsyncCache::new(ring, View::from(remote)).bind((id,), move |_| async move {
        gate.pass().await;
        10 * id
    })
}

fn entry(id: u32, value: u32) -> Vec<u8> {
    format!("p:{id}={value}").into_bytes()
}

#[test]
fn a_coder_gets_the_key_that_the_storage_keeps_the_entry_under() {
    let (ring, remote) = (ring(), Remote::new());
    let stored = |id: u32| remote.entries.lock().unwrap().get(&format!("p:{id}")).cloned();
    assert_eq!(call(ring, &remote, 1).get_or_update(), 10);
    assert_eq!(stored(1), Some(entry(1, 10)));
    assert_eq!(call(ring, &remote, 1).get().unwrap(), Some(10));
    assert_eq!(call(ring, &remote, 2).update(), 20);
    assert_eq!(stored(2), Some(entry(2, 20)));
    call(ring, &remote, 3).set(7).unwrap();
    assert_eq!(stored(3), Some(entry(3, 7)));
    let calls = |ids: [u32; 3]| ids.map(|id| call(ring, &remote, id));
    assert_eq!(calls([3, 4, 4]).get_or_update_many(), [7, 40, 40]);
    assert_eq!(stored(4), Some(entry(4, 40)));
    assert_eq!(calls([5, 6, 5]).update_many(), [50, 60, 50]);
    assert_eq!(stored(6), Some(entry(6, 60)));
    calls([7, 8, 9]).set_many(vec![1, 2, 3]).unwrap();
    assert_eq!(
        calls([5, 7, 9]).get_many().unwrap(),
        vec![Some(50), Some(1), Some(3)]
    );
    let one = call(ring, &remote, 1);
    assert_eq!(one.encode(&9).unwrap(), entry(1, 9));
    assert_eq!(one.decode(&entry(1, 9)).unwrap(), 9);
    assert!(one.decode(&entry(2, 9)).is_err());
    assert_eq!(Cache::new(ring, View::from(&remote)).stats::<u32>().errors, 0);
}

#[test]
fn an_entry_under_another_key_is_a_miss() {
    let (ring, remote) = (ring(), Remote::new());
    call(ring, &remote, 1).update();
    let moved = remote.entries.lock().unwrap()["p:1"].clone();
    remote.entries.lock().unwrap().insert("p:2".to_owned(), moved);
    assert_eq!(call(ring, &remote, 2).get().unwrap(), None);
    assert_eq!(call(ring, &remote, 2).get_or_update(), 20);
    assert_eq!(call(ring, &remote, 2).get().unwrap(), Some(20));
    assert_eq!(Cache::new(ring, View::from(&remote)).stats::<u32>().errors, 2);
}

/// A map in memory is written in place, and shares values in another way.
#[test]
fn a_map_of_bytes_passes_keys_as_well() {
    let (ring, map) = (ring(), Map::new());
    let call = |id: u32| {
        let cache = Cache::new(ring, View::from(&map));
        cache.bind::<Plain<u32>, _, _>((id,), move |_| 10 * id)
    };
    assert_eq!([call(1).get_or_update(), call(1).get_or_update()], [10, 10]);
    assert_eq!(map.peek("p:1"), Some(entry(1, 10)));
    call(2).set(7);
    assert_eq!([call(2), call(3)].get_or_update_many(), [7, 30]);
    // Not stored, and shared under its key.
    let refused = || call(4).unless(|_| true);
    assert_eq!([refused(), refused()].get_or_update_many(), [40, 40]);
    let stats = Cache::new(ring, View::from(&map)).stats::<u32>();
    assert_eq!((stats.errors, stats.hits), (0, 2));
}

#[test]
fn waiters_share_bytes_of_their_own_key() {
    for unless in [false, true] {
        let (ring, remote, gate) = (patient(), AsyncRemote::new(), Gate::leaked());
        let call = || async_call(ring, &remote, 1, gate).unless(if unless { |_| true } else { |_| false });
        let mut calls = [(); 3].map(|()| hold(call().get_or_update()));
        for call in &mut calls {
            assert!(drive(call).is_pending());
        }
        gate.open(1);
        for call in calls {
            assert_eq!(finish(call), 10);
        }
        let stats = AsyncCache::new(ring, View::from(&remote)).stats::<u32>();
        assert_eq!((stats.errors, stats.coalesced), (0, 2));
    }
}

#[test]
fn awaited_verbs_pass_the_key() {
    run(async {
        let (ring, remote, gate) = (ring(), AsyncRemote::new(), Gate::leaked());
        gate.open(100);
        let call = |id| async_call(ring, &remote, id, gate);
        let stored = |id: u32| remote.entries.lock().unwrap().get(&format!("p:{id}")).cloned();
        assert_eq!(call(1).get_or_update().await, 10);
        assert_eq!(stored(1), Some(entry(1, 10)));
        assert_eq!(call(1).get_or_update().await, 10);
        call(2).set(7).await.unwrap();
        assert_eq!([2, 3, 3].map(call).get_or_update_many().await, [7, 30, 30]);
        assert_eq!([4, 5].map(call).update_many().await, [40, 50]);
        [6, 7].map(call).set_many(vec![1, 2]).await.unwrap();
        assert_eq!(
            [4, 7, 3].map(call).get_many().await.unwrap(),
            vec![Some(40), Some(2), Some(30)]
        );
        assert_eq!(stored(7), Some(entry(7, 2)));
        assert_eq!(
            AsyncCache::new(ring, View::from(&remote)).stats::<u32>().errors,
            0
        );
    });
}
