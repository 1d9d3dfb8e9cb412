//! The values of options.

use darling::{Error, FromMeta, Result};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Ident, Lit, LitFloat, LitStr, Meta, Path, Token, Type, UnOp, Visibility};

use super::table;

/// The verbs that a plain call can run.
const ACTIONS: [&str; 3] = ["get_or_update", "update", "execute"];

/// The eviction policies, and their names in the library.
const POLICIES: [(&str, &str); 3] = [
    ("least_recently_used", "LeastRecentlyUsed"),
    ("lru", "LeastRecentlyUsed"),
    ("scan_resistant", "ScanResistant"),
];

/// The refreshers of a stale entry.
const REFRESHERS: [&str; 2] = ["background", "caller"];

/// The characters with a meaning in keys.
const STRUCTURE: &str = r#"%:()[]+,='"\"#;

/// The value in `name = value`.
pub(super) fn value(option: &Meta) -> Result<&Expr> {
    match option {
        Meta::NameValue(pair) => Ok(&pair.value),
        Meta::Path(_) | Meta::List(_) => Err(expected(option, "needs a value")),
    }
}

/// An error that ends with the option's form.
pub(super) fn expected(option: &Meta, fact: &str) -> Error {
    let name = darling::util::path_to_string(option.path());
    let example = table::example(&name);
    Error::custom(format!("`{name}` {fact}: write `{example}`"))
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(literal) => Some(&literal.lit),
        _ => None,
    }
}

pub(super) fn expression(option: &Meta) -> Result<Option<Expr>> {
    value(option).cloned().map(Some)
}

pub(super) fn boolean(option: &Meta) -> Result<Option<bool>> {
    match literal(value(option)?) {
        Some(Lit::Bool(value)) => Ok(Some(value.value)),
        _ => Err(expected(option, "takes `true` or `false`")),
    }
}

pub(super) fn type_of(option: &Meta) -> Result<Option<Type>> {
    let tokens = value(option)?.to_token_stream();
    let ty = syn::parse2(tokens).map_err(|_| expected(option, "takes a type"))?;
    Ok(Some(ty))
}

pub(super) fn identifier(option: &Meta) -> Result<Option<Ident>> {
    match value(option)? {
        Expr::Path(path) if path.path.get_ident().is_some() => Ok(path.path.get_ident().cloned()),
        _ => Err(expected(option, "takes a name")),
    }
}

/// The name of a variable.
pub(super) fn binding(option: &Meta) -> Result<Option<Ident>> {
    let name = identifier(option)?;
    match &name {
        Some(word) if syn::parse_str::<Ident>(&word.to_string()).is_err() => {
            Err(expected(option, "takes the name of a variable"))
        }
        _ => Ok(name),
    }
}

/// The name of an accessor, or its visibility, or both.
pub(crate) struct Accessor {
    /// As written by the user, if at all.
    pub(crate) vis: Visibility,
    pub(crate) name: Option<Ident>,
}

impl Accessor {
    /// The visibility, if one is written.
    pub(crate) fn written_vis(&self) -> Option<&Visibility> {
        Some(&self.vis).filter(|vis| !matches!(vis, Visibility::Inherited))
    }
}

impl Parse for Accessor {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (vis, name) = (input.parse()?, input.parse()?);
        Ok(Accessor { vis, name })
    }
}

pub(super) fn accessor(option: &Meta) -> Result<Option<Accessor>> {
    let tokens = value(option)?.to_token_stream();
    let accessor: Accessor = syn::parse2(tokens).map_err(|_| expected(option, "takes a name"))?;
    if option.path().is_ident("accessors") && accessor.name.is_none() {
        return Err(expected(option, "takes a name"));
    }
    Ok(Some(accessor))
}

pub(super) fn path(option: &Meta) -> Result<Option<Path>> {
    let mut value = value(option)?;
    // A user's macro passes it as one group.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    match value {
        Expr::Path(path) if path.qself.is_none() => Ok(Some(path.path.clone())),
        _ => Err(expected(option, "takes the path of this library")),
    }
}

/// One of `words`.
fn word(option: &Meta, what: &str, words: &[&str]) -> Result<Option<Ident>> {
    let word = identifier(option)?;
    match &word {
        Some(unknown) if !words.iter().any(|known| unknown == known) => {
            let words = words.join("`, `");
            Err(Error::custom(format!(
                "unknown {what} `{unknown}`: write one of `{words}`"
            )))
        }
        _ => Ok(word),
    }
}

/// A verb.
pub(super) fn action(option: &Meta) -> Result<Option<Ident>> {
    word(option, "action", &ACTIONS)
}

/// The refresher of a stale entry.
pub(super) fn refresher(option: &Meta) -> Result<Option<Ident>> {
    word(option, "refresher", &REFRESHERS)
}

/// `early = 0.8`, or `early = xfetch`.
pub(super) fn early(option: &Meta) -> Result<Option<Expr>> {
    match value(option)? {
        Expr::Path(path) if path.path.is_ident("xfetch") => Ok(Some(Expr::Path(path.clone()))),
        _ => part(option),
    }
}

/// A fraction: a number from 0 to 1, or an expression of type `f64`.
pub(super) fn part(option: &Meta) -> Result<Option<Expr>> {
    let value = value(option)?;
    let number = match literal(value) {
        Some(Lit::Float(number)) => number.base10_parse::<f64>().ok(),
        Some(Lit::Int(number)) => number.base10_parse::<f64>().ok(),
        None if !matches!(value, Expr::Unary(_)) => return Ok(Some(value.clone())),
        _ => None,
    };
    match number {
        Some(number) if number > 0.0 && number <= 1.0 => {
            let literal = LitFloat::new(&format!("{number:?}"), value.span());
            Ok(Some(syn::parse_quote!(#literal)))
        }
        _ => Err(expected(
            option,
            "takes a part of the expiry, above 0 and up to 1",
        )),
    }
}

/// The outcome of a writer.
pub(super) fn outcome(option: &Meta) -> Result<Option<Ident>> {
    word(option, "outcome", &["ok"])
}

/// A variant of the library's `Policy`.
pub(super) fn policy(option: &Meta) -> Result<Option<Ident>> {
    let word = word(option, "policy", &POLICIES.map(|(word, _)| word))?;
    Ok(word.and_then(|word| {
        let (_, variant) = POLICIES.iter().find(|(known, _)| word == known)?;
        Some(Ident::new(variant, word.span()))
    }))
}

/// An expression that may be text.
pub(super) fn prefix(option: &Meta) -> Result<Option<Expr>> {
    let value = value(option)?;
    match literal(value) {
        Some(Lit::Str(text)) if text.value().is_empty() => {
            let message = "`key_prefix` cannot be empty: remove it to use the full name";
            Err(Error::custom(message))
        }
        None | Some(Lit::Str(_)) => Ok(Some(value.clone())),
        Some(_) => Err(expected(option, "takes text")),
    }
}

/// A version of a ring's values.
pub(crate) enum Version {
    /// The digits of a number.
    Number(String),
    /// `shape`: the fingerprint of the values' type.
    Shape,
}

impl FromMeta for Version {
    fn from_meta(option: &Meta) -> Result<Self> {
        let value = value(option)?;
        match (literal(value), value) {
            (Some(Lit::Int(number)), _)
                if number.suffix().is_empty() && !number.base10_digits().starts_with('-') =>
            {
                Ok(Version::Number(number.base10_digits().to_owned()))
            }
            (None, Expr::Path(word)) if word.path.is_ident("shape") => Ok(Version::Shape),
            _ => Err(expected(option, "takes a whole number, or `shape`")),
        }
    }
}

/// A text.
pub(super) fn text(option: &Meta) -> Result<Option<LitStr>> {
    match value(option).ok().and_then(literal) {
        Some(Lit::Str(text)) => Ok(Some(text.clone())),
        _ => Err(expected(option, "takes a string")),
    }
}

/// The path of a function.
pub(super) fn function(option: &Meta) -> Result<Option<ExprPath>> {
    match value(option) {
        Ok(Expr::Path(path)) => Ok(Some(path.clone())),
        _ => {
            let fact = "takes the path of a function `fn(&Field, &mut impl KeyWriter)`";
            Err(expected(option, fact))
        }
    }
}

/// Names in parentheses.
pub(super) fn names(option: &Meta) -> Result<Vec<Ident>> {
    // `self` is a name like any other here.
    let parse = |input: ParseStream<'_>| {
        Punctuated::<Ident, Token![,]>::parse_terminated_with(input, Ident::parse_any)
    };
    let names = match option {
        Meta::List(list) => list.parse_args_with(parse).ok(),
        Meta::Path(_) | Meta::NameValue(_) => None,
    };
    match names {
        Some(names) if names.is_empty() => Err(expected(option, "names no argument")),
        Some(names) => Ok(names.into_iter().collect()),
        None => Err(expected(option, "takes the names of arguments")),
    }
}

/// Expressions in parentheses.
pub(super) fn expressions(option: &Meta) -> Result<Vec<Expr>> {
    let expressions = match option {
        Meta::List(list) => list.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated),
        Meta::Path(_) | Meta::NameValue(_) => return Err(expected(option, "takes calls in parentheses")),
    };
    match expressions {
        Ok(expressions) if expressions.is_empty() => Err(expected(option, "names no call")),
        Ok(expressions) => Ok(expressions.into_iter().collect()),
        Err(error) => Err(expected(option, &format!("takes calls ({error})"))),
    }
}

/// `tags("team", id)`: names of groups.
pub(super) fn names_of_groups(option: &Meta) -> Result<Vec<Expr>> {
    let names = match option {
        Meta::List(list) => list.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated),
        Meta::Path(_) | Meta::NameValue(_) => return Err(expected(option, "takes names in parentheses")),
    };
    match names {
        Ok(names) if names.is_empty() => Err(expected(option, "names no group")),
        Ok(names) => Ok(names.into_iter().collect()),
        Err(error) => Err(expected(option, &format!("takes names ({error})"))),
    }
}

/// An option without a value.
pub(crate) struct Flag(pub(crate) Path);

impl FromMeta for Flag {
    fn from_meta(option: &Meta) -> Result<Self> {
        match option {
            Meta::Path(path) => Ok(Flag(path.clone())),
            Meta::List(_) | Meta::NameValue(_) => Err(expected(option, "takes no value")),
        }
    }
}

/// `fallible`, or `fallible = false` for a generic value that is never a `Result`.
pub(crate) struct Fallible {
    pub(crate) written: Meta,
    pub(crate) is_fallible: bool,
}

impl FromMeta for Fallible {
    fn from_meta(option: &Meta) -> Result<Self> {
        let is_fallible = match option {
            Meta::Path(_) => true,
            Meta::NameValue(_) => boolean(option)
                .map_err(|_| expected(option, "takes no value, or `false`"))?
                .unwrap_or_default(),
            Meta::List(_) => return Err(expected(option, "takes no value, or `false`")),
        };
        Ok(Fallible {
            written: option.clone(),
            is_fallible,
        })
    }
}

/// A word for keys, unescaped.
pub(crate) struct Word(pub(crate) LitStr);

impl Word {
    pub(crate) fn text(&self) -> String {
        self.0.value()
    }
}

impl FromMeta for Word {
    fn from_meta(option: &Meta) -> Result<Self> {
        let Some(Lit::Str(word)) = value(option).ok().and_then(literal) else {
            return Err(expected(option, "takes a string"));
        };
        let text = word.value();
        let is_literal = |character: char| character.is_ascii_graphic() && !STRUCTURE.contains(character);
        let fact = match text.chars().find(|&character| !is_literal(character)) {
            None if !text.is_empty() => return Ok(Word(word.clone())),
            None => "cannot be empty: remove it, or write a word".to_owned(),
            Some(character) => format!(
                "cannot contain {character:?}: write printable ASCII without spaces and without {STRUCTURE}"
            ),
        };
        let name = darling::util::path_to_string(option.path());
        Err(Error::custom(format!("`{name}` {fact}")))
    }
}

/// A duration: `60`, `"60s"` or any expression of type `Duration`.
pub(crate) struct Duration {
    /// As written.
    pub(crate) value: Expr,
    /// The length of a literal, which is not zero.
    literal: Option<std::time::Duration>,
}

impl FromMeta for Duration {
    fn from_meta(option: &Meta) -> Result<Self> {
        Duration::of(option, value(option)?)
    }
}

impl Duration {
    /// The value of an option.
    fn of(option: &Meta, value: &Expr) -> Result<Self> {
        let is_negative = matches!(value, Expr::Unary(unary)
            if matches!(unary.op, UnOp::Neg(_)) && literal(&unary.expr).is_some());
        if is_negative {
            return Err(expected(option, "cannot be negative"));
        }
        let literal = literal(value)
            .map(|literal| length(option, literal))
            .transpose()?;
        if literal.is_some_and(|literal| literal.is_zero()) {
            return Err(Error::custom(of_zero(option)));
        }
        Ok(Duration {
            value: value.clone(),
            literal,
        })
    }
}

/// The error for a duration of zero.
fn of_zero(option: &Meta) -> String {
    let name = darling::util::path_to_string(option.path());
    let remedy = match &*name {
        "expire" => "remove it if entries do not expire",
        "flight_timeout" => "write `coalesce = false` if calls do not wait for each other",
        "none" => "write `unless = Option::is_none` if `None` is not stored",
        _ => "remove it",
    };
    format!("`{name}` cannot be zero: {remedy}")
}

/// `errors("5s", when = E::is_not_found)`: errors that are remembered.
pub(crate) struct Remembered {
    pub(crate) time: Duration,
    pub(crate) when: Option<Expr>,
}

pub(super) fn errors(option: &Meta) -> Result<Option<Remembered>> {
    mod keyword {
        syn::custom_keyword!(when);
    }
    let parse = |input: ParseStream<'_>| {
        let time: Expr = input.parse()?;
        if matches!(time, Expr::Assign(_)) {
            return Err(input.error("the time is missing"));
        }
        if input.parse::<Option<Token![,]>>()?.is_none() || input.is_empty() {
            return Ok((time, None));
        }
        input.parse::<keyword::when>()?;
        input.parse::<Token![=]>()?;
        let when: Expr = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok((time, Some(when)))
    };
    let parsed = match option {
        Meta::List(list) => list.parse_args_with(parse).ok(),
        Meta::Path(_) | Meta::NameValue(_) => None,
    };
    let Some((time, when)) = parsed else {
        return Err(expected(option, "takes a time, and which errors are remembered"));
    };
    let time = Duration::of(option, &time)?;
    Ok(Some(Remembered { time, when }))
}

/// `wait = "50ms"`, or `wait = forever`.
pub(crate) enum Patience {
    For(Duration),
    Forever(Ident),
}

pub(super) fn patience(option: &Meta) -> Result<Option<Patience>> {
    if let Expr::Path(path) = value(option)?
        && let Some(word) = path.path.get_ident().filter(|word| *word == "forever")
    {
        return Ok(Some(Patience::Forever(word.clone())));
    }
    Duration::from_meta(option).map(|time| Some(Patience::For(time)))
}

impl Patience {
    /// As written.
    pub(crate) fn written(&self) -> TokenStream {
        match self {
            Patience::For(time) => time.value.to_token_stream(),
            Patience::Forever(word) => word.to_token_stream(),
        }
    }

    /// An expression of type `Option<Duration>`; `None` without a limit.
    pub(crate) fn expression(&self, root: &impl ToTokens) -> TokenStream {
        match self {
            Patience::For(time) => {
                let time = time.expression(root);
                quote!(::core::option::Option::Some(#time))
            }
            Patience::Forever(_) => quote!(::core::option::Option::None),
        }
    }
}

fn length(option: &Meta, literal: &Lit) -> Result<std::time::Duration> {
    let form = "takes whole seconds (`60`), text with units (`\"1m 30s\"`, `\"250ms\"`) or an expression of type `Duration`";
    match literal {
        Lit::Int(seconds) if seconds.base10_digits().starts_with('-') => {
            Err(expected(option, "cannot be negative"))
        }
        Lit::Int(seconds) if seconds.suffix().is_empty() => {
            Ok(std::time::Duration::from_secs(seconds.base10_parse()?))
        }
        Lit::Str(text) => humantime::parse_duration(&text.value())
            .map_err(|cause| Error::custom(format!("{cause}: {}", expected(option, form)))),
        _ => Err(expected(option, form)),
    }
}

impl Duration {
    /// The expression, if it is evaluated at run time.
    pub(crate) fn as_expression(&self) -> Option<&Expr> {
        self.literal.is_none().then_some(&self.value)
    }

    /// An expression of type `Duration`.
    pub(crate) fn expression(&self, root: &impl ToTokens) -> TokenStream {
        match self.literal {
            Some(literal) => {
                let (seconds, nanos) = (literal.as_secs(), literal.subsec_nanos());
                quote!(#root::generated::Duration::new(#seconds, #nanos))
            }
            None => self.value.to_token_stream(),
        }
    }
}
