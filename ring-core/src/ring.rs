//! A ring: its name, its coalescing settings and its counters.

use std::any::TypeId;
use std::time::Duration;

use crate::key::{Name, TypeName};
use crate::output::Output;
use crate::shape::{RingShape, ShapeWriter};
use crate::stats::Counters;

/// The default of `flight_timeout`: the time that a call waits for another's computation before it computes itself.
pub const DEFAULT_FLIGHT_TIMEOUT: Duration = Duration::from_secs(10);

/// The default time that a write waits for another write to the same key.
pub(crate) const DEFAULT_WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The identity and settings of a cached method. Generated code has a static for each.
#[derive(Debug)]
pub struct Ring {
    name: &'static Name,
    /// The full name of the function, if it is not the ring's name.
    function: Box<str>,
    pub(crate) coalesce: bool,
    pub(crate) flight_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) counters: Counters,
}

impl Ring {
    /// The ring of this name.
    pub fn new(name: &'static Name) -> Self {
        Ring {
            name,
            function: Box::default(),
            coalesce: true,
            flight_timeout: DEFAULT_FLIGHT_TIMEOUT,
            write_timeout: DEFAULT_WRITE_TIMEOUT,
            counters: Counters::default(),
        }
    }

    /// The ring with the user's `key_prefix`.
    pub fn with_prefix(prefix: &str) -> Self {
        Self::new(Name::chosen(prefix))
    }

    /// The ring with the user's `key_prefix` whose [full name](Self::declared) is another. `arguments` writes the type
    /// arguments of one instantiation, and `class` the type whose name joins the key.
    pub fn with_prefix_of<Here, Site>(
        prefix: &str,
        module: &str,
        own_items: usize,
        site: Site,
        rest: fn(&mut TypeName),
        arguments: fn(&mut TypeName),
        class: Option<fn(&mut TypeName)>,
    ) -> Self {
        drop(site);
        let here = std::any::type_name::<Here>();
        let in_place = |rest: fn(&mut TypeName)| {
            let mut name = TypeName::default();
            name.place(here, module, own_items);
            rest(&mut name);
            name
        };
        let mut name = TypeName::default();
        arguments(&mut name);
        if let Some(class) = class {
            name.append(":", &in_place(class));
        }
        let name = Name::chosen_generic(prefix, &name, type_id::<(Site, Here)>());
        let function = in_place(rest).as_str().into();
        Ring {
            function,
            ..Self::new(name)
        }
    }

    /// The ring that is declared in `module` next to the local type `Here`, inside `own_items` items of its own;
    /// `rest` writes the rest of its name. `site` is a function item that no other ring has, if `Here` does not
    /// suffice. `shared` is whether keys may reach other processes.
    pub fn declared<Here, Site>(
        module: &str,
        own_items: usize,
        site: Site,
        shared: bool,
        rest: fn(&mut TypeName),
    ) -> Self {
        drop(site);
        let here = (std::any::type_name::<Here>(), type_id::<(Site, Here)>());
        Self::declared_here(here, module, own_items, shared, rest)
    }

    /// [`declared`](Self::declared) for a local type that is known by its name and identity: compiled once for all rings.
    fn declared_here(
        (here, id): (&str, TypeId),
        module: &str,
        own_items: usize,
        shared: bool,
        rest: fn(&mut TypeName),
    ) -> Self {
        let mut name = TypeName::default();
        name.place(here, module, own_items);
        rest(&mut name);
        Self::new(Name::full(&name, id, shared))
    }

    /// The same ring with a version, which joins its name: `name@version`. Entries of another version are another
    /// ring's.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.function = self.function().into();
        self.name = self.name.versioned(version);
        self
    }

    /// [`version`](Self::version) by the fingerprint of the values' shape.
    #[must_use]
    pub fn version_of_shape<V: RingShape>(self) -> Self {
        self.version(&ShapeWriter::fingerprint_of::<V>())
    }

    /// Whether calls join the computation of another. The default is yes.
    #[must_use]
    pub fn coalesce(mut self, coalesce: bool) -> Self {
        self.coalesce = coalesce;
        self
    }

    /// The time that a call waits for another's computation before it computes itself.
    #[must_use]
    pub fn flight_timeout(mut self, timeout: Duration) -> Self {
        self.flight_timeout = timeout;
        self
    }

    /// The time that a `set`, a `delete` or the store of a computed value waits for another write to the same key,
    /// which a task may hold without polling it. A write that takes longer is abandoned: its entry is removed when it
    /// ends.
    #[must_use]
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.write_timeout = timeout;
        self
    }

    /// A result whose error is counted.
    pub(crate) fn count_failure<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        result.inspect_err(|_| self.counters.error())
    }

    /// Counts a value that is not stored because its type hides errors.
    pub(crate) fn count_refused<R: Output>(&self) {
        if R::is_refused() {
            self.counters.error();
        }
    }

    /// The value of a result. An error is counted, and changes nothing for the caller.
    #[inline]
    pub(crate) fn count_errors<T, E>(&self, result: Result<T, E>) -> Option<T> {
        self.count_failure(result).ok()
    }

    /// The full name of the function: module, type and name.
    pub(crate) fn function(&self) -> &str {
        if self.function.is_empty() {
            self.name.as_str()
        } else {
            &self.function
        }
    }

    /// The name at the start of all keys of the ring.
    #[inline]
    pub fn name(&self) -> &'static Name {
        self.name
    }
}

/// The identity of any type, without its lifetimes.
pub(crate) fn type_id<T>() -> TypeId {
    typeid::of::<T>()
}
