use super::*;
use async_trait::async_trait;
use yizhan_store::MemoryStore;

fn access() -> Access {
    Access::new(Arc::new(MemoryStore::new()))
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

async fn login(access: &Access, secret: &str) -> Result<Principal> {
    access.authenticate(Some(&format!("Bearer {secret}"))).await
}

#[tokio::test]
async fn an_issued_key_is_its_tenants_with_its_scopes() {
    let access = access();
    let clinic = TenantId::from("clinic");
    let (secret, key) = access.issue(&clinic, "front desk", &[Scope::Inference]).await.unwrap();
    for _ in 0..2 {
        let principal = login(&access, &secret).await.unwrap();
        assert_eq!((principal.tenant(), principal.key()), (&clinic, &key.id));
        assert_eq!(principal.scopes(), [Scope::Inference]);
        principal.require(Scope::Inference).unwrap();
        let error = principal.require(Scope::Documents).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PermissionDenied);
        assert!(error.message().contains("'documents'"), "{error}");
    }
}

#[tokio::test]
async fn the_secret_is_not_kept() {
    let store = Arc::new(MemoryStore::new());
    let (secret, _) = Access::new(store.clone()).issue(&tenant(), "a", &[Scope::Admin]).await.unwrap();
    assert!(store.key_by_hash(&secret).await.unwrap().is_none());
    assert!(store.key_by_hash(&secret::hash(&secret)).await.unwrap().is_some());
}

#[tokio::test]
async fn strangers_are_told_why() {
    let access = access();
    for (header, why) in [(None, "no API key"), (Some("Basic eA=="), "malformed"), (Some("Bearer yz-0"), "not known")] {
        let error = access.authenticate(header).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidApiKey);
        assert!(error.message().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let access = access();
    let (secret, key) = access.issue(&tenant(), "a", &[Scope::Admin]).await.unwrap();
    let (other, other_key) = access.issue(&tenant(), "b", &[Scope::Admin]).await.unwrap();
    login(&access, &secret).await.unwrap();
    login(&access, &other).await.unwrap();
    assert_eq!(access.revoke(&"clinic".into(), &key.id).await.unwrap_err().code(), ErrorCode::NotFound);
    access.revoke(&tenant(), &key.id).await.unwrap();
    assert_eq!(login(&access, &secret).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
    login(&access, &other).await.unwrap();
    assert_eq!(access.keys(&tenant()).await.unwrap(), [other_key]);
}

/// Answers the look-up of a key only after the key was revoked.
struct Slow {
    keys: MemoryStore,
    access: Mutex<Option<(Arc<Access>, KeyId)>>,
}

#[async_trait]
impl KeyStore for Slow {
    async fn create_key(&self, key: NewKey) -> Result<Key> {
        self.keys.create_key(key).await
    }
    async fn key_by_hash(&self, hash: &str) -> Result<Option<Key>> {
        let found = self.keys.key_by_hash(hash).await?;
        let revoke = self.access.lock().unwrap().take();
        if let Some((access, key)) = revoke {
            access.revoke(&tenant(), &key).await?;
        }
        Ok(found)
    }
    async fn keys(&self, tenant: &TenantId) -> Result<Vec<Key>> {
        self.keys.keys(tenant).await
    }
    async fn delete_key(&self, id: &KeyId) -> Result<()> {
        self.keys.delete_key(id).await
    }
}

#[tokio::test]
async fn a_check_that_a_revocation_overtook_is_not_remembered() {
    let store = Arc::new(Slow { keys: MemoryStore::new(), access: Mutex::default() });
    let access = Arc::new(Access::new(store.clone()));
    let (secret, key) = access.issue(&tenant(), "a", &[Scope::Admin]).await.unwrap();
    *store.access.lock().unwrap() = Some((access.clone(), key.id));
    login(&access, &secret).await.unwrap();
    assert_eq!(login(&access, &secret).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn the_first_key_is_made_once() {
    let access = access();
    let secret = access.bootstrap(None).await.unwrap().unwrap();
    login(&access, &secret).await.unwrap().require(Scope::Documents).unwrap();
    assert_eq!(access.bootstrap(None).await.unwrap(), None);
}

#[tokio::test]
async fn the_first_key_can_be_given() {
    let access = access();
    for _ in 0..2 {
        assert_eq!(access.bootstrap(Some("sk-mine".into())).await.unwrap(), None);
        login(&access, "sk-mine").await.unwrap().require(Scope::Admin).unwrap();
    }
    assert_eq!(access.keys(&tenant()).await.unwrap().len(), 1);
    assert_eq!(access.bootstrap(None).await.unwrap(), None);
    for wrong in ["", "two words", "驿站"] {
        let error = access.bootstrap(Some(wrong.into())).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig, "{wrong}");
    }
}

#[tokio::test]
async fn a_key_needs_a_name_and_a_scope() {
    let access = access();
    for name in ["", " ", "a\nb", &"k".repeat(101)] {
        let error = access.issue(&tenant(), name, &[Scope::Admin]).await.unwrap_err();
        assert_eq!(error.parameter(), Some("name"), "{name}");
    }
    assert_eq!(access.issue(&tenant(), "a", &[]).await.unwrap_err().parameter(), Some("scopes"));
}

#[tokio::test]
async fn what_is_remembered_is_bounded() {
    let access = access();
    for number in 0..REMEMBERED + 10 {
        let (secret, _) = access.issue(&tenant(), &number.to_string(), &[Scope::Inference]).await.unwrap();
        login(&access, &secret).await.unwrap();
    }
    assert!(access.remembered().by_hash.len() <= REMEMBERED);
}

#[tokio::test]
async fn a_permit_settles_when_dropped() {
    let access = access();
    let secret = access.bootstrap(None).await.unwrap().unwrap();
    let principal = login(&access, &secret).await.unwrap();
    let permits = [access.reserve(&principal).unwrap(), access.reserve(&principal).unwrap()];
    assert_eq!(access.active(), 2);
    drop(permits);
    assert_eq!(access.active(), 0);
}

#[test]
fn the_operator_of_the_machine_needs_no_key() {
    let principal = Principal::local(tenant());
    assert_eq!(principal.tenant(), &tenant());
    Scope::ALL.iter().for_each(|scope| principal.require(*scope).unwrap());
}
