//! The signature: its form, its receiver, and its arguments.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{FnArg, PatType, Receiver, ReceiverKind, Safety, Type, TypeReference};

use crate::errors::Errors;
use crate::ring::model::Method;
use crate::types::{Unsized, find_unsized, last_segment, type_arguments};

/// The most values that a call binds, `self` included.
const MOST_PARTS: usize = 16;

pub(super) fn check(method: &Method, errors: &mut Errors) {
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
    if let Some(receiver) = method.receiver().filter(|receiver| !is_shared(receiver)) {
        let message = "a cached method borrows its object, or shares it: write `&self`, `self: &Arc<Self>` or `self: \
                       Arc<Self>`";
        errors.at(receiver, message);
    }
    arguments(method, errors);
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
