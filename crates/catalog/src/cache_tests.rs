use super::*;
use crate::support::*;
use std::fs;

const CONVERT: &str = "convert = { step = 'double', file = 'out.gguf' }";

fn double(step: &str, inputs: &[PathBuf], output: &Path) -> Result<()> {
    assert_eq!(step, "double");
    let body = fs::read(&inputs[0]).unwrap();
    fs::write(output, [body.clone(), body].concat()).unwrap();
    Ok(())
}

#[test]
fn a_conversion_alone_is_kept_and_what_it_came_from_is_noted() {
    let body = noise(1_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, CONVERT, &[at(&server.address)]));
    let installed = cache.pull("m", &Silent, &double).unwrap();
    let names: Vec<_> = fs::read_dir(&installed.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(installed.size(), 2_000);
    assert_eq!(installed.manifest.convert.as_deref(), Some("double"));
    assert_eq!(installed.manifest.fetched[0].sha256, hash(&body));
    assert_eq!(installed.manifest.files[0].sha256, hash(&[body.clone(), body].concat()));
    assert_eq!(cache.verify("m").unwrap(), cache.find("m").unwrap());
}

#[test]
fn a_conversion_that_failed_is_repeated_without_fetching() {
    let body = noise(1_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, CONVERT, &[at(&server.address)]));
    let broken = |_: &str, _: &[PathBuf], _: &Path| Err(Error::internal("no memory"));
    let error = cache.pull("m", &Silent, &broken).unwrap_err();
    assert!(error.message().contains("converting 'm': no memory"), "{error}");
    assert!(cache.find("m").is_none());
    cache.pull("m", &Silent, &double).unwrap();
    assert_eq!(server.paths().len(), 1);
}

#[test]
fn a_conversion_with_other_bytes_than_listed_is_refused() {
    let body = noise(10);
    let (server, place) = (Server::file(&body), Place::new());
    let convert = format!("convert = {{ step = 'double', file = 'out.gguf', sha256 = '{}' }}", hash(b"x"));
    let cache = place.cache(model(&body, &convert, &[at(&server.address)]));
    assert!(cache.pull("m", &Silent, &double).is_err());
    assert!(cache.find("m").is_none());
}

#[test]
fn damage_is_found_and_removal_is_whole() {
    let body = noise(1_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, "", &[at(&server.address)]));
    assert!(!cache.remove("m").unwrap());
    assert!(cache.require("m").unwrap_err().message().contains("yizhan model pull m"));
    let path = pull(&cache).unwrap().path("model.gguf");
    let mut other = body.clone();
    other[3] ^= 1;
    fs::write(&path, &other).unwrap();
    assert!(cache.find("m").is_some());
    assert!(cache.verify("m").unwrap_err().message().contains("has changed"));
    fs::write(&path, &body[1..]).unwrap();
    assert!(cache.find("m").is_none());
    // What is damaged is not installed: a pull mends it.
    pull(&cache).unwrap();
    cache.verify("m").unwrap();
    assert!(cache.remove("m").unwrap());
    assert!(cache.find("m").is_none() && !path.exists());
    assert_eq!(cache.remove("no-such").unwrap_err().code(), ErrorCode::ModelNotFound);
}

#[test]
fn a_newer_catalogue_makes_an_old_file_not_installed() {
    let (old, new) = (noise(1_000), noise(1_001));
    let (server, place) = (Server::file(&old), Place::new());
    pull(&place.cache(model(&old, "", &[at(&server.address)]))).unwrap();
    assert!(place.cache(model(&new, "", &[at(&server.address)])).find("m").is_none());
    assert!(place.cache(model(&old, CONVERT, &[at(&server.address)])).find("m").is_none());
}

#[test]
fn a_stopped_pull_keeps_what_it_has() {
    let body = noise(2_000_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, "", &[at(&server.address)]));
    let error = cache.pull("m", &StopAt::report(4), &no_conversion).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert!(length(&place.path("cache/partial/m/parts/model.gguf")) > 0);
    pull(&cache).unwrap();
    assert!(server.starts()[1].is_some_and(|start| start > 0));
}

#[test]
fn two_pulls_of_one_name_fetch_once() {
    let body = noise(300_000);
    let (server, place) = (Server::file(&body), Place::new());
    let cache = place.cache(model(&body, "", &[at(&server.address)]));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| pull(&cache).unwrap());
        }
    });
    assert_eq!(server.paths().len(), 1);
}

#[test]
fn a_pull_that_waits_for_another_can_be_stopped() {
    let body = noise(10);
    let place = Place::new();
    let cache = place.cache(model(&body, "", &[at("http://h")]));
    let _held = cache.lock(cache.catalog().get("m").unwrap(), &Silent).unwrap();
    let error = cache.pull("m", &StopAt::report(1), &no_conversion).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn a_disk_too_small_is_said_before_anything_is_fetched() {
    let body = noise(10);
    let (server, place) = (Server::file(&body), Place::new());
    let text = format!(
        "[[artefact]]\nname = 'm'\nkind = 'chat'\nlicence = 'MIT'\ndescription = {{ zh = '', en = '' }}\n\
         files = [{{ name = 'model.gguf', size = {}, sha256 = '{}' }}]\nsources = [{}]\n",
        1u64 << 62,
        hash(&body),
        at(&server.address)
    );
    let error = pull(&place.cache(Catalog::parse(&text).unwrap())).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
    assert!(error.message().contains("Not enough space"), "{error}");
    assert!(server.paths().is_empty());
}

#[test]
fn what_is_not_verified_is_pulled_on_request_only() {
    let body = noise(1_000);
    let (server, place) = (Server::file(&body), Place::new());
    let text = format!(
        "[[artefact]]\nname = 'm'\nkind = 'library'\nlicence = 'MIT'\ndescription = {{ zh = '', en = '' }}\n\
         verified = false\nfiles = [{{ name = 'model.gguf' }}]\nsources = [{}]\n",
        at(&server.address)
    );
    let catalog = Catalog::parse(&text).unwrap();
    assert!(pull(&place.cache(catalog.clone())).unwrap_err().message().contains("no hash"));
    let options = Options { accept_unverified: true, ..Options::default() };
    let installed = pull(&Cache::new(place.path("cache"), catalog, options)).unwrap();
    assert_eq!(installed.manifest.files[0].sha256, hash(&body));
    assert!(installed.folder.ends_with("lib/m"));
}

#[test]
fn an_artefact_for_other_machines_says_so() {
    let text = "[[artefact]]\nname = 'm'\nkind = 'library'\nlicence = 'MIT'\ndescription = { zh = '', en = '' }\n\
                verified = false\nfiles = [{ name = 'x', platform = 'moon-z80' }]\n\
                sources = [{ url = 'http://h', files = { x = 'x' } }]\n";
    let error = pull(&Place::new().cache(Catalog::parse(text).unwrap())).unwrap_err();
    assert!(error.message().contains("no 'm' for this machine"), "{error}");
}
