//! The returned type: a value that can be cached.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Ident, Lifetime, Type, TypePath, TypeReference};

use crate::errors::Errors;
use crate::ring::bounds;
use crate::ring::model::Method;
use crate::types::{Unsized, find_unsized, is_future, is_known_plain, is_result};

pub(super) fn check(method: &Method, errors: &mut Errors) {
    let fallible = method
        .options
        .fallible
        .as_ref()
        .is_some_and(|fallible| fallible.is_fallible);
    let not_fallible = "`fallible` needs a `Result`, and this is another type: remove `fallible`";
    let Some(ty) = method.written_out_type() else {
        if fallible {
            errors.at(&method.sig.ident, not_fallible);
        }
        return;
    };
    if let Some(found) = find_unsized(ty) {
        let Unsized {
            what, owned, shared, ..
        } = &found;
        let message =
            format!("{what} has no fixed size, so it cannot be returned: return `{owned}` or `{shared}`");
        errors.at(found.ty, message);
        return;
    }
    if let Some(never) = method
        .options
        .fallible
        .as_ref()
        .filter(|fallible| !fallible.is_fallible)
        && is_result(ty)
    {
        let message =
            "this method returns a `Result`, whose errors are never cached: remove `fallible = false`";
        errors.at(&never.written, message);
        return;
    }
    let message = match ty {
        ty if is_async_trait(method, ty) => {
            "`#[async_trait]` has already rewritten this method: write `#[ring_impl]` above `#[async_trait]`"
        }
        ty if fallible && is_known_plain(ty) => not_fallible,
        ty if method.options.fallible.is_none() && is_of_parameter(method, ty) => {
            "this may be a `Result`, whose errors must not be cached: write `#[ring(fallible = false)]` if it never is, or \
             return `Result<T, E>`"
        }
        Type::ImplTrait(_) | Type::Path(_) if is_future(ty) => {
            "a future cannot be cached, but its output can: write `async fn`, and the output as the return type"
        }
        Type::ImplTrait(_) => "a cached value needs a type with a name: write it in the place of `impl`",
        Type::Never(_) => "a function that never returns has no value to cache: remove `#[ring]`",
        ty if hidden_type(ty).is_some() => {
            let hidden = hidden_type(ty).map(ToTokens::to_token_stream);
            errors.at(
                hidden,
                "a cached value needs a type with a name: write it in the place of `impl`",
            );
            return;
        }
        ty => {
            let mut borrow = FindBorrow { method, error: None };
            borrow.visit_type(ty);
            match borrow.error {
                Some(error) => errors.add(error),
                None => bounds::check(method, errors),
            }
            return;
        }
    };
    errors.at(ty, message);
}

/// Whether a type is what a type parameter says, as `T::Output`.
fn is_of_parameter(method: &Method, ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let of_owner = method.owner.iter().map(|owner| &owner.generics);
    let mut parameters = of_owner
        .chain([&method.written.generics])
        .flat_map(|generics| generics.type_params());
    let mut is_parameter = |ident: &Ident| parameters.any(|parameter| parameter.ident == *ident);
    match &path.qself {
        Some(qself) => {
            matches!(&*qself.ty, Type::Path(of) if of.path.get_ident().is_some_and(&mut is_parameter))
        }
        None => path.path.segments.len() > 1 && is_parameter(&path.path.segments[0].ident),
    }
}

/// Whether the method is what `#[async_trait]` makes of an `async fn`.
fn is_async_trait(method: &Method, ty: &Type) -> bool {
    let mut lifetimes = method.written.generics.lifetimes();
    is_future(ty) && lifetimes.any(|parameter| parameter.lifetime.ident == "async_trait")
}

/// The first `impl Trait` in a type.
fn hidden_type(ty: &Type) -> Option<&Type> {
    struct Find<'a>(Option<&'a Type>);
    impl<'a> Visit<'a> for Find<'a> {
        fn visit_type(&mut self, ty: &'a Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                self.0.get_or_insert(ty);
            }
            visit::visit_type(self, ty);
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}

/// Finds the first token by which a cached value would borrow.
struct FindBorrow<'m> {
    method: &'m Method,
    error: Option<syn::Error>,
}

impl FindBorrow<'_> {
    fn at(&mut self, tokens: impl ToTokens, returned: &str) {
        let message = format!("a cached value outlives the call, so it cannot borrow: return {returned}");
        let error = || syn::Error::new_spanned(tokens, message);
        self.error.get_or_insert_with(error);
    }

    /// What the block declares as the type `Self::Item`.
    fn declared(&self, path: &TypePath) -> Option<&Type> {
        let mut segments = path.path.segments.iter();
        match (segments.next(), segments.next(), segments.next()) {
            (Some(first), Some(item), None) if first.ident == "Self" => {
                self.method.owner.as_ref()?.declared(&item.ident)
            }
            _ => None,
        }
    }

    /// Whether a type that the block declares borrows.
    fn borrows(&self, declared: &Type) -> bool {
        let mut find = FindBorrow {
            method: self.method,
            error: None,
        };
        find.visit_type(declared);
        find.error.is_some()
    }

    /// Whether `Self` has lifetimes that its name does not show.
    fn self_borrows(&self) -> bool {
        struct FindLifetime(bool);
        impl Visit<'_> for FindLifetime {
            fn visit_lifetime(&mut self, lifetime: &Lifetime) {
                self.0 |= lifetime.ident != "static";
            }
        }
        let mut find = FindLifetime(false);
        if let Some(owner) = &self.method.owner {
            find.visit_type(&owner.self_ty);
        }
        find.0
    }
}

impl<'a> Visit<'a> for FindBorrow<'_> {
    fn visit_type_reference(&mut self, reference: &'a TypeReference) {
        let lifetime = reference.lifetime.as_ref();
        if lifetime.is_none_or(|lifetime| lifetime.ident != "static") {
            match reference
                .elem
                .to_token_stream()
                .to_string()
                .replace(' ', "")
                .as_str()
            {
                "str" => self.at(reference, "`Arc<str>` or `String`"),
                other => self.at(reference, &format!("`Arc<{other}>` or an owned value")),
            }
        }
        visit::visit_type_reference(self, reference);
    }

    /// `Self::Item` may be owned all the same.
    fn visit_type_path(&mut self, path: &'a TypePath) {
        let borrows = match self.declared(path) {
            Some(declared) => self.borrows(declared),
            None => path.path.is_ident("Self") && self.self_borrows(),
        };
        if borrows {
            self.at(path, "an owned value");
        }
        // Nor does `<Self as Trait>::Item` borrow by its `Self`.
        path.path
            .segments
            .iter()
            .for_each(|segment| self.visit_path_segment(segment));
    }

    fn visit_lifetime(&mut self, lifetime: &'a Lifetime) {
        if lifetime.ident != "static" {
            self.at(lifetime, "an owned value");
        }
    }

    /// `for<'a> fn(&'a T)` borrows nothing.
    fn visit_type_fn_ptr(&mut self, _: &'a syn::TypeFnPtr) {}

    fn visit_type_trait_object(&mut self, _: &'a syn::TypeTraitObject) {}
}
