//! All options of all attributes.

/// The item that an attribute is written on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// `#[ring(..)]` on a method or a function.
    Method,
    /// `#[ring_impl(..)]`: the defaults of all methods.
    Block,
    /// `#[ring_key(..)]` on a struct or an enum.
    Type,
    Variant,
    Field,
}

/// An option: its name, its form, and its items.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Its form, unless it is a kind of storage.
    example: &'static str,
    pub(crate) targets: &'static [Target],
    /// Set if the option names a storage by its kind.
    pub(crate) kind: Option<Kind>,
}

/// A kind of storage: one type of the library.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) type_name: &'static str,
    pub(crate) holds: Holds,
}

/// The entries of a storage.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// The values of one type, in this process.
    Values,
    /// Bytes, outside the process.
    Bytes,
    /// Bytes, outside the process, with operations that block.
    BytesBlocking,
}

static OPTIONS: [Known; 49] = [
    // Storages: a ring has one.
    option("capacity", "capacity = 10_000", RINGS),
    option("storage", "storage = EXPRESSION as Type", RINGS),
    kind("lru", "Lru", Holds::Values),
    kind("map", "Map", Holds::Values),
    kind("redis", "Redis", Holds::Bytes),
    kind("redis_hash", "RedisHash", Holds::Bytes),
    kind("redis_cluster", "RedisCluster", Holds::Bytes),
    kind("memcached", "Memcached", Holds::Bytes),
    kind("disk", "Disk", Holds::BytesBlocking),
    // The other options of `#[ring]` and `#[ring_impl]`.
    option("policy", "policy = scan_resistant", RINGS),
    option("coder", "coder = Json", RINGS),
    option("expire", "expire = \"60s\"", RINGS),
    option("expire_of", "expire_of = User::ttl", RINGS),
    option("none", "none = \"10s\"", RINGS),
    option("jitter", "jitter = 0.1", RINGS),
    option("stale", "stale = \"10m\"", RINGS),
    option("refresh", "refresh = caller", RINGS),
    option("retry", "retry = \"30s\"", RINGS),
    option("early", "early = 0.8", RINGS),
    option("errors", "errors(\"5s\", when = Error::is_not_found)", RINGS),
    option("share_errors", "share_errors", RINGS),
    option("wait", "wait = \"50ms\"", RINGS),
    option("timeout", "timeout = \"2s\"", RINGS),
    option("entry", "entry = e", RINGS),
    option("unless", "unless = Option::is_none", RINGS),
    option("ignore", "ignore(argument, …)", RINGS),
    option("key", "key = EXPRESSION", &[Target::Method]),
    option("key_prefix", "key_prefix = \"…\"", &[Target::Method]),
    option("version", "version = 2", RINGS),
    option("class", "class", &[Target::Method]),
    option("property", "property", &[Target::Method]),
    option("accessor", "accessor = name", &[Target::Method]),
    option("accessors", "accessors = TraitName", &[Target::Block]),
    option("fallible", "fallible", RINGS),
    option("action", "action = update", RINGS),
    option("coalesce", "coalesce = false", RINGS),
    option("tags", "tags(\"team:{id}\", …)", RINGS),
    option("depends", "depends(Self::user(id), …)", &[Target::Method]),
    option("flight_timeout", "flight_timeout = \"10s\"", RINGS),
    option("lease", "lease = \"5s\"", RINGS),
    // Options of writers, which are not cached.
    option("invalidates", "invalidates(self.user(id), …)", &[Target::Method]),
    option("on", "on = ok", &[Target::Method]),
    // `#[ring_key]`.
    option("prefix", "prefix = \"page\"", &[Target::Type]),
    option("name", "name = \"shop.Page\"", &[Target::Type]),
    option("format", "format = \"page-{url}\"", &[Target::Type]),
    option("rename", "rename = \"id\"", &[Target::Variant, Target::Field]),
    option("skip", "skip", &[Target::Field]),
    option("with", "with = function", &[Target::Field]),
    // Options of all attributes.
    option(
        "crate",
        "crate = path::to::ring_cache",
        &[Target::Method, Target::Block, Target::Type],
    ),
];

const RINGS: &[Target] = &[Target::Method, Target::Block];

const fn option(name: &'static str, example: &'static str, targets: &'static [Target]) -> Known {
    Known {
        name,
        example,
        targets,
        kind: None,
    }
}

const fn kind(name: &'static str, type_name: &'static str, holds: Holds) -> Known {
    Known {
        kind: Some(Kind { type_name, holds }),
        ..option(name, "", RINGS)
    }
}

impl Known {
    /// The options that are valid here.
    pub(crate) fn all_at(target: Target) -> impl Iterator<Item = &'static Known> {
        let options = OPTIONS.iter();
        options.filter(move |known| known.targets.contains(&target))
    }

    /// The option of this name, here or elsewhere in attributes of the same name.
    pub(crate) fn find(name: &str, target: Target) -> Option<&'static Known> {
        let in_attribute = |other: &Target| other.attribute() == target.attribute();
        let mut options = OPTIONS.iter();
        options.find(|known| known.name == name && known.targets.iter().any(in_attribute))
    }

    /// Its form, for an error.
    pub(crate) fn example(&self) -> String {
        match self.kind {
            Some(_) => format!("{} = EXPRESSION", self.name),
            None => self.example.to_owned(),
        }
    }

    pub(crate) fn takes_value(&self) -> bool {
        self.kind.is_some() || (self.example.contains(" = ") && !self.example.contains("("))
    }

    /// Whether a method that is not cached may have it.
    pub(crate) fn is_of_writers(&self) -> bool {
        OF_WRITERS.contains(&self.name)
    }

    pub(crate) fn is_storage(&self) -> bool {
        self.kind.is_some() || ["capacity", "storage"].contains(&self.name)
    }
}

/// The options of a method that is not cached.
const OF_WRITERS: [&str; 3] = ["invalidates", "on", "crate"];

/// The form of the option with this name.
pub(crate) fn example(name: &str) -> String {
    let known = OPTIONS.iter().find(|known| known.name == name);
    known.map(Known::example).unwrap_or_default()
}

impl Target {
    /// The attribute's name.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Target::Method | Target::Block => "ring",
            Target::Type | Target::Variant | Target::Field => "ring_key",
        }
    }

    pub(crate) fn described(self) -> &'static str {
        match self {
            Target::Method => "a method",
            Target::Block => "the impl block",
            Target::Type => "the type",
            Target::Variant => "a variant",
            Target::Field => "a field",
        }
    }

    /// The forms of options, for an error.
    pub(crate) fn forms(self) -> String {
        match Known::all_at(self).next() {
            Some(first) if self.attribute() == "ring_key" => format!("`{}`", first.example),
            _ => "`expire = \"60s\"`, `ignore(argument)` or `class`".to_owned(),
        }
    }
}
