//! Whole responses in the storages of ring-cache: each rule of the layer, over real connections where they matter.

mod attacks;
mod browser;
mod conditions;
mod keys;
mod oracle;
mod refused;
mod revalidate;
mod site;
mod stale;
mod storages;
mod streams;
mod tags;
mod verbs;
