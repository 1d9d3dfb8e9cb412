//! The possible texts of a value, as far as its type tells: for detecting rings that can have equal keys.

/// A question about the text of a segment.
#[derive(Clone, Copy, Debug)]
pub enum Reading<'t> {
    /// Whether it may be this text.
    Whole(&'t str),
    /// Whether it may begin with this text, and go on.
    Start(&'t str),
    /// Whether a `:` may be in it.
    Colon,
}

impl Reading<'_> {
    /// The answer of a type with the test `is_one` of whole texts, which contain no `:`.
    pub fn of_plain(self, is_one: impl Fn(&str) -> bool, may_begin: impl Fn(&str) -> bool) -> bool {
        match self {
            Reading::Whole(text) => is_one(text),
            Reading::Start(text) => !text.contains(':') && may_begin(text),
            Reading::Colon => false,
        }
    }

    /// The answer of an integer.
    pub(crate) fn of_integer(self) -> bool {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = |text: &str| digits(text.strip_prefix('-').unwrap_or(text));
        self.of_plain(|text| number(text) && !text.is_empty() && text != "-", number)
    }

    /// The answer of a type with these words as texts.
    pub fn of_words(self, words: &[&str]) -> bool {
        self.of_plain(
            |text| words.contains(&text),
            |start| words.iter().any(|word| word.starts_with(start)),
        )
    }

    /// The answer of a group: `name(…)` or `[…]`, up to its bracket.
    pub fn of_group(self, opening: &str) -> bool {
        match self {
            Reading::Whole(text) => text.starts_with(opening),
            Reading::Start(start) => start.starts_with(opening) || opening.starts_with(start),
            Reading::Colon => true,
        }
    }

    /// The answer of a text that begins with `before` and has values in it.
    pub fn of_format(self, before: &str, has_colon: impl Fn(Reading<'_>) -> bool) -> bool {
        match self {
            Reading::Colon => has_colon(self),
            Reading::Whole(_) | Reading::Start(_) => self.of_group(before),
        }
    }

    /// The answer of a value after a label.
    pub fn of_labelled(self, name: &str, value: impl Fn(Reading<'_>) -> bool) -> bool {
        let label = format!("{name}=");
        match self {
            Reading::Whole(text) => text
                .strip_prefix(&*label)
                .is_some_and(|rest| value(Reading::Whole(rest))),
            Reading::Start(start) => match start.strip_prefix(&*label) {
                Some(rest) => value(Reading::Start(rest)),
                None => label.starts_with(start),
            },
            Reading::Colon => value(Reading::Colon),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reading;
    use crate::RingKey;

    fn whole<T: RingKey>(text: &str) -> bool {
        T::may_read(Reading::Whole(text))
    }

    fn start<T: RingKey>(text: &str) -> bool {
        T::may_read(Reading::Start(text))
    }

    #[test]
    fn types_tell_what_their_texts_are_not() {
        assert!(whole::<u32>("7") && whole::<i64>("-7"));
        assert!(!whole::<u32>("posts") && !whole::<u32>("") && !whole::<&i8>("-"));
        assert!(!start::<u32>("7:") && start::<u32>("7"));
        assert!(whole::<bool>("true") && !whole::<bool>("posts"));
        assert!(whole::<String>("posts") && start::<&str>("posts:"));
        assert!(
            whole::<Option<u32>>("None") && whole::<Option<u32>>("Some(1)") && !whole::<Option<u32>>("posts")
        );
        assert!(whole::<(u32, u32)>("(1,2)") && !whole::<(u32, u32)>("posts"));
        assert!(whole::<Vec<u32>>("[1]") && !whole::<Vec<u32>>("posts"));
        assert!(whole::<Vec<u8>>("posts"), "bytes have no quotes");
    }

    #[test]
    fn only_some_types_have_colons() {
        assert!(!u32::may_read(Reading::Colon) && !bool::may_read(Reading::Colon));
        assert!(str::may_read(Reading::Colon) && <(String,)>::may_read(Reading::Colon));
    }
}
