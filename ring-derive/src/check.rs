//! What cannot be cached, and what to write instead.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprLit, FnArg, Lifetime, Lit, Pat, PatType, Receiver, ReceiverKind, Safety, Type, TypeReference,
};

use crate::expand::checks::is_known_plain;
use crate::generics;
use crate::model::{Argument, Method, contains_impl_trait, last_segment};
use crate::storage::Storage;

/// The most values that a call binds, `self` included.
const MOST_PARTS: usize = 16;

/// All errors of a method, each at the user's own token.
pub(crate) fn check(method: &Method) -> syn::Result<()> {
    let mut errors = Errors(None);
    signature(method, &mut errors);
    receiver(method, &mut errors);
    forms(method, &mut errors);
    ignored(method, &mut errors);
    flights(method, &mut errors);
    storage(method, &mut errors);
    arguments(method, &mut errors);
    returned(method, &mut errors);
    errors.0.map_or(Ok(()), Err)
}

struct Errors(Option<syn::Error>);

impl Errors {
    fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }
}

fn signature(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    let mut refuse = |token: Option<TokenStream>, message| {
        token.into_iter().for_each(|token| errors.at(token, message));
    };
    refuse(
        sig.constness.map(ToTokens::into_token_stream),
        "a `const fn` runs at compile time, where there is no cache: remove `const`",
    );
    if let Safety::Unsafe(token) = &sig.safety {
        refuse(
            Some(token.to_token_stream()),
            "an `unsafe fn` cannot be cached: cache a safe function that calls it",
        );
    }
    refuse(
        sig.abi.as_ref().map(ToTokens::to_token_stream),
        "a function with a foreign calling convention cannot be cached: cache one that it calls",
    );
    refuse(
        sig.variadic.as_ref().map(ToTokens::to_token_stream),
        "a variadic function cannot be cached",
    );
}

fn arguments(method: &Method, errors: &mut Errors) {
    for argument in &method.sig.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = argument;
        if let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            let message = "an argument of a cached method cannot be there at times only: write two methods, each with \
                           its `#[cfg(..)]`";
            errors.at(attr, message);
        }
    }
    if method.arguments.len() + 1 > MOST_PARTS {
        let message = "a cached method has at most 15 arguments: gather some of them in a struct";
        errors.at(&method.sig.ident, message);
    }
    for argument in &method.arguments {
        check_argument(argument, errors);
    }
}

fn receiver(method: &Method, errors: &mut Errors) {
    let Some(receiver) = method.receiver() else { return };
    let by_reference = match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => true,
        ReceiverKind::Typed(_, ty) => {
            matches!(&**ty, Type::Reference(TypeReference { mutability: None, elem, .. })
            if elem.to_token_stream().to_string() == "Self")
        }
        _ => false,
    };
    if !by_reference {
        errors.at(receiver, "a cached method reads its object: write `&self`");
    }
}

fn forms(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    let error = |span, message| syn::Error::new(span, message);
    if let Some(span) = options.class {
        if method.owner.is_none() {
            errors.add(error(
                span,
                "`class` is for associated functions: a free function has no type",
            ));
        } else if method.receiver().is_some() {
            errors.add(error(
                span,
                "`class` is for associated functions: a method has an entry for each object. Remove `class` or `&self`",
            ));
        }
    }
    if let Some(span) = options.property {
        if method.receiver().is_none() {
            errors.add(error(
                span,
                "a property belongs to an object: add `&self`, or remove `property`",
            ));
        } else if let Some(argument) = method.arguments.first() {
            let message = "a property has no arguments: remove them, or remove `property`";
            errors.at(&argument.pattern, message);
        }
    }
}

fn ignored(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if let (Some(_), Some(ignored)) = (&options.key, options.ignore.first()) {
        errors.at(
            ignored,
            "`key` takes the place of all arguments: there is nothing left to ignore",
        );
    }
    for ignored in &options.ignore {
        let mut arguments = method.arguments.iter();
        let known = arguments.any(|argument| is_named(argument, ignored))
            || (ignored == "self" && method.receiver().is_some());
        if !known {
            errors.at(
                ignored,
                format!("there is no argument `{ignored}`{}", names(method)),
            );
        }
    }
    for (index, ignored) in options.ignore.iter().enumerate() {
        if options.ignore[..index].contains(ignored) {
            errors.at(ignored, format!("`{ignored}` is ignored twice: remove one"));
        }
    }
}

fn flights(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if let (Some(false), Some(timeout)) = (options.coalesce, &options.flight_timeout) {
        errors.add(syn::Error::new(
            timeout.span(),
            "`flight_timeout` says how long a call waits for another, and `coalesce = false` that it does not wait: \
             leave one of them out",
        ));
    }
}

fn storage(method: &Method, errors: &mut Errors) {
    let storage = method.options.storage.as_ref();
    if method.storage_needs_self() && method.receiver().is_none() {
        let message = "this storage is reached through `self`, which the function does not have: add `&self`, or name a \
                       static";
        errors.at(storage.and_then(Storage::place), message);
    }
    if let (Some(policy), Some(place)) = (&method.options.policy, storage.and_then(Storage::place)) {
        let place = place.to_token_stream();
        let message = format!(
            "`policy` is for a storage of the method's own, and this is kept in `{place}`: leave it out, or set that up \
             with `Lru::builder().policy(..)`"
        );
        errors.at(policy, message);
    }
    let Some(Storage::Own {
        capacity: Some(Expr::Lit(ExprLit {
            lit: Lit::Int(capacity),
            ..
        })),
    }) = storage
    else {
        return;
    };
    if capacity.base10_digits() == "0" {
        let message = "a cache with `capacity = 0` stores nothing: say how many entries it may have";
        errors.at(capacity, message);
    }
}

fn is_named(argument: &Argument, name: &syn::Ident) -> bool {
    matches!(&argument.pattern, Pat::Ident(pattern) if pattern.ident == *name)
}

/// The arguments that there are, for an error.
fn names(method: &Method) -> String {
    let names: Vec<String> = method
        .arguments
        .iter()
        .filter_map(|argument| match &argument.pattern {
            Pat::Ident(pattern) => Some(format!("`{}`", pattern.ident)),
            _ => None,
        })
        .collect();
    match names.len() {
        0 => ": the method has none with a name".to_owned(),
        1 => format!(": there is {}", names[0]),
        _ => format!(": there are {}", names.join(", ")),
    }
}

fn check_argument(argument: &Argument, errors: &mut Errors) {
    if argument.ignored {
        return;
    }
    match &argument.ty {
        ty if contains_impl_trait(ty) => {
            let name = &argument.name;
            errors.at(
                &argument.ty,
                format!(
                    "an `impl Trait` argument cannot join the key, since types that it hides must not share entries: \
                     name the type, `<T: RingKey>({name}: T)`, or leave it out of the key, `ignore({name})`"
                ),
            );
        }
        Type::Reference(TypeReference { mutability: Some(_), .. }) => errors.at(
            &argument.ty,
            format!(
                "a hit cannot change what this argument refers to: take `&`, or leave it out of the key, `ignore({})`",
                argument.name
            ),
        ),
        _ => {}
    }
}

fn returned(method: &Method, errors: &mut Errors) {
    let Some(ty) = method.out_type() else {
        if method.options.fallible.is_some() {
            errors.at(&method.sig.ident, NOT_FALLIBLE);
        }
        return;
    };
    match ty {
        _ if method.options.fallible.is_some() && is_known_plain(ty) => errors.at(ty, NOT_FALLIBLE),
        Type::ImplTrait(_) | Type::Path(_) if is_future(ty) => errors.at(ty, AWAITED),
        Type::ImplTrait(_) => errors.at(ty, "a cached value needs a type with a name: write it out"),
        Type::Never(_) => errors.at(ty, "a function that never returns has no value to cache"),
        _ => {
            let mut unfit = FindUnfit { method, error: None };
            unfit.visit_type(ty);
            if let Some(error) = unfit.error {
                errors.add(error);
            }
        }
    }
}

/// Whether it is `impl Future`, or a future in a box.
fn is_future(ty: &Type) -> bool {
    let boxed = ["Pin", "BoxFuture", "LocalBoxFuture"];
    let name = last_segment(Some(ty));
    let boxed = name.is_some_and(|name| boxed.iter().any(|boxed| name == boxed));
    boxed || (matches!(ty, Type::ImplTrait(_)) && generics::mentions(ty, "Future"))
}

const AWAITED: &str = "what is cached is what a future comes to: write `async fn`, and the type of that";

const NOT_FALLIBLE: &str = "this is not a `Result`: leave out `fallible`";

/// Finds what a cached value would borrow, or could not share with other threads.
struct FindUnfit<'m> {
    method: &'m Method,
    error: Option<syn::Error>,
}

impl FindUnfit<'_> {
    fn at(&mut self, tokens: impl ToTokens, message: &str) {
        self.error
            .get_or_insert_with(|| syn::Error::new_spanned(tokens, message));
    }

    /// Whether `Self` has lifetimes that its name does not show.
    fn self_borrows(&self) -> bool {
        struct FindLifetime(bool);
        impl Visit<'_> for FindLifetime {
            fn visit_lifetime(&mut self, lifetime: &Lifetime) {
                self.0 |= lifetime.ident != "static";
            }
        }
        let mut find = FindLifetime(false);
        if let Some(owner) = &self.method.owner {
            find.visit_type(&owner.self_ty);
        }
        find.0
    }

    fn segment(&mut self, segment: &syn::PathSegment) {
        if segment.ident == "Self" && self.self_borrows() {
            self.at(segment, BORROWS);
        }
    }
}

const BORROWS: &str = "a cached value outlives the call, so it cannot borrow: return an owned value";

impl<'a> Visit<'a> for FindUnfit<'_> {
    fn visit_type_reference(&mut self, reference: &'a TypeReference) {
        let lifetime = reference.lifetime.as_ref();
        if lifetime.is_none_or(|lifetime| lifetime.ident != "static") {
            let owned = match reference.elem.to_token_stream().to_string().as_str() {
                "str" => "`Arc<str>` or `String`".to_owned(),
                other => format!("`Arc<{}>` or an owned value", other.replace(' ', "")),
            };
            let message = format!("a cached value outlives the call, so it cannot borrow: return {owned}");
            self.at(reference, &message);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_path_segment(&mut self, segment: &'a syn::PathSegment) {
        self.segment(segment);
        visit::visit_path_segment(self, segment);
    }

    fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
        if lifetime.ident != "static" {
            self.at(lifetime, BORROWS);
        }
    }

    /// `for<'a> fn(&'a T)` borrows nothing.
    fn visit_type_fn_ptr(&mut self, _: &'a syn::TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &'a syn::TypeTraitObject) {}
}
