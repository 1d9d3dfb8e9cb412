//! The code that writes a ring's full name.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{GenericParam, Generics, Ident, Type};

use super::model::Method;
use crate::generics;
use crate::types;

/// Statements that write the name after the module and the enclosing functions: `Page.content`.
pub(crate) fn of_method(method: &Method) -> TokenStream {
    whole(method).finish()
}

/// The same name, if it has no type parameters.
pub(crate) fn text_of_method(method: &Method) -> Option<String> {
    let name = whole(method);
    name.statements.is_empty().then_some(name.text)
}

fn whole(method: &Method) -> Name<'_> {
    let mut name = Name::new(method);
    if let Some(owner) = &method.owner {
        name.tokens(&owner.self_ty);
        if let Some(of_trait) = &owner.of_trait {
            name.text.push_str(".<");
            name.tokens(&of_trait.path);
            name.text.push('>');
        }
        name.text.push('.');
    }
    name.text.push_str(&method.sig.ident.unraw().to_string());
    name.arguments(&method.keyed_generics);
    name
}

/// Statements that write the type of the impl block, after its module.
pub(crate) fn of_type(method: &Method) -> TokenStream {
    let mut name = Name::new(method);
    if let Some(owner) = &method.owner {
        name.tokens(&owner.self_ty);
    }
    name.finish()
}

/// Statements that write only the type arguments of the method: `<u32>`.
pub(crate) fn of_own_arguments(method: &Method) -> TokenStream {
    let mut name = Name::new(method);
    name.arguments(&method.keyed_generics);
    name.finish()
}

/// Statements that write only the type arguments: `<u32>`.
pub(crate) fn of_type_arguments(method: &Method) -> TokenStream {
    let mut name = Name::new(method);
    if let Some(owner) = &method.owner {
        name.arguments(&owner.generics);
    }
    name.arguments(&method.keyed_generics);
    name.finish()
}

/// The name that `class` adds to the key: the last segment of the type of the impl block.
pub(crate) fn of_class(self_ty: &Type) -> String {
    types::last_segment(self_ty).map_or_else(
        || self_ty.to_token_stream().to_string().replace(' ', ""),
        |last| last.ident.to_string(),
    )
}

/// A text with the names of type parameters in it.
struct Name<'a> {
    method: &'a Method,
    /// The parameters of the accessor and of its block.
    all: Vec<&'a Generics>,
    text: String,
    statements: TokenStream,
}

impl<'a> Name<'a> {
    fn new(method: &'a Method) -> Self {
        let of_owner = method.owner.iter().map(|owner| &owner.generics);
        Name {
            method,
            all: [&method.generics].into_iter().chain(of_owner).collect(),
            text: String::new(),
            statements: TokenStream::new(),
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            let root = &self.method.root;
            self.statements
                .extend(quote!(#root::TypeName::path(__name, #text);));
        }
    }

    fn finish(mut self) -> TokenStream {
        self.flush();
        self.statements
    }

    /// `<A, B>`, if there are type or const parameters.
    fn arguments(&mut self, generics: &Generics) {
        let mut open = "<";
        let method = self.method;
        let is_storage = |parameter: &&GenericParam| match parameter {
            GenericParam::Type(parameter) => method.is_storage(&parameter.ident),
            _ => false,
        };
        for parameter in generics::of_instances(generics).filter(|parameter| !is_storage(parameter)) {
            self.text.push_str(open);
            self.parameter(parameter);
            open = ",";
        }
        if open == "," {
            self.text.push('>');
        }
    }

    fn parameter(&mut self, parameter: &GenericParam) {
        self.flush();
        let root = &self.method.root;
        self.statements.extend(match parameter {
            GenericParam::Const(parameter) => {
                let ident = &parameter.ident;
                quote!(#root::TypeName::value(__name, &#ident);)
            }
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                let is_ring_key = |generics: &&Generics| generics::is_ring_key(ident, generics);
                if self.method.options.storage.may_be_shared() || self.all.iter().any(is_ring_key) {
                    quote_spanned!(ident.span()=> <#ident as #root::RingKey>::ring_name(__name);)
                } else {
                    quote!(#root::TypeName::unnamed(__name);)
                }
            }
            GenericParam::Lifetime(_) => TokenStream::new(),
        });
    }

    /// A type or path as written, with the names of type parameters filled in, and without lifetimes.
    fn tokens(&mut self, tokens: impl ToTokens) {
        let start = self.text.len();
        self.stream(tokens.to_token_stream());
        if self.text.len() >= start {
            self.text = self.text.replace("<,", "<").replace("<>", "");
        }
    }

    fn stream(&mut self, tokens: TokenStream) {
        let mut lifetime = false;
        for tree in tokens {
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '\'' => lifetime = true,
                TokenTree::Ident(_) if std::mem::take(&mut lifetime) => {}
                TokenTree::Punct(punct) => self.text.push(punct.as_char()),
                TokenTree::Ident(ident) => self.ident(&ident),
                TokenTree::Literal(literal) => self.text.push_str(&literal.to_string()),
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::None => ("", ""),
                    };
                    self.text.push_str(open);
                    self.stream(group.stream());
                    self.text.push_str(close);
                }
            }
        }
    }

    fn ident(&mut self, ident: &Ident) {
        let is_parameter = |parameter: &&GenericParam| match parameter {
            GenericParam::Type(parameter) => parameter.ident == *ident,
            GenericParam::Const(parameter) => parameter.ident == *ident,
            GenericParam::Lifetime(_) => false,
        };
        let mut parameters = self.all.iter().flat_map(|generics| &generics.params);
        if let Some(parameter) = parameters.find(is_parameter) {
            let parameter = parameter.clone();
            if self.method.is_storage(ident) {
                self.text.push('_');
            } else {
                self.parameter(&parameter);
            }
            return;
        }
        // Separates words such as `dyn` from their neighbours.
        let is_word = |last: char| last.is_alphanumeric() || last == '_';
        if self.text.ends_with(is_word) {
            self.text.push('-');
        }
        self.text.push_str(&ident.to_string());
    }
}
