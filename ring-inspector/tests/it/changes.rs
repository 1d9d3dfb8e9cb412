//! Deleting, refreshing and clearing, with the token and without.

use ring_cache::Lookup;
use ring_cache::inspector::Inspector;

use crate::http::{Served, encoded};
use crate::rings::{
    cleared, cleared_cache, cleared_ring, refreshed, refreshed_ring, removed, removed_ring, removed_too,
    removed_too_ring,
};

const TOKEN: &str = "a token that nobody guesses";

fn served() -> Served {
    Served::new(Inspector::new().allow_changes(TOKEN))
}

#[test]
fn o7_a_key_is_deleted_with_the_token_and_no_other() {
    let served = served();
    for id in ["one", "two"] {
        removed(id.into());
        removed_too(id.into());
    }
    for token in [
        "",
        "a",
        "a token that nobody guesse",
        "A token that nobody guesses",
        "a token that nobody guesses!",
    ] {
        let reply = served.post(&[("token", token), ("ring", "removed"), ("delete", "removed:one")]);
        assert_eq!(reply.status, 403, "{token}");
    }
    assert!(removed_ring("one".into()).has());
    let reply = served.post(&[("token", TOKEN), ("ring", "removed"), ("delete", "removed:one")]);
    assert_eq!((reply.status, &*reply.body), (200, "The key was deleted.\n"));
    let again = served.post(&[("token", TOKEN), ("ring", "removed"), ("delete", "removed:one")]);
    assert_eq!(again.body, "There was no such entry.\n");
    // Not under the name of another ring.
    served.post(&[
        ("token", TOKEN),
        ("ring", "removed"),
        ("delete", "removed-too:two"),
    ]);
    assert!(!removed_ring("one".into()).has() && removed_ring("two".into()).has());
    assert!(removed_too_ring("one".into()).has() && removed_too_ring("two".into()).has());
}

#[test]
fn o7_a_refreshed_entry_is_stale_and_computed_anew_by_the_next_call() {
    let served = served();
    refreshed("one".into());
    assert!(matches!(refreshed_ring("one".into()).lookup(), Lookup::Fresh(_)));
    let reply = served.post(&[
        ("token", TOKEN),
        ("ring", "refreshed"),
        ("refresh", "refreshed:one"),
    ]);
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(matches!(refreshed_ring("one".into()).lookup(), Lookup::Stale(_)));
    refreshed("one".into());
    assert!(matches!(refreshed_ring("one".into()).lookup(), Lookup::Fresh(_)));
}

#[test]
fn o7_a_ring_is_cleared_when_it_is_asked_for_twice() {
    let served = served();
    (0..5).for_each(|id| drop(cleared(id.to_string())));
    let form = [("token", TOKEN), ("ring", "cleared"), ("clear", "yes")];
    let reply = served.post(&form);
    assert_eq!(reply.status, 409);
    assert!(
        reply.body.contains("sure=yes") && cleared_ring("1".into()).has(),
        "{}",
        reply.body
    );
    let page = served.ask("POST", "/change", &["Accept: text/html"], &encoded(&form));
    assert!(
        page.status == 200 && page.body.contains("Clear this ring?"),
        "{}",
        page.body
    );
    assert!(cleared_ring("1".into()).has());
    let reply = served.post(&[form[0], form[1], form[2], ("sure", "yes")]);
    assert_eq!((reply.status, &*reply.body), (200, "The ring was cleared.\n"));
    assert!(cleared_cache().storage().is_empty());
}

#[test]
fn o7_a_form_of_the_page_leads_back_to_it() {
    let served = served();
    removed("three".into());
    let form = [
        ("token", TOKEN),
        ("ring", "removed"),
        ("from", "0.7"),
        ("check", "yes"),
    ];
    let reply = served.ask("POST", "/change", &["Accept: text/html"], &encoded(&form));
    assert_eq!(reply.status, 303);
    assert_eq!(
        reply.header("location"),
        Some("/ring?ring=removed&from=0.7&done=checked")
    );
    let hostile = [
        ("token", TOKEN),
        ("ring", "removed"),
        ("from", "\r\nSet-Cookie: x=1"),
        ("check", "yes"),
    ];
    let reply = served.ask("POST", "/change", &["Accept: text/html"], &encoded(&hostile));
    assert_eq!(reply.header("set-cookie"), None, "{}", reply.head);
}

#[test]
fn o7_nonsense_changes_nothing() {
    let served = served();
    let cases: [(&[(&str, &str)], u16); 5] = [
        (&[("token", TOKEN)], 400),
        (&[("token", TOKEN), ("ring", "removed")], 400),
        (&[("token", TOKEN), ("ring", "none"), ("delete", "x")], 404),
        (
            &[
                ("token", TOKEN),
                ("ring", "removed"),
                ("storage", "999999"),
                ("delete", "x"),
            ],
            404,
        ),
        (&[], 403),
    ];
    for (form, status) in cases {
        assert_eq!(served.post(form).status, status, "{form:?}");
    }
    let long = "x".repeat(300 << 10);
    assert_eq!(served.post(&[("token", TOKEN), ("delete", &long)]).status, 413);
    assert_eq!(served.ask("GET", "/change?token=x&delete=y", &[], "").status, 405);
}

#[test]
fn o7_an_inspector_without_a_token_changes_nothing() {
    removed("four".into());
    let served = Served::new(Inspector::new());
    for token in ["", TOKEN] {
        let reply = served.post(&[("token", token), ("ring", "removed"), ("delete", "removed:four")]);
        assert!(
            reply.status == 403 && reply.body.contains("read-only"),
            "{}",
            reply.body
        );
    }
    assert!(removed_ring("four".into()).has());
}
