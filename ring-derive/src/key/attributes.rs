//! The options in `#[ring_key(..)]`: their names here, their values in [`values`](super::values).

use darling::ast::NestedMeta;
use darling::{Error, FromMeta};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Meta, Token};

use super::values::{Function, Mark, Word};

/// What an attribute stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Type,
    Variant,
    Field,
}

/// An option: its name, how it is written, and where it may stand.
struct Known {
    name: &'static str,
    example: &'static str,
    places: &'static [Place],
}

const OPTIONS: [Known; 5] = [
    Known {
        name: "prefix",
        example: "prefix = \"page\"",
        places: &[Place::Type],
    },
    Known {
        name: "name",
        example: "name = \"shop.Page\"",
        places: &[Place::Type],
    },
    Known {
        name: "rename",
        example: "rename = \"id\"",
        places: &[Place::Variant, Place::Field],
    },
    Known {
        name: "skip",
        example: "skip",
        places: &[Place::Field],
    },
    Known {
        name: "with",
        example: "with = function",
        places: &[Place::Field],
    },
];

/// The options on a struct or an enum.
#[derive(Default, FromMeta)]
pub(crate) struct TypeOptions {
    pub(crate) prefix: Option<Word>,
    pub(crate) name: Option<Word>,
}

/// The options on an enum's variant.
#[derive(Default, FromMeta)]
pub(crate) struct VariantOptions {
    pub(crate) rename: Option<Word>,
}

/// The options on a field.
#[derive(Default, FromMeta)]
pub(crate) struct FieldOptions {
    pub(crate) skip: Option<Mark>,
    pub(crate) rename: Option<Word>,
    pub(crate) with: Option<Function>,
}

/// Reads the options that stand on a `place`.
pub(crate) fn read<T: FromMeta>(attributes: &[Attribute], place: Place) -> darling::Result<T> {
    let mut errors = Error::accumulator();
    let mut options: Vec<NestedMeta> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    let ours = |attribute: &&Attribute| attribute.path().is_ident("ring_key");
    for attribute in attributes.iter().filter(ours) {
        for option in errors.handle(list(attribute, place)).into_iter().flatten() {
            let named = name(&option, place).and_then(|name| once(&option, name, &mut seen));
            if errors.handle(named).is_some() {
                options.push(NestedMeta::Meta(option));
            }
        }
    }
    let read = errors.handle(T::from_list(&options));
    errors.finish()?;
    Ok(read.expect("what is missing is an error"))
}

fn list(attribute: &Attribute, place: Place) -> darling::Result<Vec<Meta>> {
    let example = known_at(place)
        .map(|known| known.example)
        .next()
        .unwrap_or_default();
    match &attribute.meta {
        Meta::List(list) => {
            let options = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let options = options.map_err(|error| {
                let message = format!("{error}: options are written like `{example}`");
                Error::custom(message).with_span(&error.span())
            });
            Ok(options?.into_iter().collect())
        }
        Meta::Path(_) | Meta::NameValue(_) => {
            let message = format!("`ring_key` takes options in parentheses: write `#[ring_key({example})]`");
            Err(Error::custom(message).with_span(attribute.path()))
        }
    }
}

fn known_at(place: Place) -> impl Iterator<Item = &'static Known> {
    OPTIONS.iter().filter(move |known| known.places.contains(&place))
}

/// The name of an option that exists and may stand here.
fn name(option: &Meta, place: Place) -> darling::Result<&'static str> {
    let written = option
        .path()
        .get_ident()
        .map(ToString::to_string)
        .unwrap_or_default();
    let message = match OPTIONS.iter().find(|known| known.name == written) {
        Some(known) if known.places.contains(&place) => return Ok(known.name),
        Some(known) => misplaced(known, place),
        None => unknown(&written, place),
    };
    Err(Error::custom(message).with_span(&option.path().span()))
}

fn once(option: &Meta, name: &'static str, seen: &mut Vec<&str>) -> darling::Result<()> {
    if seen.contains(&name) {
        let message = format!("`{name}` is said twice: leave one of them out");
        return Err(Error::custom(message).with_span(&option.path().span()));
    }
    seen.push(name);
    Ok(())
}

fn misplaced(known: &Known, place: Place) -> String {
    let places: Vec<_> = known.places.iter().map(|place| described(*place)).collect();
    let there = places.join(" or ");
    let (name, here) = (known.name, described(place));
    match (name, place) {
        ("name" | "prefix", _) => format!("`{name}` belongs on the type: on {here} write `rename = \"…\"`"),
        ("rename", _) => format!(
            "`rename` belongs on {there}: on {here} write `prefix = \"…\"`, or `name = \"…\"` for the name of the type"
        ),
        _ => format!("`{name}` belongs on {there}: it says nothing on {here}"),
    }
}

fn described(place: Place) -> &'static str {
    match place {
        Place::Type => "the type",
        Place::Variant => "a variant",
        Place::Field => "a field",
    }
}

fn unknown(written: &str, place: Place) -> String {
    let nearest = known_at(place)
        .map(|known| (strsim::jaro_winkler(written, known.name), known.name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    if let Some((_, nearest)) = nearest {
        return format!("there is no option `{written}`: write `{nearest}`");
    }
    let all: Vec<_> = known_at(place)
        .map(|known| format!("`{}`", known.example))
        .collect();
    let (here, all) = (described(place), all.join(", "));
    format!("there is no option of this name: what can stand on {here} is {all}")
}
