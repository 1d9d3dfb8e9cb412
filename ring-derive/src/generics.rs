//! Generic parameters.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    GenericParam, Generics, Ident, Lifetime, LifetimeParam, ParenthesizedGenericArguments, Path, Token, Type,
    TypeFnPtr, TypeParamBound, TypeReference, WherePredicate, parse_quote,
};

use crate::root::located_at;
use crate::types::mentions;

fn name_of(parameter: &GenericParam) -> &Ident {
    match parameter {
        GenericParam::Lifetime(parameter) => &parameter.lifetime.ident,
        GenericParam::Type(parameter) => &parameter.ident,
        GenericParam::Const(parameter) => &parameter.ident,
    }
}

fn predicates(generics: &Generics) -> impl Iterator<Item = &WherePredicate> {
    generics.where_clause.iter().flat_map(|clause| &clause.predicates)
}

/// The parameters that distinguish instantiations: all but lifetimes.
pub(crate) fn of_instances(generics: &Generics) -> impl Iterator<Item = &GenericParam> {
    let params = generics.params.iter();
    params.filter(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
}

/// `::<T, N>`, or nothing without parameters.
pub(crate) fn turbofish(generics: &Generics) -> TokenStream {
    let mut names = of_instances(generics).map(name_of).peekable();
    match names.peek() {
        Some(_) => quote!(::<#(#names),*>),
        None => TokenStream::new(),
    }
}

/// Splits the parameters of an impl block into those that its type mentions and the rest.
pub(crate) fn split_by(generics: &Generics, self_ty: &Type) -> (Generics, Generics) {
    split(generics, |name| mentions(self_ty, name))
}

/// Gives the lifetimes of a path names: unnamed ones become parameters.
pub(crate) fn name_lifetimes(path: &Path, generics: &mut Generics) -> Path {
    struct Name<'g>(&'g mut Generics);
    impl Name<'_> {
        fn next(&mut self, span: Span) -> Lifetime {
            let name = format!("'__ring_{}", self.0.params.len());
            let lifetime = Lifetime::new(&name, span);
            let parameter = GenericParam::Lifetime(LifetimeParam::new(lifetime.clone()));
            self.0.params.insert(0, parameter);
            lifetime
        }
    }
    impl VisitMut for Name<'_> {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            if lifetime.ident == "_" {
                *lifetime = self.next(lifetime.span());
            }
        }

        fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
            let span = reference.and_token.span;
            reference.lifetime.get_or_insert_with(|| self.next(span));
            visit_mut::visit_type_reference_mut(self, reference);
        }

        /// References in function pointer types have higher-ranked lifetimes: they stay.
        fn visit_type_fn_ptr_mut(&mut self, _: &mut TypeFnPtr) {}

        fn visit_parenthesized_generic_arguments_mut(&mut self, _: &mut ParenthesizedGenericArguments) {}
    }
    let mut path = path.clone();
    Name(generics).visit_path_mut(&mut path);
    path
}

/// The parameters of an item beside the user's; `<>` if there are none. For an unknown type the compiler suggests a
/// parameter of the item: at the same place as for the user's item, it reports the type once.
pub(crate) fn beside(place: Span, parameters: impl ToTokens) -> TokenStream {
    let parameters = parameters.into_token_stream();
    if parameters.is_empty() {
        quote_spanned!(place=> <>)
    } else {
        parameters
    }
}

/// The same parameters in generated code, hidden from lints about the use of lifetimes.
pub(crate) fn generated(generics: &Generics) -> Generics {
    let mut generics = generics.clone();
    for parameter in &mut generics.params {
        if let GenericParam::Lifetime(parameter) = parameter {
            let span = located_at(parameter.lifetime.span());
            parameter.lifetime.set_span(span);
        }
    }
    generics
}

/// Splits parameters into those kept, by their names, and the rest.
pub(crate) fn split(generics: &Generics, is_kept: impl Fn(&str) -> bool) -> (Generics, Generics) {
    let is_kept = |parameter: &GenericParam| is_kept(&name_of(parameter).to_string());
    let (mut kept, moved): (Vec<_>, Vec<_>) = generics.params.iter().cloned().partition(is_kept);
    let names = moved.iter().map(|parameter| name_of(parameter).to_string());
    let names: Vec<String> = names.collect();
    let (mut of_moved, of_kept): (Vec<_>, Vec<_>) = predicates(generics)
        .cloned()
        .partition(|predicate| names.iter().any(|name| mentions(predicate, name)));
    let kept_mut = kept.iter_mut();
    of_moved.extend(kept_mut.filter_map(|parameter| take_bounds(parameter, &names)));
    (build(kept, of_kept), build(moved, of_moved))
}

/// Moves the bounds of a type parameter into a predicate, if they mention one of `names`.
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
    let params = first.params.iter().chain(&second.params);
    let predicates = predicates(first).chain(predicates(second));
    build(params.cloned().collect(), predicates.cloned().collect())
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

/// Whether the type parameter `name` is bound by `RingKey`.
pub(crate) fn is_ring_key(name: &Ident, generics: &Generics) -> bool {
    let mut parameters = generics.type_params();
    let parameter = parameters.find(|parameter| parameter.ident == *name);
    let in_where = predicates(generics).filter_map(|predicate| match predicate {
        WherePredicate::Type(predicate) if *name == predicate.bounded_ty.to_token_stream().to_string() => {
            Some(&predicate.bounds)
        }
        _ => None,
    });
    let inline = parameter.map(|parameter| &parameter.bounds);
    in_where.chain(inline).flatten().any(|bound| match bound {
        TypeParamBound::Trait(bound) => {
            let last = bound.path.segments.last();
            last.is_some_and(|last| last.ident == "RingKey")
        }
        _ => false,
    })
}
