//! `#[ring(invalidates(..))]`: a method that is not cached, and makes cached values out of date.
//!
//! The calls that it names become calls of the functions that `#[ring]` added beside the cached methods: `self.user(id)`
//! becomes `self.user_entry(id)`, and `self.user(..)` becomes `self.user_cache()`. They keep the user's tokens, so that a
//! wrong name or argument is the compiler's error there.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, FnArg, ReturnType, Token, Type};

use super::item::Function;
use super::model::Method;
use crate::errors::Errors;
use crate::parse::{Options, RingOptions};
use crate::root::{Root, located_at};
use crate::types::mentions;

/// A cached method, as writers of its block name it.
#[derive(Clone)]
pub(crate) struct Cached {
    name: Ident,
    accessor: Ident,
    entry: Named,
    cache: Named,
}

/// A function that `#[ring]` added to a cached method.
#[derive(Clone)]
struct Named {
    name: Ident,
    /// Whether it takes `self`, if that is known.
    has_self: Option<bool>,
}

/// The cached methods of a block.
#[derive(Default)]
pub(crate) struct Methods {
    known: Vec<Cached>,
    /// Those with errors.
    refused: Vec<Ident>,
    /// All functions of the block.
    functions: Vec<Ident>,
}

/// A method that is not cached.
pub(crate) struct Writer {
    function: Function,
    invalidates: Vec<Expr>,
    /// The word in `on = ok`.
    on: Option<Ident>,
    root: Option<syn::Path>,
}

impl Cached {
    pub(crate) fn of(method: &Method) -> Self {
        Cached {
            name: method.sig.ident.clone(),
            accessor: method.accessor(),
            entry: Named {
                name: method.entry(),
                has_self: Some(method.naming_receiver().is_some()),
            },
            cache: Named {
                name: method.cache(),
                has_self: Some(method.storage_needs_self()),
            },
        }
    }

    /// Whether `#[ring]` adds a function of this name to it.
    fn adds(&self, name: &Ident) -> bool {
        [&self.accessor, &self.entry.name, &self.cache.name].contains(&name)
    }
}

impl Methods {
    /// Those of a block with these functions.
    pub(crate) fn among(functions: Vec<Ident>) -> Self {
        Methods {
            functions,
            ..Methods::default()
        }
    }

    /// Checks that a function of the block is cached. Another one may be in another block.
    fn check(&self, method: &Ident) -> syn::Result<()> {
        let is_cached = |known: &Cached| known.name == *method;
        if self.known.iter().any(is_cached) || self.refused.contains(method) {
            return Ok(());
        }
        let added = self.known.iter().find(|known| known.adds(method));
        let message = match added {
            Some(Cached { name, .. }) => {
                format!("name the cached method, and not what `#[ring]` adds to it: `{name}`")
            }
            None if self.functions.contains(method) => {
                format!("`{method}` is not cached: write `#[ring]` on it, or name a method that is")
            }
            None => return Ok(()),
        };
        Err(syn::Error::new_spanned(method, message))
    }

    pub(crate) fn add(&mut self, method: Cached) {
        self.known.push(method);
    }

    pub(crate) fn refuse(&mut self, name: &Ident) {
        self.refused.push(name.clone());
    }

    /// The function that names an entry of this method, or the whole of it, at the user's token.
    fn named(&self, method: &Ident, is_whole: bool) -> Named {
        let known = self.known.iter().find(|known| known.name == *method);
        let (suffix, of_known) = if is_whole {
            ("cache", known.map(|known| &known.cache))
        } else {
            ("entry", known.map(|known| &known.entry))
        };
        match of_known {
            Some(Named { name, has_self }) => Named {
                name: Ident::new(&name.to_string(), method.span()),
                has_self: *has_self,
            },
            None => Named {
                name: format_ident!("{}_{suffix}", method.unraw(), span = method.span()),
                has_self: None,
            },
        }
    }
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
            if let Some(token) = without_object(named, &function) {
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

    /// The method, which forgets when its body ended.
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

/// A call of a cached method, or a closure that makes one of the writer's value.
fn check(named: &Expr) -> syn::Result<()> {
    let (call, is_by_value) = match named {
        Expr::Closure(closure) => (&*closure.body, closure.inputs.len() == 1),
        call => (call, true),
    };
    let is_call = match without_groups(call) {
        Expr::MethodCall(_) => true,
        Expr::Call(call) => matches!(&*call.func, Expr::Path(_)),
        _ => false,
    };
    if is_call && is_by_value {
        return Ok(());
    }
    let message = "not a call of a cached method: write `self.user(id)`, `self.user(..)` for all calls of a method, or \
                   `|value| self.user(value.id)` for a call that the returned value names";
    Err(syn::Error::new_spanned(named, message))
}

/// The `self` of a function that has none.
fn without_object<'n>(named: &'n Expr, function: &Function) -> Option<&'n Expr> {
    let has_self = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    match call_of(named) {
        Expr::MethodCall(call) if is_self(&call.receiver) && !has_self => Some(&call.receiver),
        _ => None,
    }
}

/// The method of this type that is named by `self.user(id)` or `Self::user(id)`.
fn own_method(named: &Expr) -> Option<&Ident> {
    match call_of(named) {
        Expr::MethodCall(call) if is_self(&call.receiver) => Some(&call.method),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.path.segments.len() == 2 && path.path.segments[0].ident == "Self" => {
                path.path.segments.last().map(|last| &last.ident)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The call that is named, also by a closure.
fn call_of(named: &Expr) -> &Expr {
    match named {
        Expr::Closure(closure) => without_groups(&closure.body),
        call => without_groups(call),
    }
}

/// The expression in braces of one expression, or in parentheses.
fn without_groups(expression: &Expr) -> &Expr {
    match expression {
        Expr::Group(group) => without_groups(&group.expr),
        Expr::Paren(paren) => without_groups(&paren.expr),
        Expr::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
            [syn::Stmt::Expr(only, None)] => without_groups(only),
            _ => expression,
        },
        _ => expression,
    }
}

/// Whether the arguments of a call are `..`.
fn is_whole(arguments: &Punctuated<Expr, Token![,]>) -> bool {
    let mut arguments = arguments.iter();
    match (arguments.next(), arguments.next()) {
        (Some(Expr::Range(range)), None) => range.start.is_none() && range.end.is_none(),
        _ => false,
    }
}

fn is_self(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.is_ident("self"))
}

/// A variable of generated code, which the user's code does not see.
fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// A writer while it is expanded.
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

    /// The return type as the one of a closure, if it can be said.
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

    /// What is named before the body.
    fn before(&self) -> TokenStream {
        let named = self.writer.invalidates.iter().rev();
        let named = named.filter(|named| !matches!(named, Expr::Closure(_)));
        named
            .filter_map(|call| self.forgotten(call))
            .fold(quote!(()), |rest, first| quote!((#first, #rest)))
    }

    /// Whether there is a value, and what it names.
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

    /// A call that the value names.
    fn by_value(&self, closure: &ExprClosure, value: &Ident) -> Option<TokenStream> {
        let mut closure = closure.clone();
        // The error of an argument of another type is at the closure.
        let span = located_at(closure.span());
        let (generated, forgotten) = (self.root.generated_at(span), self.forgotten(&closure.body)?);
        let mut body = Group::new(Delimiter::Brace, forgotten);
        body.set_span(closure.body.span());
        *closure.body = Expr::Verbatim(body.into_token_stream());
        closure.output = ReturnType::Default;
        Some(quote_spanned!(span=> #generated::named_by(#value, #closure)))
    }

    /// What a call names. `None` if its method has errors.
    fn forgotten(&self, call: &Expr) -> Option<TokenStream> {
        let call = without_groups(call);
        let (accessor, is_whole) = match call {
            Expr::MethodCall(call) => self.method_call(call)?,
            Expr::Call(call) => self.call(call)?,
            _ => return None,
        };
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

    /// `self.user(id)` or `self.user(..)`, as a call of the function beside the method.
    fn method_call(&self, call: &ExprMethodCall) -> Option<(TokenStream, bool)> {
        let is_whole = is_whole(&call.args);
        let is_own = is_self(&call.receiver);
        if is_own && self.methods.refused.contains(&call.method) {
            return None;
        }
        let Named { name, has_self } = if is_own {
            self.methods.named(&call.method, is_whole)
        } else {
            Methods::default().named(&call.method, is_whole)
        };
        let mut named = call.clone();
        named.method = name;
        if is_whole {
            named.args.clear();
        }
        if has_self != Some(false) {
            return Some((named.into_token_stream(), is_whole));
        }
        let ExprMethodCall {
            method,
            turbofish,
            args,
            ..
        } = named;
        let scope = quote_spanned!(located_at(call.receiver.span())=> Self::);
        Some((quote!(#scope #method #turbofish (#args)), is_whole))
    }

    /// `Self::user(id)`, `user(id)` or `user(..)`, as a call of the function beside it.
    fn call(&self, call: &ExprCall) -> Option<(TokenStream, bool)> {
        let is_whole = is_whole(&call.args);
        let mut named = call.clone();
        let Expr::Path(path) = &mut *named.func else {
            return None;
        };
        let is_own = path.path.segments.len() == 2 && path.path.segments[0].ident == "Self";
        let last = path.path.segments.last_mut()?;
        if is_own && self.methods.refused.contains(&last.ident) {
            return None;
        }
        let function = if is_own {
            self.methods.named(&last.ident, is_whole)
        } else {
            Methods::default().named(&last.ident, is_whole)
        };
        last.ident = function.name;
        if is_whole {
            named.args.clear();
            let receiver = self.receiver().filter(|_| function.has_self == Some(true));
            named
                .args
                .extend(receiver.map(|token| Expr::Verbatim(quote!(&#token))));
        }
        Some((named.into_token_stream(), is_whole))
    }

    fn receiver(&self) -> Option<Token![self]> {
        match self.writer.function.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => Some(receiver.self_token),
            _ => None,
        }
    }
}
