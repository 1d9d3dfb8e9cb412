//! Calls of cached methods in attributes: `invalidates(self.user(id))`, `depends(Self::user(id))`.
//!
//! They become calls of the functions that `#[ring]` adds beside the cached methods: `self.user(id)` becomes
//! `self.user_entry(id)`, and `self.user(..)` becomes `self.user_cache()`. They keep the user's tokens, so that the compiler
//! reports a wrong name or argument there.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprMethodCall, FnArg, Signature, Token};

use super::model::Method;
use crate::root::located_at;

/// A cached method, for the attributes of its block.
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
    /// Whether it takes `self`, if known.
    has_self: Option<bool>,
}

/// The cached methods of a block.
#[derive(Default)]
pub(crate) struct Methods {
    known: Vec<Cached>,
    /// Methods with errors.
    refused: Vec<Ident>,
    /// All functions of the block.
    functions: Vec<Ident>,
    /// Methods with dependent entries.
    depended_on: Vec<Ident>,
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
    /// The methods of a block with these functions.
    pub(crate) fn among(functions: Vec<Ident>) -> Self {
        Methods {
            functions,
            ..Methods::default()
        }
    }

    /// Checks that a function of the block is cached. Another one may be in another block.
    pub(crate) fn check(&self, method: &Ident) -> syn::Result<()> {
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

    /// Notes that entries of another method depend on this one.
    pub(crate) fn depend_on(&mut self, name: &Ident) {
        self.depended_on.push(name.clone());
    }

    pub(crate) fn has_dependents(&self, name: &Ident) -> bool {
        self.depended_on.contains(name)
    }

    /// The function that names an entry of this method, or all of them, at the user's token.
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

/// Whether an expression is a call by a name.
pub(super) fn is_call(named: &Expr) -> bool {
    match without_groups(named) {
        Expr::MethodCall(_) => true,
        Expr::Call(call) => matches!(&*call.func, Expr::Path(_)),
        _ => false,
    }
}

/// The `self` in a function without one.
pub(super) fn without_object<'n>(named: &'n Expr, sig: &Signature) -> Option<&'n Expr> {
    let has_self = matches!(sig.inputs.first(), Some(FnArg::Receiver(_)));
    match call_of(named) {
        Expr::MethodCall(call) if is_self(&call.receiver) && !has_self => Some(&call.receiver),
        _ => None,
    }
}

/// The method of this type that is named by `self.user(id)` or `Self::user(id)`.
pub(super) fn own_method(named: &Expr) -> Option<&Ident> {
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

/// The named call, also of a closure.
fn call_of(named: &Expr) -> &Expr {
    match named {
        Expr::Closure(closure) => without_groups(&closure.body),
        call => without_groups(call),
    }
}

/// The expression within braces or parentheses.
pub(super) fn without_groups(expression: &Expr) -> &Expr {
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

/// The context of the names in an attribute.
#[derive(Clone, Copy)]
pub(super) struct Naming<'a> {
    pub(super) methods: &'a Methods,
    /// The signature of the function under the attribute.
    pub(super) sig: &'a Signature,
}

impl Naming<'_> {
    /// A named call as a call of the function beside its method, and whether it means all calls. `None` if the method has
    /// errors.
    pub(super) fn function_of(&self, call: &Expr) -> Option<(TokenStream, bool)> {
        match without_groups(call) {
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Call(call) => self.call(call),
            _ => None,
        }
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
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => Some(receiver.self_token),
            _ => None,
        }
    }
}
