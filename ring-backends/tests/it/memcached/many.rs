//! Many threads and tasks at once.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use ring_cache_core::storage::Storage;
use ring_cache_test_servers as servers;

use super::{patient, read, read_async, run, start, write, write_async};

const MANY: u32 = 64;

/// More than there are connections; each gets its own answer.
#[test]
fn threads_and_tasks_wait_for_connections() {
    let Some((server, storage)) = start("many threads on memcached") else {
        return;
    };
    std::thread::scope(|scope| {
        for thread in 0..3 * MANY {
            let storage = &storage;
            scope.spawn(move || {
                for round in 0..20 {
                    let (key, value) = (format!("{thread}"), format!("{thread}:{round}"));
                    write(storage, &key, &value).unwrap();
                    assert_eq!(read(storage, &key).unwrap().unwrap(), value.as_bytes());
                }
            });
        }
    });
    let connections = || server.statistics()["curr_connections"].parse::<u32>().unwrap();
    assert!(connections() <= MANY + 10, "{}", connections());
    let storage = Arc::new(storage);
    run(async {
        let tasks = (0..3 * MANY).map(|task| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move {
                for round in 0..20 {
                    let (key, value) = (format!("{task}"), format!("{task}:{round}"));
                    write_async(&storage, &key, &value).await.unwrap();
                    assert_eq!(
                        read_async(&storage, &key).await.unwrap().unwrap(),
                        value.as_bytes()
                    );
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        assert!(connections() <= 2 * MANY + 10, "{}", connections());
    });
    assert_eq!(storage.health(), Default::default());
}

/// A measurement, not a test: `cargo test --release -- --ignored --nocapture the_cost`.
#[test]
#[ignore = "it measures"]
fn the_cost_of_a_hit() {
    let Some((server, storage)) = start("the cost of a hit") else {
        return;
    };
    write(&storage, "shop:price:7", "12345678").unwrap();
    let client = storage.backend().unwrap();
    let bare = |_: u32| drop(client.get("shop:price:7").send().unwrap());
    let ours = |_: u32| drop(Storage::read(&storage, "shop:price:7", None).unwrap());
    for threads in [1, MANY] {
        let measured = (0..5).map(|_| (on_threads(threads, bare), on_threads(threads, ours)));
        report("blocking", threads, measured.collect());
    }
    run(async {
        let address = server.address();
        let client = memcache::exp::AsyncMetaClient::connect(address.as_str())
            .await
            .unwrap();
        for tasks in [1, MANY] {
            let mut measured = Vec::new();
            for _ in 0..5 {
                let bare = in_tasks(tasks, || {
                    let client = client.clone();
                    async move { drop(client.get("shop:price:7").send().await.unwrap()) }
                });
                let bare = bare.await;
                let ours = in_tasks(tasks, || {
                    let storage = storage.clone();
                    async move { drop(read_async(&storage, "shop:price:7").await.unwrap()) }
                });
                measured.push((bare, ours.await));
            }
            report("awaited", tasks, measured);
        }
    });
}

const HITS: u32 = 20_000;

fn on_threads(threads: u32, get: impl Fn(u32) + Sync) -> f64 {
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..HITS / threads).for_each(&get));
        }
    });
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(HITS)
}

async fn in_tasks<F: Future<Output = ()> + Send + 'static>(tasks: u32, get: impl Fn() -> F) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let gets: Vec<_> = (0..HITS / tasks).map(|_| get()).collect();
            tokio::spawn(async move {
                for get in gets {
                    get.await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(HITS)
}

fn report(colour: &str, at_once: u32, measured: Vec<(f64, f64)>) {
    let best = |pick: fn(&(f64, f64)) -> f64| measured.iter().map(pick).fold(f64::MAX, f64::min);
    let (bare, ours) = (best(|both| both.0), best(|both| both.1));
    println!(
        "{colour}, {at_once} at once: {bare:.1} µs bare, {ours:.1} µs, {:.2}",
        ours / bare
    );
}

/// A runtime has connections of its own. Without one its calls fail, and no others.
#[test]
fn a_server_that_takes_no_further_client_goes_on_to_serve_those_that_it_has() {
    let options = servers::Memcached::options().arguments(["-c", "40", "-t", "1"]);
    let Some(server) = servers::or_leave_out("a memcached with few connections", options.start()) else {
        return;
    };
    let storage = patient(server.url());
    write(&storage, "key", "value").unwrap();
    let mut places = Vec::new();
    loop {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let mut said = String::new();
        if stream.write_all(b"mn\r\n").is_ok() {
            let _ = BufReader::new(&stream).read_line(&mut said);
        }
        if said != "MN\r\n" {
            break;
        }
        places.push(stream);
    }
    for _ in 0..10 {
        let error = run(read_async(&storage, "key")).unwrap_err();
        assert_eq!(error.kind(), ring_cache::ErrorKind::Unavailable);
        assert!(error.to_string().contains("Too many open connections"), "{error}");
        assert_eq!(read(&storage, "key").unwrap().as_deref(), Some(&b"value"[..]));
    }
    let health = storage.health();
    assert_eq!(
        (health.busy, health.broken, health.spared),
        (10, 0, 0),
        "{health:?}"
    );
}
