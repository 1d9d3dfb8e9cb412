//! `#[ring(invalidates(..))]`: a method that is not cached, and makes cached values out of date.
//!
//! [`named_calls`](super::named_calls) reads the named calls.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprClosure, ReturnType, Type};

use super::item::Function;
use super::named_calls::{Methods, Naming, is_call, own_method, without_groups, without_object};
use crate::errors::Errors;
use crate::parse::{Options, RingOptions};
use crate::root::{Root, located_at};
use crate::types::mentions;

/// A method that is not cached.
pub(crate) struct Writer {
    function: Function,
    invalidates: Vec<Expr>,
    /// The word in `on = ok`.
    on: Option<Ident>,
    root: Option<syn::Path>,
}

impl Writer {
    pub(crate) fn new(function: Function, options: &mut Options) -> syn::Result<Self> {
        let mut errors = Errors::default();
        if let Some(other) = options.of_cached_methods() {
            let name = other.to_token_stream();
            let message = format!(
                "`{name}` has no effect beside `invalidates`, as this method is not cached: remove one of them"
            );
            errors.at(other, message);
        }
        let options: RingOptions = options.read()?;
        if let Some(token) = &function.sig.constness {
            errors.at(token, "a `const fn` cannot use a cache: remove `const`");
        }
        if let Some(attr) = function
            .attrs
            .iter()
            .find(|attr| attr.path().is_ident("track_caller"))
        {
            let message = "`#[track_caller]` does not reach the body of a method that invalidates: take the place as an \
                           argument";
            errors.at(attr, message);
        }
        for named in &options.invalidates {
            errors.handle(check(named));
            if let Some(token) = without_object(named, &function.sig) {
                let message = "this function has no `self`: add `&self`, or name a function of the type, `Self::user(id)`";
                errors.at(token, message);
            }
        }
        errors.finish(Writer {
            function,
            invalidates: options.invalidates,
            on: options.on,
            root: options.root,
        })
    }

    /// The method to leave after an error.
    pub(crate) fn left(&self) -> TokenStream {
        self.function.left()
    }

    /// The method, which removes the named entries when its body ends.
    pub(crate) fn expand(&self, root: &Root, methods: &Methods) -> syn::Result<TokenStream> {
        let root = match &self.root {
            Some(path) => Root::named(Some(path))?,
            None => root.clone(),
        };
        let mut errors = Errors::default();
        for method in self.invalidates.iter().filter_map(own_method) {
            errors.handle(methods.check(method));
        }
        errors.finish(())?;
        let expansion = Expansion {
            writer: self,
            methods,
            root: &root,
        };
        Ok(expansion.method())
    }
}

/// Checks for a call of a cached method, or a closure that maps the writer's value to one.
fn check(named: &Expr) -> syn::Result<()> {
    let is_fit = match named {
        Expr::Closure(closure) => is_call(&closure.body) && closure.inputs.len() == 1,
        call => is_call(call),
    };
    if is_fit {
        return Ok(());
    }
    let message = "not a call of a cached method: write `self.user(id)`, `self.user(..)` for all calls of a method, or \
                   `|value| self.user(value.id)` for a call that the returned value names";
    Err(syn::Error::new_spanned(named, message))
}

/// A variable of generated code, hidden from the user's code.
fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The expansion of a writer.
struct Expansion<'a> {
    writer: &'a Writer,
    methods: &'a Methods,
    root: &'a Root,
}

impl Expansion<'_> {
    fn method(&self) -> TokenStream {
        let Function {
            attrs,
            vis,
            sig,
            body,
        } = &self.writer.function;
        let (root, on_ok) = (self.root, self.writer.on.is_some());
        let (writer, out) = (variable("__writer"), variable("__out"));
        let (is_ok, also) = (variable("__is_ok"), variable("__also"));
        let (kind, wait) = if sig.asyncness.is_some() {
            (quote!(AsyncWriter), quote!(.await))
        } else {
            (quote!(Writer), TokenStream::new())
        };
        let kind = quote!(#root::generated::#kind);
        let (before, after) = (self.before(), self.after(&out));
        let (asyncness, returned, may_fail) = (&sig.asyncness, self.returned(), self.may_fail(&out));
        quote! {
            #(#attrs)*
            #vis #sig {
                let mut #writer = #kind::new(#before, #on_ok);
                let #out = #kind::run(&mut #writer, #asyncness || #returned #body) #wait;
                #may_fail
                let (#is_ok, #also) = #after;
                #kind::end(#writer, #is_ok, #also) #wait;
                #out
            }
        }
    }

    /// The return type for a closure, if it can be written there.
    fn returned(&self) -> Option<TokenStream> {
        match &self.writer.function.sig.output {
            ReturnType::Default => Some(quote!(-> ())),
            ReturnType::Type(_, ty) if mentions(ty, "impl") || matches!(**ty, Type::Never(_)) => None,
            ReturnType::Type(_, ty) => Some(quote!(-> #ty)),
        }
    }

    fn may_fail(&self, out: &Ident) -> Option<TokenStream> {
        let word = self.writer.on.as_ref()?;
        let span = located_at(word.span());
        let generated = self.root.generated_at(span);
        Some(quote_spanned!(span=> #generated::may_fail(&#out);))
    }

    /// The calls that are named before the body.
    fn before(&self) -> TokenStream {
        let named = self.writer.invalidates.iter().rev();
        let named = named.filter(|named| !matches!(named, Expr::Closure(_)));
        named
            .filter_map(|call| self.forgotten(call))
            .fold(quote!(()), |rest, first| quote!((#first, #rest)))
    }

    /// Whether there is a value, and the calls that it names.
    fn after(&self, out: &Ident) -> TokenStream {
        let (generated, value) = (self.root.generated_at(Span::call_site()), variable("__value"));
        let closures = self
            .writer
            .invalidates
            .iter()
            .rev()
            .filter_map(|named| match named {
                Expr::Closure(closure) => self.by_value(closure, &value),
                _ => None,
            });
        let also = closures.fold(quote!(()), |rest, first| quote!((#first, #rest)));
        quote! {{
            let #value = {
                use #generated::Plainly as _;
                #generated::Probe::of(&#out).__ring_ok(&#out)
            };
            (::core::option::Option::is_some(&#value), #also)
        }}
    }

    /// A call named by the value.
    fn by_value(&self, closure: &ExprClosure, value: &Ident) -> Option<TokenStream> {
        let mut closure = closure.clone();
        // If the argument's type is wrong, the error is at the closure.
        let span = located_at(closure.span());
        let (generated, forgotten) = (self.root.generated_at(span), self.forgotten(&closure.body)?);
        let mut body = Group::new(Delimiter::Brace, forgotten);
        body.set_span(closure.body.span());
        *closure.body = Expr::Verbatim(body.into_token_stream());
        closure.output = ReturnType::Default;
        Some(quote_spanned!(span=> #generated::named_by(#value, #closure)))
    }

    /// The target of a call. `None` if its method has errors.
    fn forgotten(&self, call: &Expr) -> Option<TokenStream> {
        let call = without_groups(call);
        let naming = Naming {
            methods: self.methods,
            sig: &self.writer.function.sig,
        };
        let (accessor, is_whole) = naming.function_of(call)?;
        let span = located_at(call.span());
        let (root, generated) = (self.root.at(span), self.root.generated_at(span));
        let is_async = self.writer.function.sig.asyncness.is_some();
        let (check, keep) = match (is_whole, is_async) {
            (false, false) => ("forgotten", quote_spanned!(span=> #root::BoundCall::forgetting)),
            (false, true) => (
                "forgotten_awaited",
                quote_spanned!(span=> #root::BoundCall::forgetting),
            ),
            (true, false) => ("cleared", quote_spanned!(span=> #generated::Handle::clearing)),
            (true, true) => (
                "cleared_awaited",
                quote_spanned!(span=> #generated::Handle::clearing),
            ),
        };
        let check = Ident::new(check, span);
        Some(quote_spanned!(span=> #generated::#check(#keep(&#accessor))))
    }
}
