//! The stable name of the type: `crate.module.Type<A,B>`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::GenericParam;

use super::bounds::{Bounds, named_params};
use super::model::Model;

/// The body of `RingKey::ring_name`.
pub(crate) fn write(root: &TokenStream, model: &Model<'_>, bounds: &Bounds<'_>) -> TokenStream {
    let path = path(root, model);
    let mut parts: Vec<TokenStream> = Vec::new();
    for param in named_params(&model.input.generics) {
        let opening = if parts.is_empty() { "<" } else { "," };
        let argument = argument(root, model, bounds, param);
        parts.push(quote! {
            #root::TypeName::text(__name, #opening);
            #argument
        });
    }
    let closing = (!parts.is_empty()).then(|| quote!(#root::TypeName::text(__name, ">");));
    quote!(#path #(#parts)* #closing)
}

fn path(root: &TokenStream, model: &Model<'_>) -> TokenStream {
    if let Some(name) = &model.options.name {
        let name = &name.text;
        return quote!(#root::TypeName::text(__name, #name););
    }
    let ident = model.ident();
    quote!(#root::TypeName::declared::<Self>(__name, ::core::module_path!(), #ident);)
}

fn argument(root: &TokenStream, model: &Model<'_>, bounds: &Bounds<'_>, param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Const(param) => {
            let ident = &param.ident;
            quote!(#root::TypeName::value(__name, &#ident);)
        }
        GenericParam::Type(param) if bounds.names(param, &model.input.generics) => {
            let ident = &param.ident;
            quote!(<#ident as #root::RingKey>::ring_name(__name);)
        }
        GenericParam::Type(_) | GenericParam::Lifetime(_) => quote!(#root::TypeName::unnamed(__name);),
    }
}
