//! Checks of a method and its block. Each error names the code to write instead.

use quote::ToTokens;
use syn::{Expr, ExprLit, Ident, ItemImpl, Lit};

mod freshness;
mod groups;
mod key;
mod returned;
mod signature;

use super::expand::attributes::any;
use super::item::is_conditional;
use super::model::Method;
use super::owner::{OfTrait, Owner};
use super::scope;
use crate::errors::Errors;
use crate::parse::{Accessor, RingOptions, Storage};
use crate::types::is_known_foreign;

/// All errors of a method, each at the user's own token.
pub(crate) fn method(method: &Method) -> syn::Result<()> {
    let mut errors = Errors::default();
    signature::check(method, &mut errors);
    forms(method, &mut errors);
    key::check(method, &mut errors);
    groups::check(method, &mut errors);
    flights(method, &mut errors);
    freshness::check(method, &mut errors);
    scope::check(method, &mut errors);
    storage(method, &mut errors);
    attributes(method, &mut errors);
    returned::check(method, &mut errors);
    errors.finish(())
}

/// Checks that the outcome of a cached method is not told.
pub(crate) fn outcome(options: &RingOptions) -> syn::Result<()> {
    let mut errors = Errors::default();
    if let Some(outcome) = &options.on {
        let message =
            "`on` says when a method that is not cached forgets: add `invalidates(..)`, or remove `on`";
        errors.at(outcome, message);
    }
    errors.finish(())
}

/// Checks the options of a block beside each other.
pub(crate) fn defaults(options: &RingOptions) -> syn::Result<()> {
    let mut errors = Errors::default();
    policy(options, "this block's values are", &mut errors);
    if let Some(argument) = options.ignore.iter().find(|name| *name != "self") {
        let message = "arguments belong to one method: write this in its `#[ring(ignore(..))]`; a block may ignore `self`";
        errors.at(argument, message);
    }
    errors.finish(())
}

/// Checks that the accessors can be declared.
pub(crate) fn owner(block: &ItemImpl, owner: &Owner) -> syn::Result<()> {
    let mut errors = Errors::default();
    let self_ty = &block.self_ty;
    let written = self_ty.to_token_stream().to_string();
    let mut parameters = block.generics.type_params();
    let is_foreign = parameters.any(|parameter| parameter.ident == written) || is_known_foreign(self_ty);
    match &owner.of_trait {
        None => {
            if let Some(Accessor { name: Some(name), .. }) = &owner.named {
                let message = "`accessors` belongs on a trait's `impl`: remove it, as the accessors of this block are \
                               inherent methods";
                errors.at(name, message);
            }
        }
        Some(OfTrait { path, .. }) if is_foreign && owner.named.is_none() => {
            let name = path.segments.last().map(|last| &last.ident);
            let message = format!(
                "the accessors cannot be methods of a type of another crate: name a trait for them, \
                 `#[ring_impl(accessors = {}Ring)]`",
                name.to_token_stream()
            );
            errors.at(self_ty, message);
        }
        Some(_) => {}
    }
    errors.finish(())
}

fn forms(method: &Method, errors: &mut Errors) {
    let (class, property) = (&method.options.class, &method.options.property);
    let (has_self, has_type) = (method.receiver().is_some(), method.owner.is_some());
    let of_free = "`class` is for associated functions, and a free function has no type: remove `class`";
    let of_method = "`class` is for associated functions, and this is a method: remove `class` or `&self`";
    let of_function = "`property` is for methods, and this is a function: add `&self`, or remove `property`";
    for (flag, is_wrong, message) in [
        (class, !has_type, of_free),
        (class, has_type && has_self, of_method),
        (property, !has_self, of_function),
    ] {
        if let Some(flag) = flag.as_ref().filter(|_| is_wrong) {
            errors.at(&flag.0, message);
        }
    }
    if let (Some(_), true, Some(argument)) = (property, has_self, method.arguments.first()) {
        let message = "a property has no arguments: remove them, or remove `property`";
        errors.at(&argument.pattern, message);
    }
}

/// Checks that the names of the accessors are free. Names of a trait's methods do not meet those of the type.
pub(crate) fn names(method: &Method, functions: &[Ident], given: &[Ident]) -> syn::Result<()> {
    let mut errors = Errors::default();
    if is_conditional(&method.attrs) {
        return Ok(());
    }
    for name in [method.accessor(), method.entry(), method.cache()] {
        if given.contains(&name) {
            let place = method
                .options
                .accessor
                .as_ref()
                .and_then(|accessor| accessor.name.as_ref());
            let message = format!(
                "`{name}` is an accessor of another method: write `#[ring(accessor = …)]` with another name"
            );
            errors.at(place.unwrap_or(&method.sig.ident), message);
            break;
        }
        if let Some(other) = functions.iter().find(|other| **other == name) {
            let of = &method.sig.ident;
            let message = format!(
                "`{name}` is a function that `#[ring]` adds to `{of}`: rename this one, or write `#[ring(accessor = …)]` on \
                 `{of}`"
            );
            errors.at(other, message);
            break;
        }
    }
    errors.finish(())
}

fn flights(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if let (Some(false), Some(timeout)) = (options.coalesce, &options.flight_timeout) {
        let message = "`flight_timeout` has no effect beside `coalesce = false`, as calls do not wait for each other: \
                       remove one of them";
        errors.at(&timeout.value, message);
    }
    let Some(lease) = &options.lease else { return };
    if options.coalesce == Some(false) {
        let message = "with a lease one call computes for all: remove `coalesce = false`, or `lease`";
        errors.at(&lease.value, message);
    }
    let action = options.action.as_ref();
    if let Some(action) = action.filter(|action| *action != "get_or_update") {
        let message = format!("`action = {action}` waits for no other process: remove `lease`, or `action`");
        errors.at(&lease.value, &message);
    }
}

fn storage(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if method.storage_needs_self() && method.receiver().is_none() {
        let message = "this storage is reached through `self`, which the function does not have: add `&self`, or name a \
                       static";
        errors.at(options.storage.place(), message);
    }
    if method.storage_needs_self() && method.moves_self() {
        let message = "this storage is borrowed from `self`, which the call takes along: write `&self` or `self: \
                       &Arc<Self>`";
        errors.at(options.storage.place(), message);
    }
    policy(options, "this method's values are", errors);
    if let Storage::Own {
        capacity: Some(capacity),
    } = &options.storage
        && let Expr::Lit(ExprLit {
            lit: Lit::Int(literal),
            ..
        }) = capacity
        && literal.base10_digits() == "0"
    {
        let message = "a cache with `capacity = 0` stores nothing: write how many entries it may have";
        errors.at(capacity, message);
    }
}

fn policy(options: &RingOptions, whose: &str, errors: &mut Errors) {
    if let (Some(policy), Some(place)) = (&options.policy, options.storage.place()) {
        let message = format!(
            "`policy` is for a storage that the macro makes, and {whose} in `{}`: remove `policy`, or set it there with \
             `Lru::builder().policy(..)`",
            place.to_token_stream()
        );
        errors.at(policy, message);
    }
}

/// Attributes that are about the function whose code moves into the accessor.
fn attributes(method: &Method, errors: &mut Errors) {
    for attr in &method.attrs {
        let is_here = |name| any(&attr.meta, &|meta| meta.path().is_ident(name));
        let message = if is_here("track_caller") {
            "`#[track_caller]` does not reach the body of a cached method: take the place as an argument, or cache a \
             function that is called by the one with `#[track_caller]`"
        } else if is_here("target_feature") {
            "`#[target_feature(..)]` does not reach the body of a cached method: cache a function that calls the one with \
             `#[target_feature(..)]`"
        } else {
            continue;
        };
        errors.at(attr, message);
    }
}
