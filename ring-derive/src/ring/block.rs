//! `#[ring_impl]` on an impl block.

use std::rc::Rc;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Ident, ImplItem, ItemTrait, PathArguments, TraitItem};

use super::expand::attributes::{lints, without_expectation};
use super::expand::{self, Expanded};
use super::item::{Block as Source, Function, Item, is_conditional};
use super::model::Method;
use super::named_calls::{Cached, Methods, own_method};
use super::owner::{OfTrait, Owner};
use super::writer::Writer;
use super::{check, marks};
use crate::errors::{Errors, at_start, with_error};
use crate::generics;
use crate::parse::{Options, RingOptions, Target};
use crate::root::Root;

/// The block with its cached methods, and a block of accessors beside it.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> TokenStream {
    let Ok(block) = Source::parse(item.clone()) else {
        return refuse_item(item);
    };
    let unchanged = || {
        let mut block = Source::parse(item).unwrap_or_else(|_| unreachable!("it was parsed before"));
        block.items.iter_mut().for_each(|item| drop(take_marks(item)));
        block.into_token_stream()
    };
    try_expand(options, block).unwrap_or_else(|error| with_error(&error, unchanged()))
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

/// Removes the marks of an item, and returns them.
fn take_marks(item: &mut Item) -> Vec<Attribute> {
    let attributes = match item {
        Item::Function(function) => &mut function.attrs,
        Item::Other(item) => match &mut **item {
            ImplItem::Const(item) => &mut item.attrs,
            ImplItem::Type(item) => &mut item.attrs,
            _ => return Vec::new(),
        },
        Item::Tokens(_) => return Vec::new(),
    };
    marks::take(attributes)
}

fn try_expand(options: TokenStream, mut source: Source) -> syn::Result<TokenStream> {
    let mut defaults = Options::parse(Target::Block, options);
    let options: RingOptions = defaults.read()?;
    check::defaults(&options)?;
    let named = options.accessors;
    let owner = Owner::of(&source.header, source.declared(), named);
    check::owner(&source.header, &owner)?;
    let mut block = Block {
        defaults,
        owner: Rc::new(owner),
        root: Root::named(options.root.as_ref())?,
        cached: Vec::new(),
        expanded: Vec::new(),
        methods: Methods::among(source.functions()),
        writers: Vec::new(),
        functions: source.functions(),
        given: Vec::new(),
        ignored: options.ignore,
        errors: Errors::default(),
    };
    for (place, item) in source.items.iter_mut().enumerate() {
        block.item(place, item);
    }
    // Only now are the methods that attributes may name known.
    for (place, method) in std::mem::take(&mut block.cached) {
        source.items[place] = Item::Tokens(block.cached(&method));
    }
    for (place, writer) in std::mem::take(&mut block.writers) {
        source.items[place] = Item::Tokens(block.writer(&writer));
    }
    let attrs = std::mem::take(&mut source.header.attrs);
    source.header.attrs = attrs.into_iter().map(without_expectation).collect();
    let tokens = block.assemble(&source);
    match block.errors.finish(()) {
        // The other methods are expanded nevertheless.
        Err(errors) => Ok(with_error(&errors, tokens)),
        Ok(()) if block.expanded.is_empty() && !source.has_unknown() => Err(syn::Error::new_spanned(
            &source.header.self_ty,
            "no method of this block is cached: mark one with `#[ring]`, or remove `#[ring_impl]`",
        )),
        Ok(()) => Ok(tokens),
    }
}

/// A block during the expansion of its methods.
struct Block {
    defaults: Options,
    owner: Rc<Owner>,
    root: Root,
    /// The cached methods, and their positions in the block.
    cached: Vec<(usize, Method)>,
    expanded: Vec<Expanded>,
    /// The cached methods, as attributes name them.
    methods: Methods,
    /// The methods that are not cached, and their positions in the block.
    writers: Vec<(usize, Writer)>,
    /// The names of the block's functions.
    functions: Vec<Ident>,
    /// The names of the accessors so far.
    given: Vec<Ident>,
    /// `self`, if all methods ignore it.
    ignored: Vec<Ident>,
    errors: Errors,
}

/// The item under `#[ring]`.
enum Marked {
    Cached(Box<Method>),
    Writer(Box<Writer>),
}

impl Block {
    /// Reads an item of the block, if it is marked.
    fn item(&mut self, place: usize, item: &mut Item) {
        let marks = take_marks(item);
        if marks.is_empty() {
            return;
        }
        let marked = self.marked(item, &marks);
        let Some(marked) = self.errors.handle(marked) else {
            if let Item::Function(function) = item {
                self.methods.refuse(&function.sig.ident);
                *item = Item::Tokens(function.left());
            }
            return;
        };
        match marked {
            Marked::Cached(method) => {
                if !is_conditional(&method.attrs) {
                    self.given
                        .extend([method.accessor(), method.entry(), method.cache()]);
                }
                self.methods.add(Cached::of(&method));
                let depended_on = method.tags.depends.iter().filter_map(own_method);
                depended_on.for_each(|name| self.methods.depend_on(name));
                self.cached.push((place, *method));
            }
            Marked::Writer(writer) => {
                *item = Item::Tokens(writer.left());
                self.writers.push((place, *writer));
            }
        }
    }

    /// A cached method.
    fn cached(&mut self, method: &Method) -> TokenStream {
        for name in method.tags.depends.iter().filter_map(own_method) {
            let checked = self.methods.check(name);
            if self.errors.handle(checked).is_none() {
                self.methods.refuse(name);
            }
        }
        let expanded = expand::expand(method, &self.methods);
        let tokens = expanded.method.clone();
        self.expanded.push(expanded);
        tokens
    }

    /// A method that is not cached.
    fn writer(&mut self, writer: &Writer) -> TokenStream {
        let expanded = writer.expand(&self.root, &self.methods);
        self.errors.handle(expanded).unwrap_or_else(|| writer.left())
    }

    fn marked(&self, item: &Item, marks: &[Attribute]) -> syn::Result<Marked> {
        let mark = &marks[0];
        let error = |message| Err(syn::Error::new_spanned(mark, message));
        let Item::Function(method) = item else {
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
        if options.is_of_writer() {
            let writer = Writer::new((**method).clone(), &mut options)?;
            return Ok(Marked::Writer(Box::new(writer)));
        }
        options.inherit(&self.defaults);
        let mut options: RingOptions = options.read()?;
        check::outcome(&options)?;
        if let Some(token) = self.ignored_self(method, &options) {
            options.ignore.push(token);
        }
        let root = match &options.root {
            Some(path) => Root::named(Some(path))?,
            None => self.root.clone(),
        };
        let method = Method::new((**method).clone(), options, Some(Rc::clone(&self.owner)), root)?;
        check::method(&method)?;
        check::names(&method, &self.functions, &self.given)?;
        Ok(Marked::Cached(Box::new(method)))
    }

    /// `self`, if the block ignores it and the method has it in its key.
    fn ignored_self(&self, method: &Function, options: &RingOptions) -> Option<Ident> {
        let is_method = matches!(method.sig.inputs.first(), Some(FnArg::Receiver(_)));
        let is_needed =
            is_method && options.key.is_none() && !options.ignore.iter().any(|name| name == "self");
        self.ignored.iter().find(|_| is_needed).cloned()
    }

    fn assemble(&self, block: &Source) -> TokenStream {
        if self.expanded.is_empty() {
            return block.to_token_stream();
        }
        let generics = generics::generated(&self.owner.generics);
        let (parameters, _, where_clause) = generics.split_for_impl();
        let (self_ty, parameters) = (
            &self.owner.self_ty,
            generics::beside(self.owner.place, parameters),
        );
        let lints: Vec<_> = lints(&block.header.attrs).collect();
        let accessors = self.expanded.iter().map(|expanded| &expanded.accessors);
        let root = &self.root;
        let of_types = quote!(use #root::ClearRings as _;);
        let Some(of_trait) = &self.owner.of_trait else {
            return quote!(#of_types #block #(#lints)* impl #parameters #self_ty #where_clause { #(#accessors)* });
        };
        let declarations = self.expanded.iter().map(|expanded| &expanded.declarations);
        let declared = expand::accessors_trait(&self.owner, declarations);
        let (named, hidden) = match &self.owner.named {
            Some(_) => (declared, None),
            None => (None, declared),
        };
        let (import, inherent) = (import(of_trait), self.inherent(&block.header.attrs));
        let (name, types) = (&of_trait.accessors, self.hoisted());
        let (_, arguments, _) = self.owner.generics.split_for_impl();
        quote! {
            #of_types
            #block
            #named
            const _: () = {
                #import
                struct __Here;
                #hidden
                #(#lints)*
                impl #parameters #name #arguments for #self_ty #where_clause { #types #(#accessors)* }
                #inherent
            };
        }
    }

    /// The types that have a name only in the trait of the accessors.
    fn hoisted(&self) -> TokenStream {
        let hoisted = self.owner.of_trait.iter();
        let hoisted: Vec<_> = hoisted
            .flat_map(|of_trait| of_trait.hoisted.borrow().clone())
            .collect();
        let names = self.owner.hoisted_names();
        quote!(#(type #names = #hoisted;)*)
    }

    /// The inherent methods beside a hidden trait.
    fn inherent(&self, attrs: &[Attribute]) -> Option<TokenStream> {
        let self_ty = &self.owner.self_ty;
        self.owner.is_hidden().then(|| {
            let generics = generics::generated(&expand::inherent_generics(&self.owner));
            let (parameters, _, where_clause) = generics.split_for_impl();
            let parameters = generics::beside(self.owner.place, parameters);
            let inherent = self.expanded.iter().map(|expanded| &expanded.inherent);
            let lints = lints(attrs);
            quote!(#(#lints)* impl #parameters #self_ty #where_clause { #(#inherent)* })
        })
    }
}

/// An import of the impl block's trait, whose items its code may use by `Self` and `self`. Without a path, the trait is
/// already imported.
fn import(of_trait: &OfTrait) -> Option<TokenStream> {
    let mut path = of_trait.path.clone();
    if path.segments.len() == 1 && path.leading_colon.is_none() {
        return None;
    }
    path.segments.last_mut()?.arguments = PathArguments::None;
    Some(quote!(use #path as _;))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    /// Editors send such code while the user types.
    #[test]
    fn a_half_written_block_has_the_accessors_of_its_whole_methods() {
        for half in [
            quote!(#[ring] fn half(&self) -> u32 { self. }),
            quote!(#[ring] fn half(&self) -> u32 { let x = }),
            quote!(#[ring] fn half(&self, n: ) -> u32 { n }),
            quote!(#[ring] fn half(&self) -> { 1 }),
            quote!(#[ring] fn half(&self)),
            quote!(fn half(&self),),
            quote!(let x = 1;),
            quote!(const N: u32 = ;),
        ] {
            let block = quote! {
                impl Page {
                    #[ring]
                    fn first(&self) -> u32 { 1 }
                    #half
                    #[ring]
                    fn last(&self) -> u32 { 2 }
                }
            };
            let expanded = super::expand(quote!(), block).to_string();
            assert!(expanded.contains("fn first_ring"), "{half}: {expanded}");
            let swallowed = ["#[ring] fn half(&self)", "fn half(&self),"];
            if !swallowed
                .iter()
                .any(|text| half.to_string().replace(' ', "") == text.replace(' ', ""))
            {
                assert!(expanded.contains("fn last_ring"), "{half}: {expanded}");
            }
            assert!(!expanded.contains("compile_error"), "{half}: {expanded}");
        }
    }
}
