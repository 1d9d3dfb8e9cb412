//! Connecting to a name with several addresses, some of which may be dead: attempts start one after another with a short
//! delay, and the first connection wins ("happy eyeballs", RFC 8305).

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The delay before the next address is tried in parallel. Short, since calls wait for tenths of a second.
pub(crate) const STAGGER: Duration = Duration::from_millis(15);

/// The most addresses tried.
pub(crate) const MAX_ADDRESSES: usize = 16;

/// Connects to one of the addresses of a name.
pub(crate) fn connect(host: &str, port: u16, until: Instant) -> io::Result<TcpStream> {
    let mut addresses = (host, port).to_socket_addrs()?.take(MAX_ADDRESSES);
    match (addresses.next(), addresses.next()) {
        (None, _) => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
        (Some(only), None) => TcpStream::connect_timeout(&only, left(until)?),
        (Some(first), Some(second)) => race([first, second].into_iter().chain(addresses), until),
    }
}

fn race(addresses: impl Iterator<Item = SocketAddr>, until: Instant) -> io::Result<TcpStream> {
    let (sender, outcomes) = mpsc::channel();
    let mut addresses = addresses.peekable();
    let (mut running, mut failure) = (0, None);
    loop {
        if let Some(address) = addresses.next() {
            let (sender, left) = (sender.clone(), left(until)?);
            let connect = move || drop(sender.send(TcpStream::connect_timeout(&address, left)));
            thread::Builder::new()
                .name("ring-cache connect".into())
                .spawn(connect)?;
            running += 1;
        }
        let patience = if addresses.peek().is_some() {
            STAGGER.min(left(until)?)
        } else {
            left(until)?
        };
        match outcomes.recv_timeout(patience) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => {
                running -= 1;
                failure = Some(error);
            }
            Err(_) => {}
        }
        if let Some(error) = failure.take_if(|_| running == 0 && addresses.peek().is_none()) {
            return Err(error);
        }
    }
}

/// [`connect`], awaited. It has no time limit of its own.
#[cfg(feature = "tokio")]
pub(crate) async fn connect_async(addresses: Vec<SocketAddr>) -> io::Result<tokio::net::TcpStream> {
    let mut attempts = tokio::task::JoinSet::new();
    for (number, address) in (0..).zip(addresses.into_iter().take(MAX_ADDRESSES)) {
        attempts.spawn(async move {
            tokio::time::sleep(STAGGER * number).await;
            tokio::net::TcpStream::connect(address).await
        });
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    while let Some(ended) = attempts.join_next().await {
        match ended.map_err(io::Error::from).and_then(|connected| connected) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// An address that accepts connections, and its listener.
    fn alive() -> (SocketAddr, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        (listener.local_addr().unwrap(), listener)
    }

    /// The first address refuses connections, and the second does not answer.
    fn dead() -> [SocketAddr; 2] {
        let refuses = alive().0;
        [refuses, "192.0.2.1:9".parse().unwrap()]
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn a_dead_address_costs_little() {
        let (alive, _listener) = alive();
        let [refuses, silent] = dead();
        let stream = race([silent, refuses, silent, alive].into_iter(), soon()).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
    }

    #[test]
    fn dead_addresses_only_are_an_error() {
        let [refuses, _] = dead();
        race([refuses, refuses].into_iter(), soon()).unwrap_err();
    }
}
