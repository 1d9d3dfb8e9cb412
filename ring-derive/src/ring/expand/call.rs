//! A call of the accessor: its type, the values that it binds, and the checks that only the compiler can make.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::expansion::{Expansion, item};
use crate::generics;
use crate::parse::Storage;
use crate::ring::model::Method;
use crate::ring::name;
use crate::root::{Root, located_at};
use crate::types::is_known_clone;

impl Expansion<'_> {
    /// The type of a call.
    pub(super) fn call_type(&self) -> TokenStream {
        let (root, types, call) = (self.root, &self.types, self.in_library("Call"));
        let (returned, view, out, body) = (&types.returned, &types.view, &types.out, self.in_library("Body"));
        let future = quote!(, Fut = impl ::core::future::Future<Output = #out>);
        let future = self.method.is_async().then_some(future);
        quote!(#root::#call<#returned, #view, impl #root::body::#body<Out = #out #future>>)
    }

    pub(super) fn accessor_body(&self) -> TokenStream {
        let (types, import) = (&self.types, self.import_trait());
        let (cache, settings) = (self.cache_call(), self.settings());
        let (out, body, asyncness) = (&types.out, &self.method.body, &self.method.sig.asyncness);
        let Parts { values, patterns, .. } = Parts::of(self.method);
        // The compiler checks closures before the return type, so the type of the value is given here.
        let returned = self.method.options.unless.as_ref().map(|_| {
            let (returned, future) = (&types.returned, asyncness.map(|_| quote!(, _)));
            quote!(::<#returned, _, _ #future>)
        });
        let view = &types.view;
        let coder = types.coder.as_ref().map(|_| quote!(.coded::<#view>()));
        quote! {
            #import
            #cache #coder.bind #returned((#values), #asyncness move |(#patterns)| -> #out #body) #settings
        }
    }

    /// The methods of a call by which the options are set.
    fn settings(&self) -> TokenStream {
        let options = &self.method.options;
        let mut settings = TokenStream::new();
        if let Some(expire) = &options.expire {
            let (span, expire) = (located_at(expire.value.span()), expire.expression(self.root));
            settings.extend(quote_spanned!(span=> .expire_in(#expire)));
        }
        if let Some(unless) = &options.unless {
            settings.extend(quote!(.unless(#unless)));
        }
        settings
    }

    /// A call of the accessor with the arguments of the method. Errors are placed at the types that the user wrote.
    pub(super) fn checked_call(&self) -> TokenStream {
        self.checked_value(self.checked_storage(self.accessor_call()))
    }

    fn accessor_call(&self) -> TokenStream {
        let accessor = item(self.method.accessor());
        let receiver = self.method.receiver().into_iter();
        let receiver = receiver.map(|receiver| receiver.self_token.to_token_stream());
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|argument| argument.name.to_token_stream());
        let arguments = receiver.chain(arguments);
        // An `impl Trait` argument forbids to write type arguments.
        let typed = !self.method.hides_types();
        let turbofish = typed.then(|| generics::turbofish(&self.method.generics));
        let scope = self.scope();
        quote!(#scope #accessor #turbofish(#(#arguments),*))
    }

    /// Checks that the storage can be awaited or may block.
    fn checked_storage(&self, call: TokenStream) -> TokenStream {
        let storage = &self.method.options.storage;
        let written = match storage {
            Storage::OfType { ty, .. } => ty.span(),
            Storage::OfKind { place, .. } if storage.holds_bytes() => place.span(),
            _ => return call,
        };
        let (span, held, storage) = (located_at(written), &self.types.held, &self.types.storage);
        let generated = self.root.generated_at(span);
        let is_async = self.method.is_async();
        let check = Ident::new(if is_async { "awaited" } else { "blocking" }, span);
        let probe = quote_spanned!(span=> #generated::Probe::<#storage>::new());
        quote_spanned!(span=> #generated::#check::<_, #held, _, _>(#probe, #call))
    }

    /// Checks that the value can be cached, and that it is not a `Result` by another name.
    fn checked_value(&self, call: TokenStream) -> TokenStream {
        let coder = self.types.coder.as_ref();
        let is_unknown = |ty: &&Type| coder.is_some() || !is_known_clone(ty);
        let Some(ty) = self.method.out_type().filter(is_unknown) else {
            return call;
        };
        let span = located_at(ty.span());
        let generated = self.root.generated_at(span);
        let check = Ident::new(if coder.is_some() { "coded" } else { "in_memory" }, span);
        let coder = coder.map(|coder| quote!(#coder,));
        if self.method.is_fallible() {
            quote_spanned!(span=> #generated::#check::<_, #generated::OkOf<#ty>, #coder _>(#call))
        } else {
            quote_spanned!(span=> ({
                use #generated::Plainly as _;
                #generated::Probe::<#ty>::new().#check::<_, #coder _>(#call)
            }))
        }
    }
}

/// The tuple of the values that a call binds, those of its key and those that only the body needs, and the pattern that
/// takes it apart again.
struct Parts<'a> {
    root: &'a Root,
    values: TokenStream,
    patterns: TokenStream,
}

impl<'a> Parts<'a> {
    fn of(method: &'a Method) -> Self {
        let (root, options) = (&method.root, &method.options);
        let mut parts = Parts {
            root,
            values: TokenStream::new(),
            patterns: TokenStream::new(),
        };
        if let Some(key) = &options.key {
            parts.keyed(key, key, quote!(_));
        }
        if let (Some(_), Some(owner)) = (&options.class, &method.owner) {
            let class = name::of_class(&owner.self_ty);
            parts.keyed(&class, &class, quote!(_));
        }
        if let Some(receiver) = method.keyed_receiver() {
            parts.keyed(receiver.self_token, receiver.self_token, quote!(_));
        }
        for argument in &method.arguments {
            let (name, pattern) = (&argument.name, &argument.pattern);
            if argument.ignored {
                let ignored = quote!(#root::generated::Ignored);
                parts.values.extend(quote!(#ignored(#name),));
                parts.patterns.extend(quote!(#ignored(#pattern),));
            } else {
                parts.keyed(name, &argument.ty, pattern.to_token_stream());
            }
        }
        parts
    }

    /// A value of the key, and the place of the error if it cannot be one.
    fn keyed(&mut self, value: impl ToTokens, place: impl ToTokens, pattern: TokenStream) {
        let span = located_at(place.span());
        let generated = self.root.generated_at(span);
        let value = quote_spanned!(span=> #generated::keyed(#value),);
        self.values.extend(value);
        self.patterns.extend(quote!(#pattern,));
    }
}
