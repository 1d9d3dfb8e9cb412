//! The counters as an exporter sees them.

use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use ring_cache::metrics::publish;
use ring_cache::ring;

#[ring(capacity = 2, key_prefix = "metrics.one")]
fn one(id: u32) -> u32 {
    std::thread::sleep(Duration::from_millis(2));
    id
}

/// The lines about one ring.
fn lines(text: &str, ring: &str) -> Vec<String> {
    let label = format!("ring=\"{ring}\"");
    text.lines()
        .filter(|line| line.contains(&label))
        .map(str::to_owned)
        .collect()
}

fn value(lines: &[String], series: &str) -> f64 {
    let found = lines
        .iter()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found
        .unwrap_or_else(|| panic!("no {series} in {lines:#?}"))
        .parse()
        .unwrap()
}

#[test]
fn o3_all_series_are_there_from_the_first_call_on_and_exact_when_they_are_published() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        one(1);
        let lines = lines(&handle.render(), "metrics.one");
        assert_eq!(
            value(&lines, r#"ring_cache_requests{ring="metrics.one",result="hit"}"#),
            0.0
        );
        assert_eq!(
            value(
                &lines,
                r#"ring_cache_evictions{ring="metrics.one",reason="capacity"}"#
            ),
            0.0
        );
        assert_eq!(
            value(&lines, r#"ring_cache_errors{ring="metrics.one",kind="decode"}"#),
            0.0
        );
        (0..1000).for_each(|_| _ = one(1));
        (2..7).for_each(|id| _ = one(id));
        publish();
    });
    let lines = lines(&handle.render(), "metrics.one");
    let requests = |result: &str| {
        value(
            &lines,
            &format!(r#"ring_cache_requests{{ring="metrics.one",result="{result}"}}"#),
        )
    };
    assert_eq!(
        (requests("hit"), requests("miss"), requests("stale")),
        (1000.0, 6.0, 0.0)
    );
    assert_eq!(
        value(
            &lines,
            r#"ring_cache_evictions{ring="metrics.one",reason="capacity"}"#
        ),
        4.0
    );
    assert_eq!(value(&lines, r#"ring_cache_stores{ring="metrics.one"}"#), 6.0);
    assert_eq!(value(&lines, r#"ring_cache_entries{ring="metrics.one"}"#), 2.0);
    assert_eq!(
        value(&lines, r#"ring_cache_compute_duration_count{ring="metrics.one"}"#),
        6.0
    );
    assert!(value(&lines, r#"ring_cache_compute_duration_sum{ring="metrics.one"}"#) >= 0.012);
}

#[ring(key_prefix = "metrics.secret")]
fn secret(token: &str) -> usize {
    token.len()
}

#[test]
fn o3_a_key_is_never_a_label() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        secret("hunter2");
        publish();
    });
    let text = handle.render();
    assert!(
        text.contains("metrics.secret") && !text.contains("hunter2"),
        "{text}"
    );
}
