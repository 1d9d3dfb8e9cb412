//! The code that writes a ring's full name.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{GenericParam, Generics, Type};

use crate::generics::is_ring_key;
use crate::model::Method;

/// Statements that write the name after the module and the enclosing functions: `Page.content`.
pub(crate) fn full_name(method: &Method, root: &TokenStream) -> TokenStream {
    let mut name = Pieces::new(method, root);
    if let Some(owner) = &method.owner {
        name.tokens(&owner.self_ty);
        if let Some(path) = &owner.trait_path {
            name.text(".<");
            name.tokens(path);
            name.text(">");
        }
        name.text(".");
    }
    name.text(&syn::ext::IdentExt::unraw(&method.sig.ident).to_string());
    name.arguments(&method.sig.generics);
    name.finish()
}

/// Statements that write the type arguments only: `<u32>`.
pub(crate) fn type_arguments(method: &Method, root: &TokenStream) -> TokenStream {
    let mut name = Pieces::new(method, root);
    if let Some(owner) = &method.owner {
        name.arguments(&owner.generics);
    }
    name.arguments(&method.generics());
    name.finish()
}

/// The last segment of the type of an impl block: the segment that the class form adds to the key.
pub(crate) fn class_name(self_ty: &Type) -> String {
    let last = crate::model::last_segment(Some(self_ty));
    last.map_or_else(
        || self_ty.to_token_stream().to_string().replace(' ', ""),
        |last| last.to_string(),
    )
}

/// Text and names of type parameters in turn.
struct Pieces<'a> {
    root: &'a TokenStream,
    all: Vec<Generics>,
    /// Whether every type parameter needs a stable name.
    stable: bool,
    text: String,
    statements: TokenStream,
}

impl<'a> Pieces<'a> {
    fn new(method: &Method, root: &'a TokenStream) -> Self {
        let mut all = vec![method.generics()];
        all.extend(method.owner.as_ref().map(|owner| owner.generics.clone()));
        let stable = method
            .options
            .storage
            .as_ref()
            .is_some_and(crate::storage::Storage::may_be_shared);
        Pieces {
            root,
            all,
            stable,
            text: String::new(),
            statements: TokenStream::new(),
        }
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.statements.extend(quote!(__name.path(#text);));
        }
    }

    fn finish(mut self) -> TokenStream {
        self.flush();
        self.statements
    }

    /// `<A, B>`, if there are type or const parameters.
    fn arguments(&mut self, generics: &Generics) {
        let mut open = "<";
        for parameter in &generics.params {
            if !matches!(parameter, GenericParam::Lifetime(_)) {
                self.text(open);
                self.parameter(parameter);
                open = ",";
            }
        }
        if open == "," {
            self.text(">");
        }
    }

    fn parameter(&mut self, parameter: &GenericParam) {
        self.flush();
        let root = self.root;
        self.statements.extend(match parameter {
            GenericParam::Const(parameter) => {
                let ident = &parameter.ident;
                quote!(__name.value(&#ident);)
            }
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                let all: Vec<&Generics> = self.all.iter().collect();
                if self.stable || is_ring_key(ident, &all) {
                    quote_spanned!(ident.span()=> <#ident as #root::RingKey>::ring_name(__name);)
                } else {
                    quote!(__name.unnamed();)
                }
            }
            GenericParam::Lifetime(_) => TokenStream::new(),
        });
    }

    /// A type or path as it is written, with the names of type parameters in their places and without lifetimes.
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
                    self.text(open);
                    self.stream(group.stream());
                    self.text(close);
                }
            }
        }
    }

    fn ident(&mut self, ident: &proc_macro2::Ident) {
        let parameter =
            self.all
                .iter()
                .flat_map(|generics| &generics.params)
                .find(|parameter| match parameter {
                    GenericParam::Type(parameter) => parameter.ident == *ident,
                    GenericParam::Const(parameter) => parameter.ident == *ident,
                    GenericParam::Lifetime(_) => false,
                });
        match parameter.cloned() {
            Some(parameter) => self.parameter(&parameter),
            None => {
                // Keeps words such as `dyn` from running into their neighbours.
                if self
                    .text
                    .ends_with(|last: char| last.is_alphanumeric() || last == '_')
                {
                    self.text.push('-');
                }
                self.text.push_str(&ident.to_string());
            }
        }
    }
}
