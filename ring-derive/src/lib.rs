//! The macros of [ring-cache](https://docs.rs/ring-cache): depend on that crate, which re-exports them.

mod check;
mod duration;
mod expand;
mod facade;
mod generics;
mod key;
mod model;
mod naming;
mod options;
mod ring_function;
mod ring_impl;
mod storage;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `RingKey` for a struct or an enum.
#[proc_macro_derive(RingKey, attributes(ring_key))]
pub fn derive_ring_key(input: TokenStream) -> TokenStream {
    key::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Caches the methods of an impl block that are marked `#[ring]`.
///
/// Options given here are the defaults of all its methods.
#[proc_macro_attribute]
pub fn ring_impl(options: TokenStream, item: TokenStream) -> TokenStream {
    ring_impl::expand(options.into(), item.into()).into()
}

/// Caches a free function, or, within `#[ring_impl]`, a method.
#[proc_macro_attribute]
pub fn ring(options: TokenStream, item: TokenStream) -> TokenStream {
    ring_function::expand(options.into(), item.into()).into()
}
