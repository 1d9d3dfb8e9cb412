//! A cached method or function as the user wrote it.

use std::rc::Rc;

use proc_macro2::{Group, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprLit, FnArg, Generics, Ident, Lit, Pat, PatIdent, PatType, Receiver, ReceiverKind,
    ReturnType, Signature, Type, TypeReference, Visibility,
};

use super::associated::replace_associated;
use super::item::Function;
use super::names::uses;
use super::owner::Owner;
use super::passed::Passed;
use super::tags::Tags;
use super::template::Template;
use crate::generics;
use crate::parse::{Accessor, Duration, RingOptions};
use crate::root::{Root, located_at};
use crate::types::{self, mentions};

/// A cached method or function.
pub(crate) struct Method {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// As written by the user.
    pub(crate) written: Signature,
    /// For the accessors: `Self::Item` of a trait, undefined there, is replaced.
    pub(crate) sig: Signature,
    /// With its braces, as tokens.
    pub(crate) body: Group,
    pub(crate) options: RingOptions,
    /// The segments of the key.
    pub(crate) key: KeyForm,
    pub(crate) tags: Tags,
    pub(crate) arguments: Vec<Argument>,
    /// The parameters of the accessor: those of the method, and those that its impl block could not keep.
    pub(crate) generics: Generics,
    /// The parameters that distinguish entries: without those of ignored arguments only.
    pub(crate) keyed_generics: Generics,
    /// The impl block that the method is in.
    pub(crate) owner: Option<Rc<Owner>>,
    pub(crate) root: Root,
}

/// The key of a call after the ring's name.
pub(crate) enum KeyForm {
    /// `self` and the arguments.
    Values,
    /// `key = "…"`.
    Template(Template),
    /// `key = EXPRESSION`.
    Expression(Expr),
}

/// One argument, without `self`.
pub(crate) struct Argument {
    /// Its name in the accessor.
    pub(crate) name: Ident,
    /// Its pattern in the method, and the expression of its value there.
    pub(crate) passed: Passed,
    pub(crate) pattern: Pat,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ty: Type,
    /// Whether it is not part of the key.
    pub(crate) ignored: bool,
    /// Whether an entry is named without it.
    pub(crate) unnamed: bool,
}

impl Method {
    /// A method of `owner`, or a free function.
    pub(crate) fn new(
        function: Function,
        options: RingOptions,
        owner: Option<Rc<Owner>>,
        root: Root,
    ) -> syn::Result<Self> {
        let Function {
            attrs,
            vis,
            sig: written,
            body,
        } = function;
        let mut sig = written.clone();
        if let Some(owner) = &owner {
            replace_associated(owner, &mut sig);
        }
        let written_vis = options.accessor.as_ref().and_then(Accessor::written_vis);
        if let (Some(vis), Some(of_trait)) = (
            written_vis,
            owner.as_ref().and_then(|owner| owner.of_trait.as_ref()),
        ) {
            of_trait.vis.borrow_mut().get_or_insert_with(|| vis.clone());
        }
        let key = KeyForm::of(options.key.as_ref())?;
        let tags = Tags::of(&options)?;
        let typed = sig.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(argument) => Some(argument),
            FnArg::Receiver(_) => None,
        });
        let arguments = typed.enumerate();
        let arguments =
            arguments.map(|(index, argument)| Argument::new(index, argument, &options, &key, &tags));
        let arguments: Vec<_> = arguments.collect();
        let generics = sig.generics.clone();
        Ok(Method {
            keyed_generics: keyed_generics(&generics, &arguments, &sig),
            arguments,
            attrs,
            vis,
            written,
            sig,
            body,
            options,
            key,
            tags,
            generics,
            owner,
            root,
        })
    }

    /// The names by which a text may refer to values of the call: `self` and the arguments, without `r#`.
    pub(crate) fn value_names(&self) -> impl Iterator<Item = String> {
        let receiver = self.receiver().map(|_| "self".to_owned());
        let names = self.arguments.iter().filter_map(Argument::written_name);
        receiver
            .into_iter()
            .chain(names.map(|name| name.unraw().to_string()))
    }

    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.value_names().any(|known| known == name)
    }

    /// The error about a name in a text that is of no value.
    pub(crate) fn unknown_value(&self, name: &str) -> String {
        let names: Vec<String> = self.value_names().collect();
        let known = match names.as_slice() {
            [] => "no argument has a name; write `{{` for a brace".to_owned(),
            [only] => format!("write `{{{only}}}`"),
            all => format!("write one of `{{{}}}`", all.join("}`, `{")),
        };
        format!("unknown argument `{name}` in this text: {known}")
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(receiver)) => Some(receiver),
            _ => None,
        }
    }

    /// The receiver, if it is a part of the key by itself.
    pub(crate) fn keyed_receiver(&self) -> Option<&Receiver> {
        let ignored = self.options.ignore.iter().any(|name| name == "self");
        self.receiver()
            .filter(|_| !ignored && matches!(self.key, KeyForm::Values))
    }

    /// The receiver, if an entry is named with it.
    pub(crate) fn naming_receiver(&self) -> Option<&Receiver> {
        let named = self.keyed_receiver().is_some() || self.key.names("self") || self.storage_needs_self();
        self.receiver().filter(|_| named || self.tags.names("self"))
    }

    /// Whether `self` is moved into a call, as `Arc<Self>` is.
    pub(crate) fn moves_self(&self) -> bool {
        let receiver = self.receiver();
        receiver.is_some_and(|receiver| match &receiver.kind {
            ReceiverKind::Typed(_, ty) => !matches!(&**ty, Type::Reference(_)),
            _ => false,
        })
    }

    /// Whether an argument hides its type, so that the accessor's type arguments cannot be written.
    pub(crate) fn hides_types(&self) -> bool {
        self.arguments.iter().any(Argument::hides_its_type)
    }

    /// The return type of the body, for generated code.
    pub(crate) fn out(&self) -> TokenStream {
        self.out_type().map_or_else(|| quote!(()), types::as_argument)
    }

    /// The return type, if it is written.
    pub(crate) fn out_type(&self) -> Option<&Type> {
        match &self.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// The return type as written by the user.
    pub(crate) fn written_out_type(&self) -> Option<&Type> {
        match &self.written.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// Whether entries are refreshed: stale ones, or before they expire.
    pub(crate) fn refreshes(&self) -> bool {
        self.options.stale.is_some() || self.options.early.is_some()
    }

    /// Whether the body may run in the background, with copies of the arguments.
    pub(crate) fn runs_in_background(&self) -> bool {
        (self.refreshes() || self.options.timeout.is_some()) && !self.runs_by_caller()
    }

    /// Whether the user chose that the caller always runs the body.
    pub(crate) fn runs_by_caller(&self) -> bool {
        self.options.refresh.as_ref().is_some_and(|who| who == "caller")
    }

    pub(crate) fn is_async(&self) -> bool {
        self.sig.asyncness.is_some()
    }

    /// Whether only `Ok` is cached.
    pub(crate) fn is_fallible(&self) -> bool {
        match &self.options.fallible {
            Some(fallible) => fallible.is_fallible,
            None => self.out_type().is_some_and(types::is_result),
        }
    }

    /// The type of the cached value, as far as it is written.
    pub(crate) fn value_type(&self) -> Option<&Type> {
        let out = self.out_type()?;
        if self.is_fallible() {
            types::ok_type(out)
        } else {
            Some(out)
        }
    }

    /// The name of the accessor.
    pub(crate) fn accessor(&self) -> Ident {
        self.chosen_name().unwrap_or_else(|| self.with_suffix("ring"))
    }

    /// The name of the function that names an entry.
    pub(crate) fn entry(&self) -> Ident {
        self.with_suffix("entry")
    }

    /// The name of the function that returns the handle.
    pub(crate) fn cache(&self) -> Ident {
        self.with_suffix("cache")
    }

    fn chosen_name(&self) -> Option<Ident> {
        self.options.accessor.as_ref()?.name.clone()
    }

    /// At the user's name, but not the user's token: lints ignore it.
    fn with_suffix(&self, suffix: &str) -> Ident {
        let base = self.chosen_name();
        let base = base.as_ref().unwrap_or(&self.sig.ident);
        let span = located_at(base.span());
        format_ident!("{}_{suffix}", base.unraw(), span = span)
    }

    /// A constant beside a free function, used by its accessor. If `#[ring]` is on a method whose block lacks
    /// `#[ring_impl]`, the bare name is not found, and the compiler's error names the remedy.
    pub(crate) fn block_hint(&self) -> Ident {
        let (name, span) = (self.sig.ident.unraw(), located_at(self.sig.ident.span()));
        format_ident!("add_ring_impl_to_the_impl_block_of_{name}", span = span)
    }

    /// A constant beside the accessors of a trait's method, used by the method. If the accessors cannot be declared,
    /// since the type is another crate's, the compiler's error names the remedy.
    pub(crate) fn foreign_hint(&self) -> Option<Ident> {
        let owner = self.owner.as_ref()?;
        let accessor = self.accessor().unraw();
        owner
            .is_hidden()
            .then(|| format_ident!("a_type_of_another_crate_needs_ring_impl_accessors_for_{accessor}"))
    }

    /// Whether types or values distinguish instantiations.
    pub(crate) fn is_generic(&self) -> bool {
        let of_owner = self.owner.iter().map(|owner| &owner.generics);
        let mut all = of_owner.chain([&self.keyed_generics]);
        all.any(|generics| generics::of_instances(generics).next().is_some())
    }

    /// Whether a type parameter of the block is only the storage's type: it does not distinguish entries, as different
    /// storages have different entries.
    pub(crate) fn is_storage(&self, parameter: &Ident) -> bool {
        let is_one = self.options.storage.parameter() == Some(parameter);
        let Signature { inputs, output, .. } = &self.sig;
        let is_mentioned = mentions(quote!(#inputs #output), &parameter.to_string());
        let mut of_owner = self.owner.iter().flat_map(|owner| owner.generics.type_params());
        is_one && !is_mentioned && of_owner.any(|of_owner| of_owner.ident == *parameter)
    }

    /// Whether this is an argument, or `self`, that is moved into a call.
    pub(crate) fn moves(&self, name: &Ident) -> bool {
        let is_it = |argument: &&Argument| argument.written_name() == Some(name);
        let argument = self.arguments.iter().find(is_it);
        argument.is_some_and(Argument::moves) || (name == "self" && self.moves_self())
    }

    /// Whether the method or its block has a parameter of this name.
    pub(crate) fn has_parameter(&self, name: &Ident) -> bool {
        let of_owner = self.owner.iter().map(|owner| &owner.generics);
        let mut all = of_owner
            .chain([&self.generics])
            .flat_map(|generics| generics.type_params());
        all.any(|parameter| parameter.ident == *name)
    }

    /// Whether the storage is reached through `self`.
    pub(crate) fn storage_needs_self(&self) -> bool {
        let place = self.options.storage.place();
        place.is_some_and(|place| uses(place, "self"))
    }
}

impl KeyForm {
    fn of(key: Option<&Expr>) -> syn::Result<Self> {
        match key {
            None => Ok(KeyForm::Values),
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            })) => Template::parse(text).map(KeyForm::Template),
            Some(key) => Ok(KeyForm::Expression(key.clone())),
        }
    }

    /// Whether `key` names this argument, or `self`.
    pub(crate) fn names(&self, name: &str) -> bool {
        match self {
            KeyForm::Values => false,
            KeyForm::Template(template) => template.places().any(|place| place.root == name),
            KeyForm::Expression(expression) => uses(expression, name),
        }
    }
}

impl Argument {
    fn new(index: usize, argument: &PatType, options: &RingOptions, key: &KeyForm, tags: &Tags) -> Self {
        let written = match &*argument.pat {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        };
        let named = written.is_some_and(|written| key.names(&written.unraw().to_string()));
        let tagged = written.is_some_and(|written| tags.names(&written.unraw().to_string()));
        let name = written.and_then(|written| {
            if named || tagged || options.expiry_uses(written) {
                Some(written.clone())
            } else {
                without_underscores(written)
            }
        });
        let name = name.unwrap_or_else(|| format_ident!("argument_{}", index + 1, span = Span::mixed_site()));
        let is_value = matches!(key, KeyForm::Values);
        let ignored = !is_value || only_name(&argument.pat).is_some_and(|name| options.ignore.contains(name));
        Argument {
            passed: Passed::of(&argument.pat, &name),
            name,
            pattern: (*argument.pat).clone(),
            attrs: argument.attrs.clone(),
            ty: (*argument.ty).clone(),
            ignored,
            unnamed: ignored && !named,
        }
    }

    /// The name given by the user.
    pub(crate) fn written_name(&self) -> Option<&Ident> {
        match &self.pattern {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        }
    }

    /// The one name that its pattern binds, as `app` in `State(app)`.
    pub(crate) fn only_name(&self) -> Option<&Ident> {
        only_name(&self.pattern)
    }

    /// The names bound by its pattern.
    pub(crate) fn bound_names(&self) -> Vec<&Ident> {
        bound_names(&self.pattern)
    }

    /// Whether its pattern binds the name and others.
    pub(crate) fn binds_among_others(&self, name: &Ident) -> bool {
        let names = bound_names(&self.pattern);
        names.len() > 1 && names.contains(&name)
    }

    /// Whether its type contains `impl Trait`.
    pub(crate) fn hides_its_type(&self) -> bool {
        mentions(&self.ty, "impl")
    }

    /// Whether it is moved into a call, and not copied as a reference is.
    pub(crate) fn moves(&self) -> bool {
        let copied = matches!(self.ty, Type::Reference(TypeReference { mutability: None, .. }));
        !copied && !types::is_primitive(&self.ty)
    }
}

impl RingOptions {
    /// The expression of the expiry, if it is evaluated at each call.
    pub(crate) fn expiry(&self) -> Option<&Expr> {
        self.expire.as_ref().and_then(Duration::as_expression)
    }

    fn expiry_uses(&self, name: &Ident) -> bool {
        self.expiry()
            .is_some_and(|expiry| uses(expiry, &name.unraw().to_string()))
    }
}

fn only_name(pattern: &Pat) -> Option<&Ident> {
    match bound_names(pattern).as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The names bound by a pattern.
fn bound_names(pattern: &Pat) -> Vec<&Ident> {
    struct Find<'a>(Vec<&'a Ident>);
    impl<'a> Visit<'a> for Find<'a> {
        fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
            self.0.push(&pattern.ident);
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut find = Find(Vec::new());
    find.visit_pat(pattern);
    find.0
}

/// The parameters without those of ignored arguments only: their types are ignored, too.
fn keyed_generics(generics: &Generics, arguments: &[Argument], sig: &Signature) -> Generics {
    let mut ignored = TokenStream::new();
    let mut keyed = sig.output.to_token_stream();
    for argument in arguments {
        let types = if argument.unnamed {
            &mut ignored
        } else {
            &mut keyed
        };
        argument.ty.to_tokens(types);
    }
    let receiver = sig
        .inputs
        .first()
        .filter(|first| matches!(first, FnArg::Receiver(_)));
    receiver.to_tokens(&mut keyed);
    generics::split(generics, |name| {
        !mentions(&ignored, name) || mentions(&keyed, name)
    })
    .0
}

/// The name without a leading `_`, the mark of unused names. The body does not see the changed name, which could shadow
/// another item.
fn without_underscores(ident: &Ident) -> Option<Ident> {
    let name = ident.to_string();
    match name.trim_start_matches('_') {
        "" => None,
        used if used == name => Some(ident.clone()),
        used => syn::parse_str::<Ident>(used)
            .ok()
            .map(|used| Ident::new(&used.to_string(), Span::mixed_site().located_at(ident.span()))),
    }
}
