//! All cases, by name.

use super::subject::{Subject, Tested, Value};
use super::trial::Trial;
use super::{bulk, bytes, calls, clearing, computing, dropping, entries, expiry, handles, keys};
use crate::mode::Awaited;
use crate::storage::AsyncStorage;

/// One thing that a storage promises.
pub(super) struct Case<Su, T> {
    pub(super) name: &'static str,
    needs: Needs,
    /// How many entries the storage must be able to keep at a time.
    entries: usize,
    run: Run<Su, T>,
}

type Run<Su, T> = fn(&Trial<'_, Su, T>);

/// What a storage must be capable of beside the raw operations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Bytes,
    Expiry,
    Clear,
    Clones,
    Sharing,
}

impl<Su, T> Case<Su, T> {
    /// Why the case is left out, if it is.
    pub(super) fn left_out(&self, trial: &Trial<'_, Su, T>) -> Option<&'static str> {
        if trial.capacity < self.entries {
            return Some("needs more entries than the storage surely keeps");
        }
        let (is_met, otherwise) = match self.needs {
            Needs::Nothing => (true, ""),
            Needs::Bytes => (trial.of_bytes.is_some(), "is about bytes: `.bytes()`"),
            Needs::Expiry => (trial.advance.is_some(), "needs time: `.expires(..)`"),
            Needs::Clear => (trial.clear.is_some(), "is about `clear`: `.clears()`"),
            Needs::Clones => (trial.clone.is_some(), "is about clones: `.clones()`"),
            Needs::Sharing => (
                trial.shares,
                "is about entries that outlive a handle: `.shared()`",
            ),
        };
        (!is_met).then_some(otherwise)
    }

    pub(super) fn run(&self, trial: &Trial<'_, Su, T>) {
        (self.run)(trial);
    }
}

macro_rules! cases {
    ($($name:literal, $needs:ident, $entries:literal, $run:path;)*) => {
        vec![$(Case { name: $name, needs: Needs::$needs, entries: $entries, run: $run },)*]
    };
}

/// The cases of all storages, the simplest first.
pub(super) fn all<Su: Tested<T>, T: Value>() -> Vec<Case<Su, T>> {
    cases! {
        "nothing_is_there_at_first", Nothing, 1, entries::nothing_is_there_at_first;
        "what_was_written_is_found", Nothing, 1, entries::what_was_written_is_found;
        "a_write_replaces", Nothing, 1, entries::a_write_replaces;
        "a_removed_entry_is_gone", Nothing, 1, entries::a_removed_entry_is_gone;
        "entries_do_not_disturb_each_other", Nothing, 2, entries::entries_do_not_disturb_each_other;
        "many_entries", Nothing, 2, entries::many_entries;
        "verbs", Nothing, 1, entries::verbs;
        "values_empty", Bytes, 1, bytes::values_empty;
        "values_of_one_byte", Bytes, 1, bytes::values_of_one_byte;
        "values_of_all_bytes", Bytes, 1, bytes::values_of_all_bytes;
        "values_of_all_lengths", Bytes, 1, bytes::values_of_all_lengths;
        "keys_of_every_shape", Nothing, 1, keys::keys_of_every_shape;
        "keys_of_calls", Nothing, 1, keys::keys_of_calls;
        "keys_that_differ_by_case", Nothing, 2, keys::keys_that_differ_by_case;
        "keys_that_begin_alike", Nothing, 2, keys::keys_that_begin_alike;
        "keys_of_one_text", Nothing, 2, keys::keys_of_one_text;
        "keys_where_they_lie", Nothing, 1, keys::keys_where_they_lie;
        "keys_that_were_recorded", Nothing, 1, keys::keys_that_were_recorded;
        "many_equals_one_by_one", Nothing, 6, bulk::many_equals_one_by_one;
        "many_of_no_keys", Nothing, 1, bulk::many_of_no_keys;
        "many_with_duplicates", Nothing, 2, bulk::many_with_duplicates;
        "many_of_a_thousand_keys", Nothing, 2, bulk::many_of_a_thousand_keys;
        "an_expiry_of_zero_removes", Expiry, 1, expiry::an_expiry_of_zero_removes;
        "short_expiries_end", Expiry, 6, expiry::short_expiries_end;
        "tiny_expiries_end", Expiry, 3, expiry::tiny_expiries_end;
        "long_expiries_last", Expiry, 10, expiry::long_expiries_last;
        "a_write_brings_its_own_expiry", Expiry, 3, expiry::a_write_brings_its_own_expiry;
        "a_touch_restarts_the_expiry", Expiry, 3, expiry::a_touch_restarts_the_expiry;
        "a_touch_without_expiry_only_looks", Expiry, 2, expiry::a_touch_without_expiry_only_looks;
        "many_have_their_own_expiries", Expiry, 3, expiry::many_have_their_own_expiries;
        "many_with_duplicates_that_remove", Expiry, 2, bulk::many_with_duplicates_that_remove;
        "a_touch_of_many_equals_one_by_one", Expiry, 3, expiry::a_touch_of_many_equals_one_by_one;
        "what_is_left_of_expiries", Expiry, 3, expiry::what_is_left_of_expiries;
        "calls", Nothing, 1, calls::calls;
        "bulk_calls", Nothing, 3, calls::bulk_calls;
        "rings_do_not_mix", Nothing, 2, calls::rings_do_not_mix;
        "clear_drops_one_ring", Clear, 6, clearing::clear_drops_one_ring;
        "clear_of_a_name_that_begins_another", Clear, 10, clearing::clear_of_a_name_that_begins_another;
        "clear_of_a_name_with_wildcards", Clear, 20, clearing::clear_of_a_name_with_wildcards;
        "clear_of_calls_without_arguments", Clear, 2, clearing::clear_of_calls_without_arguments;
        "clear_during_a_computation", Clear, 1, clearing::clear_during_a_computation;
        "a_cold_key_is_computed_once", Nothing, 1, computing::a_cold_key_is_computed_once;
        "delete_during_a_computation", Nothing, 1, computing::delete_during_a_computation;
        "set_during_a_computation", Nothing, 1, computing::set_during_a_computation;
        "the_update_that_started_last_wins", Nothing, 1, computing::the_update_that_started_last_wins;
        "a_leader_that_panics_hands_over", Nothing, 1, computing::a_leader_that_panics_hands_over;
        "clones_are_one_storage", Clones, 1, handles::clones_are_one_storage;
        "clones_share_computations", Clones, 1, handles::clones_share_computations;
        "storages_share_entries", Sharing, 1, handles::storages_share_entries;
    }
}

/// The cases of futures that are dropped.
pub(super) fn of_futures<'c, S: AsyncStorage<T> + Sync, T: Value>() -> Vec<Case<Subject<'c, S, Awaited>, T>> {
    cases! {
        "a_dropped_read_answers_nobody", Nothing, 2, dropping::a_dropped_read_answers_nobody;
        "a_dropped_write_is_done_or_not", Nothing, 1, dropping::a_dropped_write_is_done_or_not;
        "a_dropped_remove_is_done_or_not", Nothing, 1, dropping::a_dropped_remove_is_done_or_not;
        "dropped_bulk_is_done_or_not", Nothing, 2, dropping::dropped_bulk_is_done_or_not;
        "a_dropped_call_leaves_nothing", Nothing, 1, dropping::a_dropped_call_leaves_nothing;
    }
}
