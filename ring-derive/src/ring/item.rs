//! Items under attributes, read without their bodies: the compiler reports errors in bodies.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, FnArg, Ident, ImplItem, ItemImpl, Receiver, ReceiverKind, ReturnType, Signature, Type,
    Visibility,
};

use crate::types::{find_unsized, mentions};

/// A function whose body stays as tokens.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// With its braces.
    pub(crate) body: Group,
}

impl Function {
    /// The function to leave after an error, without types that would cause another.
    pub(crate) fn left(&self) -> TokenStream {
        let mut left = self.clone();
        let mut changed = false;
        let mut replace = |ty: &mut Type| {
            if find_unsized(ty).is_some() {
                *ty = syn::parse_quote!(());
                changed = true;
            }
        };
        let mut receives_another = false;
        for argument in &mut left.sig.inputs {
            match argument {
                FnArg::Typed(argument) => replace(&mut argument.ty),
                FnArg::Receiver(receiver) if is_another(receiver) => {
                    *receiver = syn::parse_quote!(&self);
                    receives_another = true;
                }
                FnArg::Receiver(_) => {}
            }
        }
        if let ReturnType::Type(_, ty) = &mut left.sig.output {
            replace(ty);
        }
        if changed || receives_another {
            left.attrs.push(syn::parse_quote!(#[allow(unused)]));
            left.body = Group::new(Delimiter::Brace, quote!(::core::panic!()));
        }
        left.into_token_stream()
    }
}

/// Whether the type of `self` does not contain `Self`: the compiler may refuse it, too.
fn is_another(receiver: &Receiver) -> bool {
    matches!(&receiver.kind, ReceiverKind::Typed(_, ty) if !mentions(ty, "Self"))
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let (vis, sig) = (input.parse()?, input.parse()?);
        let body = take_inner(&body(input.parse()?)?, &mut attrs);
        Ok(Function {
            attrs,
            vis,
            sig,
            body,
        })
    }
}

/// The braces of a body, also if a user's macro passed it as one group.
fn body(tree: TokenTree) -> syn::Result<Group> {
    match tree {
        TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => Ok(body),
        TokenTree::Group(piece) if piece.delimiter() == Delimiter::None => {
            let mut inner = piece.stream().into_iter();
            match (inner.next(), inner.next()) {
                (Some(only), None) => body(only),
                _ => Err(syn::Error::new(piece.span(), "expected the function's body")),
            }
        }
        other => Err(syn::Error::new(other.span(), "expected the function's body")),
    }
}

/// Moves the attributes at the start of a body before the function.
fn take_inner(body: &Group, attrs: &mut Vec<Attribute>) -> Group {
    let parse = |input: ParseStream<'_>| {
        let inner = Attribute::parse_inner(input)?;
        Ok((inner, input.parse::<TokenStream>()?))
    };
    let (inner, rest) = match parse.parse2(body.stream()) {
        Ok((inner, rest)) if !inner.is_empty() => (inner, rest),
        // The original braces: the compiler recognizes an error that it has reported by its place.
        _ => return body.clone(),
    };
    attrs.extend(inner.into_iter().map(|attr| Attribute {
        style: syn::AttrStyle::Outer,
        ..attr
    }));
    let mut without = Group::new(Delimiter::Brace, rest);
    without.set_span(body.span());
    without
}

/// One item of an impl block.
pub(crate) enum Item {
    Function(Box<Function>),
    Other(Box<ImplItem>),
    /// Other tokens, or the replacement of an item.
    Tokens(TokenStream),
}

/// An impl block whose functions are not parsed.
pub(crate) struct Block {
    /// The block without its items.
    pub(crate) header: ItemImpl,
    pub(crate) items: Vec<Item>,
}

impl Block {
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut header: Vec<TokenTree> = tokens.into_iter().collect();
        let body = match header.pop() {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => body,
            other => {
                return Err(syn::Error::new_spanned(
                    other.to_token_stream(),
                    "expected an impl block",
                ));
            }
        };
        let header: TokenStream = header.into_iter().collect();
        let mut header: ItemImpl = syn::parse2(quote!(#header {}))?;
        header.brace_token.span = body.delim_span();
        let items = items.parse2(body.stream())?;
        Ok(Block { header, items })
    }

    /// The names of its functions.
    pub(crate) fn functions(&self) -> Vec<Ident> {
        let items = self.items.iter().filter_map(|item| match item {
            Item::Function(function) if !is_conditional(&function.attrs) => Some(function.sig.ident.clone()),
            _ => None,
        });
        items.collect()
    }

    /// The types and constants that it declares.
    pub(crate) fn declared(&self) -> Vec<(Ident, Type)> {
        let items = self.items.iter().filter_map(|item| match item {
            Item::Other(item) => match &**item {
                ImplItem::Type(item) => Some((item.ident.clone(), item.ty.clone())),
                ImplItem::Const(item) => Some((item.ident.clone(), item.ty.clone())),
                _ => None,
            },
            _ => None,
        });
        items.collect()
    }
}

fn items(input: ParseStream<'_>) -> syn::Result<Vec<Item>> {
    let mut items = Vec::new();
    while !input.is_empty() {
        items.push(item(input)?);
    }
    Ok(items)
}

fn item(input: ParseStream<'_>) -> syn::Result<Item> {
    let fork = input.fork();
    if let Ok(function) = fork.parse() {
        input.advance_to(&fork);
        return Ok(Item::Function(Box::new(function)));
    }
    let fork = input.fork();
    match fork.parse() {
        Ok(item) => {
            input.advance_to(&fork);
            Ok(Item::Other(Box::new(item)))
        }
        Err(_) => unknown(input).map(Item::Tokens),
    }
}

/// The tokens up to a possible end of the item.
fn unknown(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() {
        let tree: TokenTree = input.parse()?;
        let ends = match &tree {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(punct) => punct.as_char() == ';',
            _ => false,
        };
        tokens.extend([tree]);
        if ends {
            break;
        }
    }
    Ok(tokens)
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Function {
            attrs,
            vis,
            sig,
            body,
        } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Item::Function(function) => function.to_tokens(tokens),
            Item::Other(item) => item.to_tokens(tokens),
            Item::Tokens(others) => others.to_tokens(tokens),
        }
    }
}

impl ToTokens for Block {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let mut block = self.header.clone();
        let items = self.items.iter();
        block.items = items
            .map(|item| ImplItem::Verbatim(item.to_token_stream()))
            .collect();
        block.to_tokens(tokens);
    }
}

impl Block {
    /// Whether the compiler will report an error in an item.
    pub(crate) fn has_unknown(&self) -> bool {
        self.items.iter().any(|item| matches!(item, Item::Tokens(_)))
    }
}

/// Whether a function is conditional: another one under another condition may have its name.
pub(crate) fn is_conditional(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("cfg"))
}
