//! The greatest size of a value.

/// In bytes: far above a reasonable entry, far below the memory of a machine.
pub(super) const LIMIT: usize = 64 << 20;

/// An error if a value exceeds the limit.
#[cfg(any(feature = "cbor", feature = "message-pack", feature = "postcard"))]
pub(super) fn check(bytes: &[u8]) -> Result<(), super::Cause> {
    if bytes.len() > LIMIT {
        return Err(format!(
            "the value has {} bytes, which is more than the limit of {LIMIT}",
            bytes.len()
        )
        .into());
    }
    Ok(())
}

#[cfg(all(test, any(feature = "cbor", feature = "message-pack", feature = "postcard")))]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_have_as_many_bytes_as_the_limit_says() {
        let bytes = vec![0; LIMIT + 1];
        assert!(check(&bytes[1..]).is_ok());
        assert!(check(&bytes).is_err());
    }
}
