//! A cached method or function as the user wrote it.

use std::rc::Rc;

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{
    Attribute, FnArg, Generics, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, PatType, Path, Receiver,
    ReturnType, Signature, Type, Visibility,
};

use super::self_type::ReplaceSelf;
use crate::generics;
use crate::parse::{Duration, RingOptions};
use crate::root::Root;
use crate::types::{self, mentions};

/// A cached method or function.
pub(crate) struct Method {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// With its braces. It stays as tokens.
    pub(crate) body: Group,
    pub(crate) options: RingOptions,
    pub(crate) arguments: Vec<Argument>,
    /// The parameters of the accessor: those of the method, and those that its impl block could not keep.
    pub(crate) generics: Generics,
    /// The impl block that the method is in.
    pub(crate) owner: Option<Rc<Owner>>,
    pub(crate) root: Root,
}

/// One argument, without `self`.
pub(crate) struct Argument {
    /// Its name in the accessor.
    pub(crate) name: Ident,
    pub(crate) pattern: Pat,
    pub(crate) ty: Type,
    /// Whether it is left out of the key.
    pub(crate) ignored: bool,
}

/// The impl block of a method.
pub(crate) struct Owner {
    pub(crate) self_ty: Type,
    /// The parameters of the block of the accessors.
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
    pub(crate) fn of(item: &ItemImpl, accessors: Option<Ident>) -> Self {
        let (generics, moved) = match &accessors {
            Some(_) => (item.generics.clone(), Generics::default()),
            None => generics::split(&item.generics, &item.self_ty),
        };
        let associated = item.items.iter().filter_map(|item| match item {
            ImplItem::Type(item) => Some((item.ident.clone(), item.ty.clone())),
            _ => None,
        });
        Owner {
            self_ty: (*item.self_ty).clone(),
            generics,
            moved,
            trait_path: item.trait_.as_ref().map(|(path, _)| path.clone()),
            accessors,
            associated: associated.collect(),
        }
    }
}

impl Method {
    /// A method of `owner`, or a free function.
    pub(crate) fn new(
        function: ImplItemFn,
        options: RingOptions,
        owner: Option<Rc<Owner>>,
        root: Root,
    ) -> Self {
        let ImplItemFn {
            attrs,
            vis,
            mut sig,
            block,
            ..
        } = function;
        let mut body = Group::new(
            Delimiter::Brace,
            block.stmts.iter().map(ToTokens::to_token_stream).collect(),
        );
        body.set_span(block.brace_token.span.join());
        let mut generics = sig.generics.clone();
        if let Some(owner) = &owner {
            let replace = ReplaceSelf::associated(&owner.associated);
            if let Ok(replaced) = syn::parse2(replace.replace(sig.to_token_stream())) {
                sig = replaced;
            }
            body = replace.replace_in_block(&body);
            generics = generics::join(&owner.moved, &sig.generics);
        }
        let typed = sig.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        let arguments = typed.enumerate();
        let arguments = arguments.map(|(index, argument)| Argument::new(index, argument, &options));
        Method {
            arguments: arguments.collect(),
            attrs,
            vis,
            sig,
            body,
            options,
            generics,
            owner,
            root,
        }
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => Some(receiver),
            _ => None,
        }
    }

    /// The receiver, if it is part of the key.
    pub(crate) fn keyed_receiver(&self) -> Option<&Receiver> {
        let ignored = self.options.key.is_some() || self.options.ignore.iter().any(|name| name == "self");
        self.receiver().filter(|_| !ignored)
    }

    /// Whether an argument hides its type, so that the type arguments of the accessor cannot be written.
    pub(crate) fn hides_types(&self) -> bool {
        self.arguments.iter().any(Argument::hides_its_type)
    }

    /// The type that the body returns.
    pub(crate) fn out(&self) -> TokenStream {
        self.out_type()
            .map_or_else(|| quote!(()), ToTokens::to_token_stream)
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
        self.options.fallible.is_some() || self.out_type().is_some_and(types::is_result)
    }

    /// The type of the value that is cached, as far as it is written.
    pub(crate) fn value_type(&self) -> Option<&Type> {
        let out = self.out_type()?;
        if self.is_fallible() {
            types::ok_type(out)
        } else {
            Some(out)
        }
    }

    /// The name of the accessor.
    pub(crate) fn accessor(&self) -> Ident {
        let name = &self.sig.ident;
        let default = || format_ident!("{}_ring", name.unraw(), span = name.span());
        self.options.accessor.clone().unwrap_or_else(default)
    }

    /// The name of the function that returns the handle.
    pub(crate) fn cache(&self) -> Ident {
        let base = self.options.accessor.as_ref().unwrap_or(&self.sig.ident);
        format_ident!("{}_cache", base.unraw(), span = Span::call_site())
    }

    /// A constant beside a free function, used by its accessor. If `#[ring]` is on a method whose block lacks
    /// `#[ring_impl]`, the bare name is not found, and the compiler's error names the remedy.
    pub(crate) fn block_hint(&self) -> Ident {
        format_ident!("add_ring_impl_to_the_impl_block_of_{}", self.sig.ident.unraw())
    }

    /// A constant beside the accessors of a trait's method, used by the method. If the accessors cannot be declared,
    /// since the type is another crate's, the compiler's error names the remedy.
    pub(crate) fn foreign_hint(&self) -> Option<Ident> {
        let owner = self.owner.as_ref()?;
        let inherent = owner.trait_path.is_some() && owner.accessors.is_none();
        let accessor = self.accessor().unraw();
        inherent.then(|| format_ident!("a_type_of_another_crate_needs_ring_impl_accessors_for_{accessor}"))
    }

    /// Whether there are types or values that tell instantiations apart.
    pub(crate) fn is_generic(&self) -> bool {
        let of_owner = self.owner.iter().map(|owner| &owner.generics);
        let mut all = of_owner.chain([&self.generics]);
        all.any(|generics| generics::of_instances(generics).next().is_some())
    }

    /// Whether the storage is reached through `self`.
    pub(crate) fn storage_needs_self(&self) -> bool {
        let place = self.options.storage.place();
        place.is_some_and(|place| mentions(place, "self"))
    }
}

impl Argument {
    fn new(index: usize, argument: &PatType, options: &RingOptions) -> Self {
        let written = match &*argument.pat {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        };
        let name = written.and_then(|written| {
            if options.mention(written) {
                Some(written.clone())
            } else {
                without_underscores(written)
            }
        });
        Argument {
            name: name.unwrap_or_else(|| format_ident!("argument_{}", index + 1, span = Span::mixed_site())),
            pattern: (*argument.pat).clone(),
            ty: (*argument.ty).clone(),
            ignored: options.key.is_some() || written.is_some_and(|name| options.ignore.contains(name)),
        }
    }

    /// The name that the user gave it.
    pub(crate) fn written_name(&self) -> Option<&Ident> {
        match &self.pattern {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        }
    }

    /// Whether `impl Trait` is in its type.
    pub(crate) fn hides_its_type(&self) -> bool {
        mentions(&self.ty, "impl")
    }
}

impl RingOptions {
    /// Whether an expression that is evaluated beside the body uses the argument `name`.
    fn mention(&self, name: &Ident) -> bool {
        let expiry = self.expire.as_ref().and_then(Duration::as_expression);
        let mut expressions = self.key.iter().chain(expiry);
        expressions.any(|expression| mentions(expression, &name.to_string()))
    }
}

/// The name without its leading `_`, which marks unused names. The body does not see a changed name, as it could hide
/// another item of this name.
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
