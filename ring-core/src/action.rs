//! Verbs as values.

use std::fmt;
use std::str::FromStr;

use crate::key::Key;

/// A verb of a call without arguments: see [`Call::run`](crate::Call::run).
///
/// ```
/// # use ring_cache_core as ring_cache;
/// use ring_cache::Action;
///
/// assert_eq!("get_or_update".parse(), Ok(Action::GetOrUpdate));
/// assert_eq!("fetch".parse::<Action>().unwrap_err().to_string(),
///     "`fetch` is not an action: use get, get_or_update, update, delete, has, touch, execute or key");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// [`Call::get`](crate::Call::get)
    Get,
    /// [`Call::get_or_update`](crate::Call::get_or_update)
    GetOrUpdate,
    /// [`Call::update`](crate::Call::update)
    Update,
    /// [`Call::delete`](crate::Call::delete)
    Delete,
    /// [`Call::has`](crate::Call::has)
    Has,
    /// [`Call::touch`](crate::Call::touch)
    Touch,
    /// [`Call::execute`](crate::Call::execute)
    Execute,
    /// [`Call::key`](crate::Call::key)
    Key,
}

/// All actions with their names.
const ACTIONS: [(&str, Action); 8] = [
    ("get", Action::Get),
    ("get_or_update", Action::GetOrUpdate),
    ("update", Action::Update),
    ("delete", Action::Delete),
    ("has", Action::Has),
    ("touch", Action::Touch),
    ("execute", Action::Execute),
    ("key", Action::Key),
];

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ACTIONS
            .iter()
            .find_map(|(name, action)| (action == self).then_some(*name));
        f.pad(name.unwrap_or_default())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(name: &str) -> Result<Self, UnknownAction> {
        let action = ACTIONS
            .iter()
            .find_map(|(known, action)| (*known == name).then_some(*action));
        action.ok_or_else(|| UnknownAction(name.to_owned()))
    }
}

/// A text that is not the name of an [`Action`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAction(String);

impl fmt::Display for UnknownAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not an action: use get, get_or_update, update, delete, has, touch, execute or key",
            self.0
        )
    }
}

impl std::error::Error for UnknownAction {}

/// The result of [`Call::run`](crate::Call::run): that of the verb. `O` is the return type of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionResult<V, O = V> {
    /// `get_or_update`, `update`, `execute`: the result of the body.
    Returned(O),
    /// `get`: the cached value.
    Cached(Option<V>),
    /// `delete`, `has`, `touch`: whether there was an entry.
    Existed(bool),
    /// `key`: the key.
    Key(Key),
}

impl<V, O> ActionResult<V, O> {
    /// The result of the body, if the verb returns one.
    pub fn returned(self) -> Option<O> {
        match self {
            ActionResult::Returned(out) => Some(out),
            _ => None,
        }
    }
}
