//! The signal words in a guest's memory, with which the host interrupts a computing guest.

use wasmtime::StoreContextMut;
use wasmtime::component::WasmList;

/// The words in a guest's memory that signal CPython, as `alarm` in `image.wit` describes them.
pub(crate) struct Alarm {
    pub(crate) breaker: WasmList<u8>,
    pub(crate) signal: WasmList<u8>,
}

/// The bit for signals in the evaluation loop's word.
const SIGNALS_PENDING: u8 = 1 << 1;

/// The offset of the word for any signal in `Alarm::signal`.
const ANY: usize = 16;

impl Alarm {
    /// Marks a signal as pending. The guest must be suspended.
    #[expect(
        unsafe_code,
        reason = "a computing guest can only be signalled by a write to its own memory"
    )]
    pub(crate) fn ring<T: 'static>(&self, store: &StoreContextMut<'_, T>) {
        let breaker = self.breaker.as_le_slice(store);
        let signal = self.signal.as_le_slice(store);
        // The words are little-endian, so their first bytes hold the flags.
        let (Some(bits), Some(this), Some(any)) =
            (breaker.first(), signal.first(), signal.get(ANY))
        else {
            return;
        };
        let pending = bits | SIGNALS_PENDING;
        let writes = [(this, 1), (any, 1), (bits, pending)];
        for (place, value) in writes.map(|(byte, value)| (std::ptr::from_ref(byte).addr(), value)) {
            // SAFETY: the place is that of a byte in a slice that wasmtime has just returned for
            // this store, which the caller borrows, so its guest is suspended. The slices are not
            // used any more.
            unsafe { set(place, value) };
        }
    }
}

/// Writes a byte at `address` in a guest's memory. wasmtime only returns shared slices of it.
///
/// # Safety
///
/// `address` must be that of a byte in the linear memory of a guest, which nothing else accesses
/// now: the guest is suspended, and no slice of its memory is in use.
#[expect(
    unsafe_code,
    reason = "a computing guest can only be signalled by a write to its own memory"
)]
unsafe fn set(address: usize, value: u8) {
    let place = std::ptr::with_exposed_provenance_mut::<u8>(address);
    // SAFETY: the caller promises that the address is in the linear memory of a guest, which is
    // mapped writable and whose address wasmtime has exposed for compiled code, and that nothing
    // else accesses the byte. Any value is valid, since the guest can write any.
    unsafe { place.write(value) }
}
