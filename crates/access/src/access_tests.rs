use super::*;
use crate::KeyRequest;
use crate::limits::{Bound, Limits};
use async_trait::async_trait;
use std::time::Duration;
use yizhan_domain::Money;
use yizhan_store::{AccountStore, AccountTerms, Declaration, Declared, KeyTerms, ManualClock, MemoryStore, NewKey};

fn access() -> Access {
    Access::new(Arc::new(MemoryStore::new()))
}

fn tenant() -> TenantId {
    TenantId::default_tenant()
}

/// Another tenant.
async fn clinic(access: &Access) -> TenantId {
    let id = AccountId::Tenant("clinic".into());
    access.create_account(id.clone(), "Clinic", &Limits::default()).await.unwrap();
    id.tenant().clone()
}

async fn login(access: &Access, secret: &str) -> Result<Principal> {
    access.authenticate(Some(&format!("Bearer {secret}"))).await
}

#[tokio::test]
async fn an_issued_key_is_its_tenants_with_its_scopes() {
    let access = access();
    let clinic = clinic(&access).await;
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
    let left = access.keys(&tenant()).await.unwrap();
    assert_eq!(left.iter().map(|key| &key.id).collect::<Vec<_>>(), [&other_key.id]);
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
    async fn change_key(&self, id: &KeyId, scopes: Vec<String>, terms: KeyTerms) -> Result<Key> {
        self.keys.change_key(id, scopes, terms).await
    }
    async fn note_uses(&self, uses: Vec<(KeyId, i64)>) -> Result<()> {
        self.keys.note_uses(uses).await
    }
}

#[async_trait]
impl AccountStore for Slow {
    async fn create_account(&self, id: AccountId, terms: AccountTerms) -> Result<Account> {
        self.keys.create_account(id, terms).await
    }
    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        self.keys.account(id).await
    }
    async fn tenants(&self) -> Result<Vec<Account>> {
        self.keys.tenants().await
    }
    async fn members(&self, tenant: &TenantId) -> Result<Vec<Account>> {
        self.keys.members(tenant).await
    }
    async fn change_account(&self, id: &AccountId, terms: AccountTerms) -> Result<Account> {
        self.keys.change_account(id, terms).await
    }
    async fn delete_account(&self, id: &AccountId) -> Result<()> {
        self.keys.delete_account(id).await
    }
    async fn declare(&self, declaration: Declaration) -> Result<Declared> {
        self.keys.declare(declaration).await
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
    assert!(access.remembered.read().unwrap().by_digest.len() <= REMEMBERED);
}

#[tokio::test]
async fn a_permit_settles_when_dropped() {
    let access = access();
    let secret = access.bootstrap(None).await.unwrap().unwrap();
    let principal = login(&access, &secret).await.unwrap();
    let permits = [access.reserve(&principal, &ask(1, 0)).await, access.reserve(&principal, &ask(1, 0)).await];
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

/// An access whose time is moved by hand, with these limits as TOML.
fn limited(limits: &str) -> (Access, ManualClock) {
    let time = ManualClock::at(crate::contract::NOW);
    let settings: LimitSettings = toml::from_str(limits).unwrap();
    let limiter = MemoryLimiter::with_clock(None, settings.utc_offset, time.clock());
    let store = Arc::new(MemoryStore::with_clock(time.clock()));
    (Access::with_clock(store, time.clock()).with_limits(settings, Arc::new(limiter)).unwrap(), time)
}

fn ask(prompt: u64, output: u64) -> Ask {
    Ask {
        model: "qwen-max".into(),
        prompt_tokens: prompt,
        max_output_tokens: Some(output),
        money: Money(prompt as i64),
    }
}

async fn caller(access: &Access, request: KeyRequest) -> (String, Principal) {
    let request = KeyRequest { name: "k".into(), role: Some(Role::Developer), ..request };
    let (secret, _) = access.issue_key(&tenant(), request).await.unwrap();
    let principal = login(access, &secret).await.unwrap();
    (secret, principal)
}

#[tokio::test]
async fn a_role_stands_for_scopes() {
    let access = access();
    let (_, principal) = caller(&access, KeyRequest { scopes: vec![Scope::Audit], ..KeyRequest::default() }).await;
    assert_eq!(principal.role(), Some(Role::Developer));
    assert_eq!(principal.scopes(), [Scope::Inference, Scope::Documents, Scope::Usage, Scope::Audit]);
    principal.require_installation(Scope::Inference).unwrap();
    assert_eq!(principal.require_installation(Scope::Admin).unwrap_err().code(), ErrorCode::PermissionDenied);
    Principal::local("clinic".into()).require_installation(Scope::Admin).unwrap();
    let clinic = clinic(&access).await;
    let (secret, _) = access.issue(&clinic, "a", &[Scope::Admin]).await.unwrap();
    let error = login(&access, &secret).await.unwrap().require_installation(Scope::Admin).unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied);
}

#[tokio::test]
async fn a_key_expires_also_while_it_is_remembered() {
    let (access, time) = limited("");
    let expires_ms = Some(crate::contract::NOW + 5000);
    let (secret, _) = caller(&access, KeyRequest { expires_ms, ..KeyRequest::default() }).await;
    time.advance(Duration::from_millis(4999));
    login(&access, &secret).await.unwrap();
    time.advance(Duration::from_millis(1));
    let error = login(&access, &secret).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidApiKey);
    assert!(error.message().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_key_is_for_its_networks_and_models() {
    let access = access();
    let request = KeyRequest {
        networks: vec!["10.0.0.0/8".into(), "2001:db8::/32".into()],
        models: vec!["qwen*".into()],
        name: "k".into(),
        role: Some(Role::Application),
        ..KeyRequest::default()
    };
    let (secret, _) = access.issue_key(&tenant(), request).await.unwrap();
    for (peer, is_good) in
        [(Some("10.1.2.3"), true), (Some("2001:db8::1"), true), (Some("192.0.2.1"), false), (None, false)]
    {
        for _ in 0..2 {
            let peer = peer.map(|peer| peer.parse().unwrap());
            let outcome =
                access.identify(&Credentials { api_key: Some(&secret), peer, ..Credentials::default() }).await;
            match outcome {
                Ok(principal) => {
                    assert!(is_good && principal.may_use(&"qwen-max".into()));
                    let error =
                        access.reserve(&principal, &Ask { model: "gpt-4".into(), ..ask(1, 1) }).await.unwrap_err();
                    assert_eq!((error.code(), error.parameter()), (ErrorCode::PermissionDenied, Some("model")));
                }
                Err(error) => assert!(!is_good && error.code() == ErrorCode::PermissionDenied, "{error}"),
            }
        }
    }
    let wrong = KeyRequest {
        name: "k".into(),
        role: Some(Role::Admin),
        networks: vec!["home".into()],
        ..KeyRequest::default()
    };
    assert_eq!(access.issue_key(&tenant(), wrong).await.unwrap_err().parameter(), Some("networks"));
}

#[tokio::test]
async fn what_is_disabled_stops_at_once() {
    let access = access();
    let project = AccountId::Project(tenant(), "web".into());
    let user = AccountId::User(tenant(), "li".into());
    for id in [&project, &user] {
        access.create_account(id.clone(), "", &Limits::default()).await.unwrap();
    }
    let request = KeyRequest { project: Some("web".into()), user: Some("li".into()), ..KeyRequest::default() };
    let (secret, principal) = caller(&access, request).await;
    for id in [AccountId::Tenant(tenant()), project, user] {
        for (disabled, is_good) in [(true, false), (false, true)] {
            access.change_account(&id, |terms| terms.disabled = disabled).await.unwrap();
            assert_eq!(login(&access, &secret).await.is_ok(), is_good, "{id}");
        }
    }
    access
        .change_key(&tenant(), principal.key(), |key| {
            key.terms.disabled = true;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(login(&access, &secret).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
    access.change_key(&tenant(), principal.key(), disabled(false)).await.unwrap();
    login(&access, &secret).await.unwrap();
    access.delete_account(&AccountId::User(tenant(), "li".into())).await.unwrap();
    assert_eq!(login(&access, &secret).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn one_tenant_learns_nothing_of_another() {
    let access = access();
    let clinic = clinic(&access).await;
    let (_, key) = access.issue(&clinic, "a", &[Scope::Admin]).await.unwrap();
    let nobody = access.revoke(&tenant(), &"key-0".into()).await.unwrap_err().message().replace("key-0", "");
    let others = access.revoke(&tenant(), &key.id).await.unwrap_err().message().replace(key.id.as_str(), "");
    assert_eq!(nobody, others);
    let request =
        KeyRequest { name: "k".into(), role: Some(Role::Admin), project: Some("web".into()), ..KeyRequest::default() };
    assert_eq!(access.issue_key(&tenant(), request).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn uses_are_told_at_once_and_written_when_asked() {
    let (access, time) = limited("");
    caller(&access, KeyRequest::default()).await;
    let now = Some(time.clock().now_ms());
    assert_eq!(access.keys(&tenant()).await.unwrap()[0].used_ms, now);
    assert_eq!(access.keys.keys(&tenant()).await.unwrap()[0].used_ms, None);
    access.note_uses().await.unwrap();
    assert_eq!(access.keys.keys(&tenant()).await.unwrap()[0].used_ms, now);
}

#[tokio::test]
async fn what_another_process_revokes_is_refused_within_half_a_minute() {
    let (access, time) = limited("");
    let (secret, principal) = caller(&access, KeyRequest::default()).await;
    access.keys.delete_key(principal.key()).await.unwrap();
    time.advance(Duration::from_secs(31));
    assert_eq!(login(&access, &secret).await.unwrap_err().code(), ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_tenant_makes_200_requests_a_second_unless_told_otherwise() {
    for (limits, most) in [("", 200), ("[tenant]\nrequests_per_second = 3", 3), ("[key]\nrequests_per_second = 2", 2)] {
        let (access, _) = limited(limits);
        let (_, principal) = caller(&access, KeyRequest::default()).await;
        for _ in 0..most {
            access.reserve(&principal, &ask(1, 1)).await.unwrap().settle(1, Money::ZERO);
        }
        let error = access.reserve(&principal, &ask(1, 1)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RateLimited);
        assert!(error.wait().is_some() && error.message().contains(&format!("{most} requests per second")), "{error}");
    }
}

#[tokio::test]
async fn a_keys_own_limits_and_those_of_models_hold() {
    let (access, _) = limited("[tenant]\nrequests_per_second = \"unlimited\"\n[user]\ntokens_per_minute = 5");
    let tokens = |limit| Limits { tokens_per_minute: Some(Bound::At(limit)), ..Limits::default() };
    let limits = Limits { models: [("qwen*".to_owned(), tokens(100))].into(), ..tokens(1000) };
    let (_, principal) = caller(&access, KeyRequest { limits, ..KeyRequest::default() }).await;
    let error = access.reserve(&principal, &ask(60, 60)).await.unwrap_err();
    assert!(error.message().contains("key 'k' for the models 'qwen*'") && error.wait().is_none(), "{error}");
    let key = principal.key();
    let accounts: Vec<String> = principal.accounts(&"qwen-max".into()).iter().map(ToString::to_string).collect();
    assert_eq!(accounts, [format!("key:{key}"), format!("key:{key} qwen*")]);
    let permit = access.reserve(&principal, &Ask { model: "gpt-4".into(), ..ask(60, 60) }).await.unwrap();
    assert_eq!(permit.standing().tokens.unwrap().remaining, 880);
    access.set_limits(toml::from_str("[tenant]\ntokens_per_minute = 10").unwrap()).unwrap();
    let standing = access.standing(&principal, &"gpt-4".into()).await.unwrap();
    assert_eq!(standing.tokens.unwrap().limit, 1000, "a call that was authenticated before goes on");
}

#[tokio::test]
async fn an_answer_without_a_maximum_grows_by_slices_until_its_budget_ends() {
    let (access, _) = limited("[key]\ntokens_per_minute = 2000");
    let (_, principal) = caller(&access, KeyRequest::default()).await;
    let mut permit = access.reserve(&principal, &Ask { max_output_tokens: None, ..ask(100, 0) }).await.unwrap();
    assert_eq!(permit.remaining_output(), crate::OUTPUT_SLICE);
    permit.top_up_prompt(300, Money(300)).await.unwrap();
    assert_eq!((permit.tokens(), permit.remaining_output(), permit.money()), (912, 512, Money(400)));
    let mut written = 0;
    let error = loop {
        match permit.cover(written + 1, Money::ZERO).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((error.code(), written), (ErrorCode::RateLimited, 1600));
    permit.settle(2000, Money::ZERO);
    let error = access.reserve(&principal, &ask(1, 0)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RateLimited);
}

#[tokio::test]
async fn a_budget_that_ends_in_a_stream_ends_the_stream() {
    let (access, _) = limited("[key]\nmoney_per_day = 0.000001");
    let (_, principal) = caller(&access, KeyRequest::default()).await;
    let mut permit = access.reserve(&principal, &Ask { max_output_tokens: None, ..ask(100, 0) }).await.unwrap();
    let mut written = 0;
    while permit.cover(written + 1, Money(100 + 2 * (written as i64 + 1))).await.is_ok() {
        written += 1;
    }
    assert_eq!(written, 450, "1000 billionths, less 100 for the prompt, at 2 a token");
    drop(permit);
    assert!(access.reserve(&principal, &ask(1000, 0)).await.is_ok());
}

/// A limiter that cannot be reached.
struct Unreachable;

#[async_trait]
impl Limiter for Unreachable {
    async fn reserve(&self, _: Claim) -> Result<Verdict> {
        Err(Error::io("Asking Redis", "connection refused"))
    }
    async fn standing(&self, _: &[Arc<Subject>]) -> Result<Standing> {
        Err(Error::io("Asking Redis", "connection refused"))
    }
    async fn used(&self, _: &[Arc<Subject>]) -> Result<Vec<Used>> {
        Err(Error::io("Asking Redis", "connection refused"))
    }
}

#[tokio::test]
async fn limits_that_cannot_be_checked_let_through_or_refuse_as_configured() {
    for (word, is_open) in [("open", true), ("closed", false)] {
        let settings = toml::from_str(&format!("on_failure = \"{word}\"")).unwrap();
        let access = access().with_limits(settings, Arc::new(Unreachable)).unwrap();
        let (_, principal) = caller(&access, KeyRequest::default()).await;
        match access.reserve(&principal, &ask(1, 1)).await {
            Ok(_) => assert!(is_open),
            Err(error) => {
                assert!(!is_open && error.code() == ErrorCode::Overloaded && error.wait().is_some(), "{error}");
                assert!(!error.message().contains("Redis"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_limit_and_the_subject() {
    let (access, _) = limited("[tenant]\nmoney_per_month = 0.5");
    let (_, principal) = caller(&access, KeyRequest::default()).await;
    let error = access.reserve(&principal, &Ask { money: Money(Money::ONE), ..ask(1, 1) }).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BudgetExceeded);
    assert!(error.message().contains("tenant 'default', 0.5 a month"), "{error}");
    let refused = access.try_reserve(&principal, &Ask { money: Money(Money::ONE), ..ask(1, 1) }).await.unwrap();
    assert_eq!(refused.err().map(|refusal| refusal.name()).as_deref(), Some("tenant.money_per_month"));
    assert_eq!(error.wait().unwrap().as_secs(), (8 * 24 + 16) * 3600 + 1800);
}

fn disabled(is: bool) -> impl FnOnce(&mut Key) -> Result<()> + Send {
    move |key| {
        key.terms.disabled = is;
        Ok(())
    }
}

#[tokio::test]
async fn what_is_used_is_told_of_everyone_who_pays() {
    let (access, _) = limited("[tenant]\nmoney_per_day = 1\n[key.models.\"qwen*\"]\ntokens_per_minute = 100");
    let (_, principal) = caller(&access, KeyRequest::default()).await;
    let permit = access.reserve(&principal, &Ask { model: "qwen-max".into(), ..ask(10, 1) }).await.unwrap();
    let all = access.used(&principal, None).await.unwrap();
    let named: Vec<_> = all.iter().map(|(subject, _)| (subject.kind(), subject.own(), subject.models())).collect();
    assert_eq!(named, [("tenant", "default", None), ("key", principal.key().as_str(), Some("qwen*"))]);
    assert_eq!(all[0].1.day.map(|day| day.limit), Some(Money(Money::ONE)));
    assert!(all[1].1.tokens.is_some_and(|tokens| tokens.limit == 100 && tokens.remaining < 100), "{all:?}");
    drop(permit);
    assert_eq!(access.used(&principal, Some(&"gpt-4".into())).await.unwrap().len(), 1, "the others' limits hold not");
    let key = access.keys(&tenant()).await.unwrap().into_iter().find(|key| key.id == *principal.key()).unwrap();
    assert_eq!(access.used_by_key(&key).await.unwrap().len(), 2);
}
