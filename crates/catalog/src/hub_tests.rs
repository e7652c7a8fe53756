use crate::support::*;
use std::fs;
use yizhan_domain::ErrorCode;

#[test]
fn a_file_comes_whole_and_is_described() {
    let body = noise(700_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, "", &[at(&server.address)]));
    let installed = pull(&cache).unwrap();
    assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
    assert_eq!(installed.manifest.source, server.address);
    assert_eq!(installed.manifest.files[0].sha256, hash(&body));
    assert_eq!(server.paths(), ["/x/model.gguf"]);
    assert!(!place.path("cache/partial/m").exists());
    pull(&cache).unwrap();
    assert_eq!(server.paths().len(), 1);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let body = noise(600_000);
    let file = body.clone();
    let server = Server::start(move |_, _, start| {
        let mut reply = ranged(&file, start);
        reply.cut = 250_000;
        reply
    });
    let place = Place::new();
    let installed = pull(&place.cache(model(&body, "", &[at(&server.address)]))).unwrap();
    assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
    let starts = server.starts();
    assert_eq!(starts[0], None);
    assert!(starts.len() >= 3 && starts.windows(2).all(|pair| pair[0] < pair[1]), "{starts:?}");
}

#[test]
fn a_pull_that_failed_half_way_goes_on_at_the_next_hub() {
    let body = noise(600_000);
    let file = body.clone();
    let broken = Server::start(move |number, _, start| {
        if number > 0 {
            return Reply::new(503, "later");
        }
        let mut reply = ranged(&file, start);
        reply.cut = 300_000;
        reply
    });
    let (whole, place) = (Server::file(&body), Place::new());
    let error = pull(&place.cache(model(&body, "", &[at(&broken.address)]))).unwrap_err();
    assert!(error.message().contains("HTTP 503"), "{error}");
    let installed = pull(&place.cache(model(&body, "", &[at(&whole.address)]))).unwrap();
    assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
    assert!(whole.starts()[0].is_some_and(|start| start > 0));
}

#[test]
fn a_server_without_ranges_starts_over() {
    let body = noise(600_000);
    let file = body.clone();
    let server = Server::start(move |number, _, _| {
        let mut reply = Reply::new(200, file.clone());
        reply.cut = if number == 0 { 300_000 } else { usize::MAX };
        reply
    });
    let place = Place::new();
    let installed = pull(&place.cache(model(&body, "", &[at(&server.address)]))).unwrap();
    assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
}

#[test]
fn a_beginning_that_does_not_fit_is_dropped() {
    let body = noise(600_000);
    for status in [416, 206] {
        let file = body.clone();
        let server = Server::start(move |_, _, start| match start {
            None => Reply::new(200, file.clone()),
            // The 206 comes without saying where it begins.
            Some(_) => Reply::new(status, file.clone()),
        });
        let place = Place::new();
        let parts = place.path("cache/partial/m/parts");
        fs::create_dir_all(&parts).unwrap();
        fs::write(parts.join("model.gguf"), b"other").unwrap();
        let installed = pull(&place.cache(model(&body, "", &[at(&server.address)]))).unwrap();
        assert_eq!(fs::read(installed.path("model.gguf")).unwrap(), body);
        assert_eq!(server.starts(), [Some(5), None]);
    }
}

#[test]
fn every_failing_source_is_named_with_its_reason() {
    let body = noise(1_000);
    let mut other = body.clone();
    other[500] ^= 1;
    let (wrong, longer) = (Server::file(&other), Server::file(&noise(1_001)));
    let missing = Server::start(|_, _, _| Reply::new(404, "no"));
    let nobody = nobody();
    let sources = [at(&nobody), at(&missing.address), at(&longer.address), at(&wrong.address)];
    let place = Place::new();
    let error = pull(&place.cache(model(&body, "", &sources))).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ModelUnavailable);
    let text = error.message();
    for part in [
        &format!("1. {nobody}"),
        &format!("2. {}: HTTP 404", missing.address),
        &format!("3. {}: announces 1001 bytes instead of 1000", longer.address),
        &format!("4. {}: model.gguf has the SHA-256 {}", wrong.address, hash(&other)),
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let good = Server::file(&body);
    let sources = [at(&nobody), at(&wrong.address), at(&good.address)];
    let installed = pull(&place.cache(model(&body, "", &sources))).unwrap();
    assert_eq!(installed.manifest.source, good.address);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let body = noise(1_000);
    let server = Server::start(|_, _, _| {
        let mut chunk = b"186A0\r\n".to_vec();
        chunk.extend(noise(100_000));
        chunk.extend(b"\r\n0\r\n\r\n");
        let mut reply = Reply::new(200, chunk);
        reply.headers.push(("Transfer-Encoding", "chunked".into()));
        reply
    });
    let place = Place::new();
    let error = pull(&place.cache(model(&body, "", &[at(&server.address)]))).unwrap_err();
    assert!(error.message().contains("sends more than 1000 bytes"), "{error}");
    assert_eq!(crate::files::tree_length(&place.path("cache/partial/m")), 0);
}

#[test]
fn mirrors_are_addressed_as_the_hubs_are() {
    let body = noise(100);
    let server = Server::start(|_, _, _| Reply::new(404, ""));
    let place = Place::new();
    let sources = [
        "{ huggingface = 'a/b', files = { 'model.gguf' = 'f.gguf' } }".to_owned(),
        "{ modelscope = 'a/b', revision = 'v2', files = { 'model.gguf' = 'd/f.gguf' } }".to_owned(),
    ];
    let options = crate::Options {
        hub: Some(server.address.clone() + "/"),
        modelscope: Some(server.address.clone()),
        ..Default::default()
    };
    let cache = crate::Cache::new(place.path("cache"), model(&body, "", &sources), options);
    assert!(pull(&cache).is_err());
    assert_eq!(server.paths(), ["/a/b/resolve/main/f.gguf", "/models/a/b/resolve/v2/d/f.gguf"]);
}
