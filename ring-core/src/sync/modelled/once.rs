//! A cell that is written once. This crate needs no waiting for another thread's write.

use super::others_may_run;

/// std's `OnceLock`, of which every use is a step.
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        OnceLock(std::sync::OnceLock::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        others_may_run();
        self.0.get()
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        others_may_run();
        self.0.set(value)
    }
}
