//! Addresses of servers.

use std::fmt;
use std::path::PathBuf;

use ring_cache_core::Error;

/// The name of the storage in errors.
pub(super) const NAME: &str = "memcached";

const DEFAULT_PORT: u16 = 11211;

/// The addresses of one server or several, for [`Memcached::open`](super::Memcached::open): a text with addresses, separated
/// by commas, or a list of such texts.
pub trait Servers {
    /// The texts of the addresses.
    fn addresses(self) -> Vec<String>;
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Servers for $text {
            fn addresses(self) -> Vec<String> {
                self.split(',').map(|address| address.trim().to_owned()).collect()
            }
        }
    )*};
}

texts!(&str, String, &String);

impl<T: AsRef<str>> Servers for &[T] {
    fn addresses(self) -> Vec<String> {
        self.iter().flat_map(|text| text.as_ref().addresses()).collect()
    }
}

impl<T: AsRef<str>> Servers for Vec<T> {
    fn addresses(self) -> Vec<String> {
        self.as_slice().addresses()
    }
}

impl<T: AsRef<str>> Servers for &Vec<T> {
    fn addresses(self) -> Vec<String> {
        self.as_slice().addresses()
    }
}

impl<T: AsRef<str>, const N: usize> Servers for [T; N] {
    fn addresses(self) -> Vec<String> {
        self.as_slice().addresses()
    }
}

impl<T: AsRef<str>, const N: usize> Servers for &[T; N] {
    fn addresses(self) -> Vec<String> {
        self.as_slice().addresses()
    }
}

/// The address of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Port { host: String, port: u16 },
    Socket(PathBuf),
}

impl Address {
    /// Parses addresses. Errors do not show them: they might contain a secret.
    pub(super) fn all(servers: impl Servers) -> Result<Vec<Address>, Error> {
        let parse = |(number, text): (usize, String)| {
            let failed = |reason| Error::storage(NAME, "open", format!("server {}: {reason}", number + 1));
            Address::parse(&text).map_err(failed)
        };
        let addresses = servers.addresses().into_iter().enumerate();
        let addresses = addresses.map(parse).collect::<Result<Vec<_>, _>>()?;
        if addresses.is_empty() {
            return Err(Error::storage(NAME, "open", "no server: name at least one"));
        }
        Ok(addresses)
    }

    fn parse(text: &str) -> Result<Address, &'static str> {
        let text = ["memcache://", "memcached://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        if let Some(path) = text
            .strip_prefix("unix:")
            .or(text.starts_with('/').then_some(text))
        {
            return Self::socket(path.strip_prefix("//").unwrap_or(path));
        }
        if text.contains("://") {
            return Err("unknown scheme: write `memcache://host:port` or `host:port`");
        }
        if text.contains('@') {
            return Err("names and passwords are not supported");
        }
        let text = text.strip_suffix('/').unwrap_or(text);
        let (host, port) = split_port(text);
        if host.is_empty() || host.contains(|c: char| !c.is_ascii_graphic() || "/?#[]".contains(c)) {
            return Err("invalid host: write `host` or `host:port`");
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or("invalid port")?,
        };
        Ok(Address::Port {
            host: host.to_owned(),
            port,
        })
    }

    fn socket(path: &str) -> Result<Address, &'static str> {
        if !cfg!(unix) {
            return Err("Unix sockets are not supported on this system");
        }
        if path.is_empty() {
            return Err("missing path of the Unix socket");
        }
        Ok(Address::Socket(path.into()))
    }
}

/// Host and port. An IPv6 address contains colons: it is in brackets, or has no port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => ("", None),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

/// The name of a server, by which keys are spread: the same as in pymemcache.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Port { host, port } => write!(f, "{host}:{port}"),
            Address::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(servers: impl Servers) -> Vec<String> {
        let all = Address::all(servers).unwrap();
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_or_many() {
        assert_eq!(texts("memcache://127.0.0.1:11212"), ["127.0.0.1:11212"]);
        assert_eq!(texts("memcached://cache/, b:1"), ["cache:11211", "b:1"]);
        assert_eq!(texts(["a:1", "b:2"]), ["a:1", "b:2"]);
        assert_eq!(texts(&["a:1".to_owned()]), ["a:1"]);
        assert_eq!(texts(vec!["a:1,b:2", "c"]), ["a:1", "b:2", "c:11211"]);
        assert_eq!(texts("[::1]:3,::1"), ["::1:3", "::1:11211"]);
    }

    #[test]
    fn sockets() {
        for text in [
            "memcache:///run/m.sock",
            "/run/m.sock",
            "unix:/run/m.sock",
            "unix:///run/m.sock",
        ] {
            let all = Address::all(text).unwrap();
            assert_eq!(all, [Address::Socket("/run/m.sock".into())], "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        let wrong = [
            "",
            "a:1,,b",
            ":1",
            "a:0",
            "a:66666",
            "a:x",
            "redis://a:1",
            "a b",
            "[::1",
            "[::1]x",
            "a/b",
            "unix:",
            "memcache://me:secret@a:1",
            "a\r\nflush_all",
        ];
        for text in wrong {
            let error = Address::all(text).unwrap_err().to_string();
            assert!(
                error.starts_with("open on memcached failed: server "),
                "{text}: {error}"
            );
            assert!(!error.contains("secret") && !error.contains("flush"), "{error}");
        }
        let none: [&str; 0] = [];
        assert!(Address::all(none).unwrap_err().to_string().contains("no server"));
    }
}
