//! A stored response as bytes.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ring_cache_core::Tag;
use ring_cache_core::coder::{Cause, Coder};

use crate::stored::{Ageing, Entry, MOST_HEADERS, Page, StoredResponse, VARIES_LIFE};
use crate::tags::MOST_TAGS;
use crate::varies::{MOST_VARIED, Varies};

/// What the bytes begin with: the format and its version.
const MAGIC: &[u8] = b"ring page 1\n";
const PAGE: u8 = 1;
const VARIES: u8 = 2;
const SHARED: u8 = 1;
const MAY_BE_STALE: u8 = 2;
const TAG_IS_OURS: u8 = 4;

/// Turns a [`StoredResponse`] into bytes and back: numbers in little-endian order, lengths before texts.
#[derive(Clone, Copy, Debug)]
pub struct PageCoder;

impl Coder<StoredResponse> for PageCoder {
    fn encode(value: &StoredResponse) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::with_capacity(256 + value.size());
        bytes.extend_from_slice(MAGIC);
        put_millis(&mut bytes, value.life());
        match &value.entry {
            Entry::Page(page) => encode_page(&mut bytes, page)?,
            Entry::Varies(varies) => encode_varies(&mut bytes, varies)?,
        }
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<StoredResponse, Cause> {
        let mut rest = Rest(bytes);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err("not a page of this version".into());
        }
        rest.millis()?;
        let entry = match rest.byte()? {
            PAGE => StoredResponse::page(Arc::new(decode_page(&mut rest)?)),
            VARIES => StoredResponse::varies(decode_varies(&mut rest)?),
            _ => return Err("unknown kind of entry".into()),
        };
        match rest.0 {
            [] => Ok(entry),
            _ => Err("bytes after the end of a page".into()),
        }
    }
}

/// The life of an entry, without decoding it.
pub(crate) fn life(bytes: &[u8]) -> Duration {
    let mut rest = Rest(bytes);
    let life = rest.take(MAGIC.len()).and_then(|_| rest.millis());
    life.unwrap_or(VARIES_LIFE)
}

fn encode_page(bytes: &mut Vec<u8>, page: &Page) -> Result<(), Cause> {
    bytes.push(PAGE);
    let since_epoch = page.ageing.stored_at.duration_since(SystemTime::UNIX_EPOCH)?;
    let Ageing {
        initial_age,
        fresh,
        while_revalidate,
        if_error,
        kept,
        ..
    } = page.ageing;
    for duration in [since_epoch, initial_age, fresh, while_revalidate, if_error, kept] {
        put_millis(bytes, duration);
    }
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    bytes.push(
        flag(page.ageing.shared, SHARED)
            | flag(page.ageing.may_be_stale, MAY_BE_STALE)
            | flag(page.tag_is_ours, TAG_IS_OURS),
    );
    bytes.extend_from_slice(&page.status.as_u16().to_le_bytes());
    put_length(bytes, page.headers.len())?;
    for (name, value) in &page.headers {
        put(bytes, name.as_str().as_bytes())?;
        put(bytes, value.as_bytes())?;
    }
    put(bytes, &page.body)
}

fn decode_page(rest: &mut Rest<'_>) -> Result<Page, Cause> {
    let since_epoch = rest.millis()?;
    let stored_at = SystemTime::UNIX_EPOCH
        .checked_add(since_epoch)
        .ok_or("no such date")?;
    let mut duration = || rest.millis();
    let [initial_age, fresh, while_revalidate, if_error, kept] =
        [duration()?, duration()?, duration()?, duration()?, duration()?];
    let flags = rest.byte()?;
    let ageing = Ageing {
        stored_at,
        initial_age,
        fresh,
        while_revalidate,
        if_error,
        kept,
        may_be_stale: flags & MAY_BE_STALE != 0,
        shared: flags & SHARED != 0,
    };
    let status = StatusCode::from_u16(u16::from_le_bytes(rest.array()?))?;
    let mut headers = HeaderMap::new();
    for _ in 0..bounded(rest.length()?, MOST_HEADERS)? {
        let name = HeaderName::from_bytes(rest.part()?)?;
        headers.try_append(name, HeaderValue::from_bytes(rest.part()?)?)?;
    }
    let body = Bytes::copy_from_slice(rest.part()?);
    Ok(Page {
        status,
        headers,
        body,
        ageing,
        tag_is_ours: flags & TAG_IS_OURS != 0,
    })
}

fn encode_varies(bytes: &mut Vec<u8>, varies: &Varies) -> Result<(), Cause> {
    bytes.push(VARIES);
    bytes.extend_from_slice(&varies.generation.to_le_bytes());
    put_length(bytes, varies.names.len())?;
    for name in &varies.names {
        put(bytes, name.as_str().as_bytes())?;
    }
    put_length(bytes, varies.tags.len())?;
    let tags = varies.tags.iter().map(|tag| tag.to_bytes());
    tags.for_each(|tag| bytes.extend_from_slice(&tag));
    Ok(())
}

fn decode_varies(rest: &mut Rest<'_>) -> Result<Varies, Cause> {
    let generation = u64::from_le_bytes(rest.array()?);
    let mut names = Vec::new();
    for _ in 0..bounded(rest.length()?, MOST_VARIED)? {
        names.push(HeaderName::from_bytes(rest.part()?)?);
    }
    let mut tags = Vec::new();
    for _ in 0..bounded(rest.length()?, MOST_TAGS)? {
        tags.push(Tag::from_bytes(rest.array()?));
    }
    Ok(Varies {
        generation,
        names,
        tags,
    })
}

/// A number that no entry of this library exceeds.
fn bounded(count: usize, most: usize) -> Result<usize, Cause> {
    if count > most {
        return Err("too many headers or tags".into());
    }
    Ok(count)
}

fn put_millis(bytes: &mut Vec<u8>, duration: Duration) {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    bytes.extend_from_slice(&millis.to_le_bytes());
}

fn put_length(bytes: &mut Vec<u8>, length: usize) -> Result<(), Cause> {
    bytes.extend_from_slice(&u32::try_from(length)?.to_le_bytes());
    Ok(())
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) -> Result<(), Cause> {
    put_length(bytes, part.len())?;
    bytes.extend_from_slice(part);
    Ok(())
}

/// The bytes that are not decoded yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Cause> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or("a page that ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cause> {
        Ok(self.take(N)?.try_into()?)
    }

    fn byte(&mut self) -> Result<u8, Cause> {
        Ok(self.array::<1>()?[0])
    }

    fn millis(&mut self) -> Result<Duration, Cause> {
        Ok(Duration::from_millis(u64::from_le_bytes(self.array()?)))
    }

    fn length(&mut self) -> Result<usize, Cause> {
        Ok(usize::try_from(u32::from_le_bytes(self.array()?))?)
    }

    fn part(&mut self) -> Result<&'b [u8], Cause> {
        let length = self.length()?;
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> StoredResponse {
        let mut headers = HeaderMap::new();
        headers.append("vary", HeaderValue::from_static("accept"));
        headers.append("x-bytes", HeaderValue::from_bytes(b"\xff").unwrap());
        StoredResponse::page(Arc::new(Page {
            status: StatusCode::NOT_FOUND,
            headers,
            body: Bytes::from_static(b"body"),
            ageing: Ageing {
                stored_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_234),
                initial_age: Duration::from_secs(1),
                fresh: Duration::from_secs(60),
                while_revalidate: Duration::from_secs(5),
                if_error: Duration::from_secs(9),
                kept: Duration::from_secs(7),
                may_be_stale: true,
                shared: false,
            },
            tag_is_ours: true,
        }))
    }

    fn varies() -> StoredResponse {
        StoredResponse::varies(Varies {
            generation: 7,
            names: vec![HeaderName::from_static("accept")],
            tags: vec![ring_cache_core::tag("team")],
        })
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let bytes = PageCoder::encode(&page()).unwrap();
        let decoded = PageCoder::decode(&bytes).unwrap();
        let (Some(page), Some(decoded)) = (page().as_page().cloned(), decoded.as_page().cloned()) else {
            panic!("pages");
        };
        assert_eq!(format!("{page:?}"), format!("{decoded:?}"));
        assert_eq!(life(&bytes), Duration::from_secs(68));
        let bytes = PageCoder::encode(&varies()).unwrap();
        let decoded = PageCoder::decode(&bytes).unwrap();
        assert!(matches!(
            (decoded.entry, varies().entry),
            (Entry::Varies(decoded), Entry::Varies(varies)) if decoded == varies
        ));
        assert_eq!(life(&bytes), VARIES_LIFE);
    }

    #[test]
    fn bytes_that_are_no_entry_are_an_error() {
        for entry in [page(), varies()] {
            let bytes = PageCoder::encode(&entry).unwrap();
            for length in 0..bytes.len() {
                assert!(PageCoder::decode(&bytes[..length]).is_err(), "{length}");
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert!(PageCoder::decode(&longer).is_err());
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 0xff;
                let _ = PageCoder::decode(&changed);
            }
        }
    }
}
