//! The two modes of calls: verbs that block the thread, and verbs that are awaited.

/// The verbs of these calls block the thread.
#[derive(Debug)]
pub enum Blocking {}

/// The verbs of these calls are awaited.
#[derive(Debug)]
pub enum Awaited {}
