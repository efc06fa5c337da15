//! Gauges: amounts in use, which fall when their charges are dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An amount in use. Clones are handles of the same gauge.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// Returns the amount in use.
    pub(crate) fn amount(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    /// Charges `amount`, and returns the charge with the new total.
    pub(crate) fn charge(&self, amount: usize) -> (Charge, usize) {
        let before = self.0.fetch_add(amount, Ordering::AcqRel);
        let charge = Charge {
            gauge: self.clone(),
            amount,
        };
        (charge, before.saturating_add(amount))
    }

    /// Charges `amount`. Returns `None` if the total would exceed `most`.
    pub(crate) fn charge_within(&self, amount: usize, most: usize) -> Option<Charge> {
        let more = |total: usize| total.checked_add(amount).filter(|total| *total <= most);
        let charged = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, more);
        charged.ok().map(|_| Charge {
            gauge: self.clone(),
            amount,
        })
    }
}

/// An amount that counts until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    gauge: Gauge,
    amount: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.amount, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_until_it_is_dropped() {
        let gauge = Gauge::default();
        let (one, total) = gauge.charge(3);
        assert_eq!((total, gauge.amount()), (3, 3));
        assert!(gauge.charge_within(8, 10).is_none());
        let other = gauge.charge_within(7, 10);
        assert_eq!(gauge.amount(), 10);
        drop(one);
        assert_eq!(gauge.amount(), 7);
        drop(other);
        assert_eq!(gauge.amount(), 0);
        assert!(gauge.charge_within(usize::MAX, 10).is_none());
    }
}
