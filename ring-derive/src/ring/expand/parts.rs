//! The bound values of a call: those of the key, and those for the body only; and the pattern that destructures them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Index};

use super::expansion::variable;
use crate::ring::model::{Argument, KeyForm, Method};
use crate::ring::name;
use crate::ring::template::{Segment, Template};
use crate::root::{Root, located_at};
use crate::types::{is_known_key, place_of};

pub(super) struct Parts<'a> {
    method: &'a Method,
    root: &'a Root,
    /// Statements that come before the values.
    pub(super) before: TokenStream,
    pub(super) values: TokenStream,
    /// The pattern of all values, for the body.
    pub(super) pattern: TokenStream,
    /// The pattern that names all arguments.
    pub(super) refreshed: TokenStream,
}

/// The purpose of the values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// A call with its body.
    Call,
    /// An entry: only the values of the key.
    Entry,
}

/// The key expression without moves: operands, as of `user.name` or `(name, 1)`, are part of the key by reference.
fn borrowed(key: &Expr, method: &Method) -> Expr {
    let mut key = key.clone();
    borrow(&mut key, method);
    key
}

fn borrow(expression: &mut Expr, method: &Method) {
    match expression {
        Expr::Tuple(tuple) => tuple.elems.iter_mut().for_each(|element| borrow(element, method)),
        Expr::Array(array) => array.elems.iter_mut().for_each(|element| borrow(element, method)),
        Expr::Paren(paren) => borrow(&mut paren.expr, method),
        Expr::Group(group) => borrow(&mut group.expr, method),
        Expr::Field(_) | Expr::Index(_) if is_place(expression) => refer(expression),
        Expr::Path(path) if path.path.get_ident().is_some_and(|name| method.moves(name)) => refer(expression),
        _ => {}
    }
}

/// Whether it is a part of a variable, not of a temporary.
fn is_place(expression: &Expr) -> bool {
    match expression {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Index(index) => is_place(&index.expr),
        Expr::Paren(paren) => is_place(&paren.expr),
        _ => false,
    }
}

fn refer(expression: &mut Expr) {
    let span = located_at(expression.span());
    let and = syn::Token![&](span);
    *expression = syn::parse_quote!(#and #expression);
}

impl<'a> Parts<'a> {
    pub(super) fn of(method: &'a Method, bound: Bound) -> Self {
        let mut parts = Parts {
            method,
            root: &method.root,
            before: TokenStream::new(),
            values: TokenStream::new(),
            pattern: TokenStream::new(),
            refreshed: TokenStream::new(),
        };
        match &method.key {
            KeyForm::Values => parts.by_values(bound),
            KeyForm::Expression(key) => {
                parts.by_expression(key);
                parts.class();
                parts.ignored(bound);
            }
            KeyForm::Template(template) => {
                parts.by_template(template, bound);
                return parts;
            }
        }
        let (values, pattern, refreshed) = (&parts.values, &parts.pattern, &parts.refreshed);
        (parts.values, parts.pattern, parts.refreshed) =
            (quote!((#values)), quote!((#pattern)), quote!((#refreshed)));
        parts
    }

    fn by_values(&mut self, bound: Bound) {
        self.class();
        if let Some(receiver) = self.method.keyed_receiver() {
            let value = self.receiver(receiver.self_token);
            self.keyed(value, receiver.self_token.span, quote!(_), quote!(_));
        }
        for argument in &self.method.arguments {
            let (name, pattern) = (&argument.name, &argument.pattern);
            if argument.ignored {
                self.ignore(argument, bound);
            } else {
                let place = place_of(&argument.ty);
                let mut value = name.clone();
                value.set_span(value.span().located_at(place));
                if is_known_key(&argument.ty) {
                    self.known(value, pattern.to_token_stream(), quote!(#name));
                } else {
                    self.keyed(value, place, pattern.to_token_stream(), quote!(#name));
                }
            }
        }
    }

    fn class(&mut self) {
        let options = &self.method.options;
        // With a prefix, the type is part of the ring's name.
        if let (Some(_), None, Some(owner)) = (&options.class, &options.key_prefix, &self.method.owner) {
            let class = name::of_class(&owner.self_ty);
            self.keyed(&class, class.span(), quote!(_), quote!(_));
        }
    }

    /// A value that borrows from other bound values is recorded before they move.
    fn by_expression(&mut self, key: &Expr) {
        let method = self.method;
        let mut moved = method.arguments.iter().filter(|argument| argument.moves());
        let key = &borrowed(key, method);
        let uses_moved =
            moved.any(|argument| !argument.unnamed) || (method.moves_self() && method.key.names("self"));
        if !uses_moved {
            self.keyed(key, key.span(), quote!(_), quote!(_));
            return;
        }
        let (span, recorded) = (located_at(key.span()), variable("__key"));
        let generated = self.root.generated_at(span);
        self.before = quote_spanned!(span=> let #recorded = #generated::recorded(#key););
        self.values.extend(quote!(#recorded,));
        self.pattern.extend(quote!(_,));
        self.refreshed.extend(quote!(_,));
    }

    fn ignored(&mut self, bound: Bound) {
        for argument in &self.method.arguments {
            self.ignore(argument, bound);
        }
    }

    fn ignore(&mut self, argument: &Argument, bound: Bound) {
        if bound == Bound::Entry {
            return;
        }
        let (root, name, pattern) = (self.root, &argument.name, &argument.pattern);
        let ignored = quote!(#root::generated::Ignored);
        self.values.extend(quote!(#ignored(#name),));
        self.pattern.extend(quote!(#ignored(#pattern),));
        self.refreshed.extend(quote!(#ignored(#name),));
    }

    /// `self` as a value. A body that moves `self` needs it as well.
    fn receiver(&self, self_token: syn::Token![self]) -> TokenStream {
        if self.method.moves_self() {
            quote!(::core::clone::Clone::clone(&#self_token))
        } else {
            quote!(#self_token)
        }
    }

    /// A value of the key, with the place of the error if it cannot be one.
    fn keyed(&mut self, value: impl ToTokens, place: Span, pattern: TokenStream, refreshed: TokenStream) {
        let span = located_at(place);
        let generated = self.root.generated_at(span);
        self.known(
            quote_spanned!(span=> #generated::keyed(#value)),
            pattern,
            refreshed,
        );
    }

    /// A value that is certainly part of the key.
    fn known(&mut self, value: impl ToTokens, pattern: TokenStream, refreshed: TokenStream) {
        self.values.extend(quote!(#value,));
        self.pattern.extend(quote!(#pattern,));
        self.refreshed.extend(quote!(#refreshed,));
    }

    fn by_template(&mut self, template: &Template, bound: Bound) {
        let mut names = Vec::new();
        if let Some(receiver) = self.method.receiver().filter(|_| self.method.key.names("self")) {
            let value = self.receiver(receiver.self_token);
            self.values.extend(quote!(#value,));
            self.pattern.extend(quote!(_,));
            self.refreshed.extend(quote!(_,));
            names.push("self".to_owned());
        }
        for argument in &self.method.arguments {
            if bound == Bound::Entry && argument.unnamed {
                continue;
            }
            let (name, pattern) = (&argument.name, &argument.pattern);
            self.values.extend(quote!(#name,));
            self.pattern.extend(quote!(#pattern,));
            self.refreshed.extend(quote!(#name,));
            names.push(name.to_string().trim_start_matches("r#").to_owned());
        }
        let span = located_at(template.span());
        let (root, values) = (self.root, &self.values);
        let template_type = quote!(#root::generated::Template);
        let new = quote!(#template_type::new((#values)));
        let segments = template.segments.iter();
        let built = segments.fold(new, |built, Segment { before, place, after }| {
            let Some(place) = place else {
                return quote!(#template_type::literal(#built, #before));
            };
            let index = names.iter().position(|name| *name == place.root);
            let mut index = Index::from(index.unwrap_or_default());
            index.span = span;
            let (members, values) = (&place.members, variable("__values"));
            quote_spanned!(span=> #template_type::place(#built, #before, |#values| &#values.#index #(.#members)*, #after))
        });
        let pattern = &self.pattern;
        self.pattern = quote!(#template_type { values: (#pattern), .. });
        let refreshed = &self.refreshed;
        self.refreshed = quote!(#template_type { values: (#refreshed), .. });
        self.values = built;
    }
}
