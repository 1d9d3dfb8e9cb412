//! The impl.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Meta};

use super::bounds::Bounds;
use super::fields::{Part, group, label, word};
use super::model::{Body, Fields, Model, Variant};
use super::type_name;
use crate::facade;

/// Implements `RingKey`. Nothing that the code names can be shadowed by the user's own names.
pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let root = facade::path();
    let name = &model.input.ident;
    let bounds = Bounds::of(model);
    let generics = bounds.added_to(&model.input.generics, &root);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let feed = match &model.body {
        Body::Struct(fields) => of_struct(&root, model, fields),
        Body::Enum(variants) => of_enum(&root, model, variants),
    };
    let type_name = type_name::write(&root, model, &bounds);
    quote! {
        #[automatically_derived]
        #[allow(deprecated)]
        impl #impl_generics #root::RingKey for #name #type_generics #where_clause {
            #[inline]
            fn ring_key<__W: #root::KeyWriter>(&self, __key: &mut __W) {
                #feed
            }

            fn ring_name(__name: &mut #root::TypeName) {
                #type_name
            }
        }
    }
}

fn of_struct(root: &TokenStream, model: &Model<'_>, fields: &Fields<'_>) -> TokenStream {
    let packed = is_packed(&model.input.attrs);
    let parts: Vec<_> = fields
        .in_key()
        .map(|field| {
            let member = &field.member;
            // A field of a packed struct cannot be borrowed, but copied.
            let value = if packed {
                quote!(&{ self.#member })
            } else {
                quote!(&self.#member)
            };
            Part { field, value }
        })
        .collect();
    let prefix = model.options.prefix.as_ref().map(|prefix| prefix.text.as_str());
    match parts.as_slice() {
        [] => word(root, prefix.unwrap_or(&model.ident())),
        [only] => {
            let (label, feed) = (label(root, prefix), only.transparent(root));
            quote!(#label #feed)
        }
        several => group(root, prefix.unwrap_or_default(), several),
    }
}

fn of_enum(root: &TokenStream, model: &Model<'_>, variants: &[Variant<'_>]) -> TokenStream {
    if variants.is_empty() {
        return quote!(match *self {});
    }
    let prefix = model.options.prefix.as_ref().map(|prefix| prefix.text.as_str());
    let label = label(root, prefix);
    let arms = variants.iter().map(|variant| arm(root, variant));
    quote! {
        #label
        match self {
            #(#arms)*
        }
    }
}

fn arm(root: &TokenStream, variant: &Variant<'_>) -> TokenStream {
    let name = variant.name();
    let ident = &variant.variant.ident;
    let (mut bindings, mut parts) = (Vec::new(), Vec::new());
    for (index, field) in variant.fields.in_key().enumerate() {
        let (member, binding) = (&field.member, format_ident!("__field_{index}"));
        bindings.push(quote!(#member: #binding));
        let value = quote!(#binding);
        parts.push(Part { field, value });
    }
    let feed = if parts.is_empty() {
        word(root, &name)
    } else {
        group(root, &name, &parts)
    };
    quote!(Self::#ident { #(#bindings,)* .. } => { #feed })
}

fn is_packed(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => attribute.path().is_ident("repr") && list.tokens.to_string().contains("packed"),
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}
