//! `#[derive(RingKey)]`: the input is read into a model, the model is checked, and the impl is made of it.

mod attributes;
mod bounds;
mod check;
mod expand;
mod fields;
mod model;
mod type_name;
mod values;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::facade;
use model::Model;

/// Implements `RingKey`, or says what is wrong.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let checked = Model::of(input).and_then(|model| {
        check::check(&model)?;
        Ok(model)
    });
    match checked {
        Ok(model) => expand::expand(&model),
        Err(errors) => {
            let errors = errors.write_errors();
            let fallback = fallback(input);
            quote!(#errors #fallback)
        }
    }
}

/// An empty impl, so that a wrong option is not followed by an error at every use of the type.
fn fallback(input: &DeriveInput) -> TokenStream {
    let root = facade::path();
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #root::RingKey for #name #type_generics #where_clause {
            fn ring_key<__W: #root::KeyWriter>(&self, _: &mut __W) {}
        }
    }
}
