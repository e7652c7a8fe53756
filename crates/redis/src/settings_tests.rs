use super::*;

#[test]
fn an_address_is_enough() {
    let read: RedisSettings = toml::from_str(r#"url = "redis://10.0.0.7:6379/2""#).unwrap();
    assert_eq!(read, RedisSettings::new("redis://10.0.0.7:6379/2"));
    read.check().unwrap();
    assert_eq!((read.timeout_ms, read.lease_seconds, read.prefix.as_str()), (100, 60, "yizhan:"));
}

#[test]
fn what_makes_no_sense_is_named_and_no_password_shown() {
    let ok = || RedisSettings::new("redis://:secret@localhost");
    for (field, settings) in [
        ("redis.url", RedisSettings { url: "http://:secret@localhost".to_owned(), ..ok() }),
        ("redis.prefix", RedisSettings { prefix: "a{b}".to_owned(), ..ok() }),
        ("redis.timeout_ms", RedisSettings { timeout_ms: 0, ..ok() }),
        ("redis.lease_seconds", RedisSettings { lease_seconds: 0, ..ok() }),
        ("redis.pending", RedisSettings { pending: 0, ..ok() }),
    ] {
        let error = settings.check().unwrap_err();
        assert!(error.to_string().contains(field) && !error.to_string().contains("secret"), "{error}");
    }
    assert!(toml::from_str::<RedisSettings>("url = \"redis://a\"\ntimeout = 3").is_err());
}
