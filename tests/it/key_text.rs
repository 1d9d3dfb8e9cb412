//! Keys of derived types.
