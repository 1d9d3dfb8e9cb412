//! What the text of a value may be: so that rings are told whose keys cannot be equal.

use proc_macro2::TokenStream;
use quote::quote;

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
    let fields: Vec<_> = in_key(fields).collect();
    match fields.as_slice() {
        [] => words(root, prefix.unwrap_or(&model.ident())),
        [only] => {
            let ty = &only.field.ty;
            let value = match only.options.with {
                Some(_) => quote!(true),
                None => quote!(<#ty as #root::RingKey>::may_read(__reading)),
            };
            labelled(root, prefix, labelled(root, only.rename().as_deref(), value)?)
        }
        _ => group(root, prefix.unwrap_or_default()),
    }
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
