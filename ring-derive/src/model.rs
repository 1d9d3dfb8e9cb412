//! A cached method or function as the user wrote it.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, Block, FnArg, Generics, Ident, ItemFn, ItemImpl, Pat, PatType, Path, Receiver, ReturnType,
    Signature, Type, Visibility,
};

use crate::generics::{self, ReplaceSelf};
use crate::options::Options;

/// A cached method or function.
pub(crate) struct Method {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) block: Block,
    pub(crate) options: Options,
    pub(crate) arguments: Vec<Argument>,
    /// The impl block that it stands in.
    pub(crate) owner: Option<Owner>,
}

/// One argument, without `self`.
pub(crate) struct Argument {
    /// What the accessor calls it.
    pub(crate) name: Ident,
    pub(crate) pattern: Pat,
    pub(crate) ty: Type,
    pub(crate) ignored: bool,
}

/// The impl block of a method.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) self_ty: Type,
    /// The parameters of the block that the accessors is found in.
    pub(crate) generics: Generics,
    /// The parameters of the trait alone: an inherent impl block cannot have them, so the accessors do.
    pub(crate) moved: Generics,
    pub(crate) trait_path: Option<Path>,
    /// The extension trait that declares the accessors, if the user asked for one.
    pub(crate) accessors: Option<Ident>,
    /// The trait's associated types as this block declares them.
    pub(crate) associated: Vec<(Ident, Type)>,
}

impl Owner {
    pub(crate) fn of(item: &ItemImpl, options: &Options) -> Self {
        let accessors = options.accessors.clone();
        let (generics, moved) = match &accessors {
            Some(_) => (item.generics.clone(), Generics::default()),
            None => generics::split(&item.generics, &item.self_ty),
        };
        Owner {
            self_ty: (*item.self_ty).clone(),
            generics,
            moved,
            trait_path: item.trait_.as_ref().map(|(path, _)| path.clone()),
            accessors,
            associated: item.items.iter().filter_map(associated_type).collect(),
        }
    }
}

fn associated_type(item: &syn::ImplItem) -> Option<(Ident, Type)> {
    match item {
        syn::ImplItem::Type(item) => Some((item.ident.clone(), item.ty.clone())),
        _ => None,
    }
}

impl Method {
    /// A method of `owner`.
    pub(crate) fn of_block(method: &syn::ImplItemFn, options: Options, owner: Owner) -> Self {
        let function = ItemFn {
            attrs: method.attrs.clone(),
            vis: method.vis.clone(),
            modifiers: method.modifiers.clone(),
            sig: method.sig.clone(),
            block: Box::new(method.block.clone()),
        };
        Self::new(function, options, Some(owner))
    }

    /// A free function, or a method of `owner`.
    pub(crate) fn new(mut function: ItemFn, options: Options, owner: Option<Owner>) -> Self {
        if let Some(owner) = &owner {
            let mut replace = ReplaceSelf::associated(&owner.associated);
            replace.visit_signature_mut(&mut function.sig);
            replace.visit_block_mut(&mut function.block);
        }
        let arguments = function
            .sig
            .inputs
            .iter()
            .filter_map(typed)
            .enumerate()
            .map(|(index, argument)| Argument::new(index, argument, &options))
            .collect();
        Method {
            attrs: function.attrs,
            vis: function.vis,
            sig: function.sig,
            block: *function.block,
            options,
            arguments,
            owner,
        }
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => Some(receiver),
            _ => None,
        }
    }

    /// The object, if it joins the key.
    pub(crate) fn keyed_receiver(&self) -> Option<&Receiver> {
        let ignored = self.options.key.is_some() || self.options.ignore.iter().any(|name| name == "self");
        self.receiver().filter(|_| !ignored)
    }

    /// Whether an argument hides its type, so that the type arguments of the accessor cannot be written.
    pub(crate) fn hides_types(&self) -> bool {
        let mut arguments = self.arguments.iter();
        arguments.any(|argument| contains_impl_trait(&argument.ty))
    }

    /// The type that the body returns.
    pub(crate) fn out(&self) -> TokenStream {
        match &self.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }

    /// The return type, if it is written.
    pub(crate) fn out_type(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    /// Whether only `Ok` is cached.
    pub(crate) fn is_fallible(&self) -> bool {
        self.options.fallible.is_some() || last_segment(self.out_type()).is_some_and(|name| name == "Result")
    }

    /// What the method is called, without `r#`.
    fn plain_name(&self) -> Ident {
        self.sig.ident.unraw()
    }

    /// The name of the accessor.
    pub(crate) fn accessor(&self) -> Ident {
        match &self.options.accessor {
            Some(name) => name.clone(),
            None => format_ident!("{}_ring", self.plain_name(), span = self.sig.ident.span()),
        }
    }

    /// The name of the function that gives the handle of the whole method.
    pub(crate) fn cache(&self) -> Ident {
        let base = self
            .options
            .accessor
            .as_ref()
            .map_or_else(|| self.plain_name(), Ident::unraw);
        format_ident!("{base}_cache", span = Span::call_site())
    }

    /// A constant beside a free function, that its accessor names. Where `#[ring]` was put on a method of a block that
    /// lacks `#[ring_impl]`, it is not found by its bare name, and the compiler's error says what to do.
    pub(crate) fn block_hint(&self) -> Ident {
        format_ident!("add_ring_impl_to_the_impl_block_of_{}", self.plain_name())
    }

    /// A constant beside the accessors of a trait's method, that the method names. Where the accessors could not be
    /// declared, since the type is another crate's, the error that it is not found says what to do.
    pub(crate) fn foreign_hint(&self) -> Option<Ident> {
        let owner = self.owner.as_ref()?;
        let inherent = owner.trait_path.is_some() && owner.accessors.is_none();
        let accessor = self.accessor().unraw();
        inherent.then(|| format_ident!("a_type_of_another_crate_needs_ring_impl_accessors_for_{accessor}"))
    }

    /// The parameters of the accessor: those of the method, and those that its impl block could not keep.
    pub(crate) fn generics(&self) -> Generics {
        match &self.owner {
            Some(owner) => generics::join(&owner.moved, &self.sig.generics),
            None => self.sig.generics.clone(),
        }
    }

    /// Whether there are types or values to tell instantiations apart.
    pub(crate) fn is_generic(&self) -> bool {
        let of_owner = self
            .owner
            .as_ref()
            .is_some_and(|owner| generics::has_instances(&owner.generics));
        of_owner || generics::has_instances(&self.generics())
    }

    /// Whether the storage is reached through `self`.
    pub(crate) fn storage_needs_self(&self) -> bool {
        let place = self
            .options
            .storage
            .as_ref()
            .and_then(crate::storage::Storage::place);
        place.is_some_and(|place| generics::mentions(place, "self"))
    }

    /// The value that is cached.
    pub(crate) fn value(&self, root: &TokenStream) -> TokenStream {
        let out = self.out();
        if self.is_fallible() {
            quote!(#root::generated::OkOf<#out>)
        } else {
            out
        }
    }
}

impl Argument {
    fn new(index: usize, argument: &PatType, options: &Options) -> Self {
        let name = match &*argument.pat {
            Pat::Ident(pattern) if options.mention(&pattern.ident) => Some(pattern.ident.clone()),
            Pat::Ident(pattern) => without_underscores(&pattern.ident),
            _ => None,
        };
        let ignored = match &*argument.pat {
            Pat::Ident(pattern) => options.ignore.contains(&pattern.ident),
            _ => false,
        };
        Argument {
            name: name.unwrap_or_else(|| format_ident!("argument_{}", index + 1, span = Span::mixed_site())),
            pattern: (*argument.pat).clone(),
            ty: (*argument.ty).clone(),
            ignored: ignored || options.key.is_some(),
        }
    }
}

/// A name that may be used: one that begins with `_` says that it is not. The body must not see a changed name, lest
/// it hides another thing of this name.
fn without_underscores(ident: &Ident) -> Option<Ident> {
    let name = ident.to_string();
    match name.trim_start_matches('_') {
        "" => None,
        used if used == name => Some(ident.clone()),
        used => syn::parse_str::<Ident>(used)
            .ok()
            .map(|used| Ident::new(&used.to_string(), Span::mixed_site().located_at(ident.span()))),
    }
}

fn typed(argument: &FnArg) -> Option<&PatType> {
    match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    }
}

/// Whether `impl Trait` stands in the type.
pub(crate) fn contains_impl_trait(ty: &Type) -> bool {
    generics::mentions(ty, "impl")
}

/// The last segment of a type's path.
pub(crate) fn last_segment(ty: Option<&Type>) -> Option<Ident> {
    match ty {
        Some(Type::Path(path)) => path.path.segments.last().map(|segment| segment.ident.clone()),
        Some(Type::Group(group)) => last_segment(Some(&group.elem)),
        Some(Type::Paren(paren)) => last_segment(Some(&paren.elem)),
        _ => None,
    }
}
