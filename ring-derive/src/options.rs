//! The options of `#[ring]` and `#[ring_impl]`.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, Meta, Token, Type};

use crate::duration::Duration;
use crate::generics::mentions;
use crate::storage::{KINDS, Kind, Storage};

/// Where an option may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Both,
    Method,
    Block,
}

/// All options but the kinds of storages, where each may stand, and how it is written.
const OPTIONS: [(&str, Place, &str); 17] = [
    ("storage", Place::Both, "storage = EXPRESSION as Type"),
    ("capacity", Place::Both, "capacity = 10_000"),
    ("policy", Place::Both, "policy = scan_resistant"),
    ("expire", Place::Both, "expire = \"60s\""),
    ("coder", Place::Both, "coder = Json"),
    ("key_prefix", Place::Method, "key_prefix = \"…\""),
    ("key", Place::Method, "key = EXPRESSION"),
    ("ignore", Place::Method, "ignore(argument, …)"),
    ("unless", Place::Both, "unless = Option::is_none"),
    ("action", Place::Both, "action = update"),
    ("class", Place::Method, "class"),
    ("property", Place::Method, "property"),
    ("accessor", Place::Method, "accessor = name"),
    ("fallible", Place::Both, "fallible"),
    ("coalesce", Place::Both, "coalesce = false"),
    ("flight_timeout", Place::Both, "flight_timeout = \"10s\""),
    ("accessors", Place::Block, "accessors = TraitName"),
];

/// How options are written, for those who wrote something else.
const FORM: &str =
    "options have names: write `expire = \"60s\"`, `ignore(argument)` or `class`, with commas between them";

/// The verbs that a plain call can stand for.
const ACTIONS: [&str; 3] = ["get_or_update", "update", "execute"];

/// Which entry of a full cache may give way, and the policy's name in the library.
const POLICIES: [(&str, &str); 2] = [
    ("least_recently_used", "LeastRecentlyUsed"),
    ("scan_resistant", "ScanResistant"),
];

/// What the user said.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) storage: Option<Storage>,
    /// A variant of the library's `Policy`, where the user wrote it.
    pub(crate) policy: Option<Ident>,
    pub(crate) expire: Option<Duration>,
    pub(crate) coder: Option<Type>,
    pub(crate) key_prefix: Option<Expr>,
    pub(crate) key: Option<Expr>,
    pub(crate) ignore: Vec<Ident>,
    pub(crate) unless: Option<Expr>,
    pub(crate) action: Option<Ident>,
    pub(crate) class: Option<Span>,
    pub(crate) property: Option<Span>,
    pub(crate) accessor: Option<Ident>,
    pub(crate) fallible: Option<Span>,
    pub(crate) coalesce: Option<bool>,
    pub(crate) flight_timeout: Option<Duration>,
    pub(crate) accessors: Option<Ident>,
}

impl Options {
    /// Reads the options of a method's `#[ring(..)]`.
    pub(crate) fn of_method(tokens: TokenStream) -> syn::Result<Self> {
        Self::parse(tokens, Place::Method)
    }

    /// Reads the options of `#[ring_impl(..)]`.
    pub(crate) fn of_block(tokens: TokenStream) -> syn::Result<Self> {
        Self::parse(tokens, Place::Block)
    }

    /// These options, and `defaults` where nothing is said.
    pub(crate) fn or(self, defaults: &Options) -> Self {
        let storage = self.storage.or_else(|| defaults.storage.clone());
        // A block's policy is for those of its methods that have storages of their own.
        let is_own = storage.as_ref().is_none_or(Storage::is_own);
        let default_policy = defaults.policy.clone().filter(|_| is_own);
        Options {
            storage,
            policy: self.policy.or(default_policy),
            expire: self.expire.or_else(|| defaults.expire.clone()),
            coder: self.coder.or_else(|| defaults.coder.clone()),
            unless: self.unless.or_else(|| defaults.unless.clone()),
            action: self.action.or_else(|| defaults.action.clone()),
            fallible: self.fallible.or(defaults.fallible),
            coalesce: self.coalesce.or(defaults.coalesce),
            flight_timeout: self.flight_timeout.or_else(|| defaults.flight_timeout.clone()),
            ..self
        }
    }

    /// Whether an expression that stands beside the body uses the argument `name`.
    pub(crate) fn mention(&self, name: &Ident) -> bool {
        let expiry = self.expire.as_ref().and_then(Duration::as_expression);
        let mut expressions = self.key.iter().chain(expiry);
        expressions.any(|expression| mentions(expression, &name.to_string()))
    }

    fn parse(tokens: TokenStream, place: Place) -> syn::Result<Self> {
        let metas = Punctuated::<Meta, Token![,]>::parse_terminated
            .parse2(tokens)
            .map_err(|error| syn::Error::new(error.span(), format!("{error}; {FORM}")))?;
        let mut options = Options::default();
        let mut errors: Option<syn::Error> = None;
        let mut seen: Vec<String> = Vec::new();
        for meta in &metas {
            let read = name_of(meta, place).and_then(|name| {
                if seen.contains(&name) {
                    return Err(error(
                        meta.path(),
                        format!("`{name}` is said twice: leave one of them out"),
                    ));
                }
                let result = options.read(&name, meta);
                seen.push(name);
                result
            });
            add(&mut errors, read);
        }
        if place == Place::Block {
            add(&mut errors, options.check_block());
        }
        errors.map_or(Ok(options), Err)
    }

    /// Checks the defaults of a block beside each other.
    fn check_block(&self) -> syn::Result<()> {
        match (&self.policy, &self.storage) {
            (Some(policy), Some(storage)) if !storage.is_own() => Err(error(
                policy,
                "`policy` is for storages of the methods' own, and this block's values are kept elsewhere: leave it out, \
                 or set that up with `Lru::builder().policy(..)`",
            )),
            _ => Ok(()),
        }
    }

    fn read(&mut self, name: &str, meta: &Meta) -> syn::Result<()> {
        if let Some(kind) = Kind::of(name) {
            let place = value(name, meta)?.clone();
            return self.set_storage(meta, Storage::OfKind { kind, place });
        }
        match name {
            "storage" => self.set_storage(meta, storage(value(name, meta)?)?)?,
            "capacity" => {
                self.set_storage(
                    meta,
                    Storage::Own {
                        capacity: Some(value(name, meta)?.clone()),
                    },
                )?;
            }
            "policy" => self.policy = Some(policy(value(name, meta)?)?),
            "expire" => {
                let zero = "leave it out if entries are not to expire";
                self.expire = Some(Duration::parse(name, value(name, meta)?, zero)?);
            }
            "flight_timeout" => {
                let zero = "write `coalesce = false` if calls are not to wait for each other";
                self.flight_timeout = Some(Duration::parse(name, value(name, meta)?, zero)?);
            }
            "coder" => self.coder = Some(type_of(name, value(name, meta)?)?),
            "key_prefix" => self.key_prefix = Some(prefix(value(name, meta)?)?),
            "key" => self.key = Some(value(name, meta)?.clone()),
            "unless" => self.unless = Some(value(name, meta)?.clone()),
            "ignore" => self.ignore = names(meta)?,
            "action" => self.action = Some(action(value(name, meta)?)?),
            "accessor" => self.accessor = Some(identifier(name, value(name, meta)?)?),
            "accessors" => self.accessors = Some(identifier(name, value(name, meta)?)?),
            "coalesce" => self.coalesce = Some(boolean(name, value(name, meta)?)?),
            "class" => self.class = Some(flag(name, meta)?),
            "property" => self.property = Some(flag(name, meta)?),
            "fallible" => self.fallible = Some(flag(name, meta)?),
            _ => unreachable!("the table and this list name the same options"),
        }
        Ok(())
    }

    fn set_storage(&mut self, meta: &Meta, storage: Storage) -> syn::Result<()> {
        if self.storage.is_some() {
            let message = "a ring has one storage: `capacity` is for a storage of its own, and only one of `storage` \
                           and the kinds can name another";
            return Err(error(meta.path(), message));
        }
        self.storage = Some(storage);
        Ok(())
    }
}

fn add(errors: &mut Option<syn::Error>, result: syn::Result<()>) {
    match (errors.as_mut(), result) {
        (Some(errors), Err(error)) => errors.combine(error),
        (None, Err(error)) => *errors = Some(error),
        (_, Ok(())) => {}
    }
}

fn error(tokens: impl quote::ToTokens, message: impl std::fmt::Display) -> syn::Error {
    syn::Error::new_spanned(tokens, message)
}

/// The name of an option that exists and may stand here.
fn name_of(meta: &Meta, place: Place) -> syn::Result<String> {
    let name = meta
        .path()
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default();
    if Kind::of(&name).is_some() {
        return Ok(name);
    }
    match OPTIONS.iter().find(|(known, ..)| *known == name) {
        Some((_, allowed, _)) if *allowed == Place::Both || *allowed == place => Ok(name),
        Some((_, Place::Method, _)) => Err(error(
            meta.path(),
            format!("`{name}` belongs to one method: write it into that method's `#[ring(..)]`"),
        )),
        Some(_) => Err(error(
            meta.path(),
            format!("`{name}` belongs to the whole block: write it into `#[ring_impl(..)]`"),
        )),
        None => Err(unknown(meta, &name, place)),
    }
}

fn unknown(meta: &Meta, name: &str, place: Place) -> syn::Error {
    let here = OPTIONS
        .iter()
        .filter(|(_, allowed, _)| *allowed == Place::Both || *allowed == place);
    let kinds = KINDS.iter().map(|kind| kind.option);
    let known: Vec<&str> = here.map(|(known, ..)| *known).chain(kinds).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let message = match nearest {
        Some((_, nearest)) => format!("there is no option `{name}`: write `{nearest}`"),
        None => format!("there is no option of this name: there are {}", known.join(", ")),
    };
    error(meta.path(), message)
}

fn example(name: &str) -> String {
    let example = OPTIONS
        .iter()
        .find_map(|(known, _, example)| (*known == name).then_some(*example));
    example.map_or_else(|| format!("{name} = EXPRESSION"), str::to_owned)
}

fn value<'m>(name: &str, meta: &'m Meta) -> syn::Result<&'m Expr> {
    match meta {
        Meta::NameValue(pair) => Ok(&pair.value),
        _ => Err(error(
            meta,
            format!("`{name}` needs a value: write `{}`", example(name)),
        )),
    }
}

fn flag(name: &str, meta: &Meta) -> syn::Result<Span> {
    match meta {
        Meta::Path(path) => Ok(path.span()),
        _ => Err(error(meta, format!("`{name}` takes no value: write it alone"))),
    }
}

fn boolean(name: &str, value: &Expr) -> syn::Result<bool> {
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Bool(value),
            ..
        }) => Ok(value.value),
        _ => Err(error(value, format!("`{name}` is `true` or `false`"))),
    }
}

fn identifier(name: &str, value: &Expr) -> syn::Result<Ident> {
    let identifier = match value {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    };
    identifier.ok_or_else(|| {
        error(
            value,
            format!("`{name}` is a plain name: write `{}`", example(name)),
        )
    })
}

fn type_of(name: &str, value: &Expr) -> syn::Result<Type> {
    let tokens = quote::ToTokens::to_token_stream(value);
    syn::parse2(tokens).map_err(|_| error(value, format!("`{name}` is a type: write `{}`", example(name))))
}

fn action(value: &Expr) -> syn::Result<Ident> {
    let action = identifier("action", value)?;
    if ACTIONS.iter().any(|known| action == known) {
        return Ok(action);
    }
    let message = format!(
        "a plain call cannot stand for `{action}`: write `{}`",
        ACTIONS.join("`, `")
    );
    Err(error(value, message))
}

fn policy(value: &Expr) -> syn::Result<Ident> {
    let policy = identifier("policy", value)?;
    match POLICIES.iter().find(|(word, _)| policy == word) {
        Some((_, variant)) => Ok(Ident::new(variant, policy.span())),
        None => {
            let words = POLICIES.map(|(word, _)| word).join("` or `");
            Err(error(
                value,
                format!("there is no policy `{policy}`: write `{words}`"),
            ))
        }
    }
}

fn prefix(value: &Expr) -> syn::Result<Expr> {
    if let Expr::Lit(ExprLit { lit, .. }) = value {
        match lit {
            Lit::Str(text) if text.value().is_empty() => {
                return Err(error(
                    value,
                    "`key_prefix` cannot be empty: leave it out for the full name",
                ));
            }
            Lit::Str(_) => {}
            _ => return Err(error(value, "`key_prefix` is text: write `key_prefix = \"…\"`")),
        }
    }
    Ok(value.clone())
}

fn storage(value: &Expr) -> syn::Result<Storage> {
    match value {
        Expr::Cast(cast) => Ok(Storage::OfType {
            storage: cast.ty.clone(),
            place: (*cast.expr).clone(),
        }),
        _ => Err(error(
            value,
            "say the storage's type, which the accessor's return type needs: write `storage = EXPRESSION as Type`",
        )),
    }
}

fn names(meta: &Meta) -> syn::Result<Vec<Ident>> {
    let Meta::List(list) = meta else {
        return Err(error(
            meta,
            "`ignore` names arguments: write `ignore(argument, …)`",
        ));
    };
    let names = list
        .parse_args_with(|input: ParseStream<'_>| {
            // `self` is a name like others here.
            Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any)
        })
        .map_err(|_| {
            error(
                &list.tokens,
                "`ignore` takes the names of arguments: write `ignore(argument, …)`",
            )
        })?;
    if names.is_empty() {
        return Err(error(
            meta,
            "`ignore` names no argument: name one, or leave it out",
        ));
    }
    Ok(names.into_iter().collect())
}
