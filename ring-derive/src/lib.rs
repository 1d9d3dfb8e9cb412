//! The macros of [ring-cache](https://docs.rs/ring-cache): depend on that crate, which re-exports them.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
mod coder;
mod duration;
mod errors;
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

/// Implements `RingKey` for a struct or an enum: its fields, in their order, become the parts of a key.
///
/// ```ignore
/// #[derive(RingKey)]
/// #[ring_key(prefix = "page")]
/// struct Page {
///     url: String,
///     #[ring_key(skip)]
///     http: Client,
/// }
/// // page=http://example.com
/// ```
///
/// | attribute | on | what it does |
/// |---|---|---|
/// | `#[ring_key(prefix = "page")]` | the type | labels its keys: `page=…` |
/// | `#[ring_key(name = "shop.Page")]` | the type | names it where it is a type argument of a generic ring; otherwise its module and name do, so they are part of stored keys |
/// | `#[ring_key(rename = "id")]` | a field, a variant | takes the place of its name in the key |
/// | `#[ring_key(skip)]` | a field | leaves it out: two values that differ only there share their entries |
/// | `#[ring_key(with = function)]` | a field | `function(&field, key)` feeds it to the `KeyWriter`, in the place of its `RingKey` |
#[proc_macro_derive(RingKey, attributes(ring_key))]
pub fn derive_ring_key(input: TokenStream) -> TokenStream {
    key::derive(&parse_macro_input!(input as DeriveInput)).into()
}

/// Caches the methods of an impl block that are marked [`#[ring]`](macro@ring).
///
/// ```ignore
/// #[ring_impl(expire = "5m")]
/// impl Page {
///     /// The page's body.
///     #[ring]
///     pub fn content(&self) -> String {
///         self.http.get(&self.url)
///     }
/// }
///
/// page.content();                // cached
/// page.content_ring().delete();  // one call, controlled
/// Page::content_cache().stats(); // the method as a whole
/// ```
///
/// All options of [`#[ring]`](macro@ring) but those that belong to one method are options here too: they are the
/// defaults of all its methods. One belongs to the block alone: `accessors = Name`.
///
/// # What is generated
///
/// The method keeps its signature, its attributes and its documentation. Its body moves into the accessor. Without the
/// options, the block above becomes (paths shortened)
///
/// ```text
/// impl Page {
///     /// The page's body.
///     pub fn content(&self) -> String {
///         Self::content_ring(self).get_or_update()
///     }
/// }
///
/// #[allow(clippy::type_complexity, ..)]
/// impl Page {
///     /// Binds a call of [`content`](Self::content): a verb follows, such as `.get()` or `.delete()`.
///     #[inline]
///     pub fn content_ring(&self) -> Call<Plain<String>, &'static Lru<String>, impl Body<Out = String>> {
///         Self::content_cache().bind((keyed(self),), move |(_,)| -> String {
///             self.http.get(&self.url)
///         })
///     }
///
///     /// The cache of [`content`](Self::content) as a whole.
///     #[inline]
///     pub fn content_cache() -> Cache<&'static Lru<String>> {
///         let _ = Self::content; // whoever uses the accessor uses the method
///         struct __Here;
///         static __OWN: Static<Lru<String>> = Static(LazyLock::new(|| Own::new(
///             Ring::declared::<__Here, _>(module_path!(), 3, (), false, |__name| { __name.path("Page.content"); }),
///             Lru::new(DEFAULT_CAPACITY),
///         )));
///         __OWN.0.cache()
///     }
/// }
/// ```
///
/// For an `async fn` the code is the same but for its awaits: the method is `async` and ends in `.get_or_update().await`, the
/// accessor's closure is an `async move |(_,)|`, and the types are `AsyncCall`, `AsyncBody` and `AsyncCache`.
///
/// # Traits
///
/// The accessors of a trait's methods are inherent methods of the type. Where Rust forbids these, since the type is
/// another crate's, name a trait for them, which the macro declares: `#[ring_impl(accessors = FetchRing)]`. Two traits
/// with a method of one name need `accessor = …` on one of the methods.
///
/// # Generics
///
/// Each instantiation of a generic block or method has entries of its own. Type parameters need no `RingKey`, unless
/// their values join the key, or the storage is reached by other processes.
#[proc_macro_attribute]
pub fn ring_impl(options: TokenStream, item: TokenStream) -> TokenStream {
    ring_impl::expand(options.into(), item.into()).into()
}

/// Caches a free function, or, within [`#[ring_impl]`](macro@ring_impl), a method or an associated function.
///
/// ```ignore
/// #[ring(expire = "60s", capacity = 10_000, ignore(trace))]
/// fn section(url: &str, number: u32, trace: &str) -> String { .. }
///
/// section("http://example.com", 3, "t-1");               // cached
/// section_ring("http://example.com", 3, "t-1").delete(); // one call, controlled
/// section_cache().clear();                               // the function as a whole
/// ```
///
/// The key is the function's full name, then `self`, then the arguments: all are `RingKey`s. Of a method that returns a
/// `Result` only `Ok` is cached.
///
/// An `async fn` is cached in the same way: its accessor gives an `AsyncCall`, whose verbs are awaited, and its handle is an
/// `AsyncCache`. Its storage must be one that does not block.
///
/// # Where values are kept
///
/// Without one of these options, in an `Lru` of the method's own, of 128 entries. At most one of them is said.
///
/// | option | what it does |
/// |---|---|
/// | `capacity = 10_000` | sets the capacity of the method's own `Lru` |
/// | `policy = scan_resistant` | lets entries that were used once give way first, so that a scan does not push out the rest; `least_recently_used` if nothing is said. It goes with `capacity` |
/// | `lru = EXPRESSION`, `map = EXPRESSION` | an `Lru` or a `Map` of yours: a static or what it points to, or `self.cache`, so that a service owns its cache |
/// | `storage = EXPRESSION as Type` | any other storage |
/// | `coder = Json` | keeps bytes, made by this `Coder`, in the place of values |
///
/// # How long
///
/// | option | what it does |
/// |---|---|
/// | `expire = 60`, `expire = "1m 30s"`, `expire = self.ttl` | entries live so long: seconds, text with units, or an expression of type `Duration` |
/// | `unless = Option::is_none` | values of which this function or closure is true are not stored |
///
/// # By which key
///
/// | option | what it does |
/// |---|---|
/// | `ignore(trace, http)` | leaves arguments out of the key; also `self`, if all objects share their entries |
/// | `key = EXPRESSION` | takes the place of `self` and all arguments, and may use them |
/// | `key_prefix = "p"` | takes the place of the full name: `p:1:2`. Two functions with one prefix on one storage are one |
///
/// # Forms
///
/// | option | what it does |
/// |---|---|
/// | `class` | on an associated function: the type's name joins the key |
/// | `property` | on a method: checks that it is a getter, `&self` only |
/// | `accessor = name` | names the accessor `name` and the handle `name_cache`, for `{method}_ring` and `{method}_cache` |
/// | `fallible` | says that the return type is a `Result` by another name |
/// | `action = update` | what a plain call does: `get_or_update` unless this says `update` or `execute` |
///
/// # Calls at the same time
///
/// | option | what it does |
/// |---|---|
/// | `coalesce = false` | calls with one key do not wait for each other: each computes |
/// | `flight_timeout = "10s"` | how long a call waits for another's computation, before it computes for itself |
///
/// # What cannot be cached
///
/// `&mut self` and `self`, values that borrow (return `Arc<str>` for `&str`), `impl Trait` values, `const` and `unsafe`
/// functions. The error says what to write.
#[proc_macro_attribute]
pub fn ring(options: TokenStream, item: TokenStream) -> TokenStream {
    ring_function::expand(options.into(), item.into()).into()
}
