//! Types that are the crate's own.

use rings::{Lru, RingKey, ring_impl};

/// A page.
#[derive(Clone, Debug, RingKey)]
#[ring_key(prefix = "page")]
pub struct Page {
    url: String,
}

#[ring_impl]
impl Page {
    const LIMIT: usize = 10;

    /// A page.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    fn helper(&self) -> String {
        self.url.clone()
    }

    /// The page's body.
    #[must_use]
    #[ring]
    pub fn content(&self) -> String {
        self.helper()
    }

    /// A part of it.
    #[must_use]
    #[ring(expire = "60s", capacity = Self::LIMIT, ignore(_trace))]
    pub fn section(&self, number: u32, _trace: &str) -> Self {
        Self::new(&format!("{}#{number}", self.url))
    }

    /// Its title.
    ///
    /// # Errors
    ///
    /// If there is none.
    #[ring(unless = Option::is_none)]
    pub fn title(&self, _language: &str) -> Result<Option<String>, std::fmt::Error> {
        if self.url.is_empty() {
            return Err(std::fmt::Error);
        }
        Ok(Some(self.helper()))
    }

    /// By class.
    #[must_use]
    #[ring(class)]
    pub fn class_content() -> String {
        String::new()
    }

    /// By property.
    #[must_use]
    #[ring(property)]
    pub fn length(&self) -> usize {
        self.private(1).len() + self.in_crate() as usize
    }

    #[ring]
    fn private(&self, n: usize) -> String {
        self.url.repeat(n)
    }

    /// Seen in the crate.
    #[ring]
    pub(crate) fn in_crate(&self) -> u32 {
        Self::many_arguments(1, 2, 3, 4, 5, 6, 7, 0) + u32::from(self.url.is_empty())
    }

    #[ring]
    #[allow(clippy::too_many_arguments)]
    fn many_arguments(
        one: u32,
        two: u32,
        three: u32,
        four: u32,
        five: u32,
        six: u32,
        seven: u32,
        more: u32,
    ) -> u32 {
        one + two + three + four + five + six + seven + more
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new("")
    }
}

/// A generic repository.
#[derive(Debug, RingKey)]
pub struct Repo<T> {
    id: u32,
    #[ring_key(skip)]
    kind: std::marker::PhantomData<T>,
}

#[ring_impl]
impl<T: Send + Sync + 'static> Repo<T> {
    /// A repository.
    #[must_use]
    pub const fn new(id: u32) -> Self {
        Self {
            id,
            kind: std::marker::PhantomData,
        }
    }

    /// Its name.
    #[must_use]
    #[ring]
    pub fn name<'a, K>(&self, _first: &'a str, key: K, _second: &'a str) -> u32
    where
        K: Copy + RingKey,
    {
        let _ = key;
        self.id
    }
}

/// A service that owns its cache.
#[derive(Debug, RingKey)]
pub struct Pages<'a> {
    host: &'a str,
    #[ring_key(skip)]
    cache: Lru<Page>,
}

#[ring_impl(lru = self.cache)]
impl<'a> Pages<'a> {
    /// A service.
    #[must_use]
    pub fn new(host: &'a str) -> Self {
        Self {
            host,
            cache: Lru::new(10),
        }
    }

    /// One page.
    #[must_use]
    #[ring]
    pub fn page(&self, path: &str) -> Page {
        Page::new(&format!("{}/{path}", self.host))
    }

    /// One page, with a log.
    #[ring(ignore(log))]
    pub fn logged(&self, path: &str, log: impl Fn(&str)) -> Page {
        log(path);
        self.page(path)
    }
}
