use super::*;

fn read(text: &str) -> Result<Config> {
    parse(text, Path::new("/etc/yizhan/yizhan.toml"))
}

#[test]
fn the_reference_is_a_valid_configuration() {
    let config = read(REFERENCE).unwrap();
    assert!(!config.providers.is_empty() && !config.routes.is_empty() && !config.tenants.is_empty());
}

#[test]
fn every_field_of_the_plain_tables_is_in_the_reference() {
    let reference: toml::Table = toml::from_str(REFERENCE).unwrap();
    let commented = REFERENCE.lines().map(|line| line.trim_start_matches(['#', ' '])).collect::<Vec<_>>().join("\n");
    let fields = |value: toml::Value| value.as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let tables = [
        ("cache", toml::Value::try_from(CacheSettings { enabled: true, ..CacheSettings::default() }).unwrap()),
        ("review", toml::Value::try_from(ReviewSettings::default()).unwrap()),
        ("queue", toml::Value::try_from(QueueSettings::default()).unwrap()),
        ("degradation", toml::Value::try_from(DegradationConfig::default()).unwrap()),
        ("telemetry", toml::Value::try_from(TelemetryConfig::default()).unwrap()),
    ];
    for (table, value) in tables {
        assert!(reference.contains_key(table), "{table}");
        for field in fields(value) {
            let named =
                |line: &str| line.starts_with(&format!("{field} =")) || line.starts_with(&format!("[{table}.{field}"));
            assert!(commented.lines().any(named), "{table}.{field}");
        }
    }
}

#[test]
fn a_wrong_configuration_is_refused_with_its_place() {
    for (text, expected) in [
        ("[audit]\npayload = \"all\"\n", "line 2"),
        ("[serverr]\n", "line 1"),
        ("[review]\nmost_kib = 0\n", "most_kib"),
        ("[[routes]]\nname = \"r\"\ntargets = [{model = \"m\", weigth = 2}]\n", "weigth"),
        ("[limits.tenant]\nrequests_per_second = -1\n", "limits.tenant"),
        ("[telemetry]\nsampling = 1.5\n", "telemetry.sampling"),
        ("[telemetry]\nendpoint = \"http://c:4318\"\nheaders = { a = { envv = \"X\" } }\n", "line 3"),
        ("[cache.shared]\nenabled = true\n", "needs [redis]"),
    ] {
        let error = read(text).err().unwrap();
        assert_eq!(error.code(), ErrorCode::InvalidConfig, "{text}");
        assert!(error.message().contains(expected) && error.message().contains("yizhan.toml"), "{error}");
    }
}

#[test]
fn paths_are_relative_to_the_file() {
    let config = read("[rules]\nfiles = [\"rules/own.yaml\"]\n[prices]\nfile = \"/srv/prices.toml\"\n").unwrap();
    assert_eq!(config.rules.files, [Path::new("/etc/yizhan/rules/own.yaml")]);
    assert_eq!(config.prices.file.as_deref(), Some(Path::new("/srv/prices.toml")));
}
