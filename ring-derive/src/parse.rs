//! Attributes become options: the options' names are looked up in one table, and darling reads their values.

mod list;
mod options;
mod storage;
mod table;
mod values;

pub(crate) use self::list::Options;
pub(crate) use self::options::{FieldOptions, RingOptions, TypeOptions, VariantOptions};
pub(crate) use self::storage::Storage;
pub(crate) use self::table::{Holds, Target};
pub(crate) use self::values::{Duration, Word};
