//! The functions that an item is declared in.

/// The functions that a type is declared in, outermost first, each followed by `::`; `own_items` of the segments of its
/// path are the type itself and the items around it.
///
/// `module_path!` leaves functions out, and macros are not told; only the path of a type shows them. Nothing else of
/// that path is used, since its form is the compiler's business.
pub(super) fn enclosing_functions(local_type: &str, module: &str, own_items: usize) -> String {
    let Some(path) = local_type
        .strip_prefix(module)
        .and_then(|path| path.strip_prefix("::"))
    else {
        return String::new();
    };
    let segments = segments(path);
    let functions = segments.len().saturating_sub(own_items);
    segments[..functions]
        .iter()
        .map(|function| format!("{}::", function.trim_matches(['{', '}'])))
        .collect()
}

/// The segments of a path, those of its type arguments left whole.
fn segments(path: &str) -> Vec<&str> {
    let (mut segments, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, character) in path.char_indices() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                if at > start {
                    segments.push(&path[start..at]);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&path[start..]);
    segments
}

#[cfg(test)]
mod tests {
    use super::enclosing_functions;

    #[test]
    fn enclosing_functions_are_found_in_all_forms_of_paths() {
        let enclosing = |path, own| enclosing_functions(path, "t", own);
        assert_eq!(enclosing("t::f::Here", 2), "");
        assert_eq!(enclosing("t::outer::f::Here", 2), "outer::");
        assert_eq!(enclosing("t::outer::{{closure}}::g::Here", 2), "outer::closure::");
        assert_eq!(enclosing("t::Repo<_>::c::Here", 3), "");
        assert_eq!(enclosing("t::outer::<impl t::Page>::d::Here", 3), "outer::");
        assert_eq!(enclosing("<t::Page as t::m::Fetch>::fetch::Here", 3), "");
    }
}
