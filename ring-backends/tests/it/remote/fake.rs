//! A server in the process, that answers, fails and hangs as a test says, and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ring_cache::{Key, Name, RingKey};
#[cfg(feature = "tokio")]
use ring_cache_backends::remote::{AsyncClear, AsyncServer};
use ring_cache_backends::remote::{BlockingClear, BlockingServer, Entry, Expiring, Fault, Found, Server};

use super::PATIENCE;

/// What the server does about an operation.
#[derive(Clone)]
pub(crate) enum Does {
    /// It does it, and answers.
    Answer,
    /// It takes so long for that.
    AnswerAfter(Duration),
    /// It never answers.
    Hang,
    /// It does it, and never answers.
    DoAndHang,
    /// It answers that it will not.
    Refuse,
    /// The connection breaks.
    Break,
    /// It does it, and the connection breaks before the answer.
    DoAndBreak,
    /// It waits until the gate is opened, and then answers. For threads.
    Wait(Gate),
}

/// Where a thread waits until it is let go on.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let (open, opened) = &*self.0;
        let waited = opened.wait_timeout_while(open.lock().unwrap(), PATIENCE, |open| !*open);
        assert!(!waited.unwrap().1.timed_out(), "nobody opened the gate");
    }
}

type Rule = Box<dyn Fn(&str) -> Does + Send>;
type Entries = BTreeMap<String, (Vec<u8>, Option<Duration>)>;

/// Clones are the same server.
#[derive(Clone)]
pub(crate) struct Fake(Arc<State>);

struct State {
    entries: Mutex<Entries>,
    rule: Mutex<Rule>,
    asked: Mutex<Vec<(String, Duration)>>,
    answers: Mutex<Option<usize>>,
}

impl Fake {
    pub(crate) fn new() -> Self {
        Fake(Arc::new(State {
            entries: Mutex::default(),
            rule: Mutex::new(Box::new(|_| Does::Answer)),
            asked: Mutex::default(),
            answers: Mutex::default(),
        }))
    }

    /// From now on the rule says what the server does about an operation, such as `write p:1 p:2`.
    pub(crate) fn rule(&self, rule: impl Fn(&str) -> Does + Send + 'static) {
        *self.0.rule.lock().unwrap() = Box::new(rule);
    }

    /// From now on the server does this about operations of this name, and answers all others.
    pub(crate) fn on(&self, name: &'static str, does: Does) {
        self.rule(move |asked| match asked.split(' ').next() == Some(name) {
            true => does.clone(),
            false => Does::Answer,
        });
    }

    /// From now on the server does this about all.
    pub(crate) fn always(&self, does: Does) {
        self.rule(move |_| does.clone());
    }

    /// From now on it answers all, and all is well.
    pub(crate) fn recover(&self) {
        self.always(Does::Answer);
    }

    /// From now on it has so many answers, however many it was asked for.
    pub(crate) fn give_answers(&self, count: usize) {
        *self.0.answers.lock().unwrap() = Some(count);
    }

    /// The operations since this was asked last, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.0.asked.lock().unwrap());
        asked.into_iter().map(|(asked, _)| asked).collect()
    }

    /// How many operations there were since they were asked for last.
    pub(crate) fn count(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// The names of the operations since they were asked for last, and how much time each was given.
    pub(crate) fn times(&self) -> Vec<(String, Duration)> {
        let asked = std::mem::take(&mut *self.0.asked.lock().unwrap());
        let name = |asked: String| asked.split(' ').next().unwrap().to_owned();
        asked
            .into_iter()
            .map(|(asked, left)| (name(asked), left))
            .collect()
    }

    /// What lies at `place`, as text.
    pub(crate) fn lies_at(&self, place: &str) -> Option<String> {
        let entries = self.0.entries.lock().unwrap();
        let bytes = entries.get(place).map(|(bytes, _)| bytes.clone())?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Puts bytes there as another program would.
    pub(crate) fn put(&self, place: &str, bytes: &str) {
        let mut entries = self.0.entries.lock().unwrap();
        entries.insert(place.to_owned(), (bytes.into(), None));
    }

    fn begin(&self, asked: &str, until: Instant) -> Does {
        let left = until.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "{asked}: asked too late");
        self.0.asked.lock().unwrap().push((asked.to_owned(), left));
        self.0.rule.lock().unwrap()(asked)
    }

    fn act<T>(&self, effect: impl FnOnce(&mut Entries) -> T) -> T {
        effect(&mut self.0.entries.lock().unwrap())
    }

    fn operate<T>(
        &self,
        asked: &str,
        until: Instant,
        effect: impl FnOnce(&mut Entries) -> T,
    ) -> Result<T, Fault> {
        let sleep_until = |end: Instant| std::thread::sleep(end.saturating_duration_since(Instant::now()));
        match self.begin(asked, until) {
            Does::Answer => Ok(self.act(effect)),
            Does::AnswerAfter(time) if Instant::now() + time < until => {
                std::thread::sleep(time);
                Ok(self.act(effect))
            }
            Does::AnswerAfter(_) | Does::Hang => {
                sleep_until(until);
                Err(Fault::Silent)
            }
            Does::DoAndHang => {
                self.act(effect);
                sleep_until(until);
                Err(Fault::Silent)
            }
            Does::Wait(gate) => {
                gate.pass();
                Ok(self.act(effect))
            }
            fails => Err(self.fail(fails, effect)),
        }
    }

    #[cfg(feature = "tokio")]
    async fn operate_async<T>(
        &self,
        asked: String,
        until: Instant,
        effect: impl FnOnce(&mut Entries) -> T,
    ) -> Result<T, Fault> {
        match self.begin(&asked, until) {
            Does::Answer => Ok(self.act(effect)),
            Does::AnswerAfter(time) => {
                tokio::time::sleep(time).await;
                Ok(self.act(effect))
            }
            Does::Hang => std::future::pending().await,
            Does::DoAndHang => {
                self.act(effect);
                std::future::pending().await
            }
            Does::Wait(_) => panic!("gates are for threads"),
            fails => Err(self.fail(fails, effect)),
        }
    }

    fn fail<T>(&self, fails: Does, effect: impl FnOnce(&mut Entries) -> T) -> Fault {
        match fails {
            Does::DoAndBreak => {
                self.act(effect);
                Fault::Broken("connection reset".into())
            }
            Does::Break => Fault::Broken("connection refused".into()),
            _ => Fault::Refused("read only".into()),
        }
    }

    fn answers<T: Clone>(&self, mut answers: Vec<T>, more: T) -> Vec<T> {
        let count = self.0.answers.lock().unwrap().unwrap_or(answers.len());
        answers.resize(count, more);
        answers
    }
}

impl Server for Fake {
    const NAME: &'static str = "fake";

    type Place = String;

    fn place<K: RingKey + ?Sized>(namespace: &str, key: &K) -> String {
        format!("{namespace}{}", Key::of(key))
    }
}

impl Expiring for Fake {}

fn text<'p>(name: &str, places: impl IntoIterator<Item = &'p String>) -> String {
    places
        .into_iter()
        .fold(name.to_owned(), |text, place| text + " " + place)
}

fn found(entries: &Entries, places: &[String]) -> Vec<Option<Found>> {
    places.iter().map(|place| entries.get(place).cloned()).collect()
}

fn values(found: Vec<Option<Found>>) -> Vec<Option<Vec<u8>>> {
    found.into_iter().map(|found| Some(found?.0)).collect()
}

fn put(entries: &mut Entries, new: Vec<Entry<String>>) {
    for (place, value, expiry) in new {
        assert_ne!(expiry, Some(Duration::ZERO), "no expiry is zero");
        entries.insert(place, (value, expiry));
    }
}

fn remove(entries: &mut Entries, places: &[String]) -> Vec<bool> {
    places
        .iter()
        .map(|place| entries.remove(place).is_some())
        .collect()
}

fn contains(entries: &Entries, places: &[String]) -> Vec<bool> {
    places.iter().map(|place| entries.contains_key(place)).collect()
}

fn renew(entries: &mut Entries, renewals: &[(String, Duration)]) -> Vec<bool> {
    let renew = |(place, expiry): &(String, Duration)| {
        let entry = entries.get_mut(place)?;
        entry.1 = Some(*expiry);
        Some(())
    };
    renewals.iter().map(renew).map(|there| there.is_some()).collect()
}

impl BlockingServer for Fake {
    fn read(&self, places: &[String], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let found = self.operate(&text("read", places), until, |entries| found(entries, places))?;
        Ok(self.answers(values(found), Some(b"7".to_vec())))
    }

    fn read_expiring(&self, places: &[String], until: Instant) -> Result<Vec<Option<Found>>, Fault> {
        let found = self.operate(&text("read_expiring", places), until, |entries| {
            found(entries, places)
        })?;
        Ok(self.answers(found, None))
    }

    fn write(&self, new: Vec<Entry<String>>, until: Instant) -> Result<(), Fault> {
        let asked = text("write", new.iter().map(|(place, ..)| place));
        self.operate(&asked, until, |entries| put(entries, new))
    }

    fn remove(&self, places: &[String], until: Instant) -> Result<Vec<bool>, Fault> {
        let removed = self.operate(&text("remove", places), until, |entries| remove(entries, places))?;
        Ok(self.answers(removed, true))
    }

    fn contains(&self, places: &[String], until: Instant) -> Result<Vec<bool>, Fault> {
        let there = self.operate(&text("contains", places), until, |entries| {
            contains(entries, places)
        })?;
        Ok(self.answers(there, true))
    }

    fn renew(&self, renewals: &[(String, Duration)], until: Instant) -> Result<Vec<bool>, Fault> {
        let asked = text("renew", renewals.iter().map(|(place, _)| place));
        let there = self.operate(&asked, until, |entries| renew(entries, renewals))?;
        Ok(self.answers(there, true))
    }
}

#[cfg(feature = "tokio")]
impl AsyncServer for Fake {
    async fn read(&self, places: &[String], until: Instant) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let found = self.operate_async(text("read", places), until, |entries| found(entries, places));
        Ok(self.answers(values(found.await?), Some(b"7".to_vec())))
    }

    async fn read_expiring(&self, places: &[String], until: Instant) -> Result<Vec<Option<Found>>, Fault> {
        let asked = text("read_expiring", places);
        let found = self.operate_async(asked, until, |entries| found(entries, places));
        Ok(self.answers(found.await?, None))
    }

    async fn write(&self, new: Vec<Entry<String>>, until: Instant) -> Result<(), Fault> {
        let asked = text("write", new.iter().map(|(place, ..)| place));
        self.operate_async(asked, until, |entries| put(entries, new))
            .await
    }

    async fn remove(&self, places: &[String], until: Instant) -> Result<Vec<bool>, Fault> {
        let removed = self.operate_async(text("remove", places), until, |entries| remove(entries, places));
        Ok(self.answers(removed.await?, true))
    }

    async fn contains(&self, places: &[String], until: Instant) -> Result<Vec<bool>, Fault> {
        let there = self.operate_async(text("contains", places), until, |entries| {
            contains(entries, places)
        });
        Ok(self.answers(there.await?, true))
    }

    async fn renew(&self, renewals: &[(String, Duration)], until: Instant) -> Result<Vec<bool>, Fault> {
        let asked = text("renew", renewals.iter().map(|(place, _)| place));
        let there = self.operate_async(asked, until, |entries| renew(entries, renewals));
        Ok(self.answers(there.await?, true))
    }
}

fn clear(entries: &mut Entries, namespace: &str, name: &Name) {
    let start = format!("{namespace}{}", name.as_str());
    entries.retain(|place, _| !place.starts_with(&start));
}

/// Longer than any deadline.
fn unhurried() -> Instant {
    Instant::now() + PATIENCE
}

impl BlockingClear for Fake {
    fn clear(&self, namespace: &str, name: &Name) -> Result<(), Fault> {
        self.operate("clear", unhurried(), |entries| clear(entries, namespace, name))
    }
}

#[cfg(feature = "tokio")]
impl AsyncClear for Fake {
    async fn clear(&self, namespace: &str, name: &'static Name) -> Result<(), Fault> {
        self.operate_async("clear".to_owned(), unhurried(), |entries| {
            clear(entries, namespace, name)
        })
        .await
    }
}
