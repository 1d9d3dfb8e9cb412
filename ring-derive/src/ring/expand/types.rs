//! The types of a ring: its value, its storage, and the storage as a call and as the handle see it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use crate::parse::{Holds, Storage};
use crate::ring::model::Method;
use crate::root::located_at;
use crate::types::is_bytes;

pub(super) struct Types {
    /// The return type of the body.
    pub(super) out: TokenStream,
    /// `Plain` or `Fallible`: how the value is extracted.
    pub(super) returned: TokenStream,
    /// The type of the value that is cached.
    pub(super) value: TokenStream,
    /// The coder, if the storage holds bytes.
    pub(super) coder: Option<TokenStream>,
    /// The type of the storage's entries: the value, or bytes.
    pub(super) held: TokenStream,
    pub(super) storage: TokenStream,
    /// `CodedStorage` of a type of the user's, which defines its view and whole.
    pub(super) coded: Option<TokenStream>,
    /// The storage as a call sees it.
    pub(super) view: TokenStream,
    /// The storage as the handle sees it.
    pub(super) whole: TokenStream,
}

impl Types {
    /// For the signatures of the accessors.
    pub(super) fn of(method: &Method) -> Self {
        Types::with_coder(method, coder(method))
    }

    /// For their bodies: a coder that has an alias is named by it.
    pub(super) fn in_bodies(method: &Method) -> Self {
        let coder = match held_coder(method) {
            Some(coder) => {
                let (root, name) = (&method.root, holder(coder));
                let holds = quote!(#root::generated::Holds);
                Some(quote!(<<#name as #holds>::Stored as #holds>::Stored))
            }
            None => coder(method),
        };
        Types::with_coder(method, coder)
    }

    fn with_coder(method: &Method, coder: Option<TokenStream>) -> Self {
        let (root, out) = (&method.root, method.out());
        let value = if method.is_fallible() {
            let span = located_at(out.span());
            let generated = root.generated_at(span);
            quote_spanned!(span=> #generated::OkOf<#out>)
        } else {
            out.clone()
        };
        let bytes = coder.is_some() && !is_named(method);
        let held = if bytes {
            quote!(::std::vec::Vec<u8>)
        } else {
            value.clone()
        };
        let storage = storage(method, &held);
        let held = match &coder {
            Some(coder) if is_named(method) => {
                quote!(<#storage as #root::storage::NamedStorage<#value, #coder>>::Stored)
            }
            _ => held,
        };
        let (lifetime, reference) = if method.storage_needs_self() {
            (quote!('_), quote!(&#storage))
        } else {
            (quote!('static), quote!(&'static #storage))
        };
        let coded = coder.as_ref().filter(|_| is_of_type(method)).map(|coder| {
            if is_named(method) {
                quote!(<#storage as #root::storage::NamedStorage<#value, #coder>>)
            } else {
                quote!(<#storage as #root::storage::CodedStorage<#coder>>)
            }
        });
        let view = match (&coder, &coded) {
            (_, Some(coded)) => quote!(#coded::View<#lifetime>),
            (Some(coder), None) => quote!(#root::storage::Coded<#lifetime, #storage, #coder>),
            (None, None) => reference.clone(),
        };
        let whole = coded.as_ref().map(|coded| quote!(#coded::Whole<#lifetime>));
        Types {
            returned: returned(method, &out),
            whole: whole.unwrap_or(reference),
            out,
            value,
            coder,
            held,
            storage,
            coded,
            view,
        }
    }
}

/// A coder that bodies name by another type, its holder: for a wrong type the compiler's message in a body differs from that
/// in a signature, and equals that in an impl.
pub(super) fn held_coder(method: &Method) -> Option<&Type> {
    let coder = method.options.coder.as_ref()?;
    let Type::Path(path) = coder else { return None };
    let is_plain = |segment: &syn::PathSegment| segment.arguments.is_none() && segment.ident != "Self";
    let is_parameter = path
        .path
        .get_ident()
        .is_some_and(|name| method.has_parameter(name));
    (path.qself.is_none() && path.path.segments.iter().all(is_plain) && !is_parameter).then_some(coder)
}

/// The type that holds a coder.
pub(super) fn holder(coder: &Type) -> Ident {
    Ident::new("__Coder", Span::mixed_site().located_at(coder.span()))
}

fn is_of_type(method: &Method) -> bool {
    matches!(method.options.storage, Storage::OfType { .. })
}

/// Whether only its name shows that the storage holds bytes: a user's type may have that name.
fn is_named(method: &Method) -> bool {
    is_of_type(method) && method.options.coder.is_none() && method.options.storage.holds_bytes()
}

/// The user's coder, or else the one for the value's written type.
fn coder(method: &Method) -> Option<TokenStream> {
    let (root, options) = (&method.root, &method.options);
    match (&options.coder, method.value_type()) {
        (Some(coder), _) => Some(coder.to_token_stream()),
        (None, _) if !options.storage.holds_bytes() => None,
        (None, Some(ty)) if is_bytes(ty) => Some(quote!(#root::coder::Raw)),
        (None, _) if is_of_type(method) => Some(quote!(#root::generated::DefaultCoder)),
        (None, _) => Some(quote!(#root::coder::Cbor)),
    }
}

fn returned(method: &Method, out: &TokenStream) -> TokenStream {
    let root = &method.root;
    if method.is_fallible() {
        let span = located_at(out.span());
        let root = root.at(span);
        quote_spanned!(span=> #root::generated::FallibleOf<#out>)
    } else {
        quote!(#root::Plain<#out>)
    }
}

fn storage(method: &Method, held: &TokenStream) -> TokenStream {
    let root = &method.root;
    match &method.options.storage {
        Storage::Own { .. } if method.is_fallible() => {
            let span = located_at(held.span());
            let root = root.at(span);
            quote_spanned!(span=> #root::Lru<#held>)
        }
        Storage::Own { .. } => quote!(#root::Lru<#held>),
        Storage::OfType { ty, .. } => ty.to_token_stream(),
        Storage::OfKind { kind, .. } => {
            let name = format_ident!("{}", kind.type_name);
            match kind.holds {
                Holds::Values => quote!(#root::#name<#held>),
                Holds::BytesBlocking if method.is_async() => quote!(#root::Blocking<#root::#name>),
                Holds::Bytes | Holds::BytesBlocking => quote!(#root::#name),
            }
        }
    }
}
