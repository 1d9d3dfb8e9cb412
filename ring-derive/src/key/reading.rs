//! The possible texts of a value, for detecting rings that can have equal keys.

use proc_macro2::TokenStream;
use quote::quote;

use super::format::Format;
use super::model::{Body, Field, Model, Variant, in_key};
use crate::parse::Word;
use crate::root::Root;

/// The function `may_read`, unless a name is escaped in texts.
pub(super) fn of(model: &Model<'_>, root: &Root) -> Option<TokenStream> {
    let prefix = model.options.prefix.as_ref().map(Word::text);
    let reading = quote!(__reading);
    let answer = match &model.body {
        Body::Struct(fields) => of_struct(root, model, prefix.as_deref(), fields)?,
        Body::Enum(variants) => {
            let variants: Option<Vec<_>> = variants.iter().map(|variant| of_variant(root, variant)).collect();
            let variants = variants?;
            labelled(root, prefix.as_deref(), quote!(false #(|| #variants)*))?
        }
    };
    Some(quote! {
        fn may_read(#reading: #root::generated::Reading<'_>) -> bool {
            #answer
        }
    })
}

fn of_struct(
    root: &Root,
    model: &Model<'_>,
    prefix: Option<&str>,
    fields: &[Field<'_>],
) -> Option<TokenStream> {
    if let Some(format) = &model.format {
        return Some(of_format(root, format, fields));
    }
    let fields: Vec<_> = in_key(fields).collect();
    match fields.as_slice() {
        [] => words(root, prefix.unwrap_or(&model.ident())),
        [only] => {
            let value = match only.options.with {
                Some(_) => quote!(true),
                None => may_read(root, only),
            };
            labelled(root, prefix, labelled(root, only.rename().as_deref(), value)?)
        }
        _ => group(root, prefix.unwrap_or_default()),
    }
}

fn of_format(root: &Root, format: &Format, fields: &[Field<'_>]) -> TokenStream {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"%:".contains(&byte);
    let before = format.before.as_str();
    let before = if before.bytes().all(is_plain) { before } else { "" };
    let in_texts = before != format.before || format.fields.iter().any(|(_, after)| after.contains(':'));
    let values = format.places().map(|place| {
        let field = fields.iter().find(|field| field.is_named(place));
        match field.filter(|field| field.options.with.is_none() && place.members.is_empty()) {
            Some(field) => may_read(root, field),
            None => quote!(true),
        }
    });
    let reading = quote!(#root::generated::Reading);
    quote!(#reading::of_format(__reading, #before, |__reading| #in_texts #(|| #values)*))
}

fn may_read(root: &Root, field: &Field<'_>) -> TokenStream {
    let ty = &field.field.ty;
    quote!(<#ty as #root::RingKey>::may_read(__reading))
}

fn of_variant(root: &Root, variant: &Variant<'_>) -> Option<TokenStream> {
    let name = variant.name();
    if in_key(&variant.fields).next().is_none() {
        words(root, &name)
    } else {
        group(root, &name)
    }
}

fn words(root: &Root, word: &str) -> Option<TokenStream> {
    let reading = quote!(#root::generated::Reading);
    word.is_ascii()
        .then(|| quote!(#reading::of_words(__reading, &[#word])))
}

fn group(root: &Root, name: &str) -> Option<TokenStream> {
    let opening = format!("{name}(");
    let reading = quote!(#root::generated::Reading);
    name.is_ascii()
        .then(|| quote!(#reading::of_group(__reading, #opening)))
}

fn labelled(root: &Root, name: Option<&str>, value: TokenStream) -> Option<TokenStream> {
    let Some(name) = name else { return Some(value) };
    let reading = quote!(#root::generated::Reading);
    name.is_ascii()
        .then(|| quote!(#reading::of_labelled(__reading, #name, |__reading| #value)))
}
