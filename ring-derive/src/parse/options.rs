//! The options of each attribute, one field each, named as in the table.

use darling::FromMeta;
use syn::{Expr, ExprPath, Ident, LitStr, Path, Type};

use super::storage::Storage;
use super::values::{self, Accessor, Duration, Fallible, Flag, Patience, Remembered, Version, Word};

/// The options of `#[ring]` and `#[ring_impl]`.
#[derive(Default, FromMeta)]
pub(crate) struct RingOptions {
    #[darling(flatten)]
    pub(crate) storage: Storage,
    #[darling(default, with = values::policy)]
    pub(crate) policy: Option<Ident>,
    #[darling(default, with = values::type_of)]
    pub(crate) coder: Option<Type>,
    pub(crate) expire: Option<Duration>,
    #[darling(default, with = values::expression)]
    pub(crate) expire_of: Option<Expr>,
    pub(crate) none: Option<Duration>,
    #[darling(default, with = values::part)]
    pub(crate) jitter: Option<Expr>,
    pub(crate) stale: Option<Duration>,
    #[darling(default, with = values::refresher)]
    pub(crate) refresh: Option<Ident>,
    pub(crate) retry: Option<Duration>,
    #[darling(default, with = values::early)]
    pub(crate) early: Option<Expr>,
    #[darling(default, with = values::errors)]
    pub(crate) errors: Option<Remembered>,
    pub(crate) share_errors: Option<Flag>,
    #[darling(default, with = values::patience)]
    pub(crate) wait: Option<Patience>,
    pub(crate) timeout: Option<Duration>,
    #[darling(default, with = values::binding)]
    pub(crate) entry: Option<Ident>,
    #[darling(default, with = values::expression)]
    pub(crate) unless: Option<Expr>,
    #[darling(default, with = values::names)]
    pub(crate) ignore: Vec<Ident>,
    #[darling(default, with = values::expression)]
    pub(crate) key: Option<Expr>,
    #[darling(default, with = values::prefix)]
    pub(crate) key_prefix: Option<Expr>,
    pub(crate) version: Option<Version>,
    pub(crate) class: Option<Flag>,
    pub(crate) property: Option<Flag>,
    #[darling(default, with = values::accessor)]
    pub(crate) accessor: Option<Accessor>,
    #[darling(default, with = values::accessor)]
    pub(crate) accessors: Option<Accessor>,
    #[darling(default, rename = "crate", with = values::path)]
    pub(crate) root: Option<Path>,
    pub(crate) fallible: Option<Fallible>,
    #[darling(default, with = values::action)]
    pub(crate) action: Option<Ident>,
    #[darling(default, with = values::boolean)]
    pub(crate) coalesce: Option<bool>,
    pub(crate) flight_timeout: Option<Duration>,
    #[darling(default, with = values::names_of_groups)]
    pub(crate) tags: Vec<Expr>,
    #[darling(default, with = values::expressions)]
    pub(crate) depends: Vec<Expr>,
    pub(crate) lease: Option<Duration>,
    #[darling(default, with = values::expressions)]
    pub(crate) invalidates: Vec<Expr>,
    #[darling(default, with = values::outcome)]
    pub(crate) on: Option<Ident>,
}

/// The options of `#[ring_key]` on a struct or an enum.
#[derive(Default, FromMeta)]
pub(crate) struct TypeOptions {
    pub(crate) prefix: Option<Word>,
    pub(crate) name: Option<Word>,
    #[darling(default, with = values::text)]
    pub(crate) format: Option<LitStr>,
    #[darling(default, rename = "crate", with = values::path)]
    pub(crate) root: Option<Path>,
}

/// The options of `#[ring_key]` on an enum's variant.
#[derive(Default, FromMeta)]
pub(crate) struct VariantOptions {
    pub(crate) rename: Option<Word>,
}

/// The options of `#[ring_key]` on a field.
#[derive(Default, FromMeta)]
pub(crate) struct FieldOptions {
    pub(crate) skip: Option<Flag>,
    pub(crate) rename: Option<Word>,
    #[darling(default, with = values::function)]
    pub(crate) with: Option<ExprPath>,
}
