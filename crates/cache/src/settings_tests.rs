use super::*;

#[test]
fn reads_a_written_section_and_refuses_unknown_fields() {
    let text = "enabled = true\noff = [\"chatty\"]\ntemperature = \"zero_or_unset\"\n\
                [semantic]\nenabled = true\nmodel = \"e5\"";
    let settings: Settings = toml::from_str(text).unwrap();
    assert!(settings.check().is_ok());
    assert!(settings.off.contains(&ModelName::new("chatty")));
    assert_eq!(settings.temperature, Temperature::ZeroOrUnset);
    assert!(toml::from_str::<Settings>("enable = true").is_err());
}

#[test]
fn says_what_is_wrong() {
    let mut settings = Settings { enabled: true, ..Settings::default() };
    assert!(settings.check().is_ok());
    settings.semantic.enabled = true;
    assert!(settings.check().unwrap_err().message().contains("cache.semantic.model"));
    settings.semantic.model = Some(ModelName::new("e5"));
    settings.semantic.threshold = 1.5;
    assert!(settings.check().unwrap_err().message().contains("threshold"));
    settings.semantic.threshold = f32::NAN;
    assert!(settings.check().is_err());
}
