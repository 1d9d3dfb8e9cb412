//! Parsing of attributes into options: one table has the options' names; darling reads their values.

mod list;
mod options;
mod storage;
mod table;
mod values;

pub(crate) use self::list::Options;
pub(crate) use self::options::{FieldOptions, RingOptions, TypeOptions, VariantOptions};
pub(crate) use self::storage::Storage;
pub(crate) use self::table::{Holds, Target};
pub(crate) use self::values::{Accessor, Duration, Patience, Version, Word};

#[cfg(test)]
mod tests {
    use super::table::Known;
    use super::{FieldOptions, Options, RingOptions, Target, TypeOptions, VariantOptions};

    /// An option is a row of the table and a field of a struct, and is described on the page of its attribute.
    #[test]
    fn each_option_is_read_and_documented() {
        let page = |target| match target {
            Target::Method => include_str!("../docs/ring.md"),
            Target::Block => include_str!("../docs/ring_impl.md"),
            Target::Type | Target::Variant | Target::Field => include_str!("../docs/ring_key.md"),
        };
        let read = |target, mut options: Options| match target {
            Target::Method | Target::Block => options.read::<RingOptions>().map(drop),
            Target::Type => options.read::<TypeOptions>().map(drop),
            Target::Variant => options.read::<VariantOptions>().map(drop),
            Target::Field => options.read::<FieldOptions>().map(drop),
        };
        use Target::{Block, Field, Method, Type, Variant};
        for target in [Method, Block, Type, Variant, Field] {
            for known in Known::all_at(target) {
                let written = known.example().replace(", …", "");
                let options = Options::parse(target, written.parse().expect("examples are tokens"));
                read(target, options).unwrap_or_else(|error| panic!("{written}: {error}"));
                let name = known.name;
                let documented = [format!("`{name}`"), format!("`{name} = "), format!("`{name}(")];
                assert!(
                    documented.iter().any(|name| page(target).contains(name)),
                    "{name} is not documented"
                );
            }
        }
    }
}
