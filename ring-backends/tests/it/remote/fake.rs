//! A scripted server in the process: it answers, fails or hangs, and records its requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use ring_cache::{Key, Name, RingKey};
#[cfg(feature = "tokio")]
use ring_cache_backends::remote::{AsyncClear, AsyncServer};
use ring_cache_backends::remote::{BlockingClear, BlockingServer, Entry, Expiring, Fault, Found, Server};

use super::PATIENCE;

/// The server's reaction to an operation.
#[derive(Clone)]
pub(crate) enum Does {
    /// Executes it, and answers.
    Answer,
    /// Executes it, and answers after this time.
    AnswerAfter(Duration),
    /// It never answers.
    Hang,
    /// Executes it, and never answers.
    DoAndHang,
    /// Refuses it.
    Refuse,
    /// The connection breaks.
    Break,
    /// Executes it, and the connection breaks before the answer.
    DoAndBreak,
    /// Waits until the gate is opened, and then answers. For threads.
    Wait(Gate),
}

/// A gate that blocks a thread until it is opened.
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
        assert!(!waited.unwrap().1.timed_out(), "the gate was not opened");
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

    /// From now on `rule` decides the reaction to a request, such as `write p:1 p:2`.
    pub(crate) fn rule(&self, rule: impl Fn(&str) -> Does + Send + 'static) {
        *self.0.rule.lock().unwrap() = Box::new(rule);
    }

    /// From now on the server reacts like this to operations of this name, and answers all others.
    pub(crate) fn on(&self, name: &'static str, does: Does) {
        self.rule(move |asked| match asked.split(' ').next() == Some(name) {
            true => does.clone(),
            false => Does::Answer,
        });
    }

    /// From now on the server reacts like this to all requests.
    pub(crate) fn always(&self, does: Does) {
        self.rule(move |_| does.clone());
    }

    /// From now on it answers all requests.
    pub(crate) fn recover(&self) {
        self.always(Does::Answer);
    }

    /// From now on it returns this number of results, for any number of keys.
    pub(crate) fn give_answers(&self, count: usize) {
        *self.0.answers.lock().unwrap() = Some(count);
    }

    /// The operations since the last call, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.0.asked.lock().unwrap());
        asked.into_iter().map(|(asked, _)| asked).collect()
    }

    /// The number of operations since the last call of `asked`.
    pub(crate) fn count(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// The names of the operations since the last call, and the time given to each.
    pub(crate) fn times(&self) -> Vec<(String, Duration)> {
        let asked = std::mem::take(&mut *self.0.asked.lock().unwrap());
        let name = |asked: String| asked.split(' ').next().unwrap().to_owned();
        asked
            .into_iter()
            .map(|(asked, left)| (name(asked), left))
            .collect()
    }

    /// The value at `place`, as text.
    pub(crate) fn lies_at(&self, place: &str) -> Option<String> {
        let entries = self.0.entries.lock().unwrap();
        let bytes = entries.get(place).map(|(bytes, _)| bytes.clone())?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Puts bytes there, like another program.
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

    fn act<T>(&self, request: Request<T>) -> Vec<T> {
        let mut answers = (request.effect)(&mut self.0.entries.lock().unwrap());
        if let Some(more) = request.more {
            let count = self.0.answers.lock().unwrap().unwrap_or(answers.len());
            answers.resize_with(count, more);
        }
        answers
    }

    fn operate<T>(&self, request: Request<T>, until: Instant) -> Result<Vec<T>, Fault> {
        let sleep_until = |end: Instant| std::thread::sleep(end.saturating_duration_since(Instant::now()));
        match self.begin(&request.asked, until) {
            Does::Answer => Ok(self.act(request)),
            Does::AnswerAfter(time) if Instant::now() + time < until => {
                std::thread::sleep(time);
                Ok(self.act(request))
            }
            Does::AnswerAfter(_) | Does::Hang => {
                sleep_until(until);
                Err(Fault::Timeout)
            }
            Does::DoAndHang => {
                self.act(request);
                sleep_until(until);
                Err(Fault::Timeout)
            }
            Does::Wait(gate) => {
                gate.pass();
                Ok(self.act(request))
            }
            fails => Err(self.fail(fails, request)),
        }
    }

    #[cfg(feature = "tokio")]
    async fn operate_async<T>(&self, request: Request<T>, until: Instant) -> Result<Vec<T>, Fault> {
        match self.begin(&request.asked, until) {
            Does::Answer => Ok(self.act(request)),
            Does::AnswerAfter(time) => {
                tokio::time::sleep(time).await;
                Ok(self.act(request))
            }
            Does::Hang => std::future::pending().await,
            Does::DoAndHang => {
                self.act(request);
                std::future::pending().await
            }
            Does::Wait(_) => panic!("gates are for threads"),
            fails => Err(self.fail(fails, request)),
        }
    }

    fn fail<T>(&self, fails: Does, request: Request<T>) -> Fault {
        match fails {
            Does::DoAndBreak => {
                self.act(request);
                Fault::Disconnected("connection reset".into())
            }
            Does::Break => Fault::Disconnected("connection refused".into()),
            _ => Fault::Refused("read only".into()),
        }
    }
}

type Effect<T> = Box<dyn FnOnce(&mut Entries) -> Vec<T> + Send>;

/// A request: its text, and its execution.
pub(crate) struct Request<T> {
    asked: String,
    effect: Effect<T>,
    /// Makes an additional result.
    more: Option<fn() -> T>,
}

impl<T> Request<T> {
    fn new(asked: String, effect: impl FnOnce(&mut Entries) -> Vec<T> + Send + 'static) -> Self {
        Request {
            asked,
            effect: Box::new(effect),
            more: None,
        }
    }

    fn filled_with(self, more: fn() -> T) -> Self {
        Request {
            more: Some(more),
            ..self
        }
    }
}

fn text<'p>(name: &str, keys: impl IntoIterator<Item = &'p String>) -> String {
    keys.into_iter()
        .fold(name.to_owned(), |text, key| text + " " + key)
}

/// A request for each of the keys.
fn each<T: 'static>(
    name: &str,
    keys: &[String],
    effect: impl Fn(&mut Entries, &String) -> T + Send + 'static,
) -> Request<T> {
    let keys = keys.to_vec();
    Request::new(text(name, &keys), move |entries| {
        keys.iter().map(|key| effect(entries, key)).collect()
    })
}

impl Server for Fake {
    const NAME: &'static str = "fake";

    type StoredKey = String;
    type Request<T: Send + 'static> = Request<T>;

    fn stored_key<K: RingKey + ?Sized>(namespace: &str, key: &K) -> String {
        format!("{namespace}{}", Key::of(key))
    }

    fn read(keys: &[String]) -> Result<Request<Option<Vec<u8>>>, Fault> {
        let read = |entries: &mut Entries, key: &String| Some(entries.get(key)?.0.clone());
        Ok(each("read", keys, read).filled_with(|| Some(b"7".to_vec())))
    }

    fn read_expiring(keys: &[String]) -> Result<Request<Option<Found>>, Fault> {
        let read = |entries: &mut Entries, key: &String| entries.get(key).cloned();
        Ok(each("read_expiring", keys, read).filled_with(|| None))
    }

    fn write(new: &[Entry<String>]) -> Result<Request<()>, Fault> {
        let new = new.to_vec();
        let asked = text("write", new.iter().map(|(key, ..)| key));
        Ok(Request::new(asked, move |entries| {
            let put = |(key, value, expiry)| {
                assert_ne!(expiry, Some(Duration::ZERO), "no expiry is zero");
                entries.insert(key, (value, expiry));
            };
            new.into_iter().map(put).collect()
        }))
    }

    fn write_if_absent(new: &[Entry<String>]) -> Result<Request<bool>, Fault> {
        let new = new.to_vec();
        let asked = text("write_if_absent", new.iter().map(|(key, ..)| key));
        let put = |entries: &mut Entries, (key, value, expiry): Entry<String>| {
            let is_absent = !entries.contains_key(&key);
            if is_absent {
                entries.insert(key, (value, expiry));
            }
            is_absent
        };
        let put_all = move |entries: &mut Entries| new.into_iter().map(|new| put(entries, new)).collect();
        Ok(Request::new(asked, put_all).filled_with(|| false))
    }

    fn remove(keys: &[String]) -> Result<Request<bool>, Fault> {
        let remove = |entries: &mut Entries, key: &String| entries.remove(key).is_some();
        Ok(each("remove", keys, remove).filled_with(|| true))
    }

    fn contains(keys: &[String]) -> Result<Request<bool>, Fault> {
        let contains = |entries: &mut Entries, key: &String| entries.contains_key(key);
        Ok(each("contains", keys, contains).filled_with(|| true))
    }

    fn touch(renewals: &[(String, Duration)]) -> Result<Request<bool>, Fault> {
        let renewals = renewals.to_vec();
        let asked = text("touch", renewals.iter().map(|(key, _)| key));
        let touch = |entries: &mut Entries, (key, expiry): &(String, Duration)| {
            let entry = entries.get_mut(key);
            entry.map(|entry| entry.1 = Some(*expiry)).is_some()
        };
        let touch =
            move |entries: &mut Entries| renewals.iter().map(|renewal| touch(entries, renewal)).collect();
        Ok(Request::new(asked, touch).filled_with(|| true))
    }
}

impl Expiring for Fake {}

impl BlockingServer for Fake {
    fn send<T: Send + 'static>(
        &self,
        _: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        self.operate(request, until)
    }
}

#[cfg(feature = "tokio")]
impl AsyncServer for Fake {
    async fn send_async<T: Send + 'static>(
        &self,
        _: usize,
        request: Request<T>,
        until: Instant,
    ) -> Result<Vec<T>, Fault> {
        self.operate_async(request, until).await
    }
}

/// Longer than any deadline.
fn without_deadline() -> Instant {
    Instant::now() + PATIENCE
}

fn clearing(namespace: &str, name: &Name) -> Request<()> {
    let start = format!("{namespace}{}", name.as_str());
    Request::new("clear".to_owned(), move |entries| {
        entries.retain(|key, _| !key.starts_with(&start));
        Vec::new()
    })
}

impl BlockingClear for Fake {
    fn clear(&self, namespace: &str, name: &Name) -> Result<(), Fault> {
        self.operate(clearing(namespace, name), without_deadline())
            .map(drop)
    }
}

#[cfg(feature = "tokio")]
impl AsyncClear for Fake {
    async fn clear(&self, namespace: &str, name: &'static Name) -> Result<(), Fault> {
        self.operate_async(clearing(namespace, name), without_deadline())
            .await
            .map(drop)
    }
}
