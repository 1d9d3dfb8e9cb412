//! The user's type and its options.

use darling::FromMeta;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Member};

use super::format::Format;
use crate::errors::Errors;
use crate::parse::{FieldOptions, Options, Target, TypeOptions, VariantOptions, Word};
use crate::template::Place;

/// The type.
pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) options: TypeOptions,
    /// The text of the type, if the user defined it.
    pub(crate) format: Option<Format>,
    pub(crate) body: Body<'a>,
}

pub(crate) enum Body<'a> {
    Struct(Vec<Field<'a>>),
    Enum(Vec<Variant<'a>>),
}

pub(crate) struct Variant<'a> {
    pub(crate) variant: &'a syn::Variant,
    pub(crate) options: VariantOptions,
    pub(crate) fields: Vec<Field<'a>>,
}

pub(crate) struct Field<'a> {
    pub(crate) field: &'a syn::Field,
    pub(crate) member: Member,
    pub(crate) options: FieldOptions,
}

impl<'a> Model<'a> {
    /// Reads the type and all its attributes.
    pub(crate) fn of(input: &'a DeriveInput) -> syn::Result<Self> {
        let mut errors = Errors::default();
        let of_type: TypeOptions = options(&input.attrs, Target::Type, &mut errors);
        let format = of_type.format.as_ref().map(Format::parse).transpose();
        let format = errors.handle(format).flatten();
        let body = match &input.data {
            Data::Struct(data) => Body::Struct(fields(&data.fields, &mut errors)),
            Data::Enum(data) => {
                let variants = data.variants.iter().map(|variant| Variant {
                    variant,
                    options: options(&variant.attrs, Target::Variant, &mut errors),
                    fields: fields(&variant.fields, &mut errors),
                });
                Body::Enum(variants.collect())
            }
            Data::Union(data) => {
                let message = "`RingKey` cannot be derived for a union: implement it by hand";
                errors.at(data.union_token, message);
                Body::Enum(Vec::new())
            }
        };
        errors.finish(Model {
            input,
            options: of_type,
            format,
            body,
        })
    }

    /// Whether the type, or a part of it, is deprecated. The impl uses it all the same.
    pub(crate) fn is_deprecated(&self) -> bool {
        let is_deprecated = |attrs: &[Attribute]| attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        let any_field = |fields: &[Field<'_>]| fields.iter().any(|field| is_deprecated(&field.field.attrs));
        let in_body = match &self.body {
            Body::Struct(fields) => any_field(fields),
            Body::Enum(variants) => variants
                .iter()
                .any(|variant| is_deprecated(&variant.variant.attrs) || any_field(&variant.fields)),
        };
        is_deprecated(&self.input.attrs) || in_body
    }

    /// All fields that are part of the key.
    pub(crate) fn key_fields(&self) -> Vec<&Field<'a>> {
        match &self.body {
            Body::Struct(fields) => in_key(fields).collect(),
            Body::Enum(variants) => variants
                .iter()
                .flat_map(|variant| in_key(&variant.fields))
                .collect(),
        }
    }

    /// Whether the key needs the whole field. A format may name fields of it instead.
    pub(crate) fn is_part(&self, field: &Field<'_>) -> bool {
        let is_it = |place: &Place| place.members.is_empty() && field.is_named(place);
        self.format
            .as_ref()
            .is_none_or(|format| format.places().any(is_it))
    }

    /// The name as written, without `r#`.
    pub(crate) fn ident(&self) -> String {
        self.input.ident.unraw().to_string()
    }
}

fn options<T: FromMeta + Default>(attributes: &[Attribute], target: Target, errors: &mut Errors) -> T {
    let mut options = Options::new(target);
    let ours = |attribute: &&Attribute| attribute.path().is_ident("ring_key");
    for attribute in attributes.iter().filter(ours) {
        options.add(attribute);
    }
    errors.handle(options.read()).unwrap_or_default()
}

fn fields<'a>(fields: &'a syn::Fields, errors: &mut Errors) -> Vec<Field<'a>> {
    let fields = fields.iter().zip(fields.members());
    let fields = fields.map(|(field, member)| Field {
        field,
        member,
        options: options(&field.attrs, Target::Field, errors),
    });
    fields.collect()
}

/// The fields that are part of the key.
pub(crate) fn in_key<'f, 'a>(fields: &'f [Field<'a>]) -> impl Iterator<Item = &'f Field<'a>> {
    fields.iter().filter(|field| field.options.skip.is_none())
}

impl Variant<'_> {
    /// Its name in keys.
    pub(crate) fn name(&self) -> String {
        let name = || self.variant.ident.unraw().to_string();
        self.options.rename.as_ref().map_or_else(name, Word::text)
    }
}

impl Field<'_> {
    /// Its name in code, without `r#`.
    pub(crate) fn name(&self) -> String {
        match &self.member {
            Member::Named(name) => name.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }

    /// Whether a format names it, or a field of it.
    pub(crate) fn is_named(&self, place: &Place) -> bool {
        self.name() == place.root
    }

    /// The label from `rename`.
    pub(crate) fn rename(&self) -> Option<String> {
        self.options.rename.as_ref().map(Word::text)
    }

    /// The label among other fields: tuple fields have none unless they are renamed.
    pub(crate) fn label(&self) -> Option<String> {
        let name = || self.field.ident.as_ref().map(|ident| ident.unraw().to_string());
        self.rename().or_else(name)
    }
}
