//! Keys by template: `key = "user:{id}"`.

use std::marker::PhantomData;

use super::{KeyParts, KeyWriter, Reading, RingKey};

/// The bound values of a call, and a key made of texts and some of the values.
///
/// Generated code makes it from `key = "…"`. Values are borrowed in place, so a look-up moves, renders and allocates
/// nothing.
pub struct Template<P, S> {
    /// All values, for the body.
    pub values: P,
    segments: S,
}

impl<P> Template<P, ()> {
    /// A template without segments.
    #[inline]
    pub fn new(values: P) -> Self {
        Template { values, segments: () }
    }
}

impl<P, S> Template<P, S> {
    /// Adds a segment that is a text.
    #[inline]
    pub fn literal(self, text: &'static str) -> Template<P, (S, Literal)> {
        self.and(Literal(text))
    }

    /// Adds a segment that is a value with texts around it; the value is a part of `values`.
    #[inline]
    pub fn place<K, F>(
        self,
        before: &'static str,
        place: F,
        after: &'static str,
    ) -> Template<P, (S, Place<K, F>)>
    where
        K: RingKey + ?Sized,
        F: Fn(&P) -> &K,
    {
        self.and(Place {
            before,
            place,
            after,
            value: PhantomData,
        })
    }

    #[inline]
    fn and<T>(self, segment: T) -> Template<P, (S, T)> {
        Template {
            values: self.values,
            segments: (self.segments, segment),
        }
    }
}

/// A segment that is a text.
#[derive(Debug)]
pub struct Literal(&'static str);

/// A segment that is a value with texts around it.
pub struct Place<K: ?Sized, F> {
    before: &'static str,
    place: F,
    after: &'static str,
    value: PhantomData<fn() -> Box<K>>,
}

/// The segments of a template over the values `P`.
pub trait TemplateSegments<P> {
    /// Feeds all segments.
    fn feed<W: KeyWriter>(&self, values: &P, key: &mut W);
    /// The number of segments.
    const SEGMENTS: usize;
    /// Whether the text of a segment may match.
    fn may_read(segment: usize, reading: Reading<'_>) -> bool;
}

impl<P> TemplateSegments<P> for () {
    #[inline]
    fn feed<W: KeyWriter>(&self, _: &P, _: &mut W) {}

    fn may_read(_: usize, _: Reading<'_>) -> bool {
        true
    }

    const SEGMENTS: usize = 0;
}

impl<P, S: TemplateSegments<P>> TemplateSegments<P> for (S, Literal) {
    #[inline]
    fn feed<W: KeyWriter>(&self, values: &P, key: &mut W) {
        self.0.feed(values, key);
        key.begin_segment();
        key.text(self.1.0);
        key.end_segment();
    }

    const SEGMENTS: usize = S::SEGMENTS + 1;

    fn may_read(segment: usize, reading: Reading<'_>) -> bool {
        if segment == S::SEGMENTS {
            !matches!(reading, Reading::Colon)
        } else {
            S::may_read(segment, reading)
        }
    }
}

impl<P, S, K, F> TemplateSegments<P> for (S, Place<K, F>)
where
    S: TemplateSegments<P>,
    K: RingKey + ?Sized,
    F: Fn(&P) -> &K,
{
    #[inline]
    fn feed<W: KeyWriter>(&self, values: &P, key: &mut W) {
        self.0.feed(values, key);
        let segment = &self.1;
        key.begin_segment();
        if !segment.before.is_empty() || !segment.after.is_empty() {
            key.surround(segment.before, segment.after);
        }
        (segment.place)(values).ring_key(key);
        key.end_segment();
    }

    const SEGMENTS: usize = S::SEGMENTS + 1;

    fn may_read(segment: usize, reading: Reading<'_>) -> bool {
        match reading {
            reading if segment != S::SEGMENTS => S::may_read(segment, reading),
            Reading::Colon => K::may_read(Reading::Colon),
            // The type does not know the texts around the value.
            _ => true,
        }
    }
}

impl<P, S: TemplateSegments<P>> KeyParts for Template<P, S> {
    #[inline]
    fn segments<W: KeyWriter>(&self, key: &mut W) {
        self.segments.feed(&self.values, key);
    }

    const SEGMENTS: usize = S::SEGMENTS;

    fn may_read(segment: usize, reading: Reading<'_>) -> bool {
        S::may_read(segment, reading)
    }
}
