//! What the derive knows of the user's type.

use darling::Error;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Member};

use super::attributes::{FieldOptions, Place, TypeOptions, VariantOptions, read};

/// The type.
pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) options: TypeOptions,
    pub(crate) body: Body<'a>,
}

/// What the type is made of.
pub(crate) enum Body<'a> {
    Struct(Fields<'a>),
    Enum(Vec<Variant<'a>>),
}

/// A variant of an enum.
pub(crate) struct Variant<'a> {
    pub(crate) variant: &'a syn::Variant,
    pub(crate) options: VariantOptions,
    pub(crate) fields: Fields<'a>,
}

/// The fields of a struct or a variant.
pub(crate) struct Fields<'a>(pub(crate) Vec<Field<'a>>);

/// A field.
pub(crate) struct Field<'a> {
    pub(crate) field: &'a syn::Field,
    pub(crate) member: Member,
    pub(crate) options: FieldOptions,
}

impl<'a> Model<'a> {
    /// Reads the type and all its attributes.
    pub(crate) fn of(input: &'a DeriveInput) -> darling::Result<Self> {
        let mut errors = Error::accumulator();
        let options = errors.handle(read(&input.attrs, Place::Type));
        let body = errors.handle(Body::of(&input.data));
        errors.finish()?;
        Ok(Model {
            input,
            options: options.unwrap_or_default(),
            body: body.expect("what is missing is an error"),
        })
    }

    /// All fields of the type that join its key.
    pub(crate) fn key_fields(&self) -> Vec<&Field<'a>> {
        match &self.body {
            Body::Struct(fields) => fields.in_key().collect(),
            Body::Enum(variants) => variants
                .iter()
                .flat_map(|variant| variant.fields.in_key())
                .collect(),
        }
    }

    /// The name as it is written, without `r#`.
    pub(crate) fn ident(&self) -> String {
        self.input.ident.unraw().to_string()
    }
}

impl<'a> Body<'a> {
    fn of(data: &'a Data) -> darling::Result<Self> {
        match data {
            Data::Struct(data) => Fields::of(&data.fields).map(Body::Struct),
            Data::Enum(data) => {
                let mut errors = Error::accumulator();
                let read = data.variants.iter().map(Variant::of);
                let variants: Vec<_> = read.filter_map(|variant| errors.handle(variant)).collect();
                errors.finish_with(Body::Enum(variants))
            }
            Data::Union(data) => {
                let message =
                    "a union does not know which of its fields is the key: write `impl RingKey` by hand";
                Err(Error::custom(message).with_span(&data.union_token.span))
            }
        }
    }
}

impl<'a> Variant<'a> {
    fn of(variant: &'a syn::Variant) -> darling::Result<Self> {
        let mut errors = Error::accumulator();
        let options = errors.handle(read(&variant.attrs, Place::Variant));
        let fields = errors.handle(Fields::of(&variant.fields));
        errors.finish()?;
        Ok(Variant {
            variant,
            options: options.unwrap_or_default(),
            fields: fields.expect("what is missing is an error"),
        })
    }

    /// The name that stands in keys.
    pub(crate) fn name(&self) -> String {
        match &self.options.rename {
            Some(rename) => rename.text.clone(),
            None => self.variant.ident.unraw().to_string(),
        }
    }
}

impl<'a> Fields<'a> {
    fn of(fields: &'a syn::Fields) -> darling::Result<Self> {
        let mut errors = Error::accumulator();
        let read = fields.iter().zip(fields.members());
        let fields: Vec<_> = read
            .filter_map(|(field, member)| errors.handle(Field::of(field, member)))
            .collect();
        errors.finish_with(Fields(fields))
    }

    /// Those that join the key.
    pub(crate) fn in_key(&self) -> impl Iterator<Item = &Field<'a>> {
        self.0.iter().filter(|field| field.options.skip.is_none())
    }
}

impl<'a> Field<'a> {
    fn of(field: &'a syn::Field, member: Member) -> darling::Result<Self> {
        Ok(Field {
            field,
            member,
            options: read(&field.attrs, Place::Field)?,
        })
    }

    /// The label that the user asked for.
    pub(crate) fn rename(&self) -> Option<String> {
        self.options.rename.as_ref().map(|rename| rename.text.clone())
    }

    /// The label among other fields: tuple fields have none unless they are renamed.
    pub(crate) fn label(&self) -> Option<String> {
        let name = || self.field.ident.as_ref().map(|ident| ident.unraw().to_string());
        self.rename().or_else(name)
    }
}
