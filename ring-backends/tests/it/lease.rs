//! Leases: one computation of a key among processes. Two handles of one server stand for two processes: they share no
//! flights. Real processes are in `processes`.

mod cost;
mod forms;
mod memcached;
mod processes;
mod rules;
mod servers;
mod service;
mod tags;
mod tiers;
