//! The macros of [ring-cache](https://docs.rs/ring-cache): depend on that crate, which re-exports them.

mod facade;
mod key;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `RingKey` for a struct or an enum.
#[proc_macro_derive(RingKey, attributes(ring_key))]
pub fn derive_ring_key(input: TokenStream) -> TokenStream {
    key::derive(&parse_macro_input!(input as DeriveInput)).into()
}
