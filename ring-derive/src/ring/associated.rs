//! `Self::Item` in the signature of a trait's method: outside of the trait's `impl` it is undefined.

use quote::{ToTokens, format_ident, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Ident, PathArguments, Signature, Type, TypePath, parse_quote};

use super::names::uses;
use super::owner::{OfTrait, Owner};
use crate::types::mentions;

/// Replaces them by paths with the trait.
pub(super) fn replace_associated(owner: &Owner, sig: &mut Signature) {
    if let Some(of_trait) = &owner.of_trait {
        let parameters = sig.generics.params.iter().map(|parameter| match parameter {
            syn::GenericParam::Lifetime(parameter) => parameter.lifetime.ident.to_string(),
            syn::GenericParam::Type(parameter) => parameter.ident.to_string(),
            syn::GenericParam::Const(parameter) => parameter.ident.to_string(),
        });
        let parameters = parameters.collect();
        Replace {
            owner,
            of_trait,
            parameters,
        }
        .visit_signature_mut(sig);
    }
}

struct Replace<'a> {
    owner: &'a Owner,
    of_trait: &'a OfTrait,
    /// The parameters of the method.
    parameters: Vec<String>,
}

impl Replace<'_> {
    /// The type by its name in the trait of the accessors.
    fn hoist(&self, ty: &Type) -> Type {
        let mut hoisted = self.of_trait.hoisted.borrow_mut();
        let place = hoisted.iter().position(|known| known == ty);
        let place = place.unwrap_or_else(|| {
            hoisted.push(ty.clone());
            hoisted.len() - 1
        });
        let (scope, name) = (self.owner.scope(), format_ident!("__Type{place}"));
        parse_quote!(#scope #name)
    }

    /// Whether it has the same meaning outside of the method.
    fn can_be_hoisted(&self, ty: &Type) -> bool {
        let free = ["&", "'", "impl"];
        let tokens = ty.to_token_stream();
        !self.parameters.iter().any(|name| mentions(&tokens, name))
            && !free.iter().any(|free| {
                tokens
                    .to_string()
                    .split_whitespace()
                    .any(|word| word.starts_with(free))
            })
    }

    /// `Self::Name`, if `path` is that, with or without its own arguments.
    fn associated<'p>(&self, path: &'p TypePath) -> Option<&'p Ident> {
        let mut segments = path.path.segments.iter();
        let (first, second, third) = (segments.next()?, segments.next(), segments.next());
        if third.is_some() {
            return None;
        }
        match (&path.qself, second) {
            (None, Some(second)) if first.ident == "Self" => Some(&second.ident),
            (Some(qself), None) if qself.as_token.is_none() && is_self(&qself.ty) => Some(&first.ident),
            _ => None,
        }
    }
}

fn is_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("Self"))
}

impl VisitMut for Replace<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let by_value = matches!(ty, Type::Array(array) if uses(&array.len, "Self")) || has_const_of_self(ty);
        if by_value && self.can_be_hoisted(ty) {
            *ty = self.hoist(ty);
            return;
        }
        if let Type::Path(path) = ty
            && let Some(name) = self.associated(path)
        {
            let last = path.path.segments.last().cloned();
            if self.owner.declared(name).is_some() || !self.can_be_hoisted(ty) {
                let of_trait = &self.of_trait.path;
                *ty = parse_quote!(<Self as #of_trait>::#last);
            } else {
                *ty = self.hoist(ty);
            }
            return;
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

/// Whether a type has a const argument that uses `Self`.
fn has_const_of_self(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else {
        return false;
    };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return false;
    };
    arguments.args.iter().any(|argument| match argument {
        syn::GenericArgument::Const(value @ Expr::Block(_)) => uses(quote!(#value), "Self"),
        _ => false,
    })
}
