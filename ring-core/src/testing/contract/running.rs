//! Running of cases, and their results.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Contract;

/// A case that failed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Breach {
    /// The name of the case.
    pub case: &'static str,
    /// The expected and the found value.
    pub message: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.message)
    }
}

impl<S, T, M> Contract<'_, S, T, M> {
    /// The names of the cases that run.
    pub fn cases(&self) -> Vec<&'static str> {
        let cases = self.cases.iter();
        let cases = cases.filter(|case| case.left_out(&self.trial).is_none());
        cases.map(|case| case.name).collect()
    }

    /// Runs the cases, one after another, also after a failure. Prints their names, and the reason for each that is
    /// left out.
    ///
    /// # Panics
    ///
    /// If a case fails: the message names the cases, and the expected and found values. A case that is printed and
    /// neither passes nor fails hangs.
    #[track_caller]
    pub fn run(&self) {
        let breaches = self.breaches();
        let count = breaches.len();
        let list: String = breaches.iter().map(|breach| format!("\n  {breach}")).collect();
        assert!(
            count == 0,
            "the storage breaks its contract in {count} cases (run one alone by `.only(..)`):{list}"
        );
    }

    /// Runs the cases as [`run`](Self::run) does, and returns those that failed.
    #[track_caller]
    pub fn breaches(&self) -> Vec<Breach> {
        self.assert_that_only_is_there();
        let mut breaches = Vec::new();
        for case in &self.cases {
            if self.only.as_ref().is_some_and(|only| only != case.name) {
                continue;
            }
            if let Some(reason) = case.left_out(&self.trial) {
                println!("contract: {} is left out: it {reason}", case.name);
                continue;
            }
            println!("contract: {} ..", case.name);
            match catch_unwind(AssertUnwindSafe(|| case.run(&self.trial))) {
                Ok(()) => println!("contract: {} passed", case.name),
                Err(panic) => {
                    println!("contract: {} failed", case.name);
                    breaches.push(Breach {
                        case: case.name,
                        message: message_of(&*panic),
                    });
                }
            }
        }
        breaches
    }

    #[track_caller]
    fn assert_that_only_is_there(&self) {
        let Some(only) = &self.only else { return };
        let Some(case) = self.cases.iter().find(|case| case.name == only) else {
            panic!(
                "unknown case `{only}`; the cases are: {}",
                self.cases().join(", ")
            );
        };
        if let Some(reason) = case.left_out(&self.trial) {
            panic!("the case `{only}` cannot run: it {reason}");
        }
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".to_owned())
}
