//! Outcomes of calls, on fallible and infallible storages.

/// The outcome of one call.
pub(crate) struct Answer {
    /// The versions that were returned, with their keys.
    pub(crate) seen: Vec<(u32, u64)>,
    /// Whether it succeeded.
    pub(crate) done: bool,
}

impl Answer {
    /// A call that returns values of the body.
    pub(crate) fn values(keys: &[u32], values: Vec<u64>) -> Self {
        assert_eq!(keys.len(), values.len());
        Answer {
            seen: keys.iter().copied().zip(values).collect(),
            done: true,
        }
    }

    /// A look-up.
    pub(crate) fn found(keys: &[u32], found: impl Found) -> Self {
        let found = keys.iter().zip(found.found());
        Answer {
            seen: found.filter_map(|(key, found)| Some((*key, found?))).collect(),
            done: true,
        }
    }

    /// A change.
    pub(crate) fn changed(outcome: impl Outcome) -> Self {
        Answer {
            seen: Vec::new(),
            done: outcome.is_done(),
        }
    }
}

/// The result of a look-up.
pub(crate) trait Found {
    fn found(self) -> Vec<Option<u64>>;
}

impl Found for Option<u64> {
    fn found(self) -> Vec<Option<u64>> {
        vec![self]
    }
}

impl Found for Vec<Option<u64>> {
    fn found(self) -> Vec<Option<u64>> {
        self
    }
}

impl<F: Found, E> Found for Result<F, E> {
    fn found(self) -> Vec<Option<u64>> {
        self.map_or(Vec::new(), Found::found)
    }
}

/// The result of a change.
pub(crate) trait Outcome {
    fn is_done(&self) -> bool;
}

macro_rules! always_done {
    ($($outcome:ty),*) => {
        $(impl Outcome for $outcome {
            fn is_done(&self) -> bool {
                true
            }
        })*
    };
}

always_done!((), bool, Vec<bool>);

impl<T, E> Outcome for Result<T, E> {
    fn is_done(&self) -> bool {
        self.is_ok()
    }
}
