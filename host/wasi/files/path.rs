//! Paths from a guest.

use wasmtime::Result;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentType, Lift};
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

/// The maximum length of a path in bytes, as on Linux.
const LONGEST_PATH: usize = 4095;

/// A path in a granted directory. A path that is too long is neither copied nor checked, so the
/// host's cost for a path is bounded.
pub(super) struct GuestPath(Option<String>);

impl GuestPath {
    /// Returns the path, or an error if it is too long.
    pub(super) fn get(self) -> Result<String, ErrorCode> {
        self.0.ok_or(ErrorCode::NameTooLong)
    }
}

#[expect(
    unsafe_code,
    reason = "only a custom impl can check a string's length before it is copied"
)]
// SAFETY: everything is that of `String`, so it agrees.
unsafe impl ComponentType for GuestPath {
    type Lower = <String as ComponentType>::Lower;

    const ABI: CanonicalAbiInfo = <String as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        <String as ComponentType>::typecheck(ty, types)
    }
}

#[expect(
    unsafe_code,
    reason = "only a custom impl can check a string's length before it is copied"
)]
// SAFETY: both methods lift a `String`, whose form this type has, or read only its length, which that
// form has at this place.
unsafe impl Lift for GuestPath {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> Result<Self> {
        if is_too_long(src[1].get_u32()) {
            return Ok(GuestPath(None));
        }
        Ok(GuestPath(Some(String::linear_lift_from_flat(cx, ty, src)?)))
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Self> {
        let length = bytes.get(4..8).and_then(|length| length.try_into().ok());
        if length.is_none_or(|length| is_too_long(u32::from_le_bytes(length))) {
            return Ok(GuestPath(None));
        }
        Ok(GuestPath(Some(String::linear_lift_from_memory(
            cx, ty, bytes,
        )?)))
    }
}

fn is_too_long(length: u32) -> bool {
    usize::try_from(length).is_ok_and(|length| length > LONGEST_PATH)
}
