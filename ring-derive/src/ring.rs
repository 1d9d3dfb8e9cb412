//! `#[ring]` and `#[ring_impl]`: read a method and its options into a model, check the model, and make the method, its
//! accessor and its handle.

mod associated;
mod block;
mod bounds;
mod check;
mod enclosing;
mod expand;
mod function;
mod item;
mod marks;
mod model;
mod name;
mod named_calls;
mod names;
mod owner;
mod passed;
mod scope;
mod self_type;
mod tags;
mod template;
mod writer;

pub(crate) use self::block::expand as expand_block;
pub(crate) use self::function::expand as expand_function;
