use super::*;
use crate::facts::{CallKind, FindingFacts};
use yizhan_domain::Usage;

fn served() -> CallFacts<'static> {
    CallFacts {
        kind: CallKind::Chat,
        tenant: "clinic",
        model: "assistant",
        provider: "deepseek",
        served: "deepseek-chat",
        status: 200,
        streamed: true,
        total_ms: 1_200,
        first_token_ms: Some(90),
        usage: Usage { prompt_tokens: 100, completion_tokens: 20, cached_tokens: 60, ..Usage::default() },
        charge: Some(Money(137_000)),
        attempts: vec![AttemptFacts { provider: "deepseek", model: "deepseek-chat", ms: 90, ..Default::default() }],
        ..CallFacts::default()
    }
}

fn rendered(metrics: &Metrics) -> String {
    metrics.render(Format::Prometheus)
}

#[track_caller]
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|have| have == *line), "missing: {line}\nin:\n{text}");
    }
}

#[test]
fn a_served_call_is_counted_everywhere() {
    let metrics = Metrics::new(MetricsOptions { version: "1.2.3".to_owned(), ..MetricsOptions::default() });
    metrics.observe(&served());
    metrics.observe(&served());
    let labels = "kind=\"chat\",tenant=\"clinic\",model=\"deepseek-chat\",provider=\"deepseek\"";
    assert_lines(
        &rendered(&metrics),
        &[
            &format!("yizhan_requests_total{{{labels},outcome=\"ok\",streamed=\"true\"}} 2"),
            "yizhan_request_seconds_bucket{kind=\"chat\",model=\"deepseek-chat\",provider=\"deepseek\",le=\"1.0\"} 0",
            "yizhan_request_seconds_bucket{kind=\"chat\",model=\"deepseek-chat\",provider=\"deepseek\",le=\"2.5\"} 2",
            "yizhan_request_seconds_bucket{kind=\"chat\",model=\"deepseek-chat\",provider=\"deepseek\",le=\"+Inf\"} 2",
            "yizhan_request_seconds_sum{kind=\"chat\",model=\"deepseek-chat\",provider=\"deepseek\"} 2.4",
            "yizhan_first_token_seconds_count{model=\"deepseek-chat\",provider=\"deepseek\"} 2",
            "yizhan_tokens_total{tenant=\"clinic\",model=\"deepseek-chat\",direction=\"prompt\"} 200",
            "yizhan_tokens_total{tenant=\"clinic\",model=\"deepseek-chat\",direction=\"cached\"} 120",
            "yizhan_charge_total{tenant=\"clinic\",model=\"deepseek-chat\",currency=\"CNY\"} 0.000274",
            "yizhan_attempts_total{provider=\"deepseek\",model=\"deepseek-chat\",outcome=\"ok\"} 2",
            "yizhan_build_info{version=\"1.2.3\"} 1",
        ],
    );
}

#[test]
fn what_is_rare_is_counted_too() {
    let metrics = Metrics::new(MetricsOptions::default());
    let failed = AttemptFacts { provider: "a", model: "m", error: "timeout", ..AttemptFacts::default() };
    let answered = AttemptFacts { provider: "deepseek", model: "deepseek-chat", ..Default::default() };
    metrics.observe(&CallFacts {
        fallback: true,
        cache: "miss",
        attempts: vec![failed, answered],
        findings: vec![FindingFacts { rule: "pii.mobile", action: "mask", output: true, count: 3 }],
        ..served()
    });
    metrics.observe(&CallFacts {
        outcome: CallOutcome::Refused,
        code: "insufficient_quota",
        limit: "money_per_day",
        ..CallFacts::default()
    });
    assert_lines(
        &rendered(&metrics),
        &[
            "yizhan_attempts_total{provider=\"a\",model=\"m\",outcome=\"timeout\"} 1",
            "yizhan_attempts_total{provider=\"deepseek\",model=\"deepseek-chat\",outcome=\"ok\"} 1",
            "yizhan_fallbacks_total{provider=\"deepseek\",model=\"deepseek-chat\"} 1",
            "yizhan_rule_findings_total{rule=\"pii.mobile\",action=\"mask\",side=\"output\"} 3",
            "yizhan_cache_total{result=\"miss\"} 1",
            "yizhan_limit_refusals_total{limit=\"money_per_day\"} 1",
            "yizhan_errors_total{kind=\"chat\",code=\"insufficient_quota\"} 1",
        ],
    );
}

#[test]
fn limits_are_named_by_their_codes_where_nothing_better_is_known() {
    let limit_of = |outcome, code| limit(&CallFacts { outcome, code, ..CallFacts::default() });
    assert_eq!(limit_of(CallOutcome::Refused, "rate_limit_exceeded"), Some("rate"));
    assert_eq!(limit_of(CallOutcome::Refused, "overloaded"), Some("load"));
    assert_eq!(limit_of(CallOutcome::CutOff, ""), Some("budget"));
    assert_eq!(limit_of(CallOutcome::Refused, "model_not_found"), None);
    // A provider's rate limit is not ours.
    assert_eq!(limit_of(CallOutcome::Failed, "rate_limit_exceeded"), None);
}

#[test]
fn names_that_anybody_can_invent_make_no_series() {
    let metrics = Metrics::new(MetricsOptions::default());
    for number in 0..100 {
        let model = format!("invented-{number}");
        let outcome = CallOutcome::Refused;
        metrics.observe(&CallFacts { model: &model, outcome, code: "model_not_found", ..CallFacts::default() });
    }
    let text = rendered(&metrics);
    assert!(!text.contains("invented"), "{text}");
    assert_lines(
        &text,
        &["yizhan_requests_total{kind=\"chat\",model=\"unknown\",outcome=\"refused\",streamed=\"false\"} 100"],
    );
}

#[test]
fn many_tenants_are_folded_and_sums_stay_right() {
    let metrics = Metrics::new(MetricsOptions { series: 10, ..MetricsOptions::default() });
    for number in 0..500 {
        let tenant = format!("tenant-{number}");
        metrics.observe(&CallFacts { tenant: &tenant, ..served() });
    }
    let text = rendered(&metrics);
    let requests: Vec<&str> = text.lines().filter(|line| line.starts_with("yizhan_requests_total{")).collect();
    assert_eq!(requests.len(), 11, "{requests:?}");
    let total: u64 = requests.iter().filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    assert_eq!(total, 500);
}

#[test]
fn tenants_can_be_left_out() {
    let metrics = Metrics::new(MetricsOptions { tenants: false, ..MetricsOptions::default() });
    metrics.observe(&served());
    assert!(!rendered(&metrics).contains("clinic"));
}

#[test]
fn sources_are_asked_at_each_scrape_and_may_agree() {
    let metrics = Metrics::new(MetricsOptions::default());
    let asked = Arc::new(AtomicU64::new(0));
    let asking = Arc::clone(&asked);
    metrics.source(move |samples| {
        let now = asking.fetch_add(1, Ordering::Relaxed);
        samples.set(&metric::OPEN_CALLS, [], now as f64);
        samples.set(&metric::BREAKER_STATE, ["p", "m"], 2.0);
        samples.set(&metric::BREAKER_STATE, ["p", "m"], 0.0);
    });
    rendered(&metrics);
    let text = rendered(&metrics);
    assert_lines(&text, &["yizhan_open_calls 1", "yizhan_breaker_state{provider=\"p\",model=\"m\"} 2"]);
}

#[test]
fn every_family_is_told_once() {
    let metrics = Metrics::new(MetricsOptions::default());
    metrics.observe(&served());
    let text = rendered(&metrics);
    let mut heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let all = heads.len();
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), all);
}
