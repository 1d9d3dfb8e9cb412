//! The contract of storages detects flaws: storages with one flaw each, and the case that finds it.

mod flaw;
mod flawed;
mod flawed_async;

use std::time::Duration;

use ring_cache_core::clock::ManualClock;
use ring_cache_core::testing::contract;

use flaw::Flaw;
use flawed::Flawed;

/// The cases in which a storage with this flaw fails. All created storages share their entries.
fn noticed_by<const TEXT_KEYS: bool>(flaw: Flaw) -> Vec<&'static str> {
    let clock = ManualClock::default();
    let first = Flawed::<TEXT_KEYS>::new(flaw, clock.clone());
    let breaches = contract::blocking(|| first.another())
        .bytes()
        .expires(|by| clock.advance(by))
        .clears()
        .clones()
        .shared()
        .largest_value(70_000)
        .breaches();
    breaches.into_iter().map(|breach| breach.case).collect()
}

#[track_caller]
fn assert_noticed(flaw: Flaw, case: &str) {
    let cases = noticed_by::<true>(flaw);
    assert!(
        cases.contains(&case),
        "{flaw:?} is noticed by {cases:?}, and not by {case}"
    );
}

#[test]
fn a_storage_without_a_flaw_passes() {
    assert_eq!(noticed_by::<true>(Flaw::None), [""; 0]);
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn wrong_answers() {
    assert_noticed(Flaw::RemoveSaysTrue, "a_new_key_is_absent");
    assert_noticed(Flaw::RemoveSaysFalse, "a_removed_entry_is_gone");
    assert_noticed(Flaw::RemoveLeaves, "a_removed_entry_is_gone");
    assert_noticed(Flaw::ContainsSaysTrue, "a_new_key_is_absent");
    assert_noticed(Flaw::FirstWriteStays, "a_write_replaces");
    assert_noticed(Flaw::WriteIfAbsentReplaces, "a_write_if_absent_replaces_nothing");
    assert_noticed(Flaw::KeepsOneEntry, "entries_do_not_disturb_each_other");
    assert_noticed(Flaw::KeepsFewEntries, "many_entries");
    assert_noticed(Flaw::RemoveSaysTrue, "verbs");
    assert_noticed(Flaw::ContainsSaysTrue, "verbs");
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn values_that_come_back_changed() {
    assert_noticed(Flaw::LosesEmptyValues, "values_empty");
    assert_noticed(Flaw::KeepsAscii, "values_of_one_byte");
    assert_noticed(Flaw::CutsValuesAtNul, "values_of_all_bytes");
    assert_noticed(Flaw::TrimsValues, "values_of_all_bytes");
    assert_noticed(Flaw::CountsLengthsInTwoBytes, "values_of_all_lengths");
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn keys_that_are_mixed_up() {
    assert_noticed(Flaw::IgnoresCase, "keys_that_differ_by_case");
    assert_noticed(Flaw::CutsKeys, "keys_that_begin_alike");
    assert_noticed(Flaw::DecodesKeys, "keys_of_every_shape");
    assert_noticed(Flaw::TakesLastSegments, "keys_of_calls");
    assert_noticed(Flaw::TakesLastSegments, "rings_do_not_mix");
    assert_noticed(Flaw::TellsCutKeys, "stored_keys_are_distinct");
    assert_noticed(Flaw::NamesTypesOfKeys, "recorded_keys");
    // By text, although it claims to compare bytes.
    assert_eq!(noticed_by::<false>(Flaw::None), ["keys_of_one_text"]);
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn operations_on_many_keys() {
    assert_noticed(Flaw::ReadsManyBackwards, "many_equals_one_by_one");
    assert_noticed(Flaw::ReadsManyWithoutGaps, "many_equals_one_by_one");
    assert_noticed(Flaw::RemovesManyBackwards, "many_equals_one_by_one");
    assert_noticed(Flaw::ContainsManyBackwards, "many_equals_one_by_one");
    assert_noticed(Flaw::RemovesLastOfMany, "many_with_duplicates_that_remove");
    assert_noticed(Flaw::RenewsManyOutOfOrder, "a_touch_of_many_equals_one_by_one");
    assert_noticed(Flaw::RenewsManyForFirst, "a_touch_of_many_equals_one_by_one");
    assert_noticed(Flaw::FailsForNoKeys, "many_of_no_keys");
    assert_noticed(Flaw::FirstDuplicateStays, "many_with_duplicates");
    assert_noticed(Flaw::WritesFewOfMany, "many_of_a_thousand_keys");
    assert_noticed(Flaw::WritesManyWithoutExpiry, "many_have_their_own_expiries");
    assert_noticed(Flaw::ReadsManyBackwards, "bulk_calls");
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn expiries() {
    assert_noticed(Flaw::IgnoresExpiry, "short_expiries_end");
    assert_noticed(Flaw::ContainsExpired, "short_expiries_end");
    assert_noticed(Flaw::RemovesExpired, "short_expiries_end");
    assert_noticed(Flaw::StoresForZero, "an_expiry_of_zero_removes");
    assert_noticed(Flaw::IgnoresZero, "an_expiry_of_zero_removes");
    assert_noticed(Flaw::RoundsDown, "tiny_expiries_end");
    assert_noticed(Flaw::TakesMonthsForDates, "long_expiries_last");
    assert_noticed(Flaw::KeepsFirstExpiry, "a_write_brings_its_own_expiry");
    assert_noticed(
        Flaw::WriteIfAbsentTouches,
        "a_write_if_absent_brings_its_own_expiry",
    );
    assert_noticed(Flaw::TouchSaysTrue, "a_touch_restarts_the_expiry");
    assert_noticed(Flaw::TouchOnlyLooks, "a_touch_restarts_the_expiry");
    assert_noticed(Flaw::TouchNeverShortens, "a_touch_restarts_the_expiry");
    assert_noticed(Flaw::TellsWholeExpiries, "remaining_expiries");
    assert_noticed(Flaw::ReadsExpiringForEver, "remaining_expiries");
    assert_noticed(Flaw::LooksRenew, "a_touch_without_expiry_only_looks");
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn clears_of_too_much_and_too_little() {
    assert_noticed(Flaw::ClearsNothing, "clear_drops_one_ring");
    assert_noticed(Flaw::ClearsAll, "clear_drops_one_ring");
    assert_noticed(Flaw::ClearsByPrefix, "clear_of_a_name_that_begins_another");
    assert_noticed(Flaw::ClearsByPattern, "clear_of_a_name_with_wildcards");
    assert_noticed(Flaw::ClearsWithColon, "clear_of_calls_without_arguments");
}

#[test]
#[ignore = "slow: the contract runs once for each flaw"]
fn computations_that_are_not_known() {
    assert_noticed(Flaw::ClonesComputeApart, "clones_share_computations");
    assert_noticed(Flaw::ClonesStoreApart, "clones_are_one_storage");
    assert_noticed(Flaw::StoragesStoreApart, "storages_share_entries");
    let cases = noticed_by::<true>(Flaw::ForgetsFlights);
    for case in [
        "a_cold_key_is_computed_once",
        "delete_during_a_computation",
        "set_during_a_computation",
        "the_update_that_started_last_wins",
        "clear_during_a_computation",
    ] {
        assert!(cases.contains(&case), "{case} is not among {cases:?}");
    }
}

#[test]
fn the_message_names_the_case_and_the_found_value() {
    let clock = ManualClock::default();
    let contract = contract::blocking(|| Flawed::<true>::new(Flaw::RemoveSaysFalse, clock.clone()))
        .bytes()
        .only("a_removed_entry_is_gone");
    let message = "`remove` of the key `('contract',0)` which is there: expected true, found false";
    let breaches = contract.breaches();
    assert_eq!((breaches.len(), breaches[0].message.as_str()), (1, message));
    let panic = std::panic::catch_unwind(|| {
        contract::blocking(|| Flawed::<true>::new(Flaw::RemoveSaysFalse, ManualClock::default()))
            .bytes()
            .only("a_removed_entry_is_gone")
            .run()
    });
    let panic = *panic.unwrap_err().downcast::<String>().unwrap();
    assert!(
        panic.ends_with(&format!("\n  a_removed_entry_is_gone: {message}")),
        "{panic}"
    );
}

#[test]
fn cases_are_listed_and_run_alone() {
    let clock = ManualClock::default();
    let sound = || Flawed::<true>::new(Flaw::None, clock.clone());
    let contract = || contract::blocking(sound).values(|number| number.to_be_bytes().to_vec());
    let plain = contract().cases();
    assert!(plain.contains(&"verbs") && !plain.contains(&"short_expiries_end"));
    let more = contract()
        .expires(|by| clock.advance(by))
        .expiry_unit(Duration::from_millis(1));
    assert!(more.cases().contains(&"short_expiries_end"));
    for case in plain {
        contract().only(case).run();
    }
}

#[test]
#[should_panic(expected = "unknown case `unknown`; the cases are: a_new_key_is_absent")]
fn a_case_that_does_not_exist() {
    let storage = || Flawed::<true>::new(Flaw::None, ManualClock::default());
    contract::blocking(storage).bytes().only("unknown").run();
}

#[test]
#[should_panic(
    expected = "the case `short_expiries_end` cannot run: it needs entries that expire: add `.expires(..)`"
)]
fn a_case_that_would_be_left_out() {
    let storage = || Flawed::<true>::new(Flaw::None, ManualClock::default());
    contract::blocking(storage)
        .bytes()
        .only("short_expiries_end")
        .run();
}
