//! The functions that enclose an item.

/// The functions that enclose a type, outermost first, each followed by `::`; the last `own_items` segments of its path are
/// the type itself and the items around it.
///
/// `module_path!` omits functions, and macros do not know them; only the path of a type shows them. Only names of that path
/// are used: how the compiler spells types of the standard library may change.
pub(super) fn enclosing_functions(local_type: &str, module: &str, own_items: usize) -> String {
    // `module_path!` writes the mark of raw identifiers, and the path of a type does not.
    let [local_type, module] = [local_type, module].map(|path| path.replace("r#", ""));
    let (local_type, module) = (local_type.as_str(), module.as_str());
    let in_module = local_type
        .strip_prefix(module)
        .and_then(|path| path.strip_prefix("::"));
    // A method of a trait is named by its type and its trait, which are paths.
    let Some(path) = in_module.or_else(|| local_type.starts_with('<').then_some(local_type)) else {
        return String::new();
    };
    let mut segments = segments(path);
    segments.retain(|segment| *segment != "_");
    let functions = segments.len().saturating_sub(own_items);
    segments[..functions]
        .iter()
        .map(|function| format!("{}::", item(function.trim_matches(['{', '}']), module)))
        .collect()
}

/// The segments of a path; type arguments stay whole.
fn segments(path: &str) -> Vec<&str> {
    let (mut segments, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            // A `char` as a const argument: `Repo<'<'>`.
            b'\'' if path[at + 1..].chars().nth(1) == Some('\'') => {
                at += 1 + path[at + 1..].chars().next().map_or(0, char::len_utf8);
            }
            b'<' | b'(' | b'[' => depth += 1,
            b'>' if at > 0 && bytes[at - 1] == b'-' => {}
            b'>' | b')' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => {
                if at > start {
                    segments.push(&path[start..at]);
                }
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    segments.push(&path[start..]);
    segments
}

/// The name of one item: `Cat::<Age>` for `<module::Cat as module::Age>` and for `<impl module::Age for module::Cat>`.
fn item(segment: &str, module: &str) -> String {
    let inner = segment
        .strip_prefix('<')
        .and_then(|segment| segment.strip_suffix('>'));
    let Some(inner) = inner else {
        return names(segment, module);
    };
    let (ty, of_trait) = match inner.strip_prefix("impl ") {
        Some(inner) => match inner.split_once(" for ") {
            Some((of_trait, ty)) => (ty, Some(of_trait)),
            None => (inner, None),
        },
        None => match inner.rsplit_once(" as ") {
            Some((ty, of_trait)) => (ty, Some(of_trait)),
            None => (inner, None),
        },
    };
    match of_trait {
        Some(of_trait) => format!("{}::<{}>", names(ty, module), names(of_trait, module)),
        None => names(ty, module),
    }
}

/// A type without the path of this module, and without modules of the standard library.
fn names(ty: &str, module: &str) -> String {
    let mut rest = ty;
    let mut names = String::new();
    while !rest.is_empty() {
        let is_path = |character: char| character.is_alphanumeric() || "_:#".contains(character);
        let length = rest.find(|character| !is_path(character)).unwrap_or(rest.len());
        let (path, others) = rest.split_at(length);
        names.push_str(own_name(path, module));
        let mut others = others.chars();
        match others.next() {
            // Separates words such as `dyn` from their neighbours.
            Some(' ') if matches!(path, "dyn" | "mut" | "const" | "impl") => names.push('-'),
            Some(' ') | None => {}
            Some(other) => names.push(other),
        }
        rest = others.as_str();
    }
    names
}

fn own_name<'a>(path: &'a str, module: &str) -> &'a str {
    let of_std = ["alloc::", "core::", "std::"]
        .iter()
        .any(|name| path.starts_with(name));
    if of_std {
        return path.rsplit("::").next().unwrap_or(path);
    }
    let inside = path.strip_prefix(module);
    inside.and_then(|path| path.strip_prefix("::")).unwrap_or(path)
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
        assert_eq!(enclosing("t::outer::_::Here", 1), "outer::");
        assert_eq!(enclosing("other::f::Here", 2), "");
        let in_raw = |path| enclosing_functions(path, "t::r#type", 2);
        assert_eq!(in_raw("t::type::outer::f::Here"), "outer::");
        assert_eq!(
            in_raw("t::type::<impl t::type::Age for t::type::Cat>::age::load::Here"),
            "Cat::<Age>::age::"
        );
    }

    #[test]
    fn methods_are_told_by_their_type_and_trait() {
        let enclosing = |path| enclosing_functions(path, "t", 2);
        assert_eq!(
            enclosing("<t::Cat as t::Age>::age::load::Here"),
            "Cat::<Age>::age::"
        );
        assert_eq!(
            enclosing("<a::Cat as t::Age>::age::load::Here"),
            "a::Cat::<Age>::age::"
        );
        assert_eq!(
            enclosing("t::<impl t::Age for t::Cat>::age::load::Here"),
            "Cat::<Age>::age::"
        );
        assert_eq!(enclosing("t::Page::age::load::Here"), "Page::age::");
        assert_eq!(
            enclosing("<alloc::string::String as t::Age>::age::load::Here"),
            "String::<Age>::age::"
        );
        assert_eq!(
            enclosing("<alloc::vec::Vec<t::Cat> as t::From<&mut u8>>::age::load::Here"),
            "Vec<Cat>::<From<&mut-u8>>::age::"
        );
    }

    #[test]
    fn arrows_and_characters_close_no_bracket() {
        let enclosing = |path| enclosing_functions(path, "t", 3);
        assert_eq!(
            enclosing("t::Handler<fn(u32) -> alloc::string::String>::run::Here"),
            ""
        );
        assert_eq!(
            enclosing("t::Handler<dyn core::ops::function::Fn(u32) -> alloc::string::String>::run::Here"),
            ""
        );
        assert_eq!(enclosing("t::outer::Quoted<'<'>::run::Here"), "outer::");
        assert_eq!(enclosing("t::outer::Life<'a, ':'>::run::Here"), "outer::");
    }
}
