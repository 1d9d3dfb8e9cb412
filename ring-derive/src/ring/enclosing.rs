//! Detects whether `#[ring]` is in an impl block. The tokens do not show it, and an associated function without `self` looks
//! like a free one. Only for the error, the source is read. Without a source, the compiler reports names that it does not
//! find.

/// Whether the expanded attribute is directly in an impl block, as far as its source can be read.
pub(super) fn is_in_impl() -> bool {
    if !proc_macro::is_available() {
        return false;
    }
    let here = proc_macro::Span::call_site();
    // Most free functions are not indented, so their files are not read.
    if here.column() == 1 {
        return false;
    }
    let source = here
        .local_file()
        .and_then(|file| std::fs::read_to_string(file).ok());
    source.is_some_and(|source| is_in_impl_at(&source, here.line(), here.column()))
}

/// Whether the innermost braces around a position are those of an impl block. Lines and columns count from 1.
fn is_in_impl_at(source: &str, line: usize, column: usize) -> bool {
    let code = without_text(source);
    let starts = code.split_inclusive('\n').map(str::len);
    let start: usize = starts.take(line.saturating_sub(1)).sum();
    let before = code[start..].chars().take(column.saturating_sub(1));
    let end = start + before.map(char::len_utf8).sum::<usize>();
    let mut levels = vec![Level::default()];
    for (index, character) in code[..end].char_indices() {
        let Some(level) = levels.last_mut() else {
            return false;
        };
        match character {
            '{' | '(' | '[' => {
                let is_impl = character == '{' && begins_impl(&code[level.header..index]);
                levels.push(Level {
                    header: index + 1,
                    is_braces: character == '{',
                    is_impl,
                });
            }
            '}' | ')' | ']' => {
                levels.pop();
                if let Some(level) = levels.last_mut().filter(|_| character == '}') {
                    level.header = index + 1;
                }
            }
            ';' => level.header = index + 1,
            _ => {}
        }
    }
    let braces = levels.iter().rev().find(|level| level.is_braces);
    braces.is_some_and(|braces| braces.is_impl)
}

/// A level of delimiters around the position.
#[derive(Default)]
struct Level {
    /// Where the current item in it begins.
    header: usize,
    is_braces: bool,
    is_impl: bool,
}

/// Whether an item is an impl block, by the code before its braces.
fn begins_impl(header: &str) -> bool {
    let mut header = header.trim_start();
    while let Some(attribute) = header.strip_prefix('#') {
        let mut depth = 0;
        let end = attribute.find(|character| {
            depth += i32::from(character == '[') - i32::from(character == ']');
            depth == 0 && character == ']'
        });
        header = end.map_or("", |end| attribute[end + 1..].trim_start());
    }
    let mut words = header.split(|character: char| !character.is_alphanumeric() && character != '_');
    words.find(|word| *word != "unsafe" && *word != "default") == Some("impl")
}

/// The source with comments and literals, which may contain braces, replaced by spaces.
fn without_text(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = length_of_text(rest, code.chars().last());
        if length == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            let blank = |character| if character == '\n' { '\n' } else { ' ' };
            code.extend(rest[..length].chars().map(blank));
            rest = &rest[length..];
        }
    }
    code
}

/// The length of a comment or literal that begins here; 0 if there is none.
fn length_of_text(rest: &str, before: Option<char>) -> usize {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return length_of_block_comment(rest);
    }
    if rest.starts_with('"') {
        return length_of_string(rest);
    }
    let hashes = rest
        .strip_prefix('r')
        .map(|raw| raw.len() - raw.trim_start_matches('#').len());
    if let Some(hashes) = hashes.filter(|hashes| rest[1 + hashes..].starts_with('"'))
        && !before.is_some_and(|before| is_word(before) && !"bc".contains(before))
    {
        let (start, end) = (hashes + 2, format!("\"{}", "#".repeat(hashes)));
        return rest[start..]
            .find(&end)
            .map_or(rest.len(), |at| start + at + end.len());
    }
    // A lifetime has no closing quote.
    let mut characters = rest.char_indices().skip(1);
    match (rest.starts_with('\''), characters.next(), characters.next()) {
        (true, Some((_, '\\')), Some((escaped, character))) => {
            let after = escaped + character.len_utf8();
            rest[after..].find('\'').map_or(rest.len(), |at| after + at + 1)
        }
        (true, Some(_), Some((end, '\''))) => end + 1,
        _ => 0,
    }
}

fn length_of_block_comment(rest: &str) -> usize {
    let (mut depth, mut length) = (0, 0);
    while length < rest.len() {
        let here = &rest[length..];
        let step = here.chars().next().map_or(1, char::len_utf8);
        if here.starts_with("/*") {
            (depth, length) = (depth + 1, length + 2);
        } else if here.starts_with("*/") {
            (depth, length) = (depth - 1, length + 2);
            if depth == 0 {
                break;
            }
        } else {
            length += step;
        }
    }
    length
}

fn length_of_string(rest: &str) -> usize {
    let mut is_escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, character)| {
        let ends = *character == '"' && !is_escaped;
        is_escaped = *character == '\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |(end, _)| end + 1)
}

#[cfg(test)]
mod tests {
    use super::is_in_impl_at;

    /// Whether `#[ring]` is in an impl block, in this source.
    fn is_in_impl(source: &str) -> bool {
        let before = &source[..source.find("#[ring]").expect("the source has the attribute")];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let (line, column) = (before.matches('\n').count(), before[line_start..].chars().count());
        is_in_impl_at(source, line + 1, column + 1)
    }

    #[test]
    fn associated_functions_are_seen() {
        for source in [
            "impl A { #[ring] fn a() {} }",
            "use b::{c, d};\nimpl A {\n    fn x() { if y { z } }\n    #[ring] fn a() {}\n}",
            "impl<T> A<T> for [u8; 3] where T: Fn() -> u32 { /* } */ #[ring] fn a() {} }",
            "#[cfg(x)] /// }\n#[allow(a, reason = \"[}\")]\nunsafe impl A { const C: char = '}'; #[ring] fn a() {} }",
            "macro_rules! a { ($t:ty) => { impl $t { #[ring] fn a() {} } } }",
            "impl A { fn b<'a>(x: &'a str) { r#\"}\"#; b\"\\\"}\"; } #[ring] fn a() {} }",
            "mod m { /* /* } */ } */ impl super::A { const Ä: &str = \"ü}\"; /*ö*/ #[ring] fn a() {} } }",
            "impl A { #[cfg(x)]\n    #[ring] pub(crate) fn a() {} }",
        ] {
            assert!(is_in_impl(source), "{source}");
        }
    }

    #[test]
    fn free_functions_are_not_refused() {
        for source in [
            "#[ring] fn a() {}",
            "mod m { #[ring] fn a() {} }",
            "impl A { fn b() { #[ring] fn a() {} } }",
            "impl A { const C: u32 = { #[ring] fn a() {} 1 }; }",
            "impl A {} #[ring] fn a() {}",
            "fn b() -> impl Fn() { #[ring] fn a() {} }",
            "fn b(x: impl Fn()) { // impl A {\n #[ring] fn a() {} }",
            "macro_rules! a { () => { #[ring] fn a() {} } }",
            "const S: &str = \"impl A {\"; mod m { #[ring] fn a() {} }",
            "implement! { #[ring] fn a() {} }",
            "}}} #[ring] fn a() {}",
        ] {
            assert!(!is_in_impl(source), "{source}");
        }
    }
}
