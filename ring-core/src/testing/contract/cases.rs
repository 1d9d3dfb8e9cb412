//! All cases, by name.

use super::subject::{Subject, Tested, Value};
use super::trial::Trial;
use super::{bulk, bytes, calls, clearing, computing, dropping, entries, expiry, handles, keys};
use crate::mode::Awaited;
use crate::storage::AsyncStorage;

/// A promise of storages, and its test.
pub(super) struct Case<Su, T> {
    pub(super) name: &'static str,
    needs: Needs,
    /// The number of entries that the storage must keep at a time.
    entries: usize,
    run: Run<Su, T>,
}

type Run<Su, T> = fn(&Trial<'_, Su, T>);

/// The capability that a case needs in addition to the raw operations.
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
    /// The reason to leave the case out, if there is one.
    pub(super) fn left_out(&self, trial: &Trial<'_, Su, T>) -> Option<&'static str> {
        if trial.capacity < self.entries {
            return Some("needs more entries than the storage keeps");
        }
        let (is_met, otherwise) = match self.needs {
            Needs::Nothing => (true, ""),
            Needs::Bytes => (trial.of_bytes.is_some(), "needs bytes as values: use `.bytes()`"),
            Needs::Expiry => (
                trial.advance.is_some(),
                "needs entries that expire: add `.expires(..)`",
            ),
            Needs::Clear => (trial.clear.is_some(), "needs `clear`: add `.clears()`"),
            Needs::Clones => (trial.clone.is_some(), "needs clones: add `.clones()`"),
            Needs::Sharing => (
                trial.shares,
                "needs entries that outlive a handle: add `.shared()`",
            ),
        };
        (!is_met).then_some(otherwise)
    }

    pub(super) fn run(&self, trial: &Trial<'_, Su, T>) {
        (self.run)(trial);
    }
}

/// Cases by their functions, with their needs and the number of entries that the storage must keep.
macro_rules! cases {
    ($($file:ident::$name:ident, $needs:ident, $entries:literal;)*) => {
        vec![$(Case { name: stringify!($name), needs: Needs::$needs, entries: $entries, run: $file::$name },)*]
    };
}

/// The cases of all storages, the simplest first.
pub(super) fn all<Su: Tested<T>, T: Value>() -> Vec<Case<Su, T>> {
    cases! {
        entries::a_new_key_is_absent, Nothing, 1;
        entries::a_written_value_is_found, Nothing, 1;
        entries::a_write_replaces, Nothing, 1;
        entries::a_write_if_absent_replaces_nothing, Nothing, 1;
        entries::a_removed_entry_is_gone, Nothing, 1;
        entries::entries_do_not_disturb_each_other, Nothing, 2;
        entries::many_entries, Nothing, 2;
        entries::verbs, Nothing, 1;
        bytes::values_empty, Bytes, 1;
        bytes::values_of_one_byte, Bytes, 1;
        bytes::values_of_all_bytes, Bytes, 1;
        bytes::values_of_all_lengths, Bytes, 1;
        keys::keys_of_every_shape, Nothing, 1;
        keys::keys_of_calls, Nothing, 1;
        keys::keys_that_differ_by_case, Nothing, 2;
        keys::keys_that_begin_alike, Nothing, 2;
        keys::keys_of_one_text, Nothing, 2;
        keys::stored_keys_are_distinct, Nothing, 1;
        keys::recorded_keys, Nothing, 1;
        bulk::many_equals_one_by_one, Nothing, 6;
        bulk::many_of_no_keys, Nothing, 1;
        bulk::many_with_duplicates, Nothing, 2;
        bulk::many_of_a_thousand_keys, Nothing, 2;
        expiry::an_expiry_of_zero_removes, Expiry, 1;
        expiry::short_expiries_end, Expiry, 6;
        expiry::tiny_expiries_end, Expiry, 3;
        expiry::long_expiries_last, Expiry, 10;
        expiry::a_write_brings_its_own_expiry, Expiry, 3;
        expiry::a_write_if_absent_brings_its_own_expiry, Expiry, 1;
        expiry::a_touch_restarts_the_expiry, Expiry, 3;
        expiry::a_touch_without_expiry_only_looks, Expiry, 2;
        expiry::many_have_their_own_expiries, Expiry, 3;
        bulk::many_with_duplicates_that_remove, Expiry, 2;
        expiry::a_touch_of_many_equals_one_by_one, Expiry, 3;
        expiry::remaining_expiries, Expiry, 3;
        calls::calls, Nothing, 1;
        calls::bulk_calls, Nothing, 3;
        calls::rings_do_not_mix, Nothing, 2;
        clearing::clear_drops_one_ring, Clear, 6;
        clearing::clear_of_a_name_that_begins_another, Clear, 10;
        clearing::clear_of_a_name_with_wildcards, Clear, 20;
        clearing::clear_of_calls_without_arguments, Clear, 2;
        clearing::clear_during_a_computation, Clear, 1;
        computing::a_cold_key_is_computed_once, Nothing, 1;
        computing::delete_during_a_computation, Nothing, 1;
        computing::set_during_a_computation, Nothing, 1;
        computing::the_update_that_started_last_wins, Nothing, 1;
        computing::a_leader_that_panics_hands_over, Nothing, 1;
        handles::clones_are_one_storage, Clones, 1;
        handles::clones_share_computations, Clones, 1;
        handles::storages_share_entries, Sharing, 1;
    }
}

/// The cases of futures that are dropped.
pub(super) fn of_futures<'c, S: AsyncStorage<T> + Sync, T: Value>() -> Vec<Case<Subject<'c, S, Awaited>, T>> {
    cases! {
        dropping::a_dropped_read_answers_no_other_request, Nothing, 2;
        dropping::a_dropped_write_is_done_or_not, Nothing, 1;
        dropping::a_dropped_remove_is_done_or_not, Nothing, 1;
        dropping::dropped_bulk_is_done_or_not, Nothing, 2;
        dropping::a_dropped_call_leaves_nothing, Nothing, 1;
    }
}
