//! The outcome of a change, as a word and as a sentence.

/// The outcome of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Checked,
    Deleted,
    Refreshed,
    Cleared,
    Absent,
}

impl Done {
    const ALL: [(Done, &'static str, &'static str); 5] = [
        (
            Done::Checked,
            "checked",
            "The token is right. Nothing was changed.",
        ),
        (Done::Deleted, "deleted", "The key was deleted."),
        (
            Done::Refreshed,
            "refreshed",
            "The entry is stale now: the next call recomputes it.",
        ),
        (Done::Cleared, "cleared", "The ring was cleared."),
        (Done::Absent, "absent", "There was no such entry."),
    ];

    pub(crate) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(done, ..)| *done == self)
            .map_or("", |(_, word, _)| word)
    }

    pub(crate) fn sentence(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(done, ..)| *done == self)
            .map_or("", |(.., sentence)| sentence)
    }

    /// The sentence for a word of a query.
    pub(crate) fn of_word(word: &str) -> Option<&'static str> {
        let found = Self::ALL.iter().find(|(_, known, _)| *known == word);
        found.map(|(.., sentence)| *sentence)
    }
}
