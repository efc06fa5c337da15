//! Fair shares of a resource that all families of a runtime or process use.

use super::{Charge, Gauge};

/// Decides whether a family can have `amount` more of a resource, of which all families together use `used` of at
/// most `most`.
///
/// While at most half of the resource is in use, every family can have more, and nothing is charged. Of the other
/// half, a family can have at most as much as it leaves to others. That part is charged to `family` until the
/// result is dropped.
///
/// Returns `None` if the family cannot have more.
pub(crate) fn fair_share(
    family: &Gauge,
    amount: usize,
    used: usize,
    most: usize,
) -> Option<Option<Charge>> {
    if used.saturating_add(amount) <= most / 2 {
        return Some(None);
    }
    let left = most.saturating_sub(used);
    family.charge_within(amount, left).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_leaves_as_much_as_it_takes_of_the_scarce_half() {
        for most in [0, 1, 2, 7, 8, 100, 752] {
            let mut used = 0;
            let mut shares = Vec::new();
            let counts: Vec<usize> = (0..4)
                .map(|_| {
                    let family = Gauge::default();
                    let start = used;
                    while let Some(share) = fair_share(&family, 1, used, most) {
                        shares.push(share);
                        used += 1;
                    }
                    used - start
                })
                .collect();
            assert!(used <= most, "{most}: {counts:?}");
            if most >= 100 {
                assert!(counts[0] <= most * 3 / 4 + 1, "{most}: {counts:?}");
                assert!(
                    counts.iter().all(|count| *count >= most / 32),
                    "{most}: {counts:?}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_charged_while_half_is_free() {
        let family = Gauge::default();
        assert!(matches!(fair_share(&family, 50, 0, 100), Some(None)));
        assert_eq!(family.amount(), 0);
        let share = fair_share(&family, 25, 50, 100);
        assert_eq!(family.amount(), 25);
        assert!(fair_share(&family, 1, 75, 100).is_none());
        drop(share);
        assert!(fair_share(&family, usize::MAX, 75, 100).is_none());
        assert_eq!(family.amount(), 0);
    }
}
