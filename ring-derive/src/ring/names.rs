//! The names that expressions use.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;

/// Whether an expression uses the argument `name`, or `self`, also in the text of a macro such as `format!("{name}")`.
pub(crate) fn uses(expression: impl ToTokens, name: &str) -> bool {
    any(expression.to_token_stream(), name, false)
}

fn any(tokens: TokenStream, name: &str, in_macro: bool) -> bool {
    // The punctuation just before, and whether a name precedes it.
    let (mut before, mut named) = (String::new(), false);
    tokens.into_iter().any(|tree| {
        let found = match &tree {
            // After a single dot: a field or a method.
            TokenTree::Ident(ident) => before != "." && ident.to_string().trim_start_matches("r#") == name,
            // After a name and `!`: a macro's arguments.
            TokenTree::Group(group) => any(group.stream(), name, in_macro || (named && before == "!")),
            TokenTree::Literal(literal) => in_macro && names_in_text(&literal.to_string(), name),
            TokenTree::Punct(_) => false,
        };
        if let TokenTree::Punct(punct) = &tree {
            before.push(punct.as_char());
        } else {
            before.clear();
            named = matches!(tree, TokenTree::Ident(_));
        }
        found
    })
}

/// Whether a format text has `{name}` or `{name:…}`.
fn names_in_text(text: &str, name: &str) -> bool {
    let mut rest = text;
    while let Some((_, inner)) = rest.split_once('{') {
        if let Some(escaped) = inner.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let end = inner.find(['}', ':']).unwrap_or(inner.len());
        if inner[..end].trim() == name {
            return true;
        }
        rest = inner;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::uses;
    use quote::quote;

    #[test]
    fn names_are_found_in_code_and_in_texts_of_macros() {
        assert!(uses(quote!(id), "id"));
        assert!(uses(quote!((id.to_string(), 1)), "id"));
        assert!(uses(quote!(format!("user:{id}")), "id"));
        assert!(uses(quote!(format!("user:{id:>3}")), "id"));
        assert!(uses(quote!(std::format!("{}", id)), "id"));
        assert!(!uses(quote!("user:{id}".to_owned()), "id"));
        assert!(!uses(quote!(format!("{{id}}")), "id"));
        assert!(uses(quote!(format!("{{{id}}}")), "id"));
        assert!(!uses(quote!(format!("user:{identity}")), "id"));
        assert!(!uses(quote!(concat!("a", "b")), "id"));
        assert!(!uses(quote!(CONFIG.id), "id"));
        assert!(uses(quote!((0..id).len()), "id"));
    }
}
