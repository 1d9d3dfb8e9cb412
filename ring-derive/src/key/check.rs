//! Options that are right alone, and wrong beside others.

use quote::ToTokens;

use super::model::{Body, Field, Model, in_key};
use crate::errors::Errors;
use crate::parse::Word;

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
    errors.finish(())
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

/// Two that share a name would share keys. One of them was renamed: the error is placed there.
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
