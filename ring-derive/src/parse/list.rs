//! The options written on one item. Checks their names: each is known, valid there, and written once.

use darling::FromMeta;
use darling::ast::NestedMeta;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Meta, MetaNameValue, Path, Token, Type, Visibility};

use super::table::{Known, Target};
use crate::errors::Errors;

pub(crate) struct Options {
    target: Target,
    /// In the order of writing. A method's own precede those of its block.
    options: Vec<(&'static Known, Meta)>,
    errors: Errors,
}

impl Options {
    pub(crate) fn new(target: Target) -> Self {
        Options {
            target,
            options: Vec::new(),
            errors: Errors::default(),
        }
    }

    /// The options between the parentheses of an attribute.
    pub(crate) fn parse(target: Target, tokens: TokenStream) -> Self {
        let mut options = Options::new(target);
        options.extend(options_of.parse2(tokens));
        options
    }

    /// Adds the options of one more attribute.
    pub(crate) fn add(&mut self, attribute: &Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.extend(list.parse_args_with(options_of)),
            Meta::Path(_) if self.target == Target::Method => {}
            meta => self.errors.add(in_parentheses(meta, self.target)),
        }
    }

    fn extend(&mut self, metas: syn::Result<Punctuated<Meta, Token![,]>>) {
        let target = self.target;
        let metas = metas.map_err(|error| {
            let forms = target.forms();
            let message = format!("{error}: options are written as {forms}, separated by commas");
            syn::Error::new(error.span(), message)
        });
        for meta in self.errors.handle(metas).into_iter().flatten() {
            let checked = known(&meta, target).and_then(|known| self.check_once(known, &meta));
            if let Some(known) = self.errors.handle(checked) {
                self.options.push((known, meta));
            }
        }
    }

    fn check_once(&self, known: &'static Known, meta: &Meta) -> syn::Result<&'static Known> {
        let name = known.name;
        let mut others = self.options.iter().map(|(other, _)| other);
        let message = if others.clone().any(|other| other.name == name) {
            format!("duplicate option `{name}`: remove one of them")
        } else if let Some(other) = others.find(|other| other.is_storage() && known.is_storage()) {
            format!("a ring has one storage: remove `{}` or `{name}`", other.name)
        } else {
            return Ok(known);
        };
        Err(syn::Error::new_spanned(meta.path(), message))
    }

    /// Whether they belong to a method that is not cached.
    pub(crate) fn is_of_writer(&self) -> bool {
        self.options.iter().any(|(known, _)| known.name == "invalidates")
    }

    /// The first option that has no meaning beside `invalidates`.
    pub(crate) fn of_cached_methods(&self) -> Option<&Path> {
        let mut options = self.options.iter();
        let other = options.find(|(known, _)| !known.is_of_writers());
        other.map(|(_, meta)| meta.path())
    }

    /// Adds the options of the impl block, except those that the method overrides.
    pub(crate) fn inherit(&mut self, block: &Options) {
        for (known, meta) in &block.options {
            // `ignore` of a block is about `self`: added to the arguments that the method ignores.
            let is_added = known.name == "ignore";
            if !is_added && !self.options.iter().any(|(own, _)| own.overrides(known)) {
                self.options.push((known, meta.clone()));
            }
        }
    }

    /// Reads the values. An error is placed at the value, with all its tokens.
    pub(crate) fn read<T: FromMeta + Default>(&mut self) -> syn::Result<T> {
        let mut errors = std::mem::take(&mut self.errors);
        let nested = |(_, meta): &(_, Meta)| NestedMeta::Meta(meta.clone());
        let items: Vec<NestedMeta> = self.options.iter().map(nested).collect();
        let values = T::from_list(&items).unwrap_or_else(|_| {
            for ((known, meta), item) in self.options.iter().zip(items) {
                let place = match meta {
                    Meta::NameValue(pair) if known.takes_value() => pair.value.to_token_stream(),
                    meta => meta.to_token_stream(),
                };
                if let Err(error) = T::from_list(&[item]) {
                    errors.at(place, syn::Error::from(error));
                }
            }
            T::default()
        });
        errors.finish(values)
    }
}

impl Known {
    /// Whether a method's option overrides an option of its block.
    fn overrides(&self, default: &Known) -> bool {
        let is_users_storage = self.is_storage() && self.name != "capacity";
        self.name == default.name
            || (self.is_storage() && default.is_storage())
            // A block's policy applies to methods that own their storages.
            || (is_users_storage && default.name == "policy")
    }
}

fn options_of(input: ParseStream<'_>) -> syn::Result<Punctuated<Meta, Token![,]>> {
    Punctuated::parse_terminated_with(input, option)
}

/// One option. Values are expressions, except types, and names with a visibility.
fn option(input: ParseStream<'_>) -> syn::Result<Meta> {
    let fork = input.fork();
    match special_option(&fork) {
        Ok(option) if fork.is_empty() || fork.peek(Token![,]) => {
            input.advance_to(&fork);
            Ok(option)
        }
        _ => input.parse(),
    }
}

fn special_option(input: ParseStream<'_>) -> syn::Result<Meta> {
    let (path, eq_token) = (Path::parse_mod_style(input)?, input.parse::<Token![=]>()?);
    let value = match path.get_ident().map(ToString::to_string).as_deref() {
        Some("coder") => input.parse::<Type>()?.into_token_stream(),
        Some("accessor" | "accessors") => {
            let (vis, name): (Visibility, Option<Ident>) = (input.parse()?, input.parse()?);
            if name.is_none() && matches!(vis, Visibility::Inherited) {
                return Err(input.error("expected a name"));
            }
            quote!(#vis #name)
        }
        _ => return Err(input.error("an expression")),
    };
    Ok(Meta::NameValue(MetaNameValue {
        path,
        eq_token,
        value: Expr::Verbatim(value),
    }))
}

/// The option, if it exists and may be written here.
fn known(meta: &Meta, target: Target) -> syn::Result<&'static Known> {
    let written = darling::util::path_to_string(meta.path());
    let message = match Known::find(&written, target) {
        Some(known) if known.targets.contains(&target) => return Ok(known),
        Some(known) => misplaced(known, target),
        None => unknown(&written, target),
    };
    Err(syn::Error::new_spanned(meta.path(), message))
}

fn misplaced(known: &Known, target: Target) -> String {
    let there: Vec<_> = known.targets.iter().map(|target| target.described()).collect();
    let (name, there, here) = (known.name, there.join(" or "), target.described());
    let remedy = match (name, target) {
        (_, Target::Block) => "write it in the method's `#[ring(..)]`".to_owned(),
        (_, Target::Method) => "write it in `#[ring_impl(..)]`".to_owned(),
        ("name" | "prefix", _) => format!("on {here}, write `rename = \"…\"`"),
        ("rename", _) => {
            "on the type, write `prefix = \"…\"`, or `name = \"…\"` for the type's name".to_owned()
        }
        _ => "remove it here".to_owned(),
    };
    format!("`{name}` belongs on {there}: {remedy}")
}

/// Options of other libraries under other names.
const SYNONYMS: [(&str, &str); 53] = [
    ("ttl", "expire"),
    ("timeToLive", "expire"),
    ("time", "expire"),
    ("expiry", "expire"),
    ("expires", "expire"),
    ("expires_in", "expire"),
    ("expiration", "expire"),
    ("time_to_live", "expire"),
    ("lifespan", "expire"),
    ("max_age", "expire"),
    ("max_size", "capacity"),
    ("maxsize", "capacity"),
    ("size", "capacity"),
    ("max_capacity", "capacity"),
    ("max_entries", "capacity"),
    ("limit", "capacity"),
    ("eviction", "policy"),
    ("eviction_policy", "policy"),
    ("result", "fallible"),
    ("option", "unless"),
    ("skip_if", "unless"),
    ("cache_if", "unless"),
    ("condition", "unless"),
    ("convert", "key"),
    ("key_expr", "key"),
    ("key_fn", "key"),
    ("prefix", "key_prefix"),
    ("name", "key_prefix"),
    ("namespace", "key_prefix"),
    ("skip", "ignore"),
    ("skip_all", "ignore"),
    ("exclude", "ignore"),
    ("without", "ignore"),
    ("ignore_args", "ignore"),
    ("serializer", "coder"),
    ("serialize", "coder"),
    ("codec", "coder"),
    ("format", "coder"),
    ("sync_writes", "coalesce"),
    ("single_flight", "coalesce"),
    ("backend", "storage"),
    ("cache", "storage"),
    ("store", "storage"),
    ("create", "storage"),
    ("ty", "storage"),
    ("tag", "tags"),
    ("groups", "tags"),
    ("surrogate_keys", "tags"),
    ("depends_on", "depends"),
    ("dependencies", "depends"),
    ("invalidate", "invalidates"),
    ("evicts", "invalidates"),
    ("cache_evict", "invalidates"),
];

const WEIGHER: &str =
    "name a storage that weighs its entries, by `Lru::builder().weigher(..)`: write `lru = EXPRESSION`";

const IDLE: &str = "name a storage whose entries end if they are not used, by `Lru::builder().time_to_idle(..)`: write `lru = EXPRESSION`";

/// Options of other libraries without an equivalent option here.
const REMEDIES: [(&str, &str); 6] = [
    ("weigher", WEIGHER),
    ("weight", WEIGHER),
    ("time_to_idle", IDLE),
    ("tti", IDLE),
    (
        "refresh",
        "compute anew by `{method}_ring(..).update()`, or on each call by `action = update`",
    ),
    (
        "unbound",
        "without a limit is a `Map` of yours: write `map = EXPRESSION`",
    ),
];

fn unknown(written: &str, target: Target) -> String {
    if let Some((_, remedy)) = REMEDIES.iter().find(|(name, _)| *name == written)
        && matches!(target, Target::Method | Target::Block)
    {
        return format!("unknown option `{written}`: {remedy}");
    }
    let ours = SYNONYMS
        .iter()
        .find(|(name, _)| *name == written)
        .map(|(_, ours)| *ours);
    if let Some(known) = ours.and_then(|ours| Known::all_at(target).find(|known| known.name == ours)) {
        let (name, example) = (known.name, known.example());
        return format!("unknown option `{written}`: it is called `{name}` here: write `{example}`");
    }
    let nearest = Known::all_at(target)
        .map(|known| (strsim::jaro_winkler(written, known.name), known.name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    if let Some((_, nearest)) = nearest {
        return format!("unknown option `{written}`: did you mean `{nearest}`?");
    }
    let all: Vec<_> = Known::all_at(target).map(|known| known.name).collect();
    let (here, all) = (target.described(), all.join("`, `"));
    format!("unknown option `{written}`: the options on {here} are `{all}`")
}

/// The error of options that are not in parentheses.
fn in_parentheses(meta: &Meta, target: Target) -> syn::Error {
    let first = Known::all_at(target).next();
    let (attribute, example) = (target.attribute(), first.map(Known::example).unwrap_or_default());
    let message = format!("options are written in parentheses: write `#[{attribute}({example})]`");
    syn::Error::new_spanned(meta, message)
}
