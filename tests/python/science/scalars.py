# Scalars of numpy cross channels, also from a safe child, and keep their type.
import archipel
import numpy as np

receiver, sender = archipel.channel(None)
scalars = [
    np.float64(1.5), np.float32(0.5), np.int64(-3), np.uint8(200), np.bool_(True), np.complex128(1 + 2j), np.str_("text"),
    np.bytes_(b"data"), np.datetime64("2026-11-27"), np.timedelta64(3, "h"), np.float64("nan"),
]  # fmt: skip
child = archipel.create()
child.exec("import numpy as np")
child.prepare_main(sent=scalars)
for received in (child.call(eval, "sent"), [(sender.send(scalar), receiver.recv())[1] for scalar in scalars]):
    for scalar, other in zip(scalars, received, strict=True):
        assert type(other) is type(scalar) and other.dtype == scalar.dtype, (scalar, other)
        assert other.tobytes() == scalar.tobytes(), (scalar, other)
assert child.call(eval, "{np.int64(3): [np.float64(2.5)], 'x': {np.str_('y')}}") == {3: [2.5], "x": {"y"}}
point = np.array([(1, 2.5)], dtype=[("x", "<i4"), ("y", "<f8")])[0]
child.prepare_main(point=point)
assert child.call(eval, "point") == point and child.call(eval, "point['y']") == 2.5
try:
    child.call(eval, "{np.void(b'ab'): 1}")
except (archipel.ExecutionFailed, ValueError, TypeError) as error:
    print(type(error).__name__)
