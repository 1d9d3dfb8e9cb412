//! The bounds of the impl: only those that the types of the key's fields need.
//!
//! `Vec<Option<T>>` needs `T: RingKey`. `Id<T>` needs `Id<T>: RingKey`, which may hold for all `T`. So types of the standard
//! library, which are keys if their arguments are, are replaced by their arguments, and the other types are bound. For a
//! type that contains itself, directly or by others, such a bound would be circular. It contains itself behind a pointer or
//! in a list: there the parameters are bound instead, like std's derives do.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Generics, Ident, Path, Type, TypeMacro, parse_quote};

use super::model::Model;
use crate::generics;
use crate::root::Root;
use crate::types::{mentions, type_arguments};

/// Types that are keys if their first arguments, in this number, are.
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

/// The position of a type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Directly in the type, so it cannot contain it.
    Direct,
    /// Behind a pointer or in a list: it may contain the type, directly or by others that do.
    Indirect,
}

/// The types that have to be keys.
pub(crate) struct Bounds<'a> {
    this: &'a Ident,
    params: Vec<&'a Ident>,
    types: Vec<Type>,
}

impl<'a> Bounds<'a> {
    /// The bounds that the fields of `model` need.
    pub(crate) fn of(model: &'a Model<'_>) -> Self {
        let params = model.input.generics.type_params();
        let mut bounds = Bounds {
            this: &model.input.ident,
            params: params.map(|param| &param.ident).collect(),
            types: Vec::new(),
        };
        for field in model.key_fields() {
            if field.options.with.is_none() && model.is_part(field) {
                bounds.need(&field.field.ty);
            }
        }
        bounds
    }

    /// Whether the impl or the user bounds the parameter by `RingKey`.
    pub(crate) fn include(&self, param: &Ident, generics: &Generics) -> bool {
        self.types.contains(&parse_quote!(#param)) || generics::is_ring_key(param, generics)
    }

    /// The user's generics with these bounds.
    pub(crate) fn added_to(&self, generics: &Generics, root: &Root) -> Generics {
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
        self.need_in(ty, Place::Direct);
    }

    fn need_in(&mut self, ty: &Type, place: Place) {
        if !mentions_any(ty, &self.params) {
            return;
        }
        match ty {
            Type::Group(group) => self.need_in(&group.elem, place),
            Type::Paren(paren) => self.need_in(&paren.elem, place),
            Type::Reference(reference) => self.need_in(&reference.elem, Place::Indirect),
            Type::Slice(slice) => self.need_in(&slice.elem, Place::Indirect),
            Type::Array(array) => self.need_in(&array.elem, place),
            Type::Tuple(tuple) => tuple
                .elems
                .iter()
                .for_each(|element| self.need_in(element, place)),
            Type::Path(path) if path.qself.is_none() && self.take_apart(&path.path, place) => {}
            other => self.bind(other, place),
        }
    }

    /// For a type of the standard library, requires its arguments. Returns whether it is one.
    fn take_apart(&mut self, path: &Path, place: Place) -> bool {
        let last = path.segments.last().filter(|last| !last.arguments.is_none());
        let keys = last.and_then(|last| TAKEN_APART.iter().find(|(name, _)| last.ident == name));
        let (Some(last), Some((name, keys))) = (last, keys) else {
            return false;
        };
        let place = if ["Option", "Result", "PhantomData"].contains(name) {
            place
        } else {
            Place::Indirect
        };
        type_arguments(last)
            .take(*keys)
            .for_each(|ty| self.need_in(ty, place));
        true
    }

    fn bind(&mut self, ty: &Type, place: Place) {
        if matches!(ty, Type::Path(path) if path.qself.is_none() && is_only(&path.path, self.this)) {
            return;
        }
        let may_contain_this = place == Place::Indirect && !self.is_projection(ty);
        if may_contain_this || mentions(ty, &self.this.to_string()) || mentions(ty, "Self") {
            let mentioned = self.params.iter().filter(|param| mentions_any(ty, &[param]));
            let params: Vec<Type> = mentioned.map(|param| parse_quote!(#param)).collect();
            params.into_iter().for_each(|param| self.push(param));
        } else {
            self.push(ty.clone());
        }
    }

    /// Whether a type is a projection of a parameter, such as `T::Child`. `module::Type<T>` is not.
    fn is_projection(&self, ty: &Type) -> bool {
        let Type::Path(path) = ty else { return false };
        let first = &path.path.segments[0].ident;
        path.qself.is_some() || (path.path.segments.len() > 1 && self.params.contains(&first))
    }

    fn push(&mut self, ty: Type) {
        if !self.types.contains(&ty) {
            self.types.push(ty);
        }
    }
}

/// Whether the path is one segment with this name, with or without arguments.
fn is_only(path: &Path, name: &Ident) -> bool {
    path.segments.len() == 1 && path.segments[0].ident == *name
}

/// Whether a path in the type begins with one of the names.
fn mentions_any(ty: &Type, names: &[&Ident]) -> bool {
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

    /// The expansion of a macro is unknown here.
    fn visit_type_macro(&mut self, ty: &'ast TypeMacro) {
        self.tokens(ty.to_token_stream());
    }

    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Verbatim(_) => self.tokens(ty.to_token_stream()),
            _ => visit::visit_type(self, ty),
        }
    }
}
