//! Accounts in memory.
//!
//! It does not know what an account's limits mean.

use super::state::State;
use super::{MemoryStore, keys};
use crate::{
    Account, AccountId, AccountStore, AccountTerms, Declaration, Declared, Step, account_taken, declaration_steps,
    default_tenant_stays,
};
use async_trait::async_trait;
use yizhan_domain::{Error, Result, TenantId};

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create_account(&self, id: AccountId, terms: AccountTerms) -> Result<Account> {
        let mut state = self.state();
        if state.account(&id).is_some() {
            return Err(account_taken(&id));
        }
        let tenant = AccountId::Tenant(id.tenant().clone());
        if id != tenant && state.account(&tenant).is_none() {
            return Err(Error::not_found("tenant", id.tenant()));
        }
        Ok(state.add_account(id, terms, false, self.clock.now_ms()))
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        Ok(self.state().account(id).map(|account| account.clone()))
    }

    async fn tenants(&self) -> Result<Vec<Account>> {
        let is_tenant = |account: &&Account| matches!(account.id, AccountId::Tenant(_));
        Ok(self.state().accounts.0.iter().filter(is_tenant).cloned().collect())
    }

    async fn members(&self, tenant: &TenantId) -> Result<Vec<Account>> {
        let is_member = |account: &&Account| account.id.tenant() == tenant && account.id.kind() != "tenant";
        Ok(self.state().accounts.0.iter().filter(is_member).cloned().collect())
    }

    async fn change_account(&self, id: &AccountId, terms: AccountTerms) -> Result<Account> {
        let mut state = self.state();
        let account = state.account(id).ok_or_else(|| Error::not_found(id.kind(), id.own()))?;
        account.terms = terms;
        Ok(account.clone())
    }

    async fn delete_account(&self, id: &AccountId) -> Result<()> {
        let mut state = self.state();
        if *id == Account::default_tenant().id {
            return Err(default_tenant_stays());
        }
        if state.account(id).is_none() {
            return Err(Error::not_found(id.kind(), id.own()));
        }
        state.remove_account(id);
        Ok(())
    }

    async fn declare(&self, declaration: Declaration) -> Result<Declared> {
        let mut state = self.state();
        let (steps, count) = declaration_steps(&state.accounts.0, &state.keys, declaration)?;
        let now = self.clock.now_ms();
        steps.into_iter().for_each(|step| state.take_step(step, now));
        Ok(count)
    }
}

impl State {
    fn account(&mut self, id: &AccountId) -> Option<&mut Account> {
        self.accounts.0.iter_mut().find(|account| account.id == *id)
    }

    fn add_account(&mut self, id: AccountId, terms: AccountTerms, declared: bool, now_ms: i64) -> Account {
        let account = Account { id, terms, declared, created_ms: now_ms };
        self.accounts.0.push(account.clone());
        account
    }

    fn remove_account(&mut self, id: &AccountId) {
        let is_whole_tenant = id.kind() == "tenant";
        let goes = |other: &AccountId| other == id || (is_whole_tenant && other.tenant() == id.tenant());
        self.accounts.0.retain(|account| !goes(&account.id));
        self.reviews.retain(|held| !is_whole_tenant || held.item.tenant != *id.tenant());
        self.keys.retain(|(_, key)| !id.has_key(&key.tenant, key.terms.project.as_ref(), key.terms.user.as_ref()));
    }

    fn take_step(&mut self, step: Step, now_ms: i64) {
        match step {
            Step::Create(id, terms) => drop(self.add_account(id, terms, true, now_ms)),
            Step::Change(id, terms, declared) => {
                if let Some(account) = self.account(&id) {
                    (account.terms, account.declared) = (terms, declared);
                }
            }
            Step::Delete(id) => self.remove_account(&id),
            Step::CreateKey(new) => self.keys.push(keys::kept(new, true, now_ms)),
            Step::ChangeKey(id, new) => {
                if let Some((_, key)) = self.keys.iter_mut().find(|(_, key)| key.id == id) {
                    (key.name, key.scopes, key.terms) = (new.name, new.scopes, new.terms);
                }
            }
            Step::DeleteKey(id) => self.keys.retain(|(_, key)| key.id != id),
        }
    }
}
