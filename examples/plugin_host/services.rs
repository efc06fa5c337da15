//! What the host lends its plugins: a log, settings, and a store in which each has its own keys.

use archipel::value::Text;
use archipel::{AliasError, Call, Policy, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many keys a plugin can store, and how large each with its value can be, as Python writes them.
const MOST_KEYS: usize = 100;
const LARGEST: usize = 10_000;

/// Where the lines of the log go.
type Log = dyn Fn(&str) + Send + Sync;

/// What all plugins share.  Clones are the same.
#[derive(Clone)]
pub struct Services(Arc<Shared>);

struct Shared {
    settings: BTreeMap<String, Value>,
    log: Box<Log>,
    /// By plugin, and then by key.
    store: Mutex<BTreeMap<String, BTreeMap<String, Value>>>,
}

impl Services {
    pub fn new<N: Into<String>, V: Into<Value>>(
        settings: impl IntoIterator<Item = (N, V)>,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let settings = settings.into_iter();
        Services(Arc::new(Shared {
            settings: settings
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            log: Box::new(log),
            store: Mutex::default(),
        }))
    }

    /// Puts a function of the host's behind each name that the policy of `plugin` asks for.  A name that
    /// the host does not have stays without one, with which no interpreter is created.
    pub fn lend(&self, plugin: &str, mut policy: Policy) -> archipel::Result<Policy> {
        let wanted: Vec<String> = policy.wanted_aliases().map(str::to_owned).collect();
        for name in wanted {
            let function: fn(&Services, &str, Call) -> Result<Value, AliasError> =
                match name.as_str() {
                    "log" => Services::log,
                    "settings.get" => Services::setting,
                    "kv.get" => Services::get,
                    "kv.put" => Services::put,
                    _ => continue,
                };
            let (services, plugin) = (self.clone(), plugin.to_owned());
            policy = policy.alias(name, move |call| function(&services, &plugin, call))?;
        }
        Ok(policy)
    }

    fn log(&self, plugin: &str, call: Call) -> Result<Value, AliasError> {
        let (text,): (Text,) = call.arguments()?;
        // Otherwise a plugin could forge lines of others.
        let text = text.to_string_lossy();
        (self.0.log)(&format!("{plugin}: {}", text.escape_debug()));
        Ok(Value::None)
    }

    fn setting(&self, _plugin: &str, call: Call) -> Result<Value, AliasError> {
        let (name,): (String,) = call.arguments()?;
        let setting = self.0.settings.get(&name).cloned();
        setting.ok_or_else(|| AliasError::new(format!("there is no setting called {name:?}")))
    }

    fn get(&self, plugin: &str, call: Call) -> Result<Value, AliasError> {
        let (key,): (String,) = call.arguments()?;
        let store = self.0.store.lock().unwrap_or_else(PoisonError::into_inner);
        let value = store.get(plugin).and_then(|own| own.get(&key));
        Ok(value.cloned().unwrap_or_default())
    }

    fn put(&self, plugin: &str, call: Call) -> Result<Value, AliasError> {
        let (key, value): (String, Value) = call.arguments()?;
        if key.len() + value.to_string().len() > LARGEST {
            return Err(AliasError::new(format!(
                "at most {LARGEST} bytes can be stored by a key"
            )));
        }
        let mut store = self.0.store.lock().unwrap_or_else(PoisonError::into_inner);
        let own = store.entry(plugin.to_owned()).or_default();
        if own.len() >= MOST_KEYS && !own.contains_key(&key) {
            return Err(AliasError::new(format!(
                "a plugin can store {MOST_KEYS} keys"
            )));
        }
        own.insert(key, value);
        Ok(Value::None)
    }
}
