//! Queries and forms.

/// Pairs of names and values, as `application/x-www-form-urlencoded`.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Query(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// The first value of this name. An empty one counts as none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
}

/// A path with a query.
pub(crate) fn with_query<'q>(path: &str, pairs: impl IntoIterator<Item = (&'q str, &'q str)>) -> String {
    let path = format!("{path}?");
    let query = path.len();
    let mut query = form_urlencoded::Serializer::for_suffix(path, query);
    query.extend_pairs(pairs);
    query.finish()
}
