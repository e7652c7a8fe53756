//! What follows from a declaration, as steps that a driver takes in one transaction.
//!
//! It does not know how accounts and keys are kept.

use crate::{Account, AccountId, AccountTerms, Declaration, Declared, Key, NewKey, key_taken};
use std::collections::{HashMap, HashSet};
use yizhan_domain::{Error, ErrorCode, KeyId, Result, TenantId};

/// One change to what is kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A declared account that is not there yet.
    Create(AccountId, AccountTerms),
    /// What is said of an account, and whether it is declared.
    Change(AccountId, AccountTerms, bool),
    /// An account that is declared no more. Its keys have steps of their own.
    Delete(AccountId),
    /// A declared key that is not there yet.
    CreateKey(NewKey),
    /// A declared key that was declared otherwise.
    ChangeKey(KeyId, NewKey),
    /// A key that is declared no more.
    DeleteKey(KeyId),
}

/// The steps from what is kept (all accounts; all keys with their hashes) to what is declared, in the
/// order in which they are to be taken. `Conflict` as in [`declare`](crate::AccountStore::declare).
pub fn declaration_steps(
    accounts: &[Account],
    keys: &[(String, Key)],
    declaration: Declaration,
) -> Result<(Vec<Step>, Declared)> {
    let (mut steps, mut count) = (Vec::new(), Declared::default());
    let kept: HashMap<&AccountId, &Account> = accounts.iter().map(|account| (&account.id, account)).collect();
    let kept_keys: HashMap<&str, &Key> = keys.iter().map(|(hash, key)| (hash.as_str(), key)).collect();
    let declared: HashSet<AccountId> = declaration.accounts.iter().map(|(id, _)| id.clone()).collect();
    let hashes: HashSet<String> = declaration.keys.iter().map(|key| key.hash.clone()).collect();

    for (_, key) in keys.iter().filter(|(hash, key)| key.declared && !hashes.contains(hash.as_str())) {
        steps.push(Step::DeleteKey(key.id.clone()));
        count.withdrawn += 1;
    }
    // Projects and users before their tenants, so that the last to go finds nothing that hangs on it.
    let mut gone: Vec<&Account> =
        accounts.iter().filter(|account| account.declared && !declared.contains(&account.id)).collect();
    gone.sort_by_key(|account| matches!(account.id, AccountId::Tenant(_)));
    for account in gone {
        let step = withdrawal(account, accounts, keys);
        if step != Step::Change(account.id.clone(), account.terms.clone(), true) {
            steps.push(step);
            count.withdrawn += 1;
        }
    }
    for (id, terms) in declaration.accounts {
        match kept.get(&id) {
            None => {
                steps.push(Step::Create(id, terms));
                count.created += 1;
            }
            Some(account) if !account.declared && !is_default(&id) => return Err(made_by_command(&id)),
            Some(account) if account.declared && account.terms == terms => {}
            Some(_) => {
                steps.push(Step::Change(id, terms, true));
                count.changed += 1;
            }
        }
    }
    for key in declaration.keys {
        match kept_keys.get(key.hash.as_str()) {
            None => {
                steps.push(Step::CreateKey(key));
                count.created += 1;
            }
            Some(old) if !old.declared || old.tenant != key.tenant => return Err(key_taken()),
            Some(old) if old.name == key.name && old.scopes == key.scopes && old.terms == key.terms => {}
            Some(old) => {
                steps.push(Step::ChangeKey(old.id.clone(), key));
                count.changed += 1;
            }
        }
    }
    Ok((steps, count))
}

/// What becomes of an account that is declared no more.
fn withdrawal(account: &Account, accounts: &[Account], keys: &[(String, Key)]) -> Step {
    if is_default(&account.id) {
        return Step::Change(account.id.clone(), AccountTerms::default(), false);
    }
    let has_key = |key: &Key| account.id.has_key(&key.tenant, key.terms.project.as_ref(), key.terms.user.as_ref());
    let is_member = |other: &Account| {
        matches!(account.id, AccountId::Tenant(_)) && other.id != account.id && other.id.tenant() == account.id.tenant()
    };
    // A member that stays because of such a key needs its tenant, but that key is the tenant's too.
    let is_needed = keys.iter().any(|(_, key)| !key.declared && has_key(key))
        || accounts.iter().any(|other| !other.declared && is_member(other));
    if is_needed {
        Step::Change(account.id.clone(), AccountTerms { disabled: true, ..account.terms.clone() }, true)
    } else {
        Step::Delete(account.id.clone())
    }
}

fn is_default(id: &AccountId) -> bool {
    *id == AccountId::Tenant(TenantId::default_tenant())
}

fn made_by_command(id: &AccountId) -> Error {
    let message = format!(
        "The {id} was made by command or API, and the configuration declares it too. Take it out of one of the two."
    );
    Error::new(ErrorCode::Conflict, message)
}
