//! The load: a client that measures the service, and checks the origin and the cache as well.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use ring_cache::{AsyncCalls, Stats};

use crate::origin::Origin;
use crate::service::{User, UserRepository};

/// Over HTTP/2: 200 concurrent requests use one connection, below any limit of open files.
pub(crate) fn client() -> reqwest::Result<Client> {
    let client = Client::builder().http2_prior_knowledge().no_proxy();
    client.timeout(Duration::from_secs(30)).build()
}

pub(crate) struct Load {
    http: Client,
    service: String,
    repository: Arc<UserRepository>,
    origin: Arc<Origin>,
}

impl Load {
    pub(crate) fn new(
        service: String,
        repository: Arc<UserRepository>,
        origin: Arc<Origin>,
    ) -> reqwest::Result<Self> {
        Ok(Load {
            http: client()?,
            service,
            repository,
            origin,
        })
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.http.get(format!("{}{path}", self.service)).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &'static str) -> reqwest::Result<()> {
        let request = self.http.put(format!("{}{path}", self.service));
        request.body(body).send().await?.error_for_status()?;
        Ok(())
    }

    pub(crate) fn origin_reads(&self) -> u64 {
        self.origin.reads()
    }

    pub(crate) fn stats(&self) -> Stats {
        self.repository.user_cache().stats()
    }

    /// Requests all these users, `at_a_time` concurrently, and prints a row. Checks the answers, and that the origin had
    /// `origin_reads` requests.
    pub(crate) async fn ask(
        &self,
        name: &str,
        at_a_time: usize,
        ids: &[u64],
        origin_reads: u64,
    ) -> Result<(), Box<dyn Error>> {
        let calls = ids.iter().map(|id| self.repository.user_ring(*id));
        let cached = calls.has_many().await;
        let (before, reads) = (self.stats(), self.origin_reads());
        let answers = self.users(at_a_time, ids).await?;
        let (after, reads) = (self.stats(), self.origin_reads() - reads);

        let (hits, shared) = (after.hits - before.hits, after.coalesced - before.coalesced);
        row(name, at_a_time, [reads, hits, shared], &cached, &answers);
        assert_eq!(reads, origin_reads, "requests at the origin");
        // A late request for a cold user is a hit; the others share the computation.
        assert_eq!(hits + shared + reads, ids.len() as u64);
        assert!(hits >= cached.iter().filter(|cached| **cached).count() as u64);
        for (id, (user, _)) in ids.iter().zip(answers) {
            assert_eq!(user, User::original(*id));
        }
        Ok(())
    }

    /// Requests all these users, `at_a_time` concurrently. Returns each with its time.
    async fn users(&self, at_a_time: usize, ids: &[u64]) -> Result<Vec<(User, Duration)>, Box<dyn Error>> {
        let ask = |id| {
            let request = self.http.get(format!("{}/users/{id}", self.service));
            tokio::spawn(async {
                let start = Instant::now();
                let user = request.send().await?.error_for_status()?.json().await?;
                reqwest::Result::Ok((user, start.elapsed()))
            })
        };
        let mut users = Vec::new();
        for ids in ids.chunks(at_a_time) {
            let asking: Vec<_> = ids.iter().map(ask).collect();
            for user in asking {
                users.push(user.await??);
            }
        }
        Ok(users)
    }
}

pub(crate) fn heading() {
    println!(
        "\n{:<29} {:>9} {:>6} {:>5} {:>6}  {:>7} {:>7}  {:>8} {:>8}",
        "200 requests", "at a time", "origin", "hits", "shared", "hit p50", "hit p99", "miss p50", "miss p99"
    );
}

/// Prints the counts of a load, and the times of requests for cached and for other users.
fn row(name: &str, at_a_time: usize, counts: [u64; 3], cached: &[bool], answers: &[(User, Duration)]) {
    let times = |wanted| {
        let times = cached
            .iter()
            .zip(answers)
            .filter(|(cached, _)| **cached == wanted);
        let mut times: Vec<_> = times.map(|(_, (_, took))| *took).collect();
        times.sort_unstable();
        [50, 99].map(|percent| percentile(&times, percent))
    };
    let ([origin, hits, shared], [hit50, hit99], [miss50, miss99]) = (counts, times(true), times(false));
    println!(
        "{name:<29} {at_a_time:>9} {origin:>6} {hits:>5} {shared:>6}  {hit50:>7} {hit99:>7}  {miss50:>8} {miss99:>8}"
    );
}

/// The time within which this percentage ended.
fn percentile(sorted: &[Duration], percent: usize) -> String {
    let place = (sorted.len() * percent).div_ceil(100);
    match place.checked_sub(1) {
        Some(place) => format!("{:.1?}", sorted[place]),
        None => "-".into(),
    }
}
