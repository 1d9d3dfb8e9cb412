//! Tags, and calls that an entry depends on.

use syn::ext::IdentExt;

use crate::errors::Errors;
use crate::ring::model::{Argument, Method};
use crate::ring::named_calls::{is_call, own_method, without_object};
use crate::ring::names::uses;

/// Tags are made of what an entry is named with.
pub(super) fn check(method: &Method, errors: &mut Errors) {
    depends(method, errors);
    for (tag, written) in method.tags.named.iter().zip(&method.options.tags) {
        if let Some((text, unknown)) = tag.unknown(|name| method.has_value(name)) {
            errors.at(text, method.unknown_value(unknown));
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
