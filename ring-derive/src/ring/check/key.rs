//! The key: what it names, and what is left out of it.

use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, ExprLit, Ident, Lit};

use crate::errors::Errors;
use crate::ring::model::{Argument, KeyForm, Method};
use crate::ring::template::Template;

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
    method.value_names().any(|name| method.key.names(&name))
}

pub(super) fn check(method: &Method, errors: &mut Errors) {
    ignored(method, errors);
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
        && let Some(unknown) = template.places().find(|place| !method.has_value(&place.root))
    {
        errors.at(key, method.unknown_value(&unknown.root));
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
        && let Some(place) = template.places().find(|place| method.has_value(&place.root))
    {
        let message = format!(
            "`key_prefix` is the same for all calls, and `{{{}}}` stands for itself: `self` and the arguments join the \
             key by themselves, or write `key = \"…\"`",
            place.root
        );
        errors.at(text, message);
    }
}
