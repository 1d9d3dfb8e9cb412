//! Stale entries, time limits and expiries that depend on values: the options of a call, and the function that makes
//! background jobs.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, ReceiverKind, Type, TypeReference};

use super::expansion::{Expansion, Place, variable};
use super::parts::{Bound, Parts};
use crate::generics;
use crate::ring::model::Argument;
use crate::root::located_at;
use crate::types::place_of;

impl Expansion<'_> {
    /// The call with an expiry that depends on the value, and with jitter. It follows the ring's expiry.
    pub(super) fn deciding_expiry(&self, call: TokenStream) -> TokenStream {
        let options = &self.method.options;
        let (root, value) = (self.root, variable("__value"));
        let of_value = options.expire_of.as_ref().map(|function| {
            let span = located_at(function.span());
            let generated = self.root.generated_at(span);
            quote_spanned!(span=> #generated::decided(#function, #value))
        });
        let of_none = options.none.as_ref().map(|none| {
            let (span, expiry) = (located_at(none.value.span()), none.expression(root));
            quote_spanned!(span=> ::core::option::Option::is_none(#value).then_some(#expiry))
        });
        let decided = match (of_value, of_none) {
            (None, None) => None,
            (Some(one), None) | (None, Some(one)) => Some(one),
            (Some(of_value), Some(of_none)) => Some(quote! {
                match #of_value {
                    ::core::option::Option::None => #of_none,
                    decided => decided,
                }
            }),
        };
        let call = match decided {
            Some(decided) => {
                let span = located_at(self.place_of_decision());
                quote_spanned!(span=> #call.expire_of(|#value| #decided))
            }
            None => call,
        };
        match options.jitter {
            Some(_) => quote!(#root::BoundCall::jittered(#call)),
            None => call,
        }
    }

    fn place_of_decision(&self) -> Span {
        let options = &self.method.options;
        let of_value = options.expire_of.as_ref().map(Spanned::span);
        let of_none = || options.none.as_ref().map(|none| none.value.span());
        of_value.or_else(of_none).unwrap_or_else(Span::call_site)
    }

    /// The entry of a ring that keeps stale ones.
    pub(super) fn keeping_stale_entry(&self, entry: TokenStream) -> TokenStream {
        match self.span_of_stale() {
            Some(span) => quote_spanned!(span=> #entry.of_stale_entry()),
            None => entry,
        }
    }

    /// The call of a ring that keeps stale entries.
    pub(super) fn keeping_stale(&self, call: TokenStream) -> TokenStream {
        match self.span_of_stale() {
            Some(span) => quote_spanned!(span=> #call.keeping_stale()),
            None => call,
        }
    }

    /// The call of a ring with a limited wait for its body.
    pub(super) fn with_timeout(&self, call: TokenStream) -> TokenStream {
        match self.span_of_timeout() {
            Some(span) => quote_spanned!(span=> #call.with_timeout()),
            None => call,
        }
    }

    /// The function that binds a body, and the body's argument for the entry, if it has one.
    pub(super) fn seeing_entry(&self) -> (Ident, Option<TokenStream>) {
        let Some(entry) = &self.method.options.entry else {
            return (Ident::new("bind", Span::call_site()), None);
        };
        let (root, value) = (self.root, &self.types.value);
        let bind = Ident::new("bind_with_entry", Span::call_site());
        (bind, Some(quote!(, #entry: #root::Entry<#value>)))
    }

    /// The call of a ring whose body may run in the background.
    pub(super) fn in_background(&self, call: TokenStream) -> TokenStream {
        let Some(span) = self.span_of_background() else {
            return call;
        };
        let generated = self.root.generated_at(span);
        let (values, order) = (variable("__values"), variable("__order"));
        let Parts { refreshed, .. } = Parts::of(self.method, Bound::Call);
        let (scope, function) = (self.scope(), self.job_name());
        let object = Ident::new("__object", Span::mixed_site().located_at(span));
        let bound = self.method.receiver().map(|receiver| {
            let shared = if self.method.moves_self() {
                let copy = variable("__copy");
                quote!(&#copy)
            } else {
                receiver.self_token.to_token_stream()
            };
            quote!(let #object = #shared;)
        });
        let receiver = bound.as_ref().map(|_| quote!(#object,));
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|Argument { name, ty, .. }| match ty {
            // The bound value is a reference, reached through one more.
            Type::Reference(_) => quote!(#generated::passed(*#name)),
            _ => quote!(#generated::passed_ref(#name)),
        });
        let turbofish = (!self.method.hides_types())
            .then(|| generics::turbofish(&self.generics(Place::Own, &self.method.generics)));
        quote_spanned! {span=>
            #call.in_background(move |#values, #order| {
                let #refreshed = #values;
                #bound
                #scope #function #turbofish (#receiver #(#arguments,)* #order)
            })
        }
    }

    /// The call of a ring that shares errors with other calls.
    pub(super) fn with_errors(&self, call: TokenStream) -> TokenStream {
        let options = &self.method.options;
        let place = match (&options.errors, &options.share_errors) {
            (Some(errors), _) => errors.time.value.span(),
            (None, Some(flag)) => flag.0.span(),
            (None, None) => return call,
        };
        let span = located_at(place);
        let (root, generated) = (self.root, self.root.generated_at(span));
        let (mut time, mut when) = (
            quote!(::core::option::Option::None),
            quote!(::core::option::Option::None),
        );
        if let Some(errors) = &options.errors {
            let expression = errors.time.expression(root);
            time = quote!(::core::option::Option::Some(#expression));
            if let Some(written) = &errors.when {
                when = quote_spanned!(located_at(written.span())=> ::core::option::Option::Some(#written));
            }
        }
        let share = options.share_errors.is_some();
        quote_spanned!(span=> #call.with_errors(#generated::ErrorRules { remember: #time, when: #when, share: #share }))
    }

    /// A copy of an object that moves into the call.
    pub(super) fn copy_of_self(&self) -> Option<TokenStream> {
        let receiver = self.method.receiver()?;
        let is_needed = self.method.moves_self() && self.method.runs_in_background();
        let (copy, token) = (variable("__copy"), receiver.self_token);
        is_needed.then(|| quote!(let #copy = ::core::clone::Clone::clone(&#token);))
    }

    /// The function that makes the background job. It is beside the accessor, which the job calls.
    pub(super) fn job_function(&self, place: Place) -> Option<TokenStream> {
        let span = self.span_of_background()?;
        let (generated, function, out) = (self.root.generated_at(span), self.job_name(), &self.types.out);
        let generics = self.generics(place, &self.method.generics);
        let where_clause = &generics.where_clause;
        let object = Ident::new("__object", Span::mixed_site().located_at(span));
        let order = variable("__order");
        let receiver = self.method.receiver().map(|receiver| match &receiver.kind {
            ReceiverKind::Typed(_, ty) => by_reference(&object, ty),
            _ => quote!(#object: &Self,),
        });
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|Argument { name, ty, .. }| by_reference(name, ty));
        let job = if self.method.is_async() {
            "AsyncJob"
        } else {
            "BlockingJob"
        };
        let job = Ident::new(job, span);
        let head = quote! {
            #[doc(hidden)]
            fn #function #generics (#receiver #(#arguments)* #order: #generated::Order<#out>) -> #generated::#job #where_clause
        };
        if place == Place::Declared {
            return Some(quote!(#head;));
        }
        let (copies, call) = (self.copies(&object, span), self.call_of_copies(&object));
        Some(if self.method.is_async() {
            quote!(#head { #copies ::std::boxed::Box::pin(async move { #call.serve(#order).await }) })
        } else {
            quote!(#head { #copies ::std::boxed::Box::new(move || #call.serve(#order)) })
        })
    }

    /// The statements that copy the object and the arguments. For an argument that cannot be copied, the error is at its
    /// type; for an object, at the option.
    fn copies(&self, object: &Ident, span: Span) -> TokenStream {
        let of_receiver = |ty: Option<&Type>| self.copy(object, ty, span);
        let receiver = self.method.receiver().map(|receiver| match &receiver.kind {
            ReceiverKind::Typed(_, ty) => of_receiver(Some(ty)),
            _ => of_receiver(None),
        });
        let arguments = self.method.arguments.iter();
        let arguments =
            arguments.map(|Argument { name, ty, .. }| self.copy(name, Some(ty), located_at(place_of(ty))));
        quote!(#receiver #(#arguments)*)
    }

    fn copy(&self, name: &Ident, ty: Option<&Type>, span: Span) -> TokenStream {
        let generated = self.root.generated_at(span);
        let copied = match ty {
            Some(Type::Reference(_)) => quote_spanned!(span=> #generated::copied_of(#name)),
            _ => quote_spanned!(span=> #generated::copied(#name)),
        };
        quote_spanned!(span=> let #name = #copied;)
    }

    /// A call of the accessor with the copies.
    fn call_of_copies(&self, object: &Ident) -> TokenStream {
        let generated = self.root.generated_at(Span::call_site());
        let passed = quote!(#generated::passed);
        let receiver = self.method.receiver().map(|receiver| match &receiver.kind {
            ReceiverKind::Typed(_, ty) if matches!(**ty, Type::Reference(_)) => quote!(&#object,),
            ReceiverKind::Typed(..) => quote!(#passed(#object),),
            _ => quote!(&#passed(#object),),
        });
        let arguments = self.method.arguments.iter();
        let arguments = arguments.map(|Argument { name, ty, .. }| match ty {
            Type::Reference(TypeReference { elem, .. }) => {
                quote!(::core::borrow::Borrow::<#elem>::borrow(&#name),)
            }
            _ => quote!(#passed(#name),),
        });
        let turbofish = (!self.method.hides_types())
            .then(|| generics::turbofish(&self.generics(Place::Own, &self.method.generics)));
        let (scope, accessor) = (self.scope(), super::expansion::item(self.method.accessor()));
        let accessor = self.used(quote!(#accessor #turbofish));
        quote!(#scope #accessor(#receiver #(#arguments)*))
    }

    fn job_name(&self) -> Ident {
        let name = self.method.accessor();
        format_ident!("__job_{}", name.unraw(), span = Span::mixed_site())
    }

    /// The span of `stale`, if written.
    fn span_of_stale(&self) -> Option<Span> {
        let options = &self.method.options;
        let stale = options.stale.as_ref().map(|stale| stale.value.span());
        let early = || options.early.as_ref().map(Spanned::span);
        stale.or_else(early).map(located_at)
    }

    /// The span of `timeout`, if written.
    fn span_of_timeout(&self) -> Option<Span> {
        let timeout = self.method.options.timeout.as_ref();
        timeout.map(|timeout| located_at(timeout.value.span()))
    }

    /// The span of the option that makes the body run in the background, if any.
    fn span_of_background(&self) -> Option<Span> {
        let span = self.span_of_stale().or_else(|| self.span_of_timeout());
        span.filter(|_| self.method.runs_in_background())
    }
}

/// The parameter of a value that is copied.
fn by_reference(name: &Ident, ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(_) => quote!(#name: #ty,),
        ty => quote!(#name: &#ty,),
    }
}
