//! The page in a browser. Left out where Chromium is not installed.

mod chromium;

use std::net::TcpListener;
use std::time::Duration;

use ring_cache::Lookup;
use ring_cache::inspector::Inspector;
use ring_cache::{Breaker, Redis, RingKey, ring_impl};
use serde_json::json;

use crate::http::Served;
use crate::rings::{
    clicked, clicked_cache, clicked_ring, evil, live, many, without_script, without_script_ring,
};
use chromium::Browser;

const TOKEN: &str = "a token that nobody guesses";

fn served() -> Served {
    Served::new(Inspector::new().allow_changes(TOKEN))
}

impl Served {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host())
    }
}

/// Markup wherever users and errors bring text in: keys, names of rings and services, addresses, failures.
#[test]
fn o7_text_from_elsewhere_is_never_markup_or_script() {
    let Some(mut browser) = Browser::open("hostile texts in the inspector") else {
        return;
    };
    let keys = [
        "<script>hacked()</script>",
        "<img src=x onerror=hacked()>",
        "\"><svg onload=hacked()>",
        "'><a href=javascript:hacked()>x</a>",
        "</title></style></script><script>hacked()</script>",
        "&lt;script&gt;",
    ];
    keys.iter().for_each(|key| drop(evil((*key).into())));
    let served = served();
    for path in [
        "/",
        "/ring?ring=%3Cimg/src=x/onerror=hacked()%3E",
        "/ring?ring=%3Cscript%3Ehacked()%3C/script%3E",
    ] {
        browser.goto(&served.url(path));
        // Whatever were to run would have by the time that the script of the page does.
        if !path.contains("script") {
            browser.wait_for("document.getElementById('live')?.hidden === false");
        }
        assert_eq!(browser.eval("typeof window.hacked"), "undefined");
        let foreign = "document.querySelectorAll('img, iframe, object, svg[onload], a[href^=javascript], [onerror]').length";
        assert_eq!(browser.eval(foreign), 0, "{path}");
        assert_eq!(
            browser.eval("document.scripts.length <= 1 && document.title.length < 60"),
            true,
            "{path}"
        );
    }
    browser.goto(&served.url("/ring?ring=%3Cimg/src=x/onerror=hacked()%3E"));
    assert_eq!(
        browser.eval("document.querySelector('h1').textContent"),
        "<img/src=x/onerror=hacked()>"
    );
    assert_eq!(
        browser.eval("document.querySelectorAll('.keys tbody tr').length"),
        keys.len()
    );
    browser.picture("hostile");
    browser.assert_content_but("status of 404");
}

#[test]
fn o7_figures_change_while_the_page_is_open() {
    let Some(mut browser) = Browser::open("live figures in the inspector") else {
        return;
    };
    let served = served();
    live("one".into());
    browser.goto(&served.url("/"));
    let lookups = "document.querySelector('[data-ring=live] [data-figure=lookups]').textContent";
    browser.wait_for(&format!("{lookups} === '1'"));
    (0..3).for_each(|_| drop(live("one".into())));
    browser.wait_for(&format!("{lookups} === '4'"));
    browser.wait_for("document.querySelector('[data-ring=live] .line').getAttribute('d').length > 3");
    assert_eq!(
        browser.eval("document.querySelector('[data-ring=live] [data-figure=ratio]').textContent"),
        "75 %"
    );
    browser.picture("live");
    browser.click("#pause");
    browser.wait_for("document.getElementById('state').textContent === 'Paused'");
    assert_eq!(
        browser.eval("document.getElementById('pause').getAttribute('aria-pressed')"),
        "true"
    );
    drop(served);
    browser.click("#pause");
    browser.wait_for("document.getElementById('state').textContent === 'The service does not answer.'");
}

#[test]
fn o7_a_mouse_deletes_refreshes_and_clears() {
    let Some(mut browser) = Browser::open("buttons of the inspector") else {
        return;
    };
    let served = served();
    (0..9).for_each(|id| drop(clicked(id.to_string())));
    browser.goto(&served.url("/ring?ring=clicked"));
    browser.click("#token");
    browser.type_text("wrong");
    browser.click("button[name=delete][value='clicked:3']");
    browser.wait_for("document.body.textContent.includes('The token is wrong')");
    assert!(clicked_ring("3".into()).has());
    browser.picture("wrong-token");
    browser.click("main a");
    browser.wait_for("document.getElementById('token')?.value === 'wrong'");
    browser.eval("document.getElementById('token').value = ''");
    browser.click("#token");
    browser.type_text(TOKEN);
    browser.click("button[name=delete][value='clicked:3']");
    browser.wait_for("document.querySelector('.done')?.textContent === 'The key was deleted.'");
    assert!(!clicked_ring("3".into()).has() && clicked_ring("4".into()).has());
    // The token is still there.
    browser.wait_for("document.getElementById('live').hidden === false");
    browser.click("button[name=refresh][value='clicked:4']");
    browser.wait_for("document.querySelector('.done')?.textContent.includes('stale now')");
    assert!(matches!(clicked_ring("4".into()).lookup(), Lookup::Stale(_)));
    let row = "document.querySelector('button[value=\"clicked:4\"]').closest('tr').textContent";
    assert!(
        browser
            .eval(row)
            .as_str()
            .is_some_and(|row| row.contains("stale, "))
    );
    browser.wait_for("document.getElementById('live').hidden === false");
    browser.click("#key");
    browser.type_text("clicked:5");
    browser.click("button[name=delete-named]");
    browser.wait_for("document.querySelector('.done')?.textContent === 'The key was deleted.'");
    assert!(!clicked_ring("5".into()).has());
    browser.wait_for("document.getElementById('live').hidden === false");
    browser.click("button[name=clear]");
    browser.wait_for("document.querySelector('h1').textContent === 'Clear this ring?'");
    assert!(clicked_ring("6".into()).has(), "it is asked for twice");
    browser.picture("confirm");
    browser.click("a.button");
    browser.wait_for(
        "document.getElementById('token') !== null && document.getElementById('live').hidden === false",
    );
    browser.click("button[name=clear]");
    browser.wait_for("document.querySelector('h1').textContent === 'Clear this ring?'");
    browser.click("button[name=clear]");
    browser.wait_for("document.querySelector('.done')?.textContent === 'The ring was cleared.'");
    assert!(clicked_cache().storage().is_empty());
    let forbidden = "Failed to load resource: the server responded with a status of 403";
    browser.assert_content_but(forbidden);
}

#[test]
fn o7_without_javascript_there_are_the_same_tables_and_buttons() {
    let Some(mut browser) = Browser::open("the inspector without JavaScript") else {
        return;
    };
    let served = served();
    without_script("one".into());
    browser.without_scripts();
    browser.goto(&served.url("/"));
    assert_eq!(browser.eval("document.getElementById('live').hidden"), true);
    browser.click("a[href='/ring?ring=without-script']");
    browser.wait_for("document.querySelector('h1').textContent === 'without-script'");
    browser.click("#token");
    browser.type_text(TOKEN);
    browser.click("button[name=delete]");
    browser.wait_for("document.querySelector('.done')?.textContent === 'The key was deleted.'");
    assert!(!without_script_ring("one".into()).has());
    browser.assert_content();
}

#[test]
fn o7_a_keyboard_reaches_all_in_the_order_of_the_page_and_sees_where_it_is() {
    let Some(mut browser) = Browser::open("the inspector by keyboard") else {
        return;
    };
    let served = served();
    (0..3).for_each(|id| drop(many(id.to_string())));
    browser.goto(&served.url("/ring?ring=many"));
    browser.wait_for("document.getElementById('live').hidden === false");
    let all = "[...document.querySelectorAll('a[href], button, input:not([type=hidden])')]";
    let count = browser.eval(&format!("{all}.length")).as_u64().unwrap();
    for place in 0..count {
        browser.press("Tab");
        assert_eq!(
            browser.eval(&format!("{all}.indexOf(document.activeElement)")),
            place
        );
        let seen = "getComputedStyle(document.activeElement).outlineStyle !== 'none'";
        assert_eq!(browser.eval(seen), true, "{place}");
        let named = "(({ariaLabel, textContent, labels}) => ariaLabel || textContent.trim() || labels?.[0]?.textContent)(document.activeElement)";
        assert!(
            browser.eval(named).as_str().is_some_and(|name| !name.is_empty()),
            "{place} has no name"
        );
    }
    // The enter key in the field of the token changes nothing.
    browser.eval("document.getElementById('token').focus()");
    browser.type_text(TOKEN);
    browser.press("Enter");
    browser.wait_for("document.querySelector('.done')?.textContent.startsWith('The token is right')");
    browser.assert_content();
}

/// A server that is gone, behind an open breaker, with a finding.
#[derive(RingKey)]
struct Gone(#[ring_key(skip)] Redis);

#[ring_impl(storage = self.0 as Redis)]
impl Gone {
    #[ring(key_prefix = "gone")]
    fn gone(&self, id: u64) -> String {
        format!("value {id}")
    }
}

/// The contrast of two colours, by WCAG.
const CONTRAST: &str = "(() => {
    const channels = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = colour => channels(colour).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        const colour = getComputedStyle(element).backgroundColor;
        return channels(colour).length && !colour.endsWith(', 0)') ? colour : behind(element.parentElement);
    };
    const low = [...document.querySelectorAll('main *, header *')].filter(element =>
        [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) && element.offsetParent).filter(element => {
            const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
            return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
        });
    return low.map(element => element.outerHTML.slice(0, 200));
})()";

/// On a desk and on a phone, in the light and in the dark: nothing is cut off, and all can be read.
#[test]
fn o7_pages_are_readable_on_a_phone_and_in_the_dark() {
    let Some(mut browser) = Browser::open("how the inspector looks") else {
        return;
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let redis = Redis::open(format!("redis://{closed}")).unwrap();
    let breaker = Breaker::after(1).pause(Duration::from_secs(3600));
    let gone = Gone(redis.namespace("shop").breaker(breaker));
    (0..30).for_each(|id| drop(gone.gone(id)));
    for id in 0..400 {
        many(format!(
            "a rather long key {id}, as those are that hold the address of a page or the text of a question"
        ));
        many("again".into());
    }
    let (served, read_only) = (served(), Served::new(Inspector::new()));
    let pages = [
        ("overview", served.url("/")),
        ("keys", served.url("/ring?ring=many")),
        ("gone", served.url("/ring?ring=gone")),
        ("read-only", read_only.url("/ring?ring=many")),
        ("unknown", served.url("/ring?ring=none")),
    ];
    for (width, height) in [(1280, 900), (768, 900), (360, 740)] {
        browser.resize(width, height);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            for (name, url) in &pages {
                browser.goto(url);
                let cut_off = "document.documentElement.scrollWidth - innerWidth";
                assert_eq!(browser.eval(cut_off), 0, "{name} at {width}");
                assert_eq!(browser.eval(CONTRAST), json!([]), "{name} in the {scheme}");
                browser.picture(&format!("{name}-{scheme}-{width}"));
            }
        }
    }
    browser.goto(&served.url("/"));
    let light = browser.eval("getComputedStyle(document.body).backgroundColor");
    browser.prefer("light");
    assert_ne!(
        browser.eval("getComputedStyle(document.body).backgroundColor"),
        light
    );
    browser.assert_content_but("status of 404");
}
