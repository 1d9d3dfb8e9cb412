//! Keys of the types of other crates, each behind the feature of its name.

#[cfg(any(
    feature = "uuid",
    feature = "url",
    feature = "bytes",
    feature = "chrono",
    feature = "jiff"
))]
use super::{KeyWriter, RingKey, TypeName};

/// Identified by its `Display` text, which the crate documents as stable.
#[cfg(any(feature = "chrono", feature = "jiff"))]
macro_rules! displayed {
    ($($type:ty, $name:literal;)*) => {$(
        impl RingKey for $type {
            fn ring_key<W: KeyWriter>(&self, key: &mut W) {
                super::network::display(self, |text| key.text(text));
            }

            fn ring_name(name: &mut TypeName) {
                name.text($name);
            }
        }
    )*};
}

/// The hyphenated form.
#[cfg(feature = "uuid")]
impl RingKey for uuid::Uuid {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.text(self.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    }

    fn ring_name(name: &mut TypeName) {
        name.text("Uuid");
    }

    fn may_read(reading: super::Reading<'_>) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        reading.of_plain(
            |text| text.len() == 36 && digits(text),
            |start| start.len() < 36 && digits(start),
        )
    }
}

#[cfg(feature = "url")]
impl RingKey for url::Url {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.text(self.as_str());
    }

    fn ring_name(name: &mut TypeName) {
        name.text("Url");
    }
}

#[cfg(feature = "bytes")]
impl RingKey for bytes::Bytes {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        key.bytes(self);
    }

    fn ring_name(name: &mut TypeName) {
        name.text("Bytes");
    }
}

#[cfg(feature = "chrono")]
displayed! {
    chrono::NaiveDate, "NaiveDate";
    chrono::NaiveTime, "NaiveTime";
}

#[cfg(feature = "chrono")]
impl RingKey for chrono::NaiveDateTime {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        super::network::display(self.format("%Y-%m-%dT%H:%M:%S%.f"), |text| key.text(text));
    }

    fn ring_name(name: &mut TypeName) {
        name.text("NaiveDateTime");
    }
}

/// The instant, in UTC: times equal in chrono are one key, whatever their time zones.
#[cfg(feature = "chrono")]
impl<Z: chrono::TimeZone> RingKey for chrono::DateTime<Z> {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        super::network::display(self.naive_utc().format("%Y-%m-%dT%H:%M:%S%.fZ"), |text| {
            key.text(text)
        });
    }

    /// With the time zone: results of functions of an instant can depend on it.
    fn ring_name(name: &mut TypeName) {
        name.generic("DateTime", |name| name.path(std::any::type_name::<Z>()));
    }
}

#[cfg(feature = "jiff")]
displayed! {
    jiff::Timestamp, "Timestamp";
    jiff::civil::Date, "Date";
    jiff::civil::Time, "Time";
    jiff::civil::DateTime, "DateTime";
    jiff::SignedDuration, "SignedDuration";
}

/// The instant alone, like jiff's equality: equal times are one key, whatever their time zones.
#[cfg(feature = "jiff")]
impl RingKey for jiff::Zoned {
    fn ring_key<W: KeyWriter>(&self, key: &mut W) {
        self.timestamp().ring_key(key);
    }

    fn ring_name(name: &mut TypeName) {
        name.text("Zoned");
    }
}
