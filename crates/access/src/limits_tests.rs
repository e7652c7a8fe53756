use super::*;

#[test]
fn the_table_as_it_stands_in_a_file() {
    let settings: LimitSettings = toml::from_str(
        r#"
        utc_offset = "+08:00"
        on_failure = "open"
        [tenant]
        requests_per_second = 50
        burst = 100
        money_per_month = 500
        [key]
        concurrent_requests = "unlimited"
        [key.models."gpt-4*"]
        money_per_day = 12.5
        "#,
    )
    .unwrap();
    settings.check().unwrap();
    assert_eq!((settings.on_failure, String::from(settings.utc_offset)), (OnFailure::Open, "+08:00".to_owned()));
    let tenant = settings.for_kind("tenant", &Limits::default());
    assert_eq!((tenant.rate(), tenant.burst, tenant.month()), (Some(50.0), Some(100), Some(Money(500 * Money::ONE))));
    let key = settings.for_kind("key", &Limits::default());
    assert_eq!((key.rate(), key.concurrent()), (None, None));
    assert_eq!(key.models["gpt-4*"].day(), Money::from_f64(12.5));
}

#[test]
fn a_tenant_has_200_requests_a_second_unless_told_otherwise() {
    let nothing = Limits::default();
    let settings: LimitSettings = toml::from_str("[tenant]\ntokens_per_minute = 5").unwrap();
    assert_eq!(settings.for_kind("tenant", &nothing).rate(), Some(200.0));
    assert_eq!(settings.for_kind("key", &nothing).rate(), None);
    let own: Limits = toml::from_str("requests_per_second = \"unlimited\"").unwrap();
    assert_eq!(settings.for_kind("tenant", &own).rate(), None);
    let own: Limits = toml::from_str("requests_per_second = 7").unwrap();
    let limits = settings.for_kind("tenant", &own);
    assert_eq!((limits.rate(), limits.tokens()), (Some(7.0), Some(5)));
}

#[test]
fn limits_survive_the_store() {
    let limits: Limits =
        toml::from_str("requests_per_second = 0.5\nmoney_per_day = \"unlimited\"\n[models.a]\ntokens_per_minute = 3")
            .unwrap();
    let kept = serde_json::to_value(&limits).unwrap();
    assert_eq!(serde_json::from_value::<Limits>(kept).unwrap(), limits);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (text, place) in [
        ("requests_per_second = 0", "requests_per_second"),
        ("requests_per_second = nan", "requests_per_second"),
        ("burst = 0", "burst"),
        ("requests_per_second = 100\nburst = 9", "burst"),
        ("requests_per_second = 1\nburst = 3601", "burst"),
        ("money_per_day = -1", "money_per_day"),
        ("money_per_month = inf", "money_per_month"),
        ("[models.a.models.b]\nburst = 1", "models"),
        ("[models.\"a*\"]\nburst = 0", "models.\"a*\".burst"),
    ] {
        let limits: Limits = toml::from_str(text).unwrap();
        let error = limits.check("limits.key").unwrap_err();
        assert_eq!(error.parameter(), Some(format!("limits.key.{place}").as_str()), "{text}: {error}");
    }
    for text in ["requests_per_secnd = 1", "tokens_per_minute = -1", "tokens_per_minute = \"none\"", "burst = 1.5"] {
        assert!(toml::from_str::<Limits>(text).is_err(), "{text}");
    }
}
