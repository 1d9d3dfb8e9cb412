//! Leases: one computation of a key among processes. Two handles of one server act as two processes: they share no flights.
//! `processes` has real processes.

mod cost;
mod forms;
mod memcached;
mod processes;
mod rules;
mod servers;
mod service;
mod tags;
mod tiers;
