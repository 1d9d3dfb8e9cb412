//! The bounds of the impl: what the types of the key's fields need, and nothing else.
//!
//! `Vec<Option<T>>` needs `T: RingKey`, and `Id<T>` needs `Id<T>: RingKey`, which may hold whatever `T` is: types of the
//! standard library, which are keys when their arguments are, are taken apart, and what is left is bound. A
//! type that contains itself would make such a bound circular; there the parameters are bound in its place.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::visit::{self, Visit};
use syn::{GenericArgument, GenericParam, Generics, Ident, Path, PathArguments, Type, parse_quote};

use super::model::Model;

/// Types that are keys when their first so many type arguments are.
const TAKEN_APART: [(&str, usize); 14] = [
    ("Box", 1),
    ("Rc", 1),
    ("Arc", 1),
    ("Cow", 1),
    ("Option", 1),
    ("Result", 2),
    ("Vec", 1),
    ("VecDeque", 1),
    ("LinkedList", 1),
    ("HashSet", 1),
    ("BTreeSet", 1),
    ("HashMap", 2),
    ("BTreeMap", 2),
    ("PhantomData", 0),
];

/// The types that have to be keys.
pub(crate) struct Bounds<'a> {
    this: &'a Ident,
    params: Vec<&'a Ident>,
    types: Vec<Type>,
}

impl<'a> Bounds<'a> {
    /// The bounds that the fields of `model` need.
    pub(crate) fn of(model: &'a Model<'_>) -> Self {
        let mut bounds = Bounds {
            this: &model.input.ident,
            params: model
                .input
                .generics
                .type_params()
                .map(|param| &param.ident)
                .collect(),
            types: Vec::new(),
        };
        for field in model.key_fields() {
            if field.options.with.is_none() {
                bounds.need(&field.field.ty);
            }
        }
        bounds
    }

    /// Whether the impl bounds the parameter, or the user did.
    pub(crate) fn names(&self, param: &syn::TypeParam, generics: &Generics) -> bool {
        let ident = &param.ident;
        let own: Type = parse_quote!(#ident);
        let users = generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        let in_where = users.filter_map(|predicate| match predicate {
            syn::WherePredicate::Type(predicate) if predicate.bounded_ty == own => Some(&predicate.bounds),
            _ => None,
        });
        self.types.contains(&own) || in_where.chain([&param.bounds]).flatten().any(says_ring_key)
    }

    /// The user's generics with these bounds.
    pub(crate) fn added_to(&self, generics: &Generics, root: &TokenStream) -> Generics {
        let mut generics = generics.clone();
        if !self.types.is_empty() {
            let clause = generics.make_where_clause();
            for ty in &self.types {
                clause.predicates.push(parse_quote!(#ty: #root::RingKey));
            }
        }
        generics
    }

    fn need(&mut self, ty: &Type) {
        if !mentions(ty, &self.params) {
            return;
        }
        match ty {
            Type::Group(group) => self.need(&group.elem),
            Type::Paren(paren) => self.need(&paren.elem),
            Type::Reference(reference) => self.need(&reference.elem),
            Type::Slice(slice) => self.need(&slice.elem),
            Type::Array(array) => self.need(&array.elem),
            Type::Tuple(tuple) => tuple.elems.iter().for_each(|element| self.need(element)),
            Type::Path(path) if path.qself.is_none() && self.take_apart(&path.path) => {}
            other => self.bind(other),
        }
    }

    /// Needs the arguments of a type of the standard library; says whether it is one.
    fn take_apart(&mut self, path: &Path) -> bool {
        let Some(last) = path.segments.last() else {
            return false;
        };
        let PathArguments::AngleBracketed(arguments) = &last.arguments else {
            return false;
        };
        let Some((_, keys)) = TAKEN_APART.iter().find(|(name, _)| last.ident == name) else {
            return false;
        };
        let types = arguments.args.iter().filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        types.take(*keys).for_each(|ty| self.need(ty));
        true
    }

    fn bind(&mut self, ty: &Type) {
        if is_named(ty, self.this) {
            return;
        }
        if contains(ty, self.this) {
            let mentioned = self.params.iter().filter(|param| mentions(ty, &[param]));
            let params: Vec<Type> = mentioned.map(|param| parse_quote!(#param)).collect();
            params.into_iter().for_each(|param| self.push(param));
        } else {
            self.push(ty.clone());
        }
    }

    fn push(&mut self, ty: Type) {
        if !self.types.contains(&ty) {
            self.types.push(ty);
        }
    }
}

fn says_ring_key(bound: &syn::TypeParamBound) -> bool {
    match bound {
        syn::TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "RingKey"),
        _ => false,
    }
}

/// Whether the type is called `name`, which is the type itself, whose impl this is.
fn is_named(ty: &Type, name: &Ident) -> bool {
    match ty {
        Type::Path(path) => {
            let mut segments = path.path.segments.iter();
            path.qself.is_none()
                && segments.next().is_some_and(|segment| segment.ident == *name)
                && segments.next().is_none()
        }
        _ => false,
    }
}

/// Whether the type itself may be part of `ty`, by any path.
fn contains(ty: &Type, this: &Ident) -> bool {
    fn says(tokens: TokenStream, this: &Ident) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == *this || ident == "Self",
            TokenTree::Group(group) => says(group.stream(), this),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    says(ty.to_token_stream(), this)
}

/// Whether a path in the type begins with one of the names.
fn mentions(ty: &Type, names: &[&Ident]) -> bool {
    let mut search = Search { names, found: false };
    search.visit_type(ty);
    search.found
}

struct Search<'a> {
    names: &'a [&'a Ident],
    found: bool,
}

impl Search<'_> {
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.found |= self.names.contains(&&ident),
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_path(&mut self, path: &'ast Path) {
        let first = path.segments.first().filter(|_| path.leading_colon.is_none());
        self.found |= first.is_some_and(|first| self.names.contains(&&first.ident));
        visit::visit_path(self, path);
    }

    /// What a macro makes of its tokens is not known here.
    fn visit_type_macro(&mut self, ty: &'ast syn::TypeMacro) {
        self.tokens(quote!(#ty));
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Verbatim(_) => self.tokens(ty.to_token_stream()),
            _ => visit::visit_type(self, ty),
        }
    }
}

/// The arguments of the type's own name: lifetimes are left out, since entries do not depend on them.
pub(crate) fn named_params(generics: &Generics) -> impl Iterator<Item = &GenericParam> {
    generics
        .params
        .iter()
        .filter(|param| !matches!(param, GenericParam::Lifetime(_)))
}
