//! What a key is for: names of models with `*`, and networks. Both are held against the plainest possible reading.
#![no_main]

use futures_util::FutureExt;
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use std::sync::Arc;
use yizhan_access::{Access, Credentials, DeclaredTenant, KeyRequest, Limits, Scope};
use yizhan_domain::ModelName;
use yizhan_store::{AccountId, MemoryStore};

/// A table of all beginnings: slow, and plain.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for symbol in pattern {
        let mut next = vec![false; name.len() + 1];
        next[0] = *symbol == b'*' && row[0];
        for (at, letter) in name.iter().enumerate() {
            next[at + 1] = match symbol {
                b'*' => next[at] || row[at + 1],
                _ => row[at] && symbol == letter,
            };
        }
        row = next;
    }
    row[name.len()]
}

/// All addresses as IPv6; the first bits of both are the same.
fn holds(network: &str, address: IpAddr) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (address.to_ipv6_mapped().to_bits(), 96),
        IpAddr::V6(address) => (address.to_bits(), 0),
    };
    let network = network.trim();
    let (first, length) = network.split_once('/').unwrap_or((network, ""));
    let first: IpAddr = first.parse().expect("it was taken");
    let (first, skipped) = bits(first);
    let length = if length.is_empty() { 128 } else { length.parse::<u32>().expect("it was taken") + skipped };
    (0..length).all(|bit| (first ^ bits(address).0) >> (127 - bit) & 1 == 0)
}

fuzz_target!(|input: (Vec<String>, Vec<String>, String, IpAddr, &str)| {
    let (models, networks, model, peer, text) = input;
    let access = Access::new(Arc::new(MemoryStore::new()));
    access
        .create_account(AccountId::Tenant("t".into()), "", &Limits::default())
        .now_or_never()
        .expect("at once")
        .expect("a tenant");
    if let Ok(tenant) = toml::from_str::<DeclaredTenant>(text) {
        let tenants = [tenant];
        let checked = DeclaredTenant::check_all(&tenants);
        let fresh = Access::new(Arc::new(MemoryStore::new()));
        let taken = fresh.reconcile(&tenants).now_or_never().expect("at once");
        assert_eq!(checked.is_ok(), taken.is_ok(), "{checked:?} {taken:?}");
    }
    let request = KeyRequest {
        name: "k".into(),
        scopes: vec![Scope::Inference],
        models: models.clone(),
        networks: networks.clone(),
        ..KeyRequest::default()
    };
    let issued = access.issue_key(&"t".into(), request).now_or_never().expect("at once");
    let (secret, _) = match issued {
        Ok(issued) => issued,
        Err(error) => return yizhan_fuzz::refused(&error),
    };
    let credentials = Credentials { api_key: Some(&secret), peer: Some(peer), ..Credentials::default() };
    let may_come = networks.is_empty() || networks.iter().any(|network| holds(network, peer));
    let principal = access.identify(&credentials).now_or_never().expect("at once");
    assert_eq!(principal.is_ok(), may_come, "{networks:?} {peer}");
    let Ok(principal) = principal else { return };
    let may_use = models.is_empty() || models.iter().any(|pattern| fits(pattern.as_bytes(), model.as_bytes()));
    let model = ModelName::new(model);
    assert_eq!(principal.may_use(&model), may_use, "{models:?} {model}");
    if let Err(error) = principal.require_model(&model) {
        yizhan_fuzz::refused(&error);
    }
});
