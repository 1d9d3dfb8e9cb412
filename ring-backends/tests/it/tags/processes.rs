//! Three processes that write and read: after a writer has returned, no later call in any of them returns an older value
//! than the written one.

use std::env;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::{Memcached, Redis, RingKey, ring_impl, tag};
use ring_cache_test_servers::{self as servers, or_leave_out};

const PART: &str = "RING_CACHE_TEST_PART";
const SERVER: &str = "RING_CACHE_TEST_SERVER";
const FILE: &str = "RING_CACHE_TEST_FILE";

const PROCESSES: u64 = 3;
const LASTING: Duration = Duration::from_millis(1_500);
/// How long a process of a busy machine may take until it finds a stored value.
const PATIENCE: Duration = Duration::from_secs(30);

/// The true value of each key, and the last acknowledged one. One process changes a key, all read it.
struct Truth(File);

impl Truth {
    fn get(&self, place: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, 8 * place).unwrap();
        u64::from_le_bytes(bytes)
    }

    fn set(&self, place: u64, value: u64) {
        self.0.write_all_at(&value.to_le_bytes(), 8 * place).unwrap();
    }

    fn written(&self, id: u64) -> u64 {
        self.get(2 * id)
    }

    fn acknowledged(&self, id: u64) -> u64 {
        self.get(2 * id + 1)
    }
}

#[derive(RingKey)]
struct Site<S> {
    #[ring_key(skip)]
    storage: S,
    #[ring_key(skip)]
    truth: Truth,
}

macro_rules! site {
    ($Storage:ty) => {
        #[ring_impl(storage = self.storage as $Storage, coder = ring_cache::coder::Json, expire = "100s")]
        impl Site<$Storage> {
            #[ring(key_prefix = "user")]
            fn user(&self, id: u64) -> u64 {
                self.truth.written(id)
            }

            #[ring(key_prefix = "card", depends(self.user(id)))]
            fn card(&self, id: u64) -> u64 {
                let read = self.truth.written(id);
                thread::yield_now();
                read
            }

            #[ring(key_prefix = "page", tags("page {id}"))]
            fn page(&self, id: u64) -> u64 {
                let read = self.truth.written(id);
                thread::yield_now();
                read
            }

            #[ring(invalidates(self.user(id)))]
            fn write(&self, id: u64) -> u64 {
                let new = self.truth.written(id) + 1;
                self.truth.set(2 * id, new);
                new
            }

            /// The work of one of the processes.
            fn play(&self, own: u64) {
                let began = Instant::now();
                let hits = || self.card_cache().stats().hits;
                let is_over = || {
                    let lasts = began.elapsed();
                    lasts > LASTING && (hits() > 0 || lasts > PATIENCE)
                };
                thread::scope(|scope| {
                    scope.spawn(|| {
                        while began.elapsed() < LASTING {
                            let new = self.write(own);
                            tag(format!("page {own}")).forget_in(&self.storage).unwrap();
                            self.truth.set(2 * own + 1, new);
                            // So that others find the stored values.
                            thread::sleep(Duration::from_millis(4));
                        }
                    });
                    for _ in 0..2 {
                        scope.spawn(|| {
                            for id in (0..PROCESSES).cycle() {
                                if is_over() {
                                    break;
                                }
                                let least = self.truth.acknowledged(id);
                                let (card, page) = (self.card(id), self.page(id));
                                assert!(card >= least && page >= least, "{card} {page} {least} {id}");
                            }
                        });
                    }
                });
                assert!(hits() > 0, "it is a cache");
            }
        }
    };
}

site!(Redis);
site!(Memcached);

/// Not a test: the part of a child process.
#[test]
fn part() {
    let Ok(part) = env::var(PART) else { return };
    let Some((kind, own)) = part.split_once(' ') else {
        return;
    };
    let (server, own) = (env::var(SERVER).unwrap(), own.parse().unwrap());
    let file = File::options()
        .read(true)
        .write(true)
        .open(env::var(FILE).unwrap());
    let (truth, deadline) = (Truth(file.unwrap()), Duration::from_secs(20));
    if kind == "redis" {
        let storage = Redis::open(server).unwrap().deadline(deadline);
        Site { storage, truth }.play(own);
    } else {
        let storage = Memcached::open(server).unwrap().deadline(deadline);
        Site { storage, truth }.play(own);
    }
}

fn play(kind: &str, server: &str) {
    let name = format!("ring-cache-truth-{kind}-{}", std::process::id());
    let file = env::temp_dir().join(name);
    std::fs::write(&file, [0; 16 * PROCESSES as usize]).unwrap();
    let start = |own: u64| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args([
            "--exact",
            "tags::processes::part",
            "--nocapture",
            "--test-threads=1",
        ]);
        command
            .env(PART, format!("{kind} {own}"))
            .env(SERVER, server)
            .env(FILE, &file);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..PROCESSES).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
    let truth = Truth(File::open(&file).unwrap());
    assert!((0..PROCESSES).all(|id| truth.acknowledged(id) > 1));
    std::fs::remove_file(file).unwrap();
}

#[test]
fn i6_i7_no_process_returns_what_is_older_than_an_acknowledged_write() {
    if let Some(server) = or_leave_out("three processes with Redis", servers::Redis::start()) {
        play("redis", &server.url());
    }
    if let Some(server) = or_leave_out("three processes with Memcached", servers::Memcached::start()) {
        play("memcached", &server.url());
    }
}
