//! `Cache-Control`, as it comes: in any case, on several lines, with quoted strings and odd whitespace.

use http::{HeaderMap, HeaderName};

/// RFC 9111, 1.2.2: larger numbers of seconds are this one.
const MOST_SECONDS: u64 = 1 << 31;

/// The directives of all lines of a header.
pub(crate) struct Directives {
    all: Vec<(String, Option<String>)>,
    /// Whether a part of it cannot be read, which may have been a `private`.
    pub(crate) is_malformed: bool,
}

/// A directive that is a number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seconds {
    Absent,
    Are(u64),
    /// Not a number, or two different ones.
    Invalid,
}

impl Directives {
    pub(crate) fn of(headers: &HeaderMap, name: &HeaderName) -> Self {
        let mut read = Directives {
            all: Vec::new(),
            is_malformed: false,
        };
        for line in headers.get_all(name) {
            let (members, whole) = members(line.as_bytes());
            read.is_malformed |= !whole;
            members.into_iter().for_each(|member| read.add(member));
        }
        read
    }

    fn add(&mut self, member: &[u8]) {
        let equals = member.iter().position(|byte| *byte == b'=');
        let (name, value) = member.split_at(equals.unwrap_or(member.len()));
        let name = trimmed(name);
        let value = equals.map(|_| trimmed(&value[1..]));
        self.is_malformed |= name.is_empty() || !is_token(name) || !value.is_none_or(is_value);
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        self.all.push((name, value.map(unquoted)));
    }

    /// Whether there is a directive of this name, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(other, _)| other == name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && !self.is_malformed
    }

    pub(crate) fn seconds(&self, name: &str) -> Seconds {
        let same_name = self.all.iter().filter(|(other, _)| other == name);
        same_name.fold(Seconds::Absent, |known, (_, value)| {
            match (known, value.as_deref().and_then(delta_seconds)) {
                (Seconds::Absent, Some(seconds)) => Seconds::Are(seconds),
                (Seconds::Are(known), Some(seconds)) if known == seconds => Seconds::Are(known),
                _ => Seconds::Invalid,
            }
        })
    }
}

/// The members of a comma-separated list, trimmed, without empty ones; and whether all quoted strings end.
pub(crate) fn members(line: &[u8]) -> (Vec<&[u8]>, bool) {
    let (mut members, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                members.push(trimmed(&line[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    members.push(trimmed(&line[start..]));
    members.retain(|member| !member.is_empty());
    (members, !quoted)
}

/// A number of seconds: digits only.
pub(crate) fn delta_seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(MOST_SECONDS).min(MOST_SECONDS))
}

pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !is_space(byte))
        .map_or(start, |at| at + 1);
    &bytes[start..end]
}

/// A value without its quotes.
fn unquoted(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inside) => inside.replace('\\', ""),
        None => text.into_owned(),
    }
}

/// A token, or one quoted string.
fn is_value(value: &[u8]) -> bool {
    match value {
        [b'"', inside @ .., b'"'] => {
            let mut escaped = false;
            inside.iter().all(|byte| {
                let is_escaped = escaped;
                escaped = !is_escaped && *byte == b'\\';
                is_escaped || *byte != b'"'
            })
        }
        _ => is_token(value),
    }
}

/// RFC 9110, 5.6.2; also no byte at all.
pub(crate) fn is_token(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CACHE_CONTROL;

    fn directives(lines: &[&str]) -> Directives {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, line.parse().unwrap());
        }
        Directives::of(&headers, &CACHE_CONTROL)
    }

    #[test]
    fn directives_are_found_in_any_case_on_all_lines_with_odd_whitespace() {
        let read = directives(&[
            "Public ,\tMAX-AGE = 60",
            "\t PRIVATE=\"Set-Cookie, X\" ,,",
            "a=\"no-store\"",
            "b=\"\\\", no-store\"",
        ]);
        assert!(read.has("public") && read.has("private") && !read.has("no-store"));
        assert_eq!(read.seconds("max-age"), Seconds::Are(60));
        assert!(!read.is_malformed);
    }

    #[test]
    fn what_cannot_be_read_is_malformed() {
        for line in [
            "private\"",
            "max-age=1; private",
            "a=\"b, private",
            "=1",
            "max age",
            "a=\"b\"c",
            "a=b c",
            "a=\"b\\\"",
        ] {
            assert!(directives(&[line]).is_malformed, "{line}");
        }
    }

    #[test]
    fn seconds_that_differ_or_are_no_number_are_invalid() {
        for (line, expected) in [
            ("max-age=5, max-age=\"5\"", Seconds::Are(5)),
            ("max-age=99999999999999999999999", Seconds::Are(MOST_SECONDS)),
            ("max-age=5, max-age=6", Seconds::Invalid),
            ("max-age=-1", Seconds::Invalid),
            ("max-age=+1", Seconds::Invalid),
            ("max-age=1.5", Seconds::Invalid),
            ("max-age", Seconds::Invalid),
            ("max-age=", Seconds::Invalid),
            ("s-maxage=1", Seconds::Absent),
        ] {
            assert_eq!(directives(&[line]).seconds("max-age"), expected, "{line}");
        }
    }
}
