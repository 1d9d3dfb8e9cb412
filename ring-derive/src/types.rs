//! Properties of types that are known from their text.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// Types that are certainly not `Result`s, in addition to [`CLONE`].
const PLAIN: [&str; 7] = [
    "Vec", "Option", "Box", "HashMap", "HashSet", "BTreeMap", "BTreeSet",
];

/// Types that are certainly `Clone`, which saves the compiler a check.
const CLONE: [&str; 16] = [
    "String", "Arc", "Rc", "bool", "char", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "isize", "f32",
    "f64", "Bytes",
];

/// Types of the language.
const PRIMITIVE: [&str; 16] = [
    "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
    "f32", "f64",
];

/// Types that cannot be the user's own. For others, the compiler's own error suffices.
const FOREIGN: [&str; 33] = [
    "String", "str", "Vec", "Option", "Result", "Box", "Arc", "Rc", "HashMap", "HashSet", "BTreeMap",
    "BTreeSet", "VecDeque", "PathBuf", "Path", "Duration", "bool", "char", "u8", "u16", "u32", "u64", "u128",
    "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "Mutex",
];

/// Unsized types of std, and their owned types.
const UNSIZED: [(&str, &str); 4] = [
    ("str", "String"),
    ("std::path::Path", "PathBuf"),
    ("std::ffi::OsStr", "OsString"),
    ("std::ffi::CStr", "CString"),
];

/// The library's storages of bytes.
const STORAGES_OF_BYTES: [&str; 6] = [
    "Redis",
    "RedisHash",
    "RedisCluster",
    "Memcached",
    "Disk",
    "Tiered",
];

/// Whether `tokens` mention `name`.
pub(crate) fn mentions(tokens: impl ToTokens, name: &str) -> bool {
    fn any(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => any(group.stream(), name),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    any(tokens.into_token_stream(), name)
}

/// The last segment of a type's path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        _ => None,
    }
}

/// Whether the last segment of a type's path is one of these.
fn ends_in(ty: &Type, names: &[&str]) -> bool {
    last_segment(ty).is_some_and(|last| names.iter().any(|name| last.ident == name))
}

/// The span for errors about a value of this type: the type's name.
pub(crate) fn place_of(ty: &Type) -> Span {
    match ty {
        Type::Reference(reference) => place_of(&reference.elem),
        ty => last_segment(ty).map_or_else(|| ty.span(), |last| last.ident.span()),
    }
}

/// The first type between a segment's angle brackets.
fn first_argument(segment: &PathSegment) -> Option<&Type> {
    type_arguments(segment).next()
}

/// The types between a segment's angle brackets.
pub(crate) fn type_arguments(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}

/// The target of an `Arc`, `Rc` or `Box`.
pub(crate) fn pointee(ty: &Type) -> Option<&Type> {
    let last = last_segment(ty).filter(|_| ends_in(ty, &["Arc", "Rc", "Box"]))?;
    first_argument(last)
}

/// Whether a type is written as one of these names, with or without arguments.
fn is_named(ty: &Type, names: &[&str]) -> bool {
    match ty {
        Type::Path(path) if path.path.segments.len() == 1 => ends_in(ty, names),
        _ => false,
    }
}

pub(crate) fn is_known_plain(ty: &Type) -> bool {
    matches!(ty, Type::Tuple(_) | Type::Array(_) | Type::Reference(_))
        || is_named(ty, &PLAIN)
        || is_known_clone(ty)
}

pub(crate) fn is_known_clone(ty: &Type) -> bool {
    is_named(ty, &CLONE)
}

/// Whether values of a type are certainly parts of keys, which saves the compiler a check. Other names, such as `String`,
/// may be types of the user.
pub(crate) fn is_known_key(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => reference.mutability.is_none() && is_known_key(&reference.elem),
        Type::Slice(slice) => is_known_key(&slice.elem),
        ty => is_primitive(ty) || is_named(ty, &["str"]),
    }
}

/// The type as an argument of another. A single name is written `Name<>`: otherwise, if it is unknown, the compiler would
/// also suggest a type parameter here, and report both.
pub(crate) fn as_argument(ty: &Type) -> TokenStream {
    match ty {
        Type::Path(path) if path.path.get_ident().is_some_and(|name| name != "Self") && !is_known(ty) => {
            let span = path.path.segments[0].ident.span();
            quote_spanned!(span=> #path<>)
        }
        ty => ty.to_token_stream(),
    }
}

/// Whether the macros know a type by its name.
fn is_known(ty: &Type) -> bool {
    is_named(ty, &PLAIN) || is_known_clone(ty) || is_primitive(ty)
}

/// Whether a type is a `Copy` type of the language.
pub(crate) fn is_primitive(ty: &Type) -> bool {
    is_named(ty, &PRIMITIVE)
}

pub(crate) fn is_known_foreign(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            let first = path.path.segments.first();
            let of_std =
                |first: &PathSegment| ["std", "core", "alloc"].iter().any(|name| first.ident == name);
            is_named(ty, &FOREIGN) || (path.path.segments.len() > 1 && first.is_some_and(of_std))
        }
        Type::Group(group) => is_known_foreign(&group.elem),
        Type::Reference(_) | Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::FnPtr(_) => true,
        _ => false,
    }
}

pub(crate) fn is_result(ty: &Type) -> bool {
    ends_in(ty, &["Result"])
}

/// The value type of a `Result`, with or without its error type.
pub(crate) fn ok_type(ty: &Type) -> Option<&Type> {
    last_segment(ty)
        .filter(|_| is_result(ty))
        .and_then(first_argument)
}

/// Whether it is `impl Future`, or a boxed future.
pub(crate) fn is_future(ty: &Type) -> bool {
    let is_boxed = |last: &PathSegment| {
        let pinned = last.ident == "Pin" && mentions(&last.arguments, "Future");
        let boxed = last.ident == "BoxFuture" || last.ident == "LocalBoxFuture";
        let object = last.ident == "Box"
            && matches!(first_argument(last), Some(object @ Type::TraitObject(_)) if mentions(object, "Future"));
        pinned || object || (boxed && type_arguments(last).next().is_some())
    };
    last_segment(ty).is_some_and(is_boxed) || (matches!(ty, Type::ImplTrait(_)) && mentions(ty, "Future"))
}

/// Whether values of a type are bytes.
pub(crate) fn is_bytes(ty: &Type) -> bool {
    let of_bytes =
        |segment| first_argument(segment).is_some_and(|ty| ty.to_token_stream().to_string() == "u8");
    ends_in(ty, &["String", "Bytes"]) || (ends_in(ty, &["Vec"]) && last_segment(ty).is_some_and(of_bytes))
}

/// Whether a path can be the library's: a name alone, or a name after a crate's.
fn may_be_the_librarys(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            let first = path.path.segments.first();
            let is_relative = |first: &PathSegment| {
                ["self", "super", "crate", "Self"]
                    .iter()
                    .any(|word| first.ident == word)
            };
            path.path.segments.len() == 1 || !first.is_some_and(is_relative)
        }
        _ => true,
    }
}

/// Whether a type is one of the library's storages of bytes.
pub(crate) fn is_storage_of_bytes(storage: &Type) -> bool {
    let inner = last_segment(storage).filter(|last| last.ident == "Blocking");
    match inner {
        Some(blocking) => first_argument(blocking).is_some_and(is_storage_of_bytes),
        None => ends_in(storage, &STORAGES_OF_BYTES) && may_be_the_librarys(storage),
    }
}

/// An unsized type.
pub(crate) struct Unsized<'a> {
    pub(crate) ty: &'a Type,
    /// Its kind.
    pub(crate) what: String,
    /// A reference to it.
    pub(crate) reference: String,
    /// An `Arc` of it.
    pub(crate) shared: String,
    /// The owned type.
    pub(crate) owned: String,
}

/// The first unsized type where a sized one is needed: the type itself, or the content of an `Option`, a `Result` or a
/// `Vec`.
pub(crate) fn find_unsized(ty: &Type) -> Option<Unsized<'_>> {
    let (what, owned) = match ty {
        Type::Slice(slice) => ("a slice".to_owned(), format!("Vec<{}>", written(&slice.elem))),
        Type::TraitObject(object) => ("a trait object".to_owned(), format!("Box<{}>", written(object))),
        Type::Group(group) => return find_unsized(&group.elem),
        Type::Paren(paren) => return find_unsized(&paren.elem),
        Type::Path(path) => match UNSIZED.iter().find(|(name, _)| written(path) == *name) {
            Some((name, owned)) => (format!("`{name}`"), (*owned).to_owned()),
            None if is_named(ty, &["Option", "Result", "Vec"]) => {
                return last_segment(ty).and_then(|last| type_arguments(last).find_map(find_unsized));
            }
            None => return None,
        },
        _ => return None,
    };
    let name = written(ty);
    Some(Unsized {
        ty,
        what,
        reference: if name.contains('+') {
            format!("&({name})")
        } else {
            format!("&{name}")
        },
        shared: format!("Arc<{name}>"),
        owned,
    })
}

/// The usual text of a type: without the spaces between tokens.
pub(crate) fn written(tokens: impl ToTokens) -> String {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut written = String::new();
    for token in tokens.to_token_stream().to_string().split_whitespace() {
        let apart = written.ends_with(is_word) && token.starts_with(is_word);
        if apart || token == "+" || written.ends_with('+') {
            written.push(' ');
        }
        written.push_str(token);
    }
    written
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{is_known_clone, is_known_key};

    #[test]
    fn a_type_of_the_users_is_not_known() {
        assert!(is_known_key(&parse_quote!(&[u8])) && is_known_key(&parse_quote!(&str)));
        assert!(!is_known_key(&parse_quote!(String)) && !is_known_key(&parse_quote!(Option<u32>)));
        assert!(is_known_clone(&parse_quote!(Arc<Item>)) && !is_known_clone(&parse_quote!(Vec<u8>)));
    }
}
