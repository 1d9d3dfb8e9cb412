//! `#[ring_impl]` on an impl block.

use std::rc::Rc;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, ImplItem, ItemImpl, ItemTrait, TraitItem};

use super::expand::{self, Expanded};
use super::model::{Method, Owner};
use super::{check, marks};
use crate::errors::{Errors, at_start, with_error};
use crate::parse::{Options, RingOptions, Target};
use crate::root::Root;

/// The block with its cached methods, and a block of accessors beside it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(block) = syn::parse2::<ItemImpl>(item.clone()) else {
        return refuse_item(item);
    };
    try_expand(options, block.clone()).unwrap_or_else(|error| with_error(&error, without_marks(block)))
}

fn refuse_item(item: TokenStream) -> TokenStream {
    let Ok(mut definition) = syn::parse2::<ItemTrait>(item.clone()) else {
        let message = "`#[ring_impl]` belongs on an impl block: on a free function, write `#[ring]`";
        return with_error(&at_start(&item, message), item);
    };
    for item in &mut definition.items {
        if let TraitItem::Fn(method) = item {
            marks::take(&mut method.attrs);
        }
    }
    let message = "`#[ring_impl]` belongs on an impl block: cache a trait's methods where a type implements them, in the \
                   trait's `impl`";
    with_error(&at_start(&item, message), definition.into_token_stream())
}

/// The block as it was, without the marks.
fn without_marks(mut block: ItemImpl) -> TokenStream {
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            marks::take(&mut method.attrs);
        }
    }
    block.into_token_stream()
}

fn try_expand(options: TokenStream, mut item: ItemImpl) -> syn::Result<TokenStream> {
    let mut defaults = Options::parse(Target::Block, options);
    let options: RingOptions = defaults.read()?;
    check::defaults(&options)?;
    let owner = Rc::new(Owner::of(&item, options.accessors));
    check::owner(&item, &owner)?;
    let mut block = Block {
        defaults,
        owner,
        root: Root::find(),
        expanded: Vec::new(),
        errors: Errors::default(),
    };
    for item in &mut item.items {
        block.item(item);
    }
    let tokens = block.assemble(&item);
    match block.errors.finish(()) {
        // The other methods are expanded all the same.
        Err(errors) => Ok(with_error(&errors, tokens)),
        Ok(()) if block.expanded.is_empty() => Err(syn::Error::new_spanned(
            &item.self_ty,
            "no method of this block is cached: mark one with `#[ring]`, or remove `#[ring_impl]`",
        )),
        Ok(()) => Ok(tokens),
    }
}

/// A block whose methods are expanded one by one.
struct Block {
    defaults: Options,
    owner: Rc<Owner>,
    root: Root,
    expanded: Vec<Expanded>,
    errors: Errors,
}

impl Block {
    /// Expands an item of the block in its place, if it is marked.
    fn item(&mut self, item: &mut ImplItem) {
        let attributes = match item {
            ImplItem::Fn(method) => &mut method.attrs,
            ImplItem::Const(item) => &mut item.attrs,
            ImplItem::Type(item) => &mut item.attrs,
            _ => return,
        };
        let marks = marks::take(attributes);
        if marks.is_empty() {
            return;
        }
        let expanded = self.method(item, &marks);
        if let Some(expanded) = self.errors.handle(expanded) {
            *item = ImplItem::Verbatim(expanded.method.clone());
            self.expanded.push(expanded);
        }
    }

    fn method(&self, item: &ImplItem, marks: &[Attribute]) -> syn::Result<Expanded> {
        let mark = &marks[0];
        let error = |message| Err(syn::Error::new_spanned(mark, message));
        let ImplItem::Fn(method) = item else {
            return error("only methods and associated functions can be cached: remove `#[ring]`");
        };
        if marks.len() > 1 {
            return error(marks::DUPLICATE);
        }
        if mark.path().is_ident("cfg_attr") {
            return error(
                "`#[ring]` cannot depend on `cfg_attr`: write it without `cfg_attr`, or write two methods, each with its \
                 `#[cfg(..)]`",
            );
        }
        let mut options = Options::new(Target::Method);
        options.add(mark);
        options.inherit(&self.defaults);
        let (owner, root) = (Some(Rc::clone(&self.owner)), self.root.clone());
        let method = Method::new(method.clone(), options.read()?, owner, root);
        check::method(&method)?;
        Ok(expand::expand(&method))
    }

    fn assemble(&self, block: &ItemImpl) -> TokenStream {
        let (parameters, arguments, where_clause) = self.owner.generics.split_for_impl();
        let (self_ty, allow) = (&self.owner.self_ty, expand::quiet());
        let accessors = self.expanded.iter().map(|expanded| &expanded.accessors);
        let accessors = quote!(#self_ty #where_clause { #(#accessors)* });
        match &self.owner.accessors {
            None => quote!(#block #allow impl #parameters #accessors),
            Some(name) => {
                let declarations = self.expanded.iter().map(|expanded| &expanded.declarations);
                let declared = expand::extension_trait(name, &self.owner.generics, declarations);
                quote!(#block #declared #allow impl #parameters #name #arguments for #accessors)
            }
        }
    }
}
