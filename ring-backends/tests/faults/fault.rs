//! The faults: how each begins and ends, and its repeated actions.

use std::time::Duration;

use ring_cache_test_servers::Spoil;

use crate::site::Site;

pub(crate) struct Fault {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// The proxies disturb the traffic.
    Spoiled(Spoil),
    /// Something begins and ends.
    Between(fn(&Site), fn(&Site)),
    /// The keys of the answers are changed, repeatedly.
    Again(fn(&Site, &[String])),
}

const fn spoiled(name: &'static str, spoil: Spoil) -> Fault {
    let kind = Kind::Spoiled(spoil);
    Fault { name, kind }
}

const fn between(name: &'static str, begin: fn(&Site), end: fn(&Site)) -> Fault {
    let kind = Kind::Between(begin, end);
    Fault { name, kind }
}

const fn again(name: &'static str, act: fn(&Site, &[String])) -> Fault {
    let kind = Kind::Again(act);
    Fault { name, kind }
}

/// More than the longest reply, so that some connections are not cut for a while.
const CUT_WITHIN: usize = 250;

pub(crate) const FAULTS: &[Fault] = &[
    spoiled("delay of 20 ms", Spoil::Delay(Duration::from_millis(10))),
    spoiled("delay of 300 ms", Spoil::Delay(Duration::from_millis(150))),
    spoiled("trickle", Spoil::Trickle(Duration::from_millis(5))),
    spoiled("replies cut", Spoil::CutReplies(CUT_WITHIN)),
    spoiled("questions cut", Spoil::CutQuestions(CUT_WITHIN)),
    spoiled("replies corrupted", Spoil::Corrupt),
    spoiled("replies doubled", Spoil::Double),
    spoiled("replies lost", Spoil::Swallow),
    spoiled("black hole", Spoil::Hole),
    spoiled("black hole for new", Spoil::HoleForNew),
    spoiled("refused", Spoil::Refuse),
    spoiled("reset", Spoil::Reset),
    between("SIGSTOP", Site::stop, Site::cont),
    between("SIGKILL", Site::kill, Site::restart),
    between("full", Site::fill, Site::empty),
    again("foreign bytes", Site::write_foreign),
    again("other types", Site::write_other_types),
    again("flushed", |site, _| site.flush()),
];

impl Fault {
    pub(crate) fn begin(&self, site: &Site) {
        match self.kind {
            Kind::Spoiled(spoil) => site.spoil(spoil),
            Kind::Between(begin, _) => begin(site),
            Kind::Again(_) => {}
        }
    }

    pub(crate) fn end(&self, site: &Site) {
        match self.kind {
            Kind::Spoiled(_) => site.spoil(Spoil::Nothing),
            Kind::Between(_, end) => end(site),
            Kind::Again(_) => {}
        }
    }

    /// Whether the proxies must count disturbances. A refused connection never reaches one.
    pub(crate) fn is_counted(&self) -> bool {
        matches!(self.kind, Kind::Spoiled(spoil) if spoil != Spoil::Refuse)
    }
}
