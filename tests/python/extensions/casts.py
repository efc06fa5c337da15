import casts

assert casts.one_parameter() == "one"
assert casts.keywords(1, 2, three=3) == (1, 2)
# The missing argument is zero, the surplus one is dropped, an int is extended, and a missing result is zero.
assert casts.calls() == (21, 321, -4, 0, 2.5)
holder = casts.Holder()
assert holder.value == 42
try:
    holder.value = 5
except ValueError as error:
    assert str(error) == "cannot set 5"
else:
    raise AssertionError("the setter did not raise")
