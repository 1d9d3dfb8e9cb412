//! The bounds that a type parameter needs if its values are cached in memory.
//!
//! The compiler reports each missing bound separately. If no written bound may imply them, they become one error here.

use proc_macro2::Ident;
use syn::{Generics, Type, TypeParamBound, WherePredicate};

use super::model::Method;
use crate::errors::Errors;
use crate::parse::Storage;
use crate::types::{mentions, type_arguments};

/// Traits that neither are bounds of a cached value nor imply one.
const OTHERS: [&str; 9] = [
    "Default",
    "Debug",
    "Display",
    "Hash",
    "Eq",
    "PartialEq",
    "Ord",
    "PartialOrd",
    "RingKey",
];

/// Checks the type parameters in the type of a value that a static holds.
pub(super) fn check(method: &Method, errors: &mut Errors) {
    let of_owner = method.owner.iter().map(|owner| &owner.generics);
    let all: Vec<&Generics> = of_owner.chain([&method.written.generics]).collect();
    let is_own = matches!(method.options.storage, Storage::Own { .. }) && method.options.coder.is_none();
    let Some(value) = method.value_type().filter(|_| is_own) else {
        return;
    };
    for parameter in all.iter().flat_map(|generics| generics.type_params()) {
        let name = &parameter.ident;
        let Some(place) = find(value, name) else { continue };
        let Some(missing) = missing(name, &all) else {
            continue;
        };
        let message = format!(
            "values are cached for all threads, and every hit returns a clone: write `{name}: {}`",
            missing.join(" + ")
        );
        errors.at(place, message);
    }
}

/// The missing bounds, if `'static` is certainly one of them.
fn missing(name: &Ident, all: &[&Generics]) -> Option<Vec<&'static str>> {
    let mut written = Vec::new();
    for generics in all {
        let parameters = generics
            .type_params()
            .filter(|parameter| parameter.ident == *name);
        written.extend(parameters.flat_map(|parameter| &parameter.bounds));
        let predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        for predicate in predicates.filter(|predicate| mentions(predicate, &name.to_string())) {
            match predicate {
                WherePredicate::Type(of) if matches!(&of.bounded_ty, Type::Path(path) if path.path.is_ident(name)) =>
                {
                    written.extend(&of.bounds);
                }
                _ => return None,
            }
        }
    }
    let mut missing = vec!["Clone", "Send", "Sync", "'static"];
    for bound in written {
        let TypeParamBound::Trait(bound) = bound else {
            return None;
        };
        let last = bound.path.segments.last()?.ident.to_string();
        match &*last {
            "Copy" => missing.retain(|other| *other != "Clone"),
            "Clone" | "Send" | "Sync" => missing.retain(|other| *other != last),
            other if OTHERS.contains(&other) => {}
            _ => return None,
        }
    }
    Some(missing)
}

/// The first position where a value of this type is part of the cached value; not where it only selects another type, as in
/// `T::Output`.
fn find<'t>(ty: &'t Type, name: &Ident) -> Option<&'t Ident> {
    match ty {
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            if path.path.is_ident(name) {
                return Some(&last.ident);
            }
            type_arguments(last).find_map(|argument| find(argument, name))
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|element| find(element, name)),
        Type::Array(array) => find(&array.elem, name),
        Type::Paren(paren) => find(&paren.elem, name),
        Type::Group(group) => find(&group.elem, name),
        _ => None,
    }
}
