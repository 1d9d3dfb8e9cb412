//! Checks of options that are valid alone, but not together.

use quote::ToTokens;

use super::format::Format;
use super::model::{Body, Field, Model, in_key};
use crate::errors::Errors;
use crate::parse::Word;
use crate::template::Place;

/// Checks the whole type.
pub(crate) fn check(model: &Model<'_>) -> syn::Result<()> {
    let mut errors = Errors::default();
    match &model.body {
        Body::Struct(fields) => check_fields(fields, &mut errors),
        Body::Enum(variants) => {
            let named = variants.iter().map(|variant| Named {
                name: variant.name(),
                written: &variant.variant.ident,
                rename: variant.options.rename.as_ref(),
            });
            distinct(named, "variants", &mut errors);
            for variant in variants {
                check_fields(&variant.fields, &mut errors);
            }
        }
    }
    if let Some(format) = &model.format {
        check_format(model, format, &mut errors);
    }
    errors.finish(())
}

fn check_format(model: &Model<'_>, format: &Format, errors: &mut Errors) {
    let text = &format.text;
    let fields = match &model.body {
        Body::Struct(fields) => fields,
        Body::Enum(_) => {
            let message = "`format` belongs on a struct: variants are told apart by their names, which `rename` replaces";
            return errors.at(text, message);
        }
    };
    if let Some(prefix) = &model.options.prefix {
        let (written, text) = (prefix.text(), text.value());
        let message = format!(
            "`prefix` has no effect beside `format`: remove it, or write it in the text, as in `format = \"{written}-{text}\"`"
        );
        errors.at(&prefix.0, message);
    }
    if format.fields.is_empty() {
        let message = match in_key(fields).next() {
            Some(_) => format!(
                "this text names no field, so that all values share a key: {}",
                names(fields)
            ),
            None => "no field is part of the key, so that `format` has none to name: write `prefix = \"…\"`"
                .to_owned(),
        };
        return errors.at(text, message);
    }
    let wrong = format.places().find_map(|place| wrong_place(fields, place));
    match wrong {
        Some(message) => errors.at(text, message),
        None => {
            for field in in_key(fields) {
                in_format(format, field, errors);
            }
        }
    }
}

/// Why a text cannot name this.
fn wrong_place(fields: &[Field<'_>], place: &Place) -> Option<String> {
    let (root, written) = (&place.root, &place.written);
    if root == "self" {
        let field = written.strip_prefix("self.").unwrap_or("id");
        return Some(format!(
            "a field is named without `self` here: write `{{{field}}}`"
        ));
    }
    let Some(field) = fields.iter().find(|field| field.is_named(place)) else {
        return Some(format!("unknown field `{root}` in this text: {}", names(fields)));
    };
    if field.options.skip.is_some() {
        return Some(format!(
            "`skip` leaves `{root}` out of the key, and this text names it: remove one of them"
        ));
    }
    (field.options.with.is_some() && !place.members.is_empty()).then(|| {
        format!("`with` writes all of `{root}`, and `{{{written}}}` is a part of it: write `{{{root}}}`, or remove `with`")
    })
}

fn names(fields: &[Field<'_>]) -> String {
    let names: Vec<_> = in_key(fields).map(Field::name).collect();
    match names.as_slice() {
        [] => "no field is part of the key; write `{{` for a brace".to_owned(),
        [only] => format!("write `{{{only}}}`"),
        all => format!("write one of `{{{}}}`", all.join("}`, `{")),
    }
}

/// Values that differ in one field must have different texts.
fn in_format(format: &Format, field: &Field<'_>, errors: &mut Errors) {
    let name = field.name();
    if let Some(rename) = &field.options.rename {
        let message = "`rename` has no effect beside `format`, which writes no names of fields: remove it";
        errors.at(&rename.0, message);
    }
    if !format.places().any(|place| field.is_named(place)) {
        let message = format!(
            "`format` does not name `{name}`, and values that differ only there would share a key: write `{{{name}}}` in \
             the text, or `#[ring_key(skip)]` on the field"
        );
        match &field.field.ident {
            Some(ident) => errors.at(ident, message),
            None => errors.at(&field.field.ty, message),
        }
    }
}

fn check_fields(fields: &[Field<'_>], errors: &mut Errors) {
    for field in fields {
        skip_alone(field, errors);
    }
    let named = in_key(fields).filter_map(|field| {
        Some(Named {
            name: field.label()?,
            written: field.field,
            rename: field.options.rename.as_ref(),
        })
    });
    distinct(named, "fields", errors);
}

fn skip_alone(field: &Field<'_>, errors: &mut Errors) {
    let options = &field.options;
    let (name, value) = match (&options.skip, &options.rename, &options.with) {
        (Some(_), Some(rename), _) => ("rename", rename.0.to_token_stream()),
        (Some(_), None, Some(with)) => ("with", with.to_token_stream()),
        _ => return,
    };
    let message = format!(
        "`{name}` has no effect beside `skip`, as the field is not part of the key: remove `{name}` or `skip`"
    );
    errors.at(value, message);
}

/// A name in keys, the item that has it, and the `rename` that made it.
struct Named<'a> {
    name: String,
    written: &'a dyn ToTokens,
    rename: Option<&'a Word>,
}

/// Equal names would give equal keys. One item was renamed: the error is placed there.
fn distinct<'a>(all: impl Iterator<Item = Named<'a>>, what: &str, errors: &mut Errors) {
    let mut seen: Vec<Named<'a>> = Vec::new();
    for named in all {
        if let Some(other) = seen.iter().find(|other| other.name == named.name) {
            let message = format!(
                "two {what} are called `{}` and would share keys: give one of them another name",
                named.name
            );
            match named.rename.or(other.rename) {
                Some(rename) => errors.at(&rename.0, message),
                None => errors.at(named.written, message),
            }
        }
        seen.push(named);
    }
}
