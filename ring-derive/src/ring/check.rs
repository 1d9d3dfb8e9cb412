//! Checks of a method and its block. Each error names the code to write instead.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprLit, FnArg, Ident, ItemImpl, Lifetime, Lit, PatType, Receiver, ReceiverKind, Safety, Type,
    TypePath, TypeReference,
};

use super::bounds;
use super::expand::attributes::any;
use super::item::is_conditional;
use super::model::{Argument, KeyForm, Method};
use super::named_calls::{is_call, own_method, without_object};
use super::names::uses;
use super::owner::{OfTrait, Owner};
use super::scope;
use super::template::Template;
use crate::errors::Errors;
use crate::parse::{Accessor, RingOptions, Storage};
use crate::types::{
    Unsized, find_unsized, is_future, is_known_foreign, is_known_plain, is_result, last_segment,
    type_arguments,
};

/// The most values that a call binds, `self` included.
const MOST_PARTS: usize = 16;

/// All errors of a method, each at the user's own token.
pub(crate) fn method(method: &Method) -> syn::Result<()> {
    let mut errors = Errors::default();
    signature(method, &mut errors);
    forms(method, &mut errors);
    ignored(method, &mut errors);
    key(method, &mut errors);
    tags(method, &mut errors);
    flights(method, &mut errors);
    freshness(method, &mut errors);
    scope::check(method, &mut errors);
    storage(method, &mut errors);
    attributes(method, &mut errors);
    arguments(method, &mut errors);
    returned(method, &mut errors);
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

fn signature(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    let unsafety = match &sig.safety {
        Safety::Unsafe(token) => Some(token),
        _ => None,
    };
    for (token, message) in [
        (
            sig.constness.to_token_stream(),
            "a `const fn` cannot use a cache: remove `const`",
        ),
        (
            unsafety.to_token_stream(),
            "an `unsafe fn` cannot be cached: cache a safe function that calls it",
        ),
        (
            sig.abi.to_token_stream(),
            "an `extern` function cannot be cached: cache a function that it calls",
        ),
        (
            sig.variadic.to_token_stream(),
            "a variadic function cannot be cached: cache a function that it calls",
        ),
    ] {
        if !token.is_empty() {
            errors.at(token, message);
        }
    }
    let Some(receiver) = method.receiver() else { return };
    if !is_shared(receiver) {
        let message = "a cached method borrows its object, or shares it: write `&self`, `self: &Arc<Self>` or `self: \
                       Arc<Self>`";
        errors.at(receiver, message);
    }
}

/// Whether a receiver leaves the object as it is: a shared reference, or a pointer that others have too.
fn is_shared(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, _, mutability) => mutability.is_none(),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(TypeReference { mutability, elem, .. }) => {
                mutability.is_none() && is_self_or_shared(elem)
            }
            ty => is_pointer_to_self(ty, &["Arc", "Rc"]),
        },
        _ => false,
    }
}

fn is_self_or_shared(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_none() && is_self_or_shared(&reference.elem),
        Type::Path(path) if path.path.is_ident("Self") => true,
        ty => is_pointer_to_self(ty, &["Arc", "Rc", "Box"]),
    }
}

fn is_pointer_to_self(ty: &Type, pointers: &[&str]) -> bool {
    last_segment(ty).is_some_and(|last| {
        pointers.iter().any(|pointer| last.ident == pointer) && type_arguments(last).any(is_self_or_shared)
    })
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

fn ignored(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    if let (true, Some(ignored)) = (names_a_value(method), options.ignore.first()) {
        let message = "`ignore` has no effect beside `key`, which replaces all arguments: remove one of them";
        errors.at(ignored, message);
    }
    let written = method.arguments.iter().filter_map(Argument::only_name);
    let names: Vec<String> = written.map(ToString::to_string).collect();
    for (index, ignored) in options.ignore.iter().enumerate() {
        if let Some(argument) = method
            .arguments
            .iter()
            .find(|argument| argument.binds_among_others(ignored))
        {
            let pattern = argument.pattern.to_token_stream().to_string().replace(" ", "");
            let message = format!(
                "`{ignored}` is a part of the argument `{pattern}`, and only whole arguments are ignored: take the argument \
                 by one name"
            );
            errors.at(ignored, message);
            continue;
        }
        let is_argument = names.iter().any(|name| ignored == name);
        if !is_argument && (ignored != "self" || method.receiver().is_none()) {
            let known = match names.as_slice() {
                [] => "no argument has a name".to_owned(),
                [only] => format!("write `{only}`"),
                names => format!("write one of `{}`", names.join("`, `")),
            };
            errors.at(ignored, format!("unknown argument `{ignored}`: {known}"));
        }
        if options.ignore[..index].contains(ignored) {
            let message = format!("duplicate argument `{ignored}`: remove one of them");
            errors.at(ignored, message);
        }
    }
}

/// Whether `key` names `self` or an argument.
fn names_a_value(method: &Method) -> bool {
    let names = method.arguments.iter().filter_map(Argument::written_name);
    let names = names.map(|name| name.unraw().to_string());
    let receiver = method.receiver().map(|_| "self".to_owned());
    names.chain(receiver).any(|name| method.key.names(&name))
}

fn key(method: &Method, errors: &mut Errors) {
    prefix(method, errors);
    let Some(key) = &method.options.key else { return };
    if let Some((name, argument)) = part_of_a_pattern(method) {
        let pattern = argument.pattern.to_token_stream().to_string().replace(' ', "");
        let message = format!(
            "`{name}` is a part of the argument `{pattern}`, and a key names whole arguments: give this one a name, and \
             write the part as a field of it"
        );
        errors.at(key, message);
        return;
    }
    if let KeyForm::Template(template) = &method.key
        && let Some(unknown) = template.places().find(|place| !is_known(method, &place.root))
    {
        let (root, known) = (&unknown.root, known_names(method));
        errors.at(key, format!("unknown argument `{root}` in this text: {known}"));
        return;
    }
    if names_a_value(method) {
        return;
    }
    let receiver = method.receiver().map(|_| "self".to_owned());
    let arguments = method
        .arguments
        .iter()
        .map(|argument| match argument.written_name() {
            Some(name) => name.to_string(),
            None => argument.pattern.to_token_stream().to_string(),
        });
    let all: Vec<String> = receiver.into_iter().chain(arguments).collect();
    let is_ignored = |name: &&String| method.options.ignore.iter().any(|ignored| ignored == *name);
    if let Some(first) = all.iter().find(|name| !is_ignored(name)) {
        let all = all.join(", ");
        let message = format!(
            "this key names neither `self` nor an argument, so all calls share one entry: name what tells them apart, \
             as in `key = \"{{{first}}}\"`, or write `ignore({all})` if that is meant"
        );
        errors.at(key, message);
    }
}

/// Tags are made of what an entry is named with.
fn tags(method: &Method, errors: &mut Errors) {
    depends(method, errors);
    for (tag, written) in method.tags.named.iter().zip(&method.options.tags) {
        if let Some((text, unknown)) = tag.unknown(|name| is_known(method, name)) {
            let known = known_names(method);
            errors.at(
                text,
                format!("unknown argument `{unknown}` in this text: {known}"),
            );
            return;
        }
        if let Some(name) = unnamed(method).find(|name| tag.names(name)) {
            errors.at(written, without_it("tag", &name));
        }
    }
    for call in &method.tags.depends {
        if let Some(name) = unnamed(method).find(|name| uses(call, name)) {
            errors.at(call, without_it("call", &name));
        }
    }
}

/// Checks that calls are named.
fn depends(method: &Method, errors: &mut Errors) {
    let sig = &method.sig;
    for call in &method.tags.depends {
        if !is_call(call) {
            let message = "not a call of a cached method: write `Self::user(id)`, or `Self::user(..)` for all calls of a \
                           method";
            errors.at(call, message);
        } else if let Some(token) = without_object(call, sig) {
            let message =
                "this function has no `self`: add `&self`, or name a function of the type, `Self::user(id)`";
            errors.at(token, message);
        } else if own_method(call).is_some_and(|method| *method == sig.ident) {
            errors.at(call, "an entry cannot depend on its own method: name another one");
        }
    }
}

fn without_it(what: &str, name: &str) -> String {
    format!(
        "an entry is named without `{name}`, which is left out of the key: make this {what} of what is in the key"
    )
}

/// The names of the arguments that an entry is named without.
fn unnamed(method: &Method) -> impl Iterator<Item = String> {
    let arguments = method.arguments.iter().filter(|argument| argument.unnamed);
    arguments
        .filter_map(Argument::written_name)
        .map(|name| name.unraw().to_string())
}

/// What `key` names and the pattern of an argument binds.
fn part_of_a_pattern(method: &Method) -> Option<(&Ident, &Argument)> {
    let patterns = method
        .arguments
        .iter()
        .filter(|argument| argument.written_name().is_none());
    let mut parts = patterns.flat_map(|argument| {
        argument
            .bound_names()
            .into_iter()
            .map(move |name| (name, argument))
    });
    parts.find(|(name, _)| method.key.names(&name.unraw().to_string()))
}

/// A prefix is the same for all calls.
fn prefix(method: &Method, errors: &mut Errors) {
    let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(text), ..
    })) = &method.options.key_prefix
    else {
        return;
    };
    if let Ok(template) = Template::parse(text)
        && let Some(place) = template.places().find(|place| is_known(method, &place.root))
    {
        let message = format!(
            "`key_prefix` is the same for all calls, and `{{{}}}` stands for itself: `self` and the arguments join the \
             key by themselves, or write `key = \"…\"`",
            place.root
        );
        errors.at(text, message);
    }
}

fn is_known(method: &Method, name: &str) -> bool {
    let mut names = method.arguments.iter().filter_map(Argument::written_name);
    (name == "self" && method.receiver().is_some()) || names.any(|known| known.unraw() == name)
}

fn known_names(method: &Method) -> String {
    let receiver = method.receiver().map(|_| "self".to_owned());
    let names = method.arguments.iter().filter_map(Argument::written_name);
    let names = names.map(|name| name.unraw().to_string());
    let all: Vec<String> = receiver.into_iter().chain(names).collect();
    match all.as_slice() {
        [] => "no argument has a name; write `{{` for a brace".to_owned(),
        [only] => format!("write `{{{only}}}`"),
        all => format!("write one of `{{{}}}`", all.join("}`, `{")),
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

fn freshness(method: &Method, errors: &mut Errors) {
    let options = &method.options;
    let expires = options.expire.is_some() || options.expire_of.is_some();
    if let Some(jitter) = options.jitter.as_ref().filter(|_| !expires) {
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
    let of_errors = [
        options
            .errors
            .as_ref()
            .map(|errors| ("errors", errors.time.value.to_token_stream())),
        options
            .share_errors
            .as_ref()
            .map(|flag| ("share_errors", flag.0.to_token_stream())),
    ];
    for (name, place) in of_errors.into_iter().flatten() {
        if !method.is_fallible() {
            let message =
                format!("`{name}` is about errors, and this method returns no `Result`: remove `{name}`");
            errors.at(place, &message);
        } else if name == "share_errors" && options.coalesce == Some(false) {
            let message = "with `coalesce = false` no call waits for another: remove `share_errors`";
            errors.at(place, message);
        }
    }
    timeout(method, errors);
    entry(method, errors);
    if method.runs_in_background() {
        background(method, errors);
    }
    let stale = options.stale.as_ref().map(|stale| stale.value.to_token_stream());
    let early = options.early.as_ref().map(ToTokens::to_token_stream);
    let Some(place) = stale.clone().or(early) else {
        let retry = options.retry.as_ref().map(|retry| retry.value.to_token_stream());
        let wait = options.wait.as_ref().map(|wait| wait.written());
        let refresh = options.refresh.as_ref().filter(|_| options.timeout.is_none());
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
        return;
    };
    let name = if stale.is_some() { "stale" } else { "early" };
    if !expires {
        let message = format!("`{name}` counts from the expiry of an entry: write `expire = \"60s\"` too");
        errors.at(&place, &message);
    }
    if options.coalesce == Some(false) {
        let message = format!("one call refreshes an entry for all: remove `coalesce = false`, or `{name}`");
        errors.at(&place, &message);
    }
    if let Some(action) = options
        .action
        .as_ref()
        .filter(|action| *action != "get_or_update")
    {
        let message = format!("`action = {action}` finds no entry to refresh: remove `{name}`, or `action`");
        errors.at(&place, &message);
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

fn arguments(method: &Method, errors: &mut Errors) {
    for argument in &method.written.inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(Receiver { attrs, .. })) = argument;
        if let Some(attr) = attrs.iter().find(|attr| attr.path().is_ident("cfg")) {
            let message = "an argument of a cached method cannot have `#[cfg(..)]`: write two methods, each with its \
                           `#[cfg(..)]`";
            errors.at(attr, message);
        }
    }
    if method.arguments.len() + 1 > MOST_PARTS {
        let message = "a cached method has at most 15 arguments: put some of them in a struct";
        errors.at(&method.sig.ident, message);
    }
    for argument in &method.arguments {
        if let Some(found) = find_unsized(&argument.ty) {
            let Unsized {
                what,
                reference,
                owned,
                ..
            } = &found;
            let message = format!(
                "{what} has no fixed size, so it cannot be an argument: take `{reference}` or `{owned}`"
            );
            errors.at(found.ty, message);
        }
    }
    let keyed = method.arguments.iter().filter(|argument| !argument.ignored);
    for argument in keyed.filter(|argument| find_unsized(&argument.ty).is_none()) {
        let (name, ty) = (&argument.name, &argument.ty);
        if argument.hides_its_type() {
            let message = format!(
                "an `impl Trait` argument cannot be part of the key, as two types that it hides would share entries: \
                 name the type, `<T: RingKey>({name}: T)`, or leave it out of the key, `ignore({name})`"
            );
            errors.at(ty, message);
        } else if let Some(reference) = mutable_reference(ty) {
            let message = format!(
                "a hit cannot change what this argument refers to: take `&`, or leave it out of the key, \
                 `ignore({name})`"
            );
            errors.at(reference, message);
        }
    }
}

/// The first `&mut` in a type, except in the types of functions.
fn mutable_reference(ty: &Type) -> Option<&TypeReference> {
    struct Find<'a>(Option<&'a TypeReference>);
    impl<'a> Visit<'a> for Find<'a> {
        fn visit_type_reference(&mut self, reference: &'a TypeReference) {
            if reference.mutability.is_some() {
                self.0.get_or_insert(reference);
            }
            visit::visit_type_reference(self, reference);
        }

        fn visit_type_fn_ptr(&mut self, _: &'a syn::TypeFnPtr) {}

        fn visit_parenthesized_generic_arguments(&mut self, _: &'a syn::ParenthesizedGenericArguments) {}
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

fn returned(method: &Method, errors: &mut Errors) {
    let fallible = method
        .options
        .fallible
        .as_ref()
        .is_some_and(|fallible| fallible.is_fallible);
    let not_fallible = "`fallible` needs a `Result`, and this is another type: remove `fallible`";
    let Some(ty) = method.written_out_type() else {
        if fallible {
            errors.at(&method.sig.ident, not_fallible);
        }
        return;
    };
    if let Some(found) = find_unsized(ty) {
        let Unsized {
            what, owned, shared, ..
        } = &found;
        let message =
            format!("{what} has no fixed size, so it cannot be returned: return `{owned}` or `{shared}`");
        errors.at(found.ty, message);
        return;
    }
    if let Some(never) = method
        .options
        .fallible
        .as_ref()
        .filter(|fallible| !fallible.is_fallible)
        && is_result(ty)
    {
        let message =
            "this method returns a `Result`, whose errors are never cached: remove `fallible = false`";
        errors.at(&never.written, message);
        return;
    }
    let message = match ty {
        ty if is_async_trait(method, ty) => {
            "`#[async_trait]` has already rewritten this method: write `#[ring_impl]` above `#[async_trait]`"
        }
        ty if fallible && is_known_plain(ty) => not_fallible,
        ty if method.options.fallible.is_none() && is_of_parameter(method, ty) => {
            "this may be a `Result`, whose errors must not be cached: write `#[ring(fallible = false)]` if it never is, or \
             return `Result<T, E>`"
        }
        Type::ImplTrait(_) | Type::Path(_) if is_future(ty) => {
            "a future cannot be cached, but its output can: write `async fn`, and the output as the return type"
        }
        Type::ImplTrait(_) => "a cached value needs a type with a name: write it in the place of `impl`",
        Type::Never(_) => "a function that never returns has no value to cache: remove `#[ring]`",
        ty if hidden_type(ty).is_some() => {
            let hidden = hidden_type(ty).map(ToTokens::to_token_stream);
            errors.at(
                hidden,
                "a cached value needs a type with a name: write it in the place of `impl`",
            );
            return;
        }
        ty => {
            let mut borrow = FindBorrow { method, error: None };
            borrow.visit_type(ty);
            match borrow.error {
                Some(error) => errors.add(error),
                None => bounds::check(method, errors),
            }
            return;
        }
    };
    errors.at(ty, message);
}

/// Whether a type is what a type parameter says, as `T::Output`.
fn is_of_parameter(method: &Method, ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let of_owner = method.owner.iter().map(|owner| &owner.generics);
    let mut parameters = of_owner
        .chain([&method.written.generics])
        .flat_map(|generics| generics.type_params());
    let mut is_parameter = |ident: &Ident| parameters.any(|parameter| parameter.ident == *ident);
    match &path.qself {
        Some(qself) => {
            matches!(&*qself.ty, Type::Path(of) if of.path.get_ident().is_some_and(&mut is_parameter))
        }
        None => path.path.segments.len() > 1 && is_parameter(&path.path.segments[0].ident),
    }
}

/// Whether the method is what `#[async_trait]` makes of an `async fn`.
fn is_async_trait(method: &Method, ty: &Type) -> bool {
    let mut lifetimes = method.written.generics.lifetimes();
    is_future(ty) && lifetimes.any(|parameter| parameter.lifetime.ident == "async_trait")
}

/// The first `impl Trait` in a type.
fn hidden_type(ty: &Type) -> Option<&Type> {
    struct Find<'a>(Option<&'a Type>);
    impl<'a> Visit<'a> for Find<'a> {
        fn visit_type(&mut self, ty: &'a Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                self.0.get_or_insert(ty);
            }
            visit::visit_type(self, ty);
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

/// Finds the first token by which a cached value would borrow.
struct FindBorrow<'m> {
    method: &'m Method,
    error: Option<syn::Error>,
}

impl FindBorrow<'_> {
    fn at(&mut self, tokens: impl ToTokens, returned: &str) {
        let message = format!("a cached value outlives the call, so it cannot borrow: return {returned}");
        let error = || syn::Error::new_spanned(tokens, message);
        self.error.get_or_insert_with(error);
    }

    /// What the block declares as the type `Self::Item`.
    fn declared(&self, path: &TypePath) -> Option<&Type> {
        let mut segments = path.path.segments.iter();
        match (segments.next(), segments.next(), segments.next()) {
            (Some(first), Some(item), None) if first.ident == "Self" => {
                self.method.owner.as_ref()?.declared(&item.ident)
            }
            _ => None,
        }
    }

    /// Whether a type that the block declares borrows.
    fn borrows(&self, declared: &Type) -> bool {
        let mut find = FindBorrow {
            method: self.method,
            error: None,
        };
        find.visit_type(declared);
        find.error.is_some()
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
}

impl<'a> Visit<'a> for FindBorrow<'_> {
    fn visit_type_reference(&mut self, reference: &'a TypeReference) {
        let lifetime = reference.lifetime.as_ref();
        if lifetime.is_none_or(|lifetime| lifetime.ident != "static") {
            match reference
                .elem
                .to_token_stream()
                .to_string()
                .replace(' ', "")
                .as_str()
            {
                "str" => self.at(reference, "`Arc<str>` or `String`"),
                other => self.at(reference, &format!("`Arc<{other}>` or an owned value")),
            }
        }
        visit::visit_type_reference(self, reference);
    }

    /// `Self::Item` may be owned all the same.
    fn visit_type_path(&mut self, path: &'a TypePath) {
        let borrows = match self.declared(path) {
            Some(declared) => self.borrows(declared),
            None => path.path.is_ident("Self") && self.self_borrows(),
        };
        if borrows {
            self.at(path, "an owned value");
        }
        // Nor does `<Self as Trait>::Item` borrow by its `Self`.
        path.path
            .segments
            .iter()
            .for_each(|segment| self.visit_path_segment(segment));
    }

    fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
        if lifetime.ident != "static" {
            self.at(lifetime, "an owned value");
        }
    }

    /// `for<'a> fn(&'a T)` borrows nothing.
    fn visit_type_fn_ptr(&mut self, _: &'a syn::TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &'a syn::TypeTraitObject) {}
}
