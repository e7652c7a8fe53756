use super::*;

#[test]
fn a_file_that_others_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "secret").unwrap();
    for (mode, level) in [
        (0o600, None),
        (0o400, None),
        (0o640, Some(Level::Warn)),
        (0o604, Some(Level::Fail)),
        (0o666, Some(Level::Fail)),
    ] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(private("tls", &path).map(|finding| finding.level), level, "{mode:o}");
    }
    assert!(private("tls", &folder.path().join("none")).is_none());
}

#[test]
fn a_certificate_is_judged_by_how_long_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let files = |from: i64, until: i64| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let day = |offset: i64| {
            let text = write(now_ms() + offset * DAY_MS, 0);
            let part = |range: std::ops::Range<usize>| text[range].parse::<i32>().unwrap();
            rcgen::date_time_ymd(part(0..4), part(5..7) as u8, part(8..10) as u8)
        };
        (params.not_before, params.not_after) = (day(from), day(until));
        let (cert, path) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&path, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        TlsFiles { cert, key: path, client_ca: None }
    };
    for (from, until, level, word) in [
        (-10, 90, Level::Ok, "fit, until"),
        (-10, 5, Level::Warn, "ends in 4 days"),
        (-10, -1, Level::Fail, "ended"),
        (3, 90, Level::Fail, "does not hold before"),
    ] {
        let findings = tls(Some(files(from, until)));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].level == level && findings[0].message.contains(word), "{findings:?}");
    }
    assert!(tls(None).is_empty());
}
