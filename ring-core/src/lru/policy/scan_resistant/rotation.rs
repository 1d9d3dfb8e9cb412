//! The interval of checks for protected entries that were never used.

/// The interval between checks, in evictions. It grows while unused entries are found: in a long loop the only hits
/// are entries that stay until their next use. It shrinks while used entries are found.
pub(super) struct Rotation {
    pause: u32,
    waited: u32,
}

impl Rotation {
    const SHORTEST: u32 = 16;
    const LONGEST: u32 = 512;

    /// Whether a check is due. Called at each eviction.
    pub(super) fn is_due(&mut self) -> bool {
        self.waited += 1;
        let is_due = self.waited >= self.pause;
        if is_due {
            self.waited = 0;
        }
        is_due
    }

    pub(super) fn found_unproven(&mut self) {
        self.pause = (self.pause + self.pause / 16).min(Self::LONGEST);
    }

    pub(super) fn found_used(&mut self) {
        self.pause = (self.pause - self.pause / 4).max(Self::SHORTEST);
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Rotation {
            pause: Self::SHORTEST,
            waited: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rare_while_they_find_what_was_never_used() {
        let mut rotation = Rotation::default();
        let looks = |rotation: &mut Rotation| (0..10_000).filter(|_| rotation.is_due()).count();
        let often = looks(&mut rotation);
        (0..1000).for_each(|_| rotation.found_unproven());
        let rarely = looks(&mut rotation);
        assert!(often > 20 * rarely && rarely > 10, "{often} and {rarely}");
        (0..1000).for_each(|_| rotation.found_used());
        assert_eq!(looks(&mut rotation), often);
    }
}
