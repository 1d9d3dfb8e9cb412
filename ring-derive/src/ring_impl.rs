//! `#[ring_impl]` on an impl block.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, ImplItem, ItemImpl, ItemTrait, Meta, Token, TraitItem, Type};

use crate::check;
use crate::errors::{at_start, with_error};
use crate::expand::{self, Expanded};
use crate::facade;
use crate::model::{Method, Owner};
use crate::options::Options;

/// Said of a method or function with two marks.
pub(crate) const CACHED_ONCE: &str = "a method is cached once: put all options into one `#[ring(..)]`";

/// The block with its cached methods, and a block of accessors beside it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(block) = syn::parse2::<ItemImpl>(item.clone()) else {
        return refuse_item(item);
    };
    match try_expand(options, block.clone()) {
        Ok(tokens) => tokens,
        Err(error) => with_error(&error, without_rings(block).into_token_stream()),
    }
}

fn refuse_item(item: TokenStream) -> TokenStream {
    let Ok(mut definition) = syn::parse2::<ItemTrait>(item.clone()) else {
        let message = "`#[ring_impl]` goes on an impl block; a free function takes `#[ring]`";
        return with_error(&at_start(&item, message), item);
    };
    for item in &mut definition.items {
        if let TraitItem::Fn(method) = item {
            method.attrs.retain(|attribute| !is_ring(attribute));
        }
    }
    let message = "a trait's methods are cached where a type implements them: write `#[ring_impl]` above the trait's `impl`";
    with_error(&at_start(&item, message), definition.into_token_stream())
}

fn try_expand(options: TokenStream, mut block: ItemImpl) -> syn::Result<TokenStream> {
    let defaults = Options::of_block(options)?;
    let owner = Owner::of(&block, &defaults);
    check_owner(&block, &owner)?;
    let (all, errors) = expand_items(&mut block, &defaults, &owner);
    if let Some(errors) = errors {
        // The other methods are not to blame.
        return Ok(with_error(&errors, assemble(&block, &owner, &all)));
    }
    if all.is_empty() {
        return Err(syn::Error::new_spanned(
            &block.self_ty,
            "no method of this block is cached: mark one with `#[ring]`, or remove `#[ring_impl]`",
        ));
    }
    Ok(assemble(&block, &owner, &all))
}

/// Puts the cached methods in the places of the marked ones.
fn expand_items(
    block: &mut ItemImpl,
    defaults: &Options,
    owner: &Owner,
) -> (Vec<Expanded>, Option<syn::Error>) {
    let root = facade::path();
    let mut all: Vec<Expanded> = Vec::new();
    let mut errors: Option<syn::Error> = None;
    for item in &mut block.items {
        let expanded = match cached_method(item, defaults, owner) {
            Ok(None) => continue,
            Ok(Some(method)) => check::check(&method).map(|()| expand::expand(&method, &root)),
            Err(error) => Err(error),
        };
        match expanded {
            Ok(expanded) => {
                *item = ImplItem::Verbatim(expanded.method.clone());
                all.push(expanded);
            }
            Err(error) => match &mut errors {
                Some(errors) => errors.combine(error),
                None => errors = Some(error),
            },
        }
    }
    (all, errors)
}

fn assemble(block: &ItemImpl, owner: &Owner, all: &[Expanded]) -> TokenStream {
    let (parameters, arguments, where_clause) = owner.generics.split_for_impl();
    let (self_ty, allow) = (&owner.self_ty, expand::quiet());
    let accessors: Vec<_> = all.iter().map(|expanded| &expanded.accessors).collect();
    match &owner.accessors {
        None => quote! {
            #block
            #allow
            impl #parameters #self_ty #where_clause { #(#accessors)* }
        },
        Some(name) => {
            let declarations: Vec<_> = all.iter().map(|expanded| expanded.declarations.clone()).collect();
            let declared = expand::extension_trait(name, &owner.generics, &declarations);
            quote! {
                #block
                #declared
                #allow
                impl #parameters #name #arguments for #self_ty #where_clause { #(#accessors)* }
            }
        }
    }
}

/// A method that is marked `#[ring]`, without the mark.
fn cached_method(item: &mut ImplItem, defaults: &Options, owner: &Owner) -> syn::Result<Option<Method>> {
    let attributes = match item {
        ImplItem::Fn(method) => &mut method.attrs,
        ImplItem::Const(item) => return refuse(&mut item.attrs),
        ImplItem::Type(item) => return refuse(&mut item.attrs),
        _ => return Ok(None),
    };
    let mut marks: Vec<Attribute> = attributes
        .extract_if(.., |attribute| is_ring(attribute))
        .collect();
    let ImplItem::Fn(method) = item else {
        return Ok(None);
    };
    let Some(mark) = marks.pop() else { return Ok(None) };
    if let Some(other) = marks.first() {
        return Err(syn::Error::new_spanned(other, CACHED_ONCE));
    }
    if mark.path().is_ident("cfg_attr") {
        let message = "a method is cached always or never: write `#[ring]` without `cfg_attr`, or two methods, each with \
                       its `#[cfg(..)]`";
        return Err(syn::Error::new_spanned(mark, message));
    }
    let options = options_of(&mark)?.or(defaults);
    Ok(Some(Method::of_block(method, options, owner.clone())))
}

fn refuse(attributes: &mut Vec<Attribute>) -> syn::Result<Option<Method>> {
    match attributes.extract_if(.., |attribute| is_ring(attribute)).next() {
        Some(mark) => Err(syn::Error::new_spanned(
            mark,
            "only methods and associated functions can be cached",
        )),
        None => Ok(None),
    }
}

/// Whether it is `#[ring]`, be it within `cfg_attr`, where nothing can be made of it.
pub(crate) fn is_ring(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => list
            .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
            .is_ok_and(|metas| metas.iter().skip(1).any(is_named_ring)),
        meta => is_named_ring(meta),
    }
}

fn is_named_ring(meta: &Meta) -> bool {
    let last = meta.path().segments.last();
    last.is_some_and(|segment| segment.ident == "ring")
}

fn options_of(mark: &Attribute) -> syn::Result<Options> {
    match &mark.meta {
        Meta::Path(_) => Ok(Options::default()),
        Meta::List(list) => Options::of_method(list.tokens.clone()),
        Meta::NameValue(pair) => Err(syn::Error::new_spanned(
            pair,
            "options stand in parentheses: write `#[ring(option, …)]`",
        )),
    }
}

/// The block as it was, without the marks.
fn without_rings(mut block: ItemImpl) -> ItemImpl {
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            method.attrs.retain(|attribute| !is_ring(attribute));
        }
    }
    block
}

fn check_owner(block: &ItemImpl, owner: &Owner) -> syn::Result<()> {
    let Some(trait_path) = &owner.trait_path else {
        return match &owner.accessors {
            Some(name) => Err(syn::Error::new_spanned(
                name,
                "`accessors` is for traits: an inherent block's accessors are inherent already",
            )),
            None => Ok(()),
        };
    };
    let is_parameter = block
        .generics
        .type_params()
        .any(|parameter| parameter.ident == block.self_ty.to_token_stream().to_string());
    if owner.accessors.is_none() && (is_parameter || is_known_foreign(&block.self_ty)) {
        let name = trait_path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        return Err(syn::Error::new_spanned(
            &block.self_ty,
            format!(
                "the accessors cannot be methods of a type of another crate: name a trait for them, \
                 `#[ring_impl(accessors = {name}Ring)]`"
            ),
        ));
    }
    Ok(())
}

/// Types that cannot be the user's own. Others the compiler refuses in its own words.
fn is_known_foreign(ty: &Type) -> bool {
    const STD: [&str; 33] = [
        "String", "str", "Vec", "Option", "Result", "Box", "Arc", "Rc", "HashMap", "HashSet", "BTreeMap",
        "BTreeSet", "VecDeque", "PathBuf", "Path", "Duration", "bool", "char", "u8", "u16", "u32", "u64",
        "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "Mutex",
    ];
    match ty {
        Type::Path(path) => {
            let segments = &path.path.segments;
            let first = segments
                .first()
                .map(|segment| segment.ident.to_string())
                .unwrap_or_default();
            match segments.len() {
                1 => STD.contains(&first.as_str()),
                _ => ["std", "core", "alloc"].contains(&first.as_str()),
            }
        }
        Type::Group(group) => is_known_foreign(&group.elem),
        Type::Reference(_) | Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::FnPtr(_) => true,
        _ => false,
    }
}
