//! `#[derive(RingShape)]`: writes names, types and serde attributes of a type.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Meta, Path, Token, parse_quote};

use crate::errors::{Errors, with_error};
use crate::root::{Root, located_at};

/// Implements `RingShape`, or reports the errors.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    let (mut errors, mut root) = (Errors::default(), Root::find());
    let parts = parts(input, &mut errors);
    if let Some(path) = named_root(&input.attrs, &mut errors) {
        root = Root::named(Some(&path));
    }
    match errors.finish(parts).and_then(|parts| Ok((parts, root?))) {
        Ok((parts, root)) => implementation(input, &parts.code(&root), &root),
        // An empty impl, so that the error causes no others.
        Err(error) => {
            let root = Root::find().ok();
            let fallback = root.map(|root| implementation(input, &quote!(), &root));
            with_error(&error, fallback.unwrap_or_default())
        }
    }
}

fn implementation(input: &DeriveInput, code: &TokenStream, root: &Root) -> TokenStream {
    let generics = bound(&input.generics, root);
    let (name, (impl_generics, type_generics, where_clause)) = (&input.ident, generics.split_for_impl());
    quote! {
        #[automatically_derived]
        impl #impl_generics #root::RingShape for #name #type_generics #where_clause {
            fn ring_shape(__shape: &mut #root::ShapeWriter) {
                #root::ShapeWriter::define::<Self>(__shape, |__shape| { #code });
            }
        }
    }
}

/// Bounds type parameters: they must have shapes.
fn bound(generics: &Generics, root: &Root) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(#root::RingShape));
    }
    generics
}

/// The parts of a shape, in order.
#[derive(Default)]
struct Parts(Vec<Part>);

enum Part {
    Text(String),
    Type(Box<syn::Type>),
}

impl Parts {
    fn text(&mut self, text: impl ToString) {
        self.0.push(Part::Text(text.to_string()));
    }

    fn code(&self, root: &Root) -> TokenStream {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => quote!(#root::ShapeWriter::text(__shape, #text);),
            Part::Type(ty) => {
                let span = located_at(ty.span());
                let root = root.at(span);
                quote_spanned!(span=> #root::ShapeWriter::of::<#ty>(__shape);)
            }
        });
        parts.collect()
    }

    fn fields(&mut self, fields: &Fields, errors: &mut Errors) {
        self.text(match fields {
            Fields::Named(_) => "{",
            Fields::Unnamed(_) => "(",
            Fields::Unit => ";",
        });
        for field in fields {
            self.text(field.ident.as_ref().map(ToString::to_string).unwrap_or_default());
            let serde = self.serde(&field.attrs);
            let opaque = field.attrs.iter().any(|attribute| is_opaque(attribute, errors));
            if opaque || serde.iter().any(|word| word == "skip") {
                self.text(texts(field.ty.to_token_stream()).join(" "));
            } else {
                self.0.push(Part::Type(Box::new(field.ty.clone())));
            }
        }
    }

    /// Adds the serde attributes, and returns their tokens.
    fn serde(&mut self, attributes: &[Attribute]) -> Vec<String> {
        let serde = attributes
            .iter()
            .filter(|attribute| attribute.path().is_ident("serde"));
        let tokens: Vec<String> = serde
            .filter_map(|attribute| attribute.meta.require_list().ok())
            .flat_map(|list| texts(list.tokens.clone()))
            .collect();
        self.text(tokens.join(" "));
        tokens
    }
}

fn parts(input: &DeriveInput, errors: &mut Errors) -> Parts {
    let mut parts = Parts::default();
    parts.text(&input.ident);
    parts.serde(&input.attrs);
    match &input.data {
        Data::Struct(data) => parts.fields(&data.fields, errors),
        Data::Enum(data) => {
            for variant in &data.variants {
                parts.text(&variant.ident);
                parts.serde(&variant.attrs);
                parts.fields(&variant.fields, errors);
            }
        }
        Data::Union(data) => errors.at(
            data.union_token,
            "a union has no shape: derive it on a struct or an enum",
        ),
    }
    parts
}

/// The texts of all tokens, without spaces, which may differ between compilers.
fn texts(tokens: TokenStream) -> Vec<String> {
    let of_tree = |tree: TokenTree| match tree {
        TokenTree::Group(group) => {
            let delimited = TokenStream::from(TokenTree::Group(proc_macro2::Group::new(
                group.delimiter(),
                TokenStream::new(),
            )));
            let mut all = vec![delimited.to_string().replace(' ', "")];
            all.extend(texts(group.stream()));
            all.push("end".to_owned());
            all
        }
        tree => vec![tree.to_string()],
    };
    tokens.into_iter().flat_map(of_tree).collect()
}

/// Whether it is `#[ring_shape(opaque)]`.
fn is_opaque(attribute: &Attribute, errors: &mut Errors) -> bool {
    if !attribute.path().is_ident("ring_shape") {
        return false;
    }
    let is_opaque = attribute
        .parse_args::<Path>()
        .is_ok_and(|option| option.is_ident("opaque"));
    if !is_opaque {
        errors.at(
            &attribute.meta,
            "unknown option: write `#[ring_shape(opaque)]` on a field",
        );
    }
    is_opaque
}

/// The path in `#[ring_shape(crate = path::to::ring_cache)]`.
fn named_root(attributes: &[Attribute], errors: &mut Errors) -> Option<Path> {
    let attribute = attributes
        .iter()
        .find(|attribute| attribute.path().is_ident("ring_shape"))?;
    let options = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let path = options.ok().and_then(|options| match options.first()? {
        Meta::NameValue(pair) if pair.path.is_ident("crate") => match &pair.value {
            syn::Expr::Path(path) => Some(path.path.clone()),
            _ => None,
        },
        _ => None,
    });
    if path.is_none() {
        let message = "unknown option: write `#[ring_shape(crate = path::to::ring_cache)]` on a type";
        errors.at(&attribute.meta, message);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(item: &str) -> String {
        let input: DeriveInput = syn::parse_str(item).expect("an item");
        let parts = parts(&input, &mut Errors::default());
        let texts = parts.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Type(ty) => format!("<{}>", ty.to_token_stream()),
        });
        texts.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn names_types_and_serde_attributes_are_its_parts() {
        let base = shape("struct A { b: u8, c: u16 }");
        assert_eq!(base, "A||{|b||<u8>|c||<u16>");
        for other in [
            "struct A { b: u8 }",
            "struct A { c: u16, b: u8 }",
            "struct A { b: u16, c: u16 }",
            "struct A { bb: u8, c: u16 }",
            "struct A(u8, u16);",
            "#[serde(deny_unknown_fields)] struct A { b: u8, c: u16 }",
            "struct A { #[serde(rename = \"x\")] b: u8, c: u16 }",
            "struct A { #[serde(skip)] b: u8, c: u16 }",
            "enum A { B { b: u8, c: u16 } }",
        ] {
            assert_ne!(shape(other), base, "{other}");
        }
        for same in [
            "/// Documented.\n#[derive(Debug)] pub struct A { pub b: u8, c: u16, }",
            "struct A { #[cfg_attr(any(), serde(default))] b: u8, c: u16 }",
        ] {
            assert_eq!(shape(same), base, "{same}");
        }
        assert_eq!(
            shape("struct A { #[serde( rename=\"x\" )] b: u8 }"),
            shape("struct A { #[serde(rename = \"x\")] b: u8 }"),
            "spaces do not matter"
        );
    }
}
