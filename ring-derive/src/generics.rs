//! Generic parameters, and the names that change their meaning when code moves.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprPath, GenericParam, Generics, Ident, QSelf, Token, Type, TypeParamBound, TypePath,
    WherePredicate, parse_quote,
};

/// Whether `tokens` mention `name`.
pub(crate) fn mentions(tokens: impl ToTokens, name: &str) -> bool {
    fn any(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => any(group.stream(), name),
            _ => false,
        })
    }
    any(tokens.into_token_stream(), name)
}

/// The name of a parameter.
fn name_of(parameter: &GenericParam) -> &Ident {
    match parameter {
        GenericParam::Lifetime(parameter) => &parameter.lifetime.ident,
        GenericParam::Type(parameter) => &parameter.ident,
        GenericParam::Const(parameter) => &parameter.ident,
    }
}

/// Splits the parameters of an impl block into those that its type mentions and the rest.
pub(crate) fn split(generics: &Generics, self_ty: &Type) -> (Generics, Generics) {
    let is_kept = |parameter: &GenericParam| mentions(self_ty, &name_of(parameter).to_string());
    let (mut kept, moved): (Vec<_>, Vec<_>) = generics.params.iter().cloned().partition(is_kept);
    let names: Vec<String> = moved
        .iter()
        .map(|parameter| name_of(parameter).to_string())
        .collect();
    let predicates = generics
        .where_clause
        .iter()
        .flat_map(|clause| clause.predicates.iter().cloned());
    let (mut of_moved, of_kept): (Vec<_>, Vec<_>) =
        predicates.partition(|predicate| names.iter().any(|name| mentions(predicate, name)));
    of_moved.extend(
        kept.iter_mut()
            .filter_map(|parameter| take_bounds(parameter, &names)),
    );
    (build(kept, of_kept), build(moved, of_moved))
}

/// Takes the bounds of a type parameter out, as a predicate, if they mention one of `names`.
fn take_bounds(parameter: &mut GenericParam, names: &[String]) -> Option<WherePredicate> {
    let GenericParam::Type(parameter) = parameter else {
        return None;
    };
    let (ident, bounds) = (&parameter.ident, parameter.bounds.clone());
    names.iter().find(|name| mentions(&bounds, name))?;
    parameter.bounds.clear();
    Some(parse_quote!(#ident: #bounds))
}

/// All parameters of both.
pub(crate) fn join(first: &Generics, second: &Generics) -> Generics {
    let params = first.params.iter().chain(&second.params).cloned().collect();
    let clauses = first.where_clause.iter().chain(&second.where_clause);
    build(
        params,
        clauses
            .flat_map(|clause| clause.predicates.iter().cloned())
            .collect(),
    )
}

fn build(mut params: Vec<GenericParam>, predicates: Vec<WherePredicate>) -> Generics {
    // Lifetimes come first.
    params.sort_by_key(|parameter| !matches!(parameter, GenericParam::Lifetime(_)));
    let predicates: Punctuated<_, Token![,]> = predicates.into_iter().collect();
    Generics {
        lt_token: None,
        params: params.into_iter().collect(),
        gt_token: None,
        where_clause: (!predicates.is_empty()).then(|| parse_quote!(where #predicates)),
    }
}

/// Whether there are parameters that tell instantiations apart: lifetimes do not.
pub(crate) fn has_instances(generics: &Generics) -> bool {
    generics
        .params
        .iter()
        .any(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
}

/// `::<T, N>`, or nothing.
pub(crate) fn turbofish(generics: &Generics) -> TokenStream {
    let names: Vec<_> = generics
        .params
        .iter()
        .filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
        .map(name_of)
        .collect();
    if names.is_empty() {
        TokenStream::new()
    } else {
        quote!(::<#(#names),*>)
    }
}

/// Whether the type parameter `name` is said to be a `RingKey`.
pub(crate) fn is_ring_key(name: &Ident, all: &[&Generics]) -> bool {
    all.iter().any(|generics| {
        let inline = generics
            .type_params()
            .filter(|parameter| parameter.ident == *name);
        let mut bounds = inline.flat_map(|parameter| &parameter.bounds);
        let mut predicates = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        bounds.any(names_ring_key)
            || predicates.any(|predicate| match predicate {
                WherePredicate::Type(predicate) => {
                    *name == predicate.bounded_ty.to_token_stream().to_string()
                        && predicate.bounds.iter().any(names_ring_key)
                }
                _ => false,
            })
    })
}

fn names_ring_key(bound: &TypeParamBound) -> bool {
    match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "RingKey"),
        _ => false,
    }
}

/// Replaces `Self`, where the code goes to a place in which it means something else or nothing.
pub(crate) struct ReplaceSelf<'a> {
    /// What `Self` alone stands for.
    self_ty: Option<Type>,
    /// What `Self::Name` stands for.
    associated: &'a [(Ident, Type)],
}

impl<'a> ReplaceSelf<'a> {
    /// Replaces `Self` itself, for a static, which knows of no lifetimes but `'static`.
    pub(crate) fn in_static(self_ty: &Type) -> Self {
        let mut self_ty = self_ty.clone();
        MakeStatic.visit_type_mut(&mut self_ty);
        ReplaceSelf {
            self_ty: Some(self_ty),
            associated: &[],
        }
    }

    /// Replaces the associated types of a trait.
    pub(crate) fn associated(associated: &'a [(Ident, Type)]) -> Self {
        ReplaceSelf {
            self_ty: None,
            associated,
        }
    }

    /// The type that a path stands for, if it begins with `Self`, and how many segments that takes.
    fn replacement(&self, path: &syn::Path) -> Option<(Type, usize)> {
        let mut segments = path.segments.iter();
        if segments.next()?.ident != "Self" {
            return None;
        }
        let associated = segments.next().and_then(|second| {
            self.associated
                .iter()
                .find_map(|(name, ty)| (*name == second.ident).then(|| (ty.clone(), 2)))
        });
        associated.or_else(|| self.self_ty.clone().map(|ty| (ty, 1)))
    }

    /// Puts the replacement in the place of the first segments.
    fn replace(&self, qself: &mut Option<QSelf>, path: &mut syn::Path) -> Option<Type> {
        let (ty, length) = self.replacement(path).filter(|_| qself.is_none())?;
        if path.segments.len() == length {
            return Some(ty);
        }
        let rest = path.segments.iter().skip(length);
        let replaced: TypePath = parse_quote!(<#ty>::#(#rest)::*);
        *qself = replaced.qself;
        *path = replaced.path;
        None
    }
}

impl VisitMut for ReplaceSelf<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::Path(TypePath { qself, path, .. }) = ty
            && let Some(whole) = self.replace(qself, path)
        {
            *ty = whole;
            return;
        }
        visit_mut::visit_type_mut(self, ty);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Path(ExprPath { qself, path, .. }) = expr {
            // A path of an expression ends in a value, so it is never replaced as a whole.
            let _ = self.replace(qself, path);
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    /// What a macro takes is not parsed: there, `Self` is replaced wherever it stands.
    fn visit_macro_mut(&mut self, call: &mut syn::Macro) {
        call.tokens = self.tokens(std::mem::take(&mut call.tokens));
    }

    /// Items within the code have a `Self` of their own.
    fn visit_item_mut(&mut self, _: &mut syn::Item) {}
}

impl ReplaceSelf<'_> {
    fn tokens(&self, tokens: TokenStream) -> TokenStream {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let (mut replaced, mut at) = (TokenStream::new(), 0);
        while let Some(tree) = trees.get(at) {
            let (ty, length) = self.path_at(&trees[at..]).unzip();
            at += length.unwrap_or(1);
            match (ty, tree) {
                // `<Type>::name` is a path, and `<Type>` alone is nothing.
                (Some(ty), _) if is_colon(trees.get(at)) => replaced.extend(quote!(<#ty>)),
                (Some(ty), _) => ty.to_tokens(&mut replaced),
                (None, TokenTree::Group(group)) => {
                    let mut inner = Group::new(group.delimiter(), self.tokens(group.stream()));
                    inner.set_span(group.span());
                    inner.to_tokens(&mut replaced);
                }
                (None, tree) => tree.to_tokens(&mut replaced),
            }
        }
        replaced
    }

    /// The replacement of the path that `trees` begin with, and how many of them it takes.
    fn path_at(&self, trees: &[TokenTree]) -> Option<(Type, usize)> {
        let Some(TokenTree::Ident(first)) = trees.first().filter(|first| first.to_string() == "Self") else {
            return None;
        };
        let second = match trees.get(1..4) {
            Some([one, two, TokenTree::Ident(second)]) if is_colon(Some(one)) && is_colon(Some(two)) => {
                Some(second)
            }
            _ => None,
        };
        let path: syn::Path = match second {
            Some(second) => parse_quote!(#first::#second),
            None => parse_quote!(#first),
        };
        self.replacement(&path)
            .map(|(ty, segments)| (ty, if segments == 2 { 4 } else { 1 }))
    }
}

fn is_colon(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

/// Replaces all lifetimes by `'static`.
struct MakeStatic;

impl VisitMut for MakeStatic {
    fn visit_lifetime_mut(&mut self, lifetime: &mut syn::Lifetime) {
        lifetime.ident = Ident::new("static", lifetime.span());
    }
}
