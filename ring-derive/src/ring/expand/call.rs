//! A call of the accessor: its type, its bound values, and checks for the compiler.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::expansion::{Expansion, Place, item, variable};
use super::parts::{Bound, Parts};
use crate::generics;
use crate::parse::Storage;
use crate::root::located_at;
use crate::types::{as_argument, is_known_clone};

impl Expansion<'_> {
    /// The type of a call.
    pub(super) fn call_type(&self, place: Place) -> TokenStream {
        let ((root, span), types, call) = (self.root_of_types(), &self.types, self.in_library("Call"));
        let view = self.tagged_view();
        let (returned, out, body) = (&types.returned, &types.out, self.in_library("Body"));
        let future = quote!(, Fut = impl ::core::future::Future<Output = #out>);
        let future = self.method.is_async().then_some(future);
        let borne = self.borne(place);
        quote_spanned!(span=> #root::#call<#returned, #view, impl #root::body::#body<Out = #out #future> #borne>)
    }

    /// A bound that the call needs for its type.
    pub(super) fn borne(&self, place: Place) -> Option<TokenStream> {
        self.bearer(place).map(|bearer| quote!(+ #bearer))
    }

    /// Makes a type as private as the trait, unless the user gave a visibility.
    pub(super) fn bearer(&self, place: Place) -> Option<TokenStream> {
        let of_trait = self.method.owner.as_ref()?.of_trait.as_ref()?;
        let (root, path) = (self.root, &of_trait.path);
        self.is_borne(place)
            .then(|| quote!(#root::body::OfTrait<Bearer = impl #path + ?::core::marker::Sized>))
    }

    /// The call with that type.
    pub(super) fn borne_call(&self, place: Place, call: TokenStream) -> TokenStream {
        self.borne_as(quote!(BoundCall), place, call)
    }

    /// The handle with that type.
    pub(super) fn borne_handle(&self, place: Place, handle: TokenStream) -> TokenStream {
        self.borne_as(quote!(generated::Handle), place, handle)
    }

    fn borne_as(&self, name: TokenStream, place: Place, value: TokenStream) -> TokenStream {
        let root = self.root;
        if self.is_borne(place) {
            quote!(#root::#name::borne_by::<Self>(#value))
        } else {
            value
        }
    }

    fn is_borne(&self, place: Place) -> bool {
        let written = self.method.options.accessor.as_ref();
        place == Place::Inherent && written.and_then(|accessor| accessor.written_vis()).is_none()
    }

    pub(super) fn accessor_body(&self) -> TokenStream {
        let (root, types, handle) = (self.root, &self.types, self.in_library("Cache"));
        let (cache, expiry) = (self.coded_cache(), self.expiry());
        let (returned, out, body) = (&types.returned, &types.out, &self.method.body);
        let asyncness = &self.method.sig.asyncness;
        let future = asyncness.map(|_| quote!(, _));
        let Parts {
            before,
            values,
            pattern,
            ..
        } = Parts::of(self.method, Bound::Call);
        let (bind, entry) = self.seeing_entry();
        let call = quote! {
            #root::generated::#handle::#bind::<#returned, _, _ #future>(#cache, #values, #asyncness move |#pattern #entry| -> #out #body)
        };
        let (tags, call) = self.tagged(self.leased(call));
        let call = self.expiring(call, expiry.is_some());
        let call = self.deciding_expiry(call);
        let call = match &self.method.options.unless {
            Some(unless) => quote!(#root::BoundCall::unless(#call, #unless)),
            None => call,
        };
        let call = self.with_errors(call);
        let call = self.keeping_stale(self.in_background(call));
        let (copy, call) = (self.copy_of_self(), self.with_timeout(call));
        let holder = self.coder_holder();
        quote!(#holder #before #expiry #tags #copy #call)
    }

    /// The handle of the method, over a storage of bytes with its coder.
    pub(super) fn coded_cache(&self) -> TokenStream {
        let (root, cache, view) = (self.root, self.cache_call(), &self.types_in_bodies.view);
        match &self.types.coder {
            Some(_) => quote!(#root::generated::Handle::coded::<#view>(#cache)),
            None => cache,
        }
    }

    /// The statement that computes the expiry. It comes first, while no argument has moved.
    pub(super) fn expiry(&self) -> Option<TokenStream> {
        let expire = self.method.options.expire.as_ref()?;
        let (expire, expiry) = (expire.expression(self.root), variable("__expiry"));
        let root = self.root;
        Some(quote!(let #expiry: #root::generated::Duration = #expire;))
    }

    /// The call with that expiry.
    pub(super) fn expiring(&self, call: TokenStream, expires: bool) -> TokenStream {
        match self.method.options.expire.as_ref().filter(|_| expires) {
            Some(expire) => {
                let (span, expiry) = (located_at(expire.value.span()), variable("__expiry"));
                // Without support of expiry by the storage, the error is at the user's time. The call's own method wins over
                // any trait's: it takes `self` by value.
                let verb = quote_spanned!(span=> .expire_in(#expiry));
                quote!(#call #verb)
            }
            None => call,
        }
    }

    /// The call of a ring with leases. Without support by the storage, the error is at the user's time.
    fn leased(&self, call: TokenStream) -> TokenStream {
        match &self.method.options.lease {
            Some(lease) => quote_spanned!(located_at(lease.value.span())=> #call.leased()),
            None => call,
        }
    }

    /// A call of the accessor with the method's arguments. Errors are placed at the user's types.
    pub(super) fn checked_call(&self) -> TokenStream {
        let accessor = item(self.method.accessor());
        let receiver = self.method.receiver().into_iter();
        let receiver = receiver.map(|receiver| receiver.self_token.to_token_stream());
        let arguments = self.method.arguments.iter();
        let arguments = receiver.chain(arguments.map(|argument| argument.passed.value.clone()));
        let hidden = self.method.owner.as_ref().is_some_and(|owner| owner.is_hidden());
        let place = if hidden { Place::Inherent } else { Place::Own };
        let (scope, turbofish) = (self.method_scope(), self.turbofish(place));
        let accessor = self.used(quote!(#accessor #turbofish));
        self.checked_value(self.checked_storage(quote!(#scope #accessor(#(#arguments),*))))
    }

    /// A call of the accessor with arguments of the same names.
    pub(super) fn accessor_call(&self) -> TokenStream {
        let accessor = item(self.method.accessor());
        let receiver = self.method.receiver().into_iter();
        let receiver = receiver.map(|receiver| receiver.self_token.to_token_stream());
        let arguments = self.method.arguments.iter();
        let arguments = receiver.chain(arguments.map(|argument| argument.name.to_token_stream()));
        let turbofish = self.turbofish(Place::Own);
        let accessor = self.used(quote!(#accessor #turbofish));
        quote!(#accessor(#(#arguments),*))
    }

    /// With an `impl Trait` argument, type arguments cannot be written.
    fn turbofish(&self, place: Place) -> Option<TokenStream> {
        let typed = !self.method.hides_types();
        typed.then(|| generics::turbofish(&self.generics(place, &self.method.generics)))
    }

    /// Checks that the storage can be awaited or may block.
    fn checked_storage(&self, call: TokenStream) -> TokenStream {
        let storage = &self.method.options.storage;
        let written = match storage {
            Storage::OfType { ty, .. } => ty.span(),
            Storage::OfKind { place, .. } if storage.holds_bytes() => place.span(),
            _ => return call,
        };
        let (span, held, storage) = (
            located_at(written),
            &self.types_in_bodies.held,
            &self.types.storage,
        );
        let generated = self.root.generated_at(span);
        let is_async = self.method.is_async();
        let check = Ident::new(if is_async { "awaited" } else { "blocking" }, span);
        let probe = quote_spanned!(span=> #generated::Probe::<#storage>::new());
        quote_spanned!(span=> #generated::#check::<_, #held, _, _>(#probe, #call))
    }

    /// Checks that the value can be cached, and that it is not a `Result` by another name.
    fn checked_value(&self, call: TokenStream) -> TokenStream {
        let coder = self.types_in_bodies.coder.as_ref();
        if coder.is_none() && self.method.value_type().is_some_and(is_known_clone) {
            return call;
        }
        let Some(ty) = self.method.written_out_type() else {
            return call;
        };
        let (span, ty) = (located_at(ty.span()), as_argument(ty));
        let generated = self.root.generated_at(span);
        let check = Ident::new(if coder.is_some() { "coded" } else { "in_memory" }, span);
        let coder = coder.map(|coder| quote!(#coder,));
        if self.method.is_fallible() {
            quote_spanned!(span=> #generated::#check::<_, #generated::OkOf<#ty>, #coder _>(#call))
        } else {
            let check = format_ident!("__ring_{check}", span = span);
            quote_spanned!(span=> ({
                use #generated::Plainly as _;
                #generated::Probe::<#ty>::new().#check::<_, #coder _>(#call)
            }))
        }
    }
}
