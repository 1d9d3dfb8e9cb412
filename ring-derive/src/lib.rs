//! The macros of [ring-cache](https://docs.rs/ring-cache). Depend on that crate, which re-exports them.
// It also runs the examples in the documentation: with it as a development dependency it would be compiled twice.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod errors;
mod generics;
mod key;
mod parse;
mod ring;
mod root;
mod shape;
mod template;
mod types;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[cfg_attr(not(doctest), doc = include_str!("../docs/ring_key.md"))]
#[proc_macro_derive(RingKey, attributes(ring_key))]
pub fn derive_ring_key(input: TokenStream) -> TokenStream {
    key::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/ring_shape.md"))]
#[proc_macro_derive(RingShape, attributes(ring_shape, serde))]
pub fn derive_ring_shape(input: TokenStream) -> TokenStream {
    shape::derive(&parse_macro_input!(input as DeriveInput)).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/ring_impl.md"))]
#[proc_macro_attribute]
pub fn ring_impl(options: TokenStream, item: TokenStream) -> TokenStream {
    ring::expand_block(options.into(), item.into()).into()
}

#[cfg_attr(not(doctest), doc = include_str!("../docs/ring.md"))]
#[proc_macro_attribute]
pub fn ring(options: TokenStream, item: TokenStream) -> TokenStream {
    ring::expand_function(options.into(), item.into()).into()
}
