//! What is wrong although each option alone is right.

use darling::Error;
use proc_macro2::Span;
use syn::spanned::Spanned;

use super::model::{Body, Field, Fields, Model, Variant};
use super::values::Word;

/// Checks the whole type.
pub(crate) fn check(model: &Model<'_>) -> darling::Result<()> {
    let mut errors = Error::accumulator();
    match &model.body {
        Body::Struct(fields) => {
            errors.handle(check_fields(fields));
        }
        Body::Enum(variants) => {
            errors.handle(distinct(variants.iter().map(named_variant), "variants"));
            for variant in variants {
                errors.handle(check_fields(&variant.fields));
            }
        }
    }
    errors.finish()
}

fn check_fields(fields: &Fields<'_>) -> darling::Result<()> {
    let mut errors = Error::accumulator();
    for field in &fields.0 {
        errors.handle(skip_alone(field));
    }
    errors.handle(distinct(fields.in_key().filter_map(labelled_field), "fields"));
    errors.finish()
}

fn skip_alone(field: &Field<'_>) -> darling::Result<()> {
    let options = &field.options;
    if options.skip.is_none() {
        return Ok(());
    }
    let rename = options.rename.as_ref().map(|rename| ("rename", rename.span));
    let with = options.with.as_ref().map(|with| ("with", with.0.span()));
    match rename.or(with) {
        Some((name, span)) => {
            let message = format!(
                "the field is not part of the key, so `{name}` says nothing: leave out `{name}` or `skip`"
            );
            Err(Error::custom(message).with_span(&span))
        }
        None => Ok(()),
    }
}

/// A name in keys, where it was written, and the `rename` that made it.
struct Named<'a> {
    name: String,
    written: Span,
    rename: Option<&'a Word>,
}

fn named_variant<'a>(variant: &'a Variant<'_>) -> Named<'a> {
    Named {
        name: variant.name(),
        written: variant.variant.ident.span(),
        rename: variant.options.rename.as_ref(),
    }
}

fn labelled_field<'a>(field: &'a Field<'_>) -> Option<Named<'a>> {
    Some(Named {
        name: field.label()?,
        written: field.field.span(),
        rename: field.options.rename.as_ref(),
    })
}

/// Two that share a name would share keys. One of them was renamed: the error stands there.
fn distinct<'a>(all: impl Iterator<Item = Named<'a>>, what: &str) -> darling::Result<()> {
    let mut errors = Error::accumulator();
    let mut seen: Vec<Named<'a>> = Vec::new();
    for named in all {
        if let Some(other) = seen.iter().find(|other| other.name == named.name) {
            let rename = named.rename.or(other.rename);
            let span = rename.map_or(named.written, |rename| rename.span);
            let message = format!(
                "two {what} are called `{}` and would share keys: give one of them another name",
                named.name
            );
            errors.push(Error::custom(message).with_span(&span));
        }
        seen.push(named);
    }
    errors.finish()
}
