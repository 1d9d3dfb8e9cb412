//! How long an entry lives, and who makes it anew.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Type, TypeReference};

use crate::errors::Errors;
use crate::ring::model::{Argument, Method};
use crate::types::{is_known_plain, last_segment};

pub(super) fn check(method: &Method, errors: &mut Errors) {
    expiry(method, errors);
    kept_errors(method, errors);
    timeout(method, errors);
    entry(method, errors);
    if method.runs_in_background() {
        background(method, errors);
    }
    let options = &method.options;
    let stale = options.stale.as_ref().map(|stale| stale.value.to_token_stream());
    let early = options.early.as_ref().map(ToTokens::to_token_stream);
    match (stale, early) {
        (Some(place), _) => refreshed("stale", &place, method, errors),
        (None, Some(place)) => refreshed("early", &place, method, errors),
        (None, None) => never_stale(method, errors),
    }
}

fn expires(method: &Method) -> bool {
    method.options.expire.is_some() || method.options.expire_of.is_some()
}

fn expiry(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if let Some(jitter) = options.jitter.as_ref().filter(|_| !expires(method)) {
        let message =
            "`jitter` shortens an expiry, and entries do not expire here: write `expire = \"60s\"` too";
        errors.at(jitter, message);
    }
    if let (Some(none), Some(ty)) = (&options.none, method.value_type())
        && is_known_plain(ty)
        && last_segment(ty).is_none_or(|last| last.ident != "Option")
    {
        let message = "`none` is the expiry of `None`, and this method returns no `Option`: remove `none`";
        errors.at(&none.value, message);
    }
}

/// Errors that other calls get.
fn kept_errors(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    let kept = options
        .errors
        .as_ref()
        .map(|errors| errors.time.value.to_token_stream());
    let shared = options.share_errors.as_ref().map(|flag| flag.0.to_token_stream());
    for (name, place) in [("errors", kept), ("share_errors", shared)] {
        let Some(place) = place else { continue };
        if !method.is_fallible() {
            let message =
                format!("`{name}` is about errors, and this method returns no `Result`: remove `{name}`");
            errors.at(place, &message);
        } else if name == "share_errors" && options.coalesce == Some(false) {
            let message = "with `coalesce = false` no call waits for another: remove `share_errors`";
            errors.at(place, message);
        }
    }
}

/// Options about stale entries have no effect where there are none.
fn never_stale(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    let wait = options.wait.as_ref().map(|wait| wait.written());
    let refresh = options.refresh.as_ref().filter(|_| options.timeout.is_none());
    let retry = options.retry.as_ref().map(|retry| retry.value.to_token_stream());
    for (name, value) in [
        ("wait", wait.to_token_stream()),
        ("refresh", refresh.to_token_stream()),
        ("retry", retry.to_token_stream()),
    ] {
        if !value.is_empty() {
            let message = format!("`{name}` is about stale entries: write `stale = \"10m\"` too");
            errors.at(value, &message);
        }
    }
}

/// Entries that are refreshed, by the option of this name at this place.
fn refreshed(name: &str, place: &TokenStream, method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if !expires(method) {
        let message = format!("`{name}` counts from the expiry of an entry: write `expire = \"60s\"` too");
        errors.at(place, &message);
    }
    if options.coalesce == Some(false) {
        let message = format!("one call refreshes an entry for all: remove `coalesce = false`, or `{name}`");
        errors.at(place, &message);
    }
    let action = options.action.as_ref();
    if let Some(action) = action.filter(|action| *action != "get_or_update") {
        let message = format!("`action = {action}` finds no entry to refresh: remove `{name}`, or `action`");
        errors.at(place, &message);
    }
    if let (Some(wait), true, false) = (&options.wait, method.runs_by_caller(), method.is_async()) {
        let message = "a caller that refreshes a stale entry cannot leave a blocking body: remove `wait`, or `refresh = \
                       caller`";
        errors.at(wait.written(), message);
    }
}

/// What a body says of its entry has a name of its own.
fn entry(method: &Method, errors: &mut Errors) {
    let Some(entry) = &method.options.entry else {
        return;
    };
    let mut names = method.arguments.iter().filter_map(Argument::written_name);
    if names.any(|name| *name == *entry) {
        let message =
            format!("`{entry}` is an argument already: give the entry another name, as in `entry = e`");
        errors.at(entry, &message);
    }
    let action = method.options.action.as_ref();
    if let Some(action) = action.filter(|action| *action == "execute") {
        let message =
            format!("`action = {action}` stores nothing, so there is no entry: remove `entry`, or `action`");
        errors.at(entry, &message);
    }
}

fn timeout(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    let Some(timeout) = &options.timeout else { return };
    let action = options
        .action
        .as_ref()
        .filter(|action| *action != "get_or_update");
    if !method.is_fallible() {
        let message = "`timeout` limits the wait for the body, and this method returns no `Result` to say so: return one \
                       whose error is `From<TimedOut>`, or write `expire` if the time to live is meant";
        errors.at(&timeout.value, message);
    } else if let Some(action) = action {
        let message =
            format!("`action = {action}` waits as long as its body takes: remove `timeout`, or `action`");
        errors.at(&timeout.value, &message);
    } else if method.runs_by_caller() && !method.is_async() {
        let message = "a caller that runs a blocking body itself cannot leave it: remove `timeout`, or `refresh = caller`";
        errors.at(&timeout.value, message);
    }
}

/// The arguments of a body in the background are copies.
fn background(method: &Method, errors: &mut Errors) {
    // One that hides its type in the key is an error already.
    let is_new = |argument: &&Argument| argument.ignored || !argument.hides_its_type();
    for argument in method.arguments.iter().filter(is_new) {
        let ty = match &argument.ty {
            Type::Reference(reference) if reference.mutability.is_none() => &*reference.elem,
            ty => ty,
        };
        if argument.hides_its_type() || has_reference(ty) || matches!(ty, Type::TraitObject(_)) {
            let name = &argument.name;
            let why = if method.refreshes() {
                "stale entries are refreshed in the background"
            } else {
                "a body that takes longer than `timeout` goes on in the background"
            };
            let message = format!(
                "{why}, with a copy of `{name}`, and this type borrows or has no name: take an owned type or a reference to \
                 one, or write `refresh = caller`"
            );
            errors.at(&argument.ty, &message);
        }
    }
}

/// Whether a type contains a reference that is not `'static`.
fn has_reference(ty: &Type) -> bool {
    struct Find(bool);
    impl Visit<'_> for Find {
        fn visit_type_reference(&mut self, reference: &TypeReference) {
            let lifetime = reference.lifetime.as_ref();
            self.0 |= lifetime.is_none_or(|lifetime| lifetime.ident != "static");
            visit::visit_type_reference(self, reference);
        }

        fn visit_type_fn_ptr(&mut self, _: &syn::TypeFnPtr) {}
    }
    let mut find = Find(false);
    find.visit_type(ty);
    find.0
}
