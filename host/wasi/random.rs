//! Reproducible random numbers.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use wasmtime_wasi::{Rng, WasiCtxBuilder};

/// Derives all random numbers of an interpreter from `seed` and its number in its family.
pub(super) fn seed(builder: &mut WasiCtxBuilder, seed: u64, number: u64) {
    // The ChaCha stream of a key is the same on every machine.
    let generator = |purpose: u64| {
        let mut key = [0; 32];
        let words = key.chunks_exact_mut(8).zip([seed, number, purpose]);
        for (place, word) in words {
            place.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha20Rng::from_seed(key)
    };
    let mut for_hashes = generator(2);
    let high = u128::from(for_hashes.next_u64()) << 64;
    builder
        .secure_random(generator(0))
        .insecure_random(generator(1))
        .insecure_random_seed(high | u128::from(for_hashes.next_u64()));
}
