//! Keys of addresses, and of values by their `Display` text.

use std::fmt::{self, Display, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use super::{KeyWriter, RingKey, TypeName};

macro_rules! address {
    ($($type:ident)*) => {$(
        impl RingKey for $type {
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                display(self, |text| key.text(text));
            }

            fn ring_name(name: &mut TypeName) {
                name.text(stringify!($type));
            }
        }
    )*};
}

address!(IpAddr Ipv4Addr Ipv6Addr SocketAddrV4);

impl RingKey for SocketAddr {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self {
            SocketAddr::V4(address) => address.ring_key(key),
            SocketAddr::V6(address) => address.ring_key(key),
        }
    }

    fn ring_name(name: &mut TypeName) {
        name.text("SocketAddr");
    }
}

/// `Display` omits the flow, which is part of equality.
impl RingKey for SocketAddrV6 {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        match self.flowinfo() {
            0 => display(self, |text| key.text(text)),
            flow => display(format_args!("{self}/{flow}"), |text| key.text(text)),
        }
    }

    fn ring_name(name: &mut TypeName) {
        name.text("SocketAddrV6");
    }
}

/// Passes the text of `value` to `write`; a short one, as of addresses and dates, from the stack.
pub(super) fn display(value: impl Display, write: impl FnOnce(&str)) {
    let mut short = ShortText {
        bytes: [0; 96],
        length: 0,
    };
    match write!(short, "{value}") {
        Ok(()) => write(std::str::from_utf8(&short.bytes[..short.length]).expect("made of whole strings")),
        Err(fmt::Error) => write(&value.to_string()),
    }
}

struct ShortText {
    bytes: [u8; 96],
    length: usize,
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
