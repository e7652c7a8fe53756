//! From the configuration to what the gateway decides by: providers, routes, rules, prices; and to what
//! it notes calls in.
//!
//! It does not know how any of them works.

use crate::config::{Config, RouteConfig};
use crate::memory::Memory;
use crate::models::Models;
use crate::secrets::StoredKeys;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use yizhan_access::DeclaredTenant;
use yizhan_audit::{AuditLog, Entries, Options, Record};
use yizhan_cache::Cache;
use yizhan_domain::{Error, ErrorCode, ModelName, Result};
use yizhan_gateway::{Degradation, Ledger, Policy, counted};
use yizhan_guard::{Guard, RuleSet};
use yizhan_metering::{Meter, PriceBook};
use yizhan_model::{ChatModel, ModelRegistry};
use yizhan_provider::{KeySource, ModelKind, Provider, ProviderConfig, Secret};
use yizhan_routing::{BreakerSettings, Route, RouteSettings, Target};
use yizhan_store::UsageStore;

/// The providers of a configuration, with their keys.
pub(crate) fn providers(config: &Config, stored: &StoredKeys) -> Result<Vec<Provider>> {
    let provider = |one: &ProviderConfig| Provider::new(one.clone(), key(one.key.as_ref(), stored)?);
    config.providers.iter().map(provider).collect()
}

/// The secret that a source names.
pub(crate) fn key(source: Option<&KeySource>, stored: &StoredKeys) -> Result<Option<Secret>> {
    let wrong = |what: String| Error::new(ErrorCode::InvalidConfig, what);
    match source {
        None => Ok(None),
        Some(KeySource::Env(name)) => match crate::data::variable(name) {
            Some(key) => Ok(Some(Secret::new(key))),
            None => Err(wrong(format!("A key is in the variable {name}, which is not set."))),
        },
        Some(KeySource::File(path)) => {
            let text = std::fs::read_to_string(path)
                .map_err(|cause| wrong(format!("A key cannot be read from {}: {cause}", path.display())))?;
            Ok(text.lines().next().map(|line| Secret::new(line.trim())))
        }
        Some(KeySource::Store(name)) => stored.get(name).map(Some),
    }
}

/// What the gateway decides by. The models must have been told of the providers.
pub(crate) fn policy(
    config: &Config,
    providers: &[Provider],
    models: &Models,
    flag: Option<&str>,
    memory: &Memory,
) -> Result<Policy> {
    let prices = prices(config)?;
    let chat = match flag {
        Some(name) => Some(ModelName::new(name)),
        None => config.chat.default.clone().or_else(|| models.default_chat(None)),
    };
    let mut price_names = HashMap::new();
    for provider in providers {
        for model in provider.models() {
            price_names.insert((provider.name().to_owned(), model.name.clone()), model.price().to_owned());
        }
    }
    let maker = Maker { providers, models, prices: prices.as_deref(), price_names: &price_names };
    let routes = maker.routes(config)?;
    let degradation = Degradation {
        short_answer: config.degradation.short_answer,
        longest_answer: config.degradation.longest_answer,
        cheaper: config.degradation.cheaper.clone(),
    };
    let guard = guard(config)?.map(Arc::new);
    let cache = cache(config, models, memory)?;
    Ok(Policy { chat, routes, guard, prices, price_names, cache, capture: config.audit.payload, degradation })
}

fn cache(config: &Config, models: &Models, memory: &Memory) -> Result<Option<Arc<Cache>>> {
    let settings = &config.cache;
    if !settings.enabled {
        return Ok(None);
    }
    if let Some(kept) = memory.kept.as_ref().filter(|kept| kept.settings() == settings) {
        return Ok(Some(Arc::clone(kept)));
    }
    let embedder = match &settings.semantic.model {
        Some(name) if settings.semantic.enabled => Some(models.embed(name)?),
        _ => None,
    };
    Ok(Some(Arc::new(Cache::new(settings.clone(), embedder, memory.store(config)))))
}

fn guard(config: &Config) -> Result<Option<Guard>> {
    let mut sets = Vec::new();
    for pack in &config.rules.packs {
        sets.push(RuleSet::pack(pack)?);
    }
    for path in &config.rules.files {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|cause| {
                Error::new(ErrorCode::InvalidConfig, format!("{} cannot be read: {cause}", path.display()))
            })
        };
        let mut set = RuleSet::parse(&path.display().to_string(), &read(path)?)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let words: Vec<String> = set.word_files().into_iter().map(str::to_owned).collect();
        for file in words {
            let text = read(&folder.join(&file))?;
            set.attach(file, text);
        }
        sets.push(set);
    }
    if sets.is_empty() { Ok(None) } else { Guard::new(&sets).map(Some) }
}

fn prices(config: &Config) -> Result<Option<Arc<PriceBook>>> {
    let Some(path) = &config.prices.file else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|cause| {
        Error::new(ErrorCode::InvalidConfig, format!("The price list {} cannot be read: {cause}", path.display()))
    })?;
    let book = PriceBook::parse(&text).map_err(|error| error.context(path.display()))?;
    Ok(Some(Arc::new(book)))
}

/// Makes routes.
struct Maker<'a> {
    providers: &'a [Provider],
    models: &'a Models,
    prices: Option<&'a PriceBook>,
    price_names: &'a HashMap<(String, ModelName), String>,
}

impl Maker<'_> {
    /// The configured routes, and one of its own name for every remote chat model.
    fn routes(&self, config: &Config) -> Result<BTreeMap<ModelName, Arc<Route>>> {
        let mut routes = BTreeMap::new();
        let last_resort = config.chat.last_resort.as_ref();
        for provider in self.providers {
            for model in provider.models().iter().filter(|model| model.kind == ModelKind::Chat) {
                let target = Arc::new(self.target(&model.name, 1, BreakerSettings::default())?);
                let last = self.last_resort(last_resort)?;
                let route = Route::new(model.name.clone(), RouteSettings::default(), vec![target], last)?;
                routes.insert(model.name.clone(), Arc::new(route));
            }
        }
        for route in &config.routes {
            let made =
                self.route(route, last_resort).map_err(|error| error.context(format!("routes.{}", route.name)))?;
            if routes.insert(route.name.clone(), Arc::new(made)).is_some() {
                let message = format!("Two routes or models are named '{}'; rename one.", route.name);
                return Err(Error::new(ErrorCode::InvalidConfig, message));
            }
        }
        Ok(routes)
    }

    fn route(&self, config: &RouteConfig, last_resort: Option<&ModelName>) -> Result<Route> {
        let target = |target: &crate::config::TargetConfig| {
            self.target(&target.model, target.weight, config.breaker).map(Arc::new)
        };
        let targets = config.targets.iter().map(target).collect::<Result<Vec<_>>>()?;
        let settings = RouteSettings {
            strategy: config.strategy,
            retry: config.retry,
            hedge_ms: config.hedge_ms,
            first_content_ms: config.first_content_ms,
        };
        let last = self.last_resort(config.last_resort.as_ref().or(last_resort))?;
        Route::new(config.name.clone(), settings, targets, last)
    }

    fn last_resort(&self, name: Option<&ModelName>) -> Result<Option<Arc<Target>>> {
        name.map(|name| self.target(name, 1, BreakerSettings::default()).map(Arc::new)).transpose()
    }

    fn target(&self, name: &ModelName, weight: u32, breaker: BreakerSettings) -> Result<Target> {
        let (provider, model) = self.model(name)?;
        let price = self.price(&provider, name);
        Ok(Target::new(provider, model, breaker).weighing(weight).costing(price))
    }

    fn model(&self, name: &ModelName) -> Result<(String, Arc<dyn ChatModel>)> {
        for provider in self.providers {
            if let Ok(model) = provider.chat(name) {
                return Ok((provider.name().to_owned(), model));
            }
        }
        let unknown = |error: Error| {
            let message = format!("No provider has a chat model '{name}', and as a local one: {error}");
            Error::new(ErrorCode::InvalidConfig, message)
        };
        self.models.chat(name).map(|model| ("local".to_owned(), model)).map_err(unknown)
    }

    /// Of a thousand tokens in and out, for comparison alone. What has no price is tried last.
    fn price(&self, provider: &str, name: &ModelName) -> f64 {
        let Some(prices) = self.prices else { return 0.0 };
        let key = (provider.to_owned(), name.clone());
        let price_name = self.price_names.get(&key).map_or(name.as_str(), String::as_str);
        prices.estimate(price_name, provider, 1_000, 1_000, i64::MAX / 2).map_or(f64::MAX, |money| money.to_f64())
    }
}

/// Tenants with their keys' hashes in the place of variables.
pub(crate) fn tenants(config: &Config) -> Result<Vec<DeclaredTenant>> {
    let mut tenants = config.tenants.clone();
    tenants.iter_mut().try_for_each(|tenant| tenant.resolve(crate::data::variable))?;
    DeclaredTenant::check_all(&tenants)?;
    Ok(tenants)
}

/// Checks everything that can be checked without a data folder.
pub(crate) fn check(config: &Config, models: &Models) -> Result<()> {
    let providers = providers(config, &StoredKeys::assumed(config))?;
    policy(config, &providers, models, None, &Memory::default())?;
    config.telemetry.collector(&StoredKeys::assumed(config))?;
    if let Some(files) = crate::tls::configured(config) {
        files.check()?;
    }
    config.oidc.iter().try_for_each(yizhan_access::IssuerSettings::check)?;
    tenants(config).map(drop)
}

/// What is right, and yet may surprise.
pub(crate) fn remarks(config: &Config) -> Result<Vec<&'static str>> {
    let is_held = guard(config)?.is_some_and(|guard| guard.reviews_requests());
    let held = "Rules with the action 'review' hold chat calls for a person; on embeddings, rerank and search, where \
                nothing is held, they block.";
    Ok(is_held.then_some(held).into_iter().collect())
}

/// Opens the audit log of a data folder, and brings the usage level with it. `watch` sees every record once
/// it is kept, with its number.
pub(crate) async fn ledger(
    config: &Config,
    data: &Path,
    usage: Arc<dyn UsageStore>,
    mut watch: impl FnMut(u64, &Record) + Send + 'static,
) -> Result<(Ledger, Arc<Meter>)> {
    let folder = data.join("audit");
    let meter = Arc::new(Meter::open(usage, "audit").await?);
    let watching = Arc::clone(&meter);
    let mut options = Options::new(audit_key(config, data));
    options.segment_bytes = config.audit.segment_mib.max(1) << 20;
    options.observer = Some(Box::new(move |place, record| {
        watch(place.sequence, record);
        if record.kind.is_call() {
            watching.add(place.sequence, &counted(record));
        } else {
            watching.pass(place.sequence);
        }
    }));
    let log = AuditLog::open(&folder, options)?;
    let mut entries = Entries::open(&folder, log.key(), meter.position() + 1)?;
    while let Some(stored) = entries.next()? {
        if stored.record.kind.is_call() {
            meter.add(stored.sequence, &counted(&stored.record));
        } else {
            meter.pass(stored.sequence);
        }
    }
    Ok((Ledger::new(log, config.audit.on_failure), meter))
}

/// Where the audit log's secret is.
pub(crate) fn audit_key(config: &Config, data: &Path) -> std::path::PathBuf {
    config.audit.key.clone().unwrap_or_else(|| data.join("audit.key"))
}
