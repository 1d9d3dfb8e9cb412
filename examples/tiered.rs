//! Two processes share one Redis, each with its own memory in front of it. When one changes an entry, the other drops its
//! copy:
//! `cargo run --example tiered --features tiered,redis`.
//!
//! It starts a Redis, unless `REDIS_URL` names one.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use ring_cache::{Error, Lru, Redis, Tiered, ring};
use ring_cache_test_servers::{Redis as Server, or_leave_out};

/// A thousand names in memory, and all of them in Redis.
static TIERS: LazyLock<Tiered<Lru<String>, Redis>> = LazyLock::new(|| {
    let url = URL.get().expect("main says where Redis is");
    let redis = Redis::open(url).expect("it is the address of a Redis");
    Tiered::new(
        Lru::new(1_000),
        redis.namespace("tiered").deadline(Duration::from_secs(2)),
    )
});

/// The user's name in the database.
#[ring(storage = TIERS as Tiered<Lru<String>, Redis>, expire = "5m")]
fn name(id: u32) -> String {
    QUERIES.fetch_add(1, Ordering::Relaxed);
    format!("user {id}")
}

static URL: OnceLock<String> = OnceLock::new();
static QUERIES: AtomicU32 = AtomicU32::new(0);

fn main() -> Result<(), Error> {
    let mut arguments = env::args().skip(1);
    if let (Some("other"), Some(url)) = (arguments.next().as_deref(), arguments.next()) {
        URL.get_or_init(|| url);
        return other_process();
    }
    let started = match env::var("REDIS_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let Some(server) = or_leave_out("the example `tiered`", Server::start()) else {
                return Ok(());
            };
            (server.url(), Some(server))
        }
    };
    let (url, _server) = started;
    this_process(URL.get_or_init(|| url))
}

fn this_process(url: &str) -> Result<(), Error> {
    name_ring(42).delete()?;
    let mut other = Other::start(url);

    println!("This process asks for a name. It is computed, and lies in Redis then.");
    println!("    this:  {}", name(42));
    assert_eq!(QUERIES.load(Ordering::Relaxed), 1);

    println!("The other process finds it there, and keeps it near. It computes nothing.");
    other.says("name", "user 42");
    other.keeps("user 42");
    other.says("queries", "0");

    println!("This process changes it. The other drops what it kept, and finds the new one.");
    name_ring(42).set("Ada".into())?;
    other.drops_it();
    other.says("name", "Ada");

    println!("So it is the other way round.");
    come_to("Ada is near", || name(42) == "Ada" && near() == "Ada");
    println!("    this:  near: {}", near());
    other.says("set Grace", "done");
    come_to("Ada is not near any more", || near() != "Ada");
    println!("    this:  near: {}", near());
    assert_eq!(name(42), "Grace");
    println!("    this:  {}", name(42));

    println!("What one deletes is gone for both: the next who asks computes it.");
    other.keeps("Grace");
    assert!(name_ring(42).delete()?);
    other.drops_it();
    other.says("name", "user 42");
    other.says("queries", "1");
    assert_eq!(name(42), "user 42");
    assert_eq!(QUERIES.load(Ordering::Relaxed), 1);
    name_ring(42).delete()?;
    Ok(())
}

/// Executes commands, one per line.
fn other_process() -> Result<(), Error> {
    for line in io::stdin().lines().map_while(Result::ok) {
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("name", _) => name(42),
            ("near", _) => near(),
            ("queries", _) => QUERIES.load(Ordering::Relaxed).to_string(),
            ("set", name) => name_ring(42).set(name.into()).map(|()| "done".into())?,
            _ => "what?".into(),
        };
        println!("{answer}");
    }
    Ok(())
}

/// The entry in this process's memory.
fn near() -> String {
    let near = TIERS.near().get(&name_ring(42).key());
    near.unwrap_or_else(|| "nothing".into())
}

/// The other process: this program, run again.
struct Other {
    process: Child,
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    fn start(url: &str) -> Self {
        let program = env::current_exe().expect("this program lies somewhere");
        let mut process = Command::new(program)
            .args(["other", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be run again");
        Other {
            lines: process.stdin.take().expect("it is piped"),
            answers: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
        }
    }

    fn ask(&mut self, line: &str) -> String {
        let mut answer = String::new();
        writeln!(self.lines, "{line}").expect("it listens");
        self.answers.read_line(&mut answer).expect("it answers");
        answer.trim_end().to_owned()
    }

    fn says(&mut self, line: &str, expected: &str) {
        assert_eq!(self.ask(line), expected);
        println!("    other: {line}: {expected}");
    }

    /// It keeps found entries only after it gets reports of changes.
    fn keeps(&mut self, name: &str) {
        come_to("it keeps what it finds", || {
            self.ask("name") == name && self.ask("near") == name
        });
        println!("    other: near: {name}");
    }

    fn drops_it(&mut self) {
        come_to("it drops what it kept", || self.ask("near") == "nothing");
        println!("    other: near: nothing");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until `is_so` is true: reports of changes take a moment.
fn come_to(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "it did not come to this: {what}"
        );
        thread::sleep(Duration::from_millis(1));
    }
}
