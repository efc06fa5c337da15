//! Locking of mutexes whose contents are consistent at every moment.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. A panic of a thread that held it does not make its contents inconsistent, so poisoning is ignored.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
