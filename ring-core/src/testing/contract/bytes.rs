//! Cases of values that are bytes: they are read byte for byte as written.

use super::subject::{Tested, Value};
use super::trial::{Trial, expect, shown};

/// Lengths at which length fields and buffers end; cases use slightly more and less.
const LIMITS: [usize; 6] = [16, 128, 256, 4096, 1 << 16, 1 << 20];

pub(super) fn values_empty<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    come_back(trial, [Vec::new()]);
}

pub(super) fn values_of_one_byte<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    come_back(trial, (0..=u8::MAX).map(|byte| vec![byte]));
}

pub(super) fn values_of_all_bytes<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let backwards = all.iter().rev().copied().collect();
    let protocols = [
        "\r\n", "END\r\n", "$-1\r\n", "\0a", "a\0", " a ", "'\"\\", "null", "0",
    ];
    let protocols = protocols.map(|text| text.as_bytes().to_vec());
    come_back(trial, [all, backwards].into_iter().chain(protocols));
}

pub(super) fn values_of_all_lengths<Su: Tested<T>, T: Value>(trial: &Trial<'_, Su, T>) {
    let lengths = LIMITS.iter().flat_map(|limit| [limit - 1, *limit, limit + 1]);
    let fitting = lengths.filter(|length| *length < trial.largest);
    come_back(trial, fitting.chain([trial.largest]).map(patterned));
}

/// Bytes without a simple pattern, the same in every run.
fn patterned(length: usize) -> Vec<u8> {
    let bytes = (0..length as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8);
    bytes.collect()
}

fn come_back<Su, T, I>(trial: &Trial<'_, Su, T>, contents: I)
where
    Su: Tested<T>,
    T: Value,
    I: IntoIterator<Item = Vec<u8>>,
{
    let value = trial
        .of_bytes
        .unwrap_or_else(|| unreachable!("cases of bytes are run with them"));
    let (storage, [key]) = trial.begin();
    let of = shown(&key);
    for bytes in contents.into_iter().filter(|bytes| bytes.len() <= trial.largest) {
        let (length, value) = (bytes.len(), value(bytes));
        storage.write(&key, value.clone(), None);
        let when = format!("with a value of {length} bytes");
        expect(
            storage.contains(&key),
            true,
            format_args!("`contains` of {of} {when}"),
        );
        let read = storage.read(&key);
        expect(read.as_ref(), Some(&value), format_args!("`read` of {of} {when}"));
        let read = storage.read_many(&[key]).into_iter().next().flatten();
        expect(
            read.as_ref(),
            Some(&value),
            format_args!("`read_many` of {of} {when}"),
        );
        expect(
            storage.remove(&key),
            true,
            format_args!("`remove` of {of} {when}"),
        );
        storage.write_many(vec![(key, value.clone(), None)]);
        let read = storage.read(&key);
        expect(
            read,
            Some(value),
            format_args!("`read` of {of} after `write_many` {when}"),
        );
    }
    storage.remove(&key);
}
