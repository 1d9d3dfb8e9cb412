//! What is known of a ring once and for all: its name, how its calls fly, what it counted.

use std::any::TypeId;
use std::time::Duration;

use crate::key::TypeName;
use crate::name::Name;
use crate::stats::Counters;

/// How long a call waits for another's computation before it computes for itself, if nothing else is said.
pub const DEFAULT_FLIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// A cached method's identity and settings. Generated code keeps one for each, in a static.
#[derive(Debug)]
pub struct Ring {
    name: &'static Name,
    pub(crate) coalesce: bool,
    pub(crate) flight_timeout: Duration,
    pub(crate) counters: Counters,
}

impl Ring {
    /// The ring of this name.
    pub fn new(name: &'static Name) -> Self {
        Ring {
            name,
            coalesce: true,
            flight_timeout: DEFAULT_FLIGHT_TIMEOUT,
            counters: Counters::default(),
        }
    }

    /// The ring with the user's `key_prefix`.
    pub fn with_prefix(prefix: &str) -> Self {
        Self::new(Name::chosen(prefix))
    }

    /// The ring with the user's `key_prefix` that is one instantiation of a generic one: `arguments` writes its type
    /// arguments, `site` is a function item that no other has.
    pub fn with_generic_prefix<Site>(prefix: &str, site: Site, arguments: impl FnOnce(&mut TypeName)) -> Self {
        drop(site);
        let mut name = TypeName::default();
        arguments(&mut name);
        Self::new(Name::chosen_generic(prefix, &name, type_id::<Site>()))
    }

    /// The ring that is declared in `module` next to the local type `Here`, below so many items of its own, with the
    /// rest of its name. `site` is a function item that no other ring has, if `Here` is not enough to tell.
    pub fn declared<Here, Site>(
        module: &str,
        own_items: usize,
        site: Site,
        rest: impl FnOnce(&mut TypeName),
    ) -> Self {
        drop(site);
        let mut name = TypeName::default();
        name.path(module);
        name.text(".");
        name.path(&enclosing_functions(std::any::type_name::<Here>(), module, own_items));
        rest(&mut name);
        Self::new(Name::full(&name, type_id::<(Site, Here)>()))
    }

    /// Whether calls join the computation of another: they do unless this says otherwise.
    #[must_use]
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// How long a call waits for another's computation before it computes for itself.
    #[must_use]
    pub fn flight_timeout(mut self, timeout: Duration) -> Self {
        self.flight_timeout = timeout;
        self
    }

    /// The value of a result whose error changes nothing for the caller, and is counted.
    #[inline]
    pub(crate) fn count_errors<T, E>(&self, result: Result<T, E>) -> Option<T> {
        result.inspect_err(|_| self.counters.error()).ok()
    }

    /// The name that all keys of the ring begin with.
    #[inline]
    pub fn name(&self) -> &'static Name {
        self.name
    }
}

/// The functions that a local type is declared in, outermost first, each followed by `::`.
///
/// `module_path!` leaves them out, and macros are not told; only the path of a local type shows them. Nothing else of
/// that path is used, since its form is the compiler's business.
fn enclosing_functions(local_type: &str, module: &str, own_items: usize) -> String {
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

/// Any type's identity; lifetimes do not count.
pub(crate) fn type_id<T>() -> TypeId {
    typeid::of::<T>()
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
