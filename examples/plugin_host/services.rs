//! The functions that the host lends its plugins: a log, settings, and a store with separate keys for each plugin.

use archipel::value::Text;
use archipel::{AliasError, Call, Policy, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The maximum number of keys of a plugin, and the maximum size of a key with its value, as Python prints them.
const MOST_KEYS: usize = 100;
const LARGEST: usize = 10_000;

/// The receiver of log lines.
type Log = dyn Fn(&str) + Send + Sync;

/// The services that all plugins share.  Clones refer to the same services.
#[derive(Clone)]
pub struct Services(Arc<Shared>);

struct Shared {
    settings: BTreeMap<String, Value>,
    log: Box<Log>,
    /// The values, by plugin and key.
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

    /// Assigns a host function to each alias that the policy of `plugin` wants.  Unknown aliases stay without a
    /// function, so that creating the interpreter fails.
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
        // Escaped, so that a plugin cannot forge lines of other plugins.
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
                "at most {LARGEST} bytes can be stored under one key"
            )));
        }
        let mut store = self.0.store.lock().unwrap_or_else(PoisonError::into_inner);
        let own = store.entry(plugin.to_owned()).or_default();
        if own.len() >= MOST_KEYS && !own.contains_key(&key) {
            return Err(AliasError::new(format!(
                "at most {MOST_KEYS} keys can be stored"
            )));
        }
        own.insert(key, value);
        Ok(Value::None)
    }
}
