//! A connection that awaited calls share, and the task that drives it.
//!
//! Calls leave their requests here. The driver sends all that have been left together, an [echo token](super::echo_token)
//! behind the commands of each. Replies come in the order of the commands: a request gets its own when there is one to each
//! command, and the token behind them. If a call is dropped after its request was sent, its replies are read and discarded.
//!
//! Look-ups that are sent together are [joined](super::joined_lookups) to one request. One token behind several commands for
//! different calls would not do: it does not show that of their replies one was doubled and another lost, or that two changed
//! places, and calls would get each other's values.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::{iter, mem};

use parking_lot::Mutex;
use redis::{RedisError, RedisResult, Value};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use super::dialect::Dialect;
use super::echo_token::{EchoToken, Replies};
use super::joined_lookups::{self, Joining, LookupCommand};
use super::reply_buffer::ReplyBuffer;
use super::request::Commands;

/// The bytes that are sent together.
const MAX_OUTGOING: usize = 1 << 16;
/// Requests of dropped calls are removed when there are so many, or twice as many as were left the last time.
const MIN_CROWD: usize = 64;
/// More bytes than this without a reply are the beginning of a long one.
const LONG: u64 = 1 << 10;
/// The most bytes that are kept of what came first.
const BEGINNING: usize = 64;

/// The side of the calls.
pub(super) struct Multiplexer {
    dialect: Arc<Dialect>,
    state: Mutex<State>,
    traffic: Traffic,
}

/// The task that reads, and writes what calls did not write themselves.
pub(super) struct Driver<R> {
    multiplexer: Arc<Multiplexer>,
    reader: R,
    incoming: ReplyBuffer,
    /// Whether it let other tasks leave their commands before it sends.
    has_yielded: bool,
}

struct State {
    /// `None` when the connection has ended.
    writer: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    /// What is not sent, in the order of the calls.
    waiting: VecDeque<Request>,
    /// The number of waiting requests at which those of dropped calls are removed.
    crowd: usize,
    /// The bytes of requests, of which the first are written.
    outgoing: Vec<u8>,
    written: usize,
    /// The requests without all their replies.
    sent: VecDeque<Sent>,
    joining: Joining,
    /// Whether joined look-ups were answered.
    has_joined: bool,
    /// Whether calls at the same time got the last replies.
    is_shared: bool,
    /// Wakes the driver, unless it is woken already.
    driver: Option<Waker>,
}

/// Gives the replies to the call.
type Caller = oneshot::Sender<RedisResult<Vec<Value>>>;

/// The commands of a call.
struct Request {
    bytes: Vec<u8>,
    commands: usize,
    has_token: bool,
    /// Whether it must not be joined with others.
    is_alone: bool,
    caller: Caller,
}

/// Requests that were sent: several if they were joined.
struct Sent {
    replies: Replies,
    request: Request,
    joined: Vec<Request>,
}

/// What came in.
#[derive(Default)]
struct Traffic {
    bytes: AtomicU64,
    /// The bytes up to the end of the last reply.
    replied: AtomicU64,
    /// What came first.
    beginning: OnceLock<Box<[u8]>>,
}

impl Multiplexer {
    /// The two sides of a connection. The writer must send at once what is written.
    pub(super) fn new<R, W>(dialect: Arc<Dialect>, reader: R, writer: W) -> (Arc<Self>, Driver<R>)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let multiplexer = Arc::new(Multiplexer {
            dialect,
            state: Mutex::new(State {
                writer: Some(Box::new(writer)),
                waiting: VecDeque::new(),
                crowd: MIN_CROWD,
                outgoing: Vec::new(),
                written: 0,
                sent: VecDeque::new(),
                joining: Joining::new(),
                has_joined: false,
                is_shared: false,
                driver: None,
            }),
            traffic: Traffic::default(),
        });
        let driver = Driver {
            multiplexer: Arc::clone(&multiplexer),
            reader,
            incoming: ReplyBuffer::default(),
            has_yielded: false,
        };
        (multiplexer, driver)
    }

    /// Sends commands, and returns their replies.
    pub(super) async fn send(&self, commands: &Commands, has_token: bool) -> RedisResult<Vec<Value>> {
        if commands.len() == 0 && !has_token {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::new();
        commands.pack(&mut bytes);
        let (caller, replies) = oneshot::channel();
        self.leave(Request {
            bytes,
            commands: commands.len(),
            has_token,
            is_alone: false,
            caller,
        });
        replies.await.unwrap_or_else(|_| Err(ended()))
    }

    fn leave(&self, request: Request) {
        let mut state = self.state.lock();
        if state.writer.is_none() {
            return;
        }
        let is_idle = state.waiting.is_empty() && state.sent.is_empty() && !state.is_shared;
        state.remove_dropped();
        state.waiting.push_back(request);
        if is_idle {
            // Nothing to wait for: writing here saves a turn of the driver. If it fails, it fails for the driver, too.
            let _ = state.write(&self.dialect, &mut Context::from_waker(Waker::noop()));
        }
        let driver = if state.has_unwritten() {
            state.driver.take()
        } else {
            None
        };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Notes that the connection has ended. Some proxies end it at commands that they do not know: they never answer joined
    /// look-ups.
    fn note_lost(&self, error: &RedisError) {
        let joins_keys = |sent: &Sent| {
            let lookup = sent.request.lookup();
            lookup.is_some_and(|lookup| lookup.is_of_key()) && !sent.joined.is_empty()
        };
        let state = self.state.lock();
        if error.is_connection_dropped() && !state.has_joined && state.sent.iter().any(joins_keys) {
            self.dialect.refuse_joined();
        }
    }

    /// Ends the connection, and all calls on it.
    fn end(&self, error: &RedisError) {
        let mut state = self.state.lock();
        let writer = state.writer.take();
        let (waiting, sent) = (mem::take(&mut state.waiting), mem::take(&mut state.sent));
        drop(state);
        drop(writer);
        for Sent { request, joined, .. } in sent {
            let requests = iter::once(request).chain(joined);
            requests.for_each(|request| request.finish(Err(error.clone())));
        }
        // They were not sent, or are look-ups: their calls learn that the connection has ended, and may use another one.
        drop(waiting);
    }

    /// What the server sent first.
    pub(super) fn beginning(&self) -> Option<&[u8]> {
        self.traffic.beginning.get().map(|beginning| &**beginning)
    }

    /// The number of bytes that came in.
    pub(super) fn received(&self) -> u64 {
        self.traffic.bytes.load(Ordering::Relaxed)
    }

    /// Whether a long reply began to come after so many bytes, and has not ended.
    pub(super) fn is_in_long_reply(&self, since: u64) -> bool {
        self.traffic.replied.load(Ordering::Relaxed) <= since && self.received() > since + LONG
    }
}

impl State {
    fn has_unwritten(&self) -> bool {
        self.written < self.outgoing.len() || !self.waiting.is_empty()
    }

    /// Removes requests of dropped calls, if there are many: a server that takes nothing must not use up the memory.
    fn remove_dropped(&mut self) {
        if self.waiting.len() >= self.crowd {
            self.waiting.retain(|request| !request.caller.is_closed());
            self.crowd = (2 * self.waiting.len()).max(MIN_CROWD);
        }
    }

    /// Writes what waits, as far as the connection takes it.
    fn write(&mut self, dialect: &Dialect, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            if self.written == self.outgoing.len() {
                self.pack(dialect);
            }
            let Some(writer) = self.writer.as_mut().filter(|_| !self.outgoing.is_empty()) else {
                return Ok(());
            };
            match Pin::new(writer).poll_write(context, &self.outgoing[self.written..]) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => self.written += written?,
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Takes waiting requests to be written, when all others are. Requests of dropped calls are not sent.
    fn pack(&mut self, dialect: &Dialect) {
        self.written = 0;
        self.outgoing.clear();
        self.outgoing.shrink_to(MAX_OUTGOING);
        while self.outgoing.len() < MAX_OUTGOING
            && let Some(mut request) = self.waiting.pop_front()
        {
            if request.caller.is_closed() {
                continue;
            }
            let limit = if dialect.joins() { self.joining.limit() } else { 1 };
            let joined = self.joined(&request, limit);
            let commands = if joined.is_empty() {
                // It is not kept until the reply: it may contain a large value.
                self.outgoing.extend_from_slice(&mem::take(&mut request.bytes));
                request.commands
            } else {
                let requests = iter::once(&request).chain(&joined);
                let lookups: Vec<_> = requests.filter_map(Request::lookup).collect();
                joined_lookups::pack(&lookups, &mut self.outgoing)
            };
            let token = request.has_token.then(EchoToken::new);
            if let Some(token) = token {
                token.pack(&mut self.outgoing);
            }
            self.sent.push_back(Sent {
                replies: Replies::to(commands, token),
                request,
                joined,
            });
        }
    }

    /// The next requests, as far as they can be joined with this one, and no more than `limit` with it.
    fn joined(&mut self, first: &Request, limit: usize) -> Vec<Request> {
        let mut joined = Vec::new();
        let Some(lookup) = first.lookup() else {
            return joined;
        };
        while 1 + joined.len() < limit
            && let Some(next) = self.waiting.front()
            && (next.caller.is_closed() || next.lookup().is_some_and(|next| next.joins(&lookup)))
        {
            let next = self.waiting.pop_front();
            joined.extend(next.filter(|next| !next.caller.is_closed()));
        }
        joined
    }

    /// Leaves requests again, before all others.
    fn ask_again(&mut self, unanswered: Vec<Request>) {
        for request in unanswered.into_iter().rev() {
            self.waiting.push_front(Request {
                is_alone: true,
                ..request
            });
        }
    }

    /// Takes replies that came, and returns the requests that are complete with them.
    fn take_replies(&mut self, incoming: &mut ReplyBuffer) -> (Vec<Sent>, RedisResult<()>) {
        let mut complete = Vec::new();
        loop {
            let reply = match incoming.next() {
                Ok(Some(reply)) => reply,
                Ok(None) => return (complete, Ok(())),
                Err(error) => return (complete, Err(error)),
            };
            // Without a request it is one too many, which the next token shows if it matters.
            if let Some(request) = self.sent.front_mut() {
                if !request.replies.have_all_but_the_token() {
                    self.joining.note(&reply);
                }
                if let Err(error) = request.replies.add(reply) {
                    return (complete, Err(error));
                }
                if request.replies.are_complete() {
                    self.has_joined |= !request.joined.is_empty();
                    complete.extend(self.sent.pop_front());
                }
            }
        }
    }
}

impl Request {
    /// The look-up that can be joined with others. Without a token, only the number of replies would match them to commands.
    fn lookup(&self) -> Option<LookupCommand<'_>> {
        let may_join = self.has_token && !self.is_alone && self.commands == 1;
        may_join.then(|| LookupCommand::of(&self.bytes)).flatten()
    }

    /// Gives the replies to the call.
    fn finish(self, replies: RedisResult<Vec<Value>>) {
        // An error: the call was dropped.
        let _ = self.caller.send(replies);
    }
}

impl Sent {
    /// Gives the replies to the calls. Requests without one must be asked again, alone.
    fn finish(self, dialect: &Dialect, unanswered: &mut Vec<Request>) {
        let replies = self.replies.all();
        if self.joined.is_empty() {
            return self.request.finish(replies);
        }
        let count = 1 + self.joined.len();
        let requests = iter::once(self.request).chain(self.joined);
        match replies.map(|replies| joined_lookups::replies(replies, count)) {
            Err(error) => requests.for_each(|request| request.finish(Err(error.clone()))),
            Ok((replies, is_refused)) => {
                if is_refused {
                    dialect.refuse_joined();
                }
                requests.zip(replies).for_each(|(request, reply)| match reply {
                    Some(reply) => request.finish(Ok(vec![reply])),
                    None => unanswered.push(request),
                });
            }
        }
    }
}

impl<R: AsyncRead + Unpin> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.read(context).and_then(|()| self.write(context)) {
            Ok(()) => Poll::Pending,
            Err(error) => {
                self.multiplexer.note_lost(&error);
                self.multiplexer.end(&error);
                Poll::Ready(())
            }
        }
    }
}

impl<R: AsyncRead + Unpin> Driver<R> {
    /// Reads what has come, and gives complete replies to their calls.
    fn read(&mut self, context: &mut Context<'_>) -> RedisResult<()> {
        loop {
            let mut space = ReadBuf::new(self.incoming.space()?);
            let Poll::Ready(read) = Pin::new(&mut self.reader).poll_read(context, &mut space) else {
                return Ok(());
            };
            read?;
            let came = space.filled();
            if came.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let count = came.len();
            let total = self.multiplexer.traffic.add(came);
            self.incoming.add(count);
            let mut state = self.multiplexer.state.lock();
            let (complete, taken) = state.take_replies(&mut self.incoming);
            if let Some(first) = complete.first() {
                state.is_shared = complete.len() > 1 || !first.joined.is_empty();
            }
            drop(state);
            let replied = total - self.incoming.incomplete() as u64;
            self.multiplexer.traffic.replied.store(replied, Ordering::Relaxed);
            // Not with the state locked: the calls may use the connection at once.
            let mut unanswered = Vec::new();
            for sent in complete {
                sent.finish(&self.multiplexer.dialect, &mut unanswered);
            }
            if !unanswered.is_empty() {
                self.multiplexer.state.lock().ask_again(unanswered);
            }
            taken?;
        }
    }

    /// Writes what waits: one turn later, when other tasks that can go on now have left their commands as well.
    fn write(&mut self, context: &mut Context<'_>) -> RedisResult<()> {
        let mut state = self.multiplexer.state.lock();
        self.has_yielded = !self.has_yielded && !state.waiting.is_empty();
        if self.has_yielded {
            context.waker().wake_by_ref();
            return Ok(());
        }
        state.driver = Some(context.waker().clone());
        Ok(state.write(&self.multiplexer.dialect, context)?)
    }
}

impl<R> Drop for Driver<R> {
    /// Ends the connection and all calls on it. The task is dropped when its runtime ends, and when the connection is closed.
    fn drop(&mut self) {
        self.multiplexer.end(&ended());
    }
}

impl Traffic {
    /// Counts bytes that came. Returns the number of all.
    fn add(&self, came: &[u8]) -> u64 {
        let before = self.bytes.fetch_add(came.len() as u64, Ordering::Relaxed);
        if before == 0 {
            let beginning = came.get(..BEGINNING).unwrap_or(came);
            let _ = self.beginning.set(beginning.into());
        }
        before + came.len() as u64
    }
}

fn ended() -> RedisError {
    io::Error::from(io::ErrorKind::BrokenPipe).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that takes nothing and says nothing.
    struct Silent;

    impl AsyncRead for Silent {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    impl AsyncWrite for Silent {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Pending
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    fn commands() -> Commands {
        Commands::One(redis::cmd("GET").arg("key").clone())
    }

    /// Polls once.
    fn begin<F: Future>(work: Pin<&mut F>) -> Poll<F::Output> {
        work.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn dropped_calls_to_a_server_that_takes_nothing_use_no_memory() {
        let (multiplexer, mut driver) = Multiplexer::new(Arc::default(), Silent, Silent);
        let commands = commands();
        for _ in 0..10_000 {
            assert!(begin(std::pin::pin!(multiplexer.send(&commands, true))).is_pending());
            assert!(begin(Pin::new(&mut driver)).is_pending());
        }
        let state = multiplexer.state.lock();
        assert!(state.waiting.len() <= MIN_CROWD && state.sent.len() <= 1 + MIN_CROWD);
    }

    #[test]
    fn calls_end_with_the_task_that_drives_the_connection() {
        let (multiplexer, driver) = Multiplexer::new(Arc::default(), Silent, Silent);
        let commands = commands();
        let (mut sent, mut waiting) = (
            Box::pin(multiplexer.send(&commands, true)),
            Box::pin(multiplexer.send(&commands, true)),
        );
        assert!(begin(sent.as_mut()).is_pending() && begin(waiting.as_mut()).is_pending());
        drop(driver);
        for call in [
            sent.as_mut(),
            waiting.as_mut(),
            Box::pin(multiplexer.send(&commands, true)).as_mut(),
        ] {
            let Poll::Ready(Err(error)) = begin(call) else {
                panic!("it goes on");
            };
            assert!(error.is_connection_dropped());
        }
    }
}
