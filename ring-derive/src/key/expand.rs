//! The impl.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, GenericParam, Member, Meta};

use super::bounds::Bounds;
use super::format::Format;
use super::model::{Body, Field, Model, Variant, in_key};
use super::reading;
use crate::generics;
use crate::parse::Word;
use crate::root::{Root, moved_to};
use crate::template::Place;

/// Implements `RingKey`. The code uses full paths, so that the user's names do not shadow them.
pub(crate) fn expand(model: &Model<'_>, root: &Root) -> TokenStream {
    let name = &model.input.ident;
    let bounds = Bounds::of(model);
    let generics = bounds.added_to(&model.input.generics, root);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let write = Write { root };
    let prefix = model.options.prefix.as_ref().map(Word::text);
    let key = match &model.body {
        Body::Struct(fields) => write.of_struct(model, prefix.as_deref(), fields),
        Body::Enum(variants) => write.of_enum(prefix.as_deref(), variants),
    };
    let type_name = type_name(root, model, &bounds);
    let reading = reading::of(model, root);
    let deprecated = model.is_deprecated().then(|| quote!(#[allow(deprecated)]));
    quote! {
        #[automatically_derived]
        #deprecated
        impl #impl_generics #root::RingKey for #name #type_generics #where_clause {
            #[inline]
            fn ring_key<__W: #root::KeyWriter>(&self, __key: &mut __W) {
                #key
            }

            fn ring_name(__name: &mut #root::TypeName) {
                #type_name
            }

            #reading
        }
    }
}

/// Makes the statements that write a key.
struct Write<'a> {
    root: &'a Root,
}

/// A field, and the expression that refers to its value.
type Part<'a> = (&'a Field<'a>, TokenStream);

impl Write<'_> {
    fn of_struct(&self, model: &Model<'_>, prefix: Option<&str>, fields: &[Field<'_>]) -> TokenStream {
        if let Some(format) = &model.format {
            return self.format(model, format, fields);
        }
        let parts = in_key(fields).map(|field| (field, reference(model, &field.member, &[])));
        let parts: Vec<Part<'_>> = parts.collect();
        match parts.as_slice() {
            [] => self.word(prefix.unwrap_or(&model.ident())),
            [only] => {
                let (prefix, label) = (self.label(prefix), self.label(only.0.rename().as_deref()));
                let value = self.value(only);
                quote!(#prefix #label #value)
            }
            several => self.group(prefix.unwrap_or_default(), several),
        }
    }

    /// Texts and fields, alternating.
    fn format(&self, model: &Model<'_>, format: &Format, fields: &[Field<'_>]) -> TokenStream {
        let root = self.root;
        let before = &format.before;
        let fields = format.fields.iter().enumerate().map(|(index, (place, after))| {
            let field = fields.iter().find(|field| field.is_named(place));
            let value = field.map(|field| self.named(model, format, field, place));
            let is_last = index + 1 == format.fields.len();
            let end = if is_last {
                quote!(close_format)
            } else {
                quote!(next_field)
            };
            quote!(#value #root::KeyWriter::#end(__key, #after);)
        });
        quote! {
            #root::KeyWriter::open_format(__key, #before);
            #(#fields)*
        }
    }

    /// A field that a format names, or a field of it.
    fn named(&self, model: &Model<'_>, format: &Format, field: &Field<'_>, place: &Place) -> TokenStream {
        let value = reference(model, &field.member, &place.members);
        if place.members.is_empty() {
            return self.value(&(field, value));
        }
        // The type of such a field is unknown here: if it is not a key, the error is at the text.
        let (root, place) = (self.root, format.text.span());
        let value = moved_to(place, value);
        moved_to(place, quote!(#root::RingKey::ring_key(#value, __key);))
    }

    fn of_enum(&self, prefix: Option<&str>, variants: &[Variant<'_>]) -> TokenStream {
        if variants.is_empty() {
            return quote!(match *self {});
        }
        let label = self.label(prefix);
        let arms = variants.iter().map(|variant| self.arm(variant));
        quote! {
            #label
            match self {
                #(#arms)*
            }
        }
    }

    fn arm(&self, variant: &Variant<'_>) -> TokenStream {
        let (name, ident) = (variant.name(), &variant.variant.ident);
        let (mut bindings, mut parts) = (Vec::new(), Vec::new());
        for (index, field) in in_key(&variant.fields).enumerate() {
            let (member, binding) = (&field.member, format_ident!("__field_{index}"));
            bindings.push(quote!(#member: #binding));
            parts.push((field, quote!(#binding)));
        }
        let key = if parts.is_empty() {
            self.word(&name)
        } else {
            self.group(&name, &parts)
        };
        quote!(Self::#ident { #(#bindings,)* .. } => { #key })
    }

    /// `name(…,…)`.
    fn group(&self, name: &str, parts: &[Part<'_>]) -> TokenStream {
        let root = self.root;
        let elements = parts.iter().map(|part| {
            let (label, value) = (self.label(part.0.label().as_deref()), self.value(part));
            quote! {
                #root::KeyWriter::begin_element(__key);
                #label
                #value
                #root::KeyWriter::end_element(__key);
            }
        });
        quote! {
            #root::KeyWriter::open(__key, #name, #root::Bracket::Round);
            #(#elements)*
            #root::KeyWriter::close(__key, #root::Bracket::Round);
        }
    }

    /// Names the next part, if there is a name.
    fn label(&self, name: Option<&str>) -> Option<TokenStream> {
        let root = self.root;
        name.map(|name| quote!(#root::KeyWriter::label(__key, #name);))
    }

    fn word(&self, word: &str) -> TokenStream {
        let root = self.root;
        quote!(#root::KeyWriter::word(__key, #word);)
    }

    /// The call contains the type's own tokens, so that a missing `RingKey` is reported at the user's field.
    fn value(&self, (field, value): &Part<'_>) -> TokenStream {
        let (root, ty) = (self.root, &field.field.ty);
        match &field.options.with {
            Some(function) => {
                let arguments = at(function.span(), quote!(#value, __key));
                quote!(#function(#arguments);)
            }
            None => quote!(<#ty as #root::RingKey>::ring_key(#value, __key);),
        }
    }
}

/// A reference to a field, or to a field of it.
fn reference(model: &Model<'_>, field: &Member, below: &[Member]) -> TokenStream {
    // A field of a packed struct can be copied but not borrowed.
    if is_packed(&model.input.attrs) {
        quote!(&{ self.#field #(.#below)* })
    } else {
        quote!(&self.#field #(.#below)*)
    }
}

fn is_packed(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => attribute.path().is_ident("repr") && list.tokens.to_string().contains("packed"),
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

/// The tokens, with errors reported at `span`.
fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let span = span.resolved_at(Span::call_site());
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(span);
        token
    });
    moved.collect()
}

/// The statements that write the stable name of the type: `crate.module.Type<A,B>`.
fn type_name(root: &Root, model: &Model<'_>, bounds: &Bounds<'_>) -> TokenStream {
    let path = match model.options.name.as_ref().map(Word::text) {
        Some(name) => quote!(#root::TypeName::text(__name, #name);),
        None => {
            let ident = model.ident();
            quote!(#root::TypeName::declared::<Self>(__name, ::core::module_path!(), #ident);)
        }
    };
    let mut opening = "<";
    let arguments: Vec<_> = generics::of_instances(&model.input.generics)
        .map(|param| {
            let argument = type_argument(root, model, bounds, param);
            let written = quote!(#root::TypeName::text(__name, #opening); #argument);
            opening = ",";
            written
        })
        .collect();
    let closing = (!arguments.is_empty()).then(|| quote!(#root::TypeName::text(__name, ">");));
    quote!(#path #(#arguments)* #closing)
}

fn type_argument(root: &Root, model: &Model<'_>, bounds: &Bounds<'_>, param: &GenericParam) -> TokenStream {
    match param {
        GenericParam::Const(param) => {
            let ident = &param.ident;
            quote!(#root::TypeName::value(__name, &#ident);)
        }
        GenericParam::Type(param) if bounds.include(&param.ident, &model.input.generics) => {
            let ident = &param.ident;
            quote!(<#ident as #root::RingKey>::ring_name(__name);)
        }
        GenericParam::Type(_) | GenericParam::Lifetime(_) => quote!(#root::TypeName::unnamed(__name);),
    }
}
