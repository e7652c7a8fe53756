use super::*;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use yizhan_store::MemoryStore;

const VALUE: &str = "sk-0123456789-abcdefghij";

struct House {
    folder: TempDir,
    store: MemoryStore,
}

impl House {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), store: MemoryStore::new() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("secret.key")
    }

    fn vault(&self) -> Vault {
        self.vault_at(KeyPlace::file(self.file()))
    }

    fn vault_at(&self, place: KeyPlace) -> Vault {
        Vault::new(Arc::new(self.store.clone()), place)
    }
}

async fn value(vault: &Vault, name: &str) -> String {
    vault.get(name).await.unwrap().to_string()
}

fn beside(path: &Path) -> PathBuf {
    path.with_file_name("secret.key.new")
}

#[tokio::test]
async fn the_first_secret_makes_a_key_that_only_its_owner_reads() {
    let house = House::new();
    let vault = house.vault();
    assert_eq!(vault.list().await.unwrap(), []);
    assert!(!house.file().exists(), "looking makes nothing");
    let set = vault.set("openai", VALUE).await.unwrap();
    assert_eq!((set.name.as_str(), set.ending.as_deref(), &set.fault), ("openai", Some("ghij"), &None));
    assert_eq!(house.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(value(&house.vault(), "openai").await, VALUE);
    vault.set("openai", "another").await.unwrap();
    assert_eq!(value(&vault, "openai").await, "another");
    assert_eq!(vault.list().await.unwrap()[0].ending, None, "a short value shows nothing");
}

#[tokio::test]
async fn neither_the_store_nor_debug_output_has_the_value() {
    let house = House::new();
    let vault = house.vault();
    let set = vault.set("openai", VALUE).await.unwrap();
    let kept = house.store.secret("openai").await.unwrap().unwrap();
    assert!(!kept.sealed.windows(6).any(|part| VALUE.as_bytes().windows(6).any(|other| other == part)));
    for shown in [format!("{set:?}"), format!("{kept:?}"), format!("{vault:?}")] {
        assert!(!shown.contains("0123456789") && !shown.contains("abcdef"), "{shown}");
    }
    let digits = std::fs::read_to_string(house.file()).unwrap().lines().nth(1).unwrap().to_owned();
    let given = KeyPlace::given("KEY", &digits);
    assert!(!format!("{given:?} {given}").contains(&digits));
}

#[tokio::test]
async fn names_and_values_that_cannot_be_are_refused() {
    let house = House::new();
    let vault = house.vault();
    let long = "x".repeat(65);
    for name in ["", "a b", "a/b", "密钥", &long] {
        let error = vault.set(name, VALUE).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("name")), "{name}");
    }
    let large = "x".repeat(MOST_VALUE + 1);
    for value in ["", " a", "a\n", "two\nlines", "\u{0}", &large] {
        let error = vault.set("openai", value).await.unwrap_err();
        assert_eq!((error.code(), error.parameter()), (ErrorCode::InvalidRequest, Some("value")), "{value}");
        assert!(value.is_empty() || value == " a" || !error.message().contains(value), "{error}");
    }
    assert!(!house.file().exists(), "what is refused makes no key");
}

#[tokio::test]
async fn a_missing_or_wrong_master_key_says_what_to_do() {
    let house = House::new();
    house.vault().set("openai", VALUE).await.unwrap();
    let kept = house.folder.path().join("kept");
    std::fs::rename(house.file(), &kept).unwrap();
    let vault = house.vault();
    let missing = vault.get("openai").await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::InvalidConfig);
    for word in ["secret.key", "[secrets] key", "YIZHAN_SECRET_KEY", "yizhan secret rm"] {
        assert!(missing.message().contains(word), "{missing}");
    }
    assert_eq!(vault.set("zhipu", VALUE).await.unwrap_err(), missing, "no second key is made beside a lost one");
    assert!(!house.file().exists());
    let listed = vault.list().await.unwrap();
    assert_eq!((listed[0].name.as_str(), &listed[0].fault), ("openai", &Some(missing)));

    house.vault_at(KeyPlace::file(house.file())).rekey_to(KeyPlace::file(house.file())).await.unwrap_err();
    let other = House::new();
    other.vault().set("a", "b").await.unwrap();
    std::fs::copy(other.file(), house.file()).unwrap();
    let wrong = vault.get("openai").await.unwrap_err();
    assert!(wrong.message().contains("is not the one that sealed the secret 'openai'"), "{wrong}");
    assert_eq!(vault.rekey().await.unwrap_err(), wrong, "what cannot be opened is not thrown away");
    std::fs::write(house.file(), "not a key").unwrap();
    assert!(vault.get("openai").await.unwrap_err().message().contains("64 hexadecimal digits"));

    std::fs::rename(&kept, house.file()).unwrap();
    assert_eq!(value(&vault, "openai").await, VALUE);
}

#[tokio::test]
async fn a_secret_whose_key_is_lost_can_be_replaced() {
    let house = House::new();
    house.vault().set("openai", VALUE).await.unwrap();
    house.vault().set("zhipu", VALUE).await.unwrap();
    std::fs::remove_file(house.file()).unwrap();
    house.vault().remove("zhipu").await.unwrap();
    house.vault().set("openai", "new").await.unwrap();
    assert_eq!(value(&house.vault(), "openai").await, "new");
}

#[tokio::test]
async fn a_key_that_is_handed_over_is_used_and_never_written() {
    let house = House::new();
    let digits = "ab".repeat(32);
    let vault = house.vault_at(KeyPlace::given("YIZHAN_SECRET_KEY", &digits));
    vault.set("openai", VALUE).await.unwrap();
    assert_eq!(value(&vault, "openai").await, VALUE);
    assert_eq!(std::fs::read_dir(house.folder.path()).unwrap().count(), 0);
    let error = vault.rekey().await.unwrap_err();
    assert!(error.code() == ErrorCode::InvalidRequest && error.message().contains("--to FILE"), "{error}");
    let wrong = house.vault_at(KeyPlace::given("YIZHAN_SECRET_KEY", "cd")).get("openai").await.unwrap_err();
    assert!(wrong.message().contains("the variable YIZHAN_SECRET_KEY") && !wrong.message().contains("cd."), "{wrong}");
    assert_eq!(vault.rekey_to(KeyPlace::file(house.file())).await.unwrap(), 1);
    assert!(vault.get("openai").await.is_err());
    assert_eq!(value(&house.vault(), "openai").await, VALUE);
}

#[tokio::test]
async fn a_new_master_key_takes_the_old_ones_place() {
    let house = House::new();
    let vault = house.vault();
    vault.set("one", VALUE).await.unwrap();
    vault.set("two", "short").await.unwrap();
    let (old, before) = (std::fs::read(house.file()).unwrap(), vault.list().await.unwrap());
    assert_eq!(vault.rekey().await.unwrap(), 2);
    assert_ne!(std::fs::read(house.file()).unwrap(), old);
    assert!(!beside(&house.file()).exists());
    assert_eq!(vault.list().await.unwrap(), before, "values and times stay");
    std::fs::write(house.file(), old).unwrap();
    assert!(vault.get("one").await.is_err(), "the old key opens nothing any more");
}

#[tokio::test]
async fn a_change_of_the_key_that_was_cut_short_loses_nothing() {
    let house = House::new();
    let vault = house.vault();
    vault.set("one", VALUE).await.unwrap();
    let old = std::fs::read(house.file()).unwrap();
    // After the next key was made, before the store took the seals: the old one counts.
    KeyPlace::file(house.file()).begin().unwrap();
    assert_eq!(value(&vault, "one").await, VALUE);
    assert_eq!(std::fs::read(house.file()).unwrap(), old);
    // After the store took the seals, before the file was put in its place: the next one does.
    vault.rekey().await.unwrap();
    std::fs::rename(house.file(), beside(&house.file())).unwrap();
    std::fs::write(house.file(), &old).unwrap();
    assert_eq!(value(&vault, "one").await, VALUE);
    assert_ne!(std::fs::read(house.file()).unwrap(), old);
    assert!(!beside(&house.file()).exists());
}

#[tokio::test]
async fn what_is_needed_is_not_removed() {
    let house = House::new();
    let vault = house.vault();
    vault.set("openai", VALUE).await.unwrap();
    vault.need(BTreeMap::from([("openai".to_owned(), "providers.main".to_owned())]));
    let error = vault.remove("openai").await.unwrap_err();
    assert!(error.code() == ErrorCode::Conflict && error.message().contains("providers.main"), "{error}");
    vault.need(BTreeMap::new());
    vault.remove("openai").await.unwrap();
    assert_eq!(vault.get("openai").await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn changes_are_told() {
    let house = House::new();
    let vault = house.vault();
    let mut changes = vault.changes();
    assert!(!changes.has_changed().unwrap());
    vault.set("openai", VALUE).await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    vault.set("a b", VALUE).await.unwrap_err();
    assert!(!changes.has_changed().unwrap(), "a refused one is none");
    vault.remove("openai").await.unwrap();
    assert!(changes.has_changed().unwrap());
}
