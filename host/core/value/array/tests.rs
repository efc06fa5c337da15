//! Tests of arrays and scalars.

use super::*;

#[test]
fn dtypes_have_the_sizes_that_numpy_gives_them() {
    for (dtype, size) in [
        ("<f8", 8),
        ("|b1", 1),
        (">i2", 2),
        ("<c16", 16),
        ("<U5", 20),
        ("|S3", 3),
        ("<M8[ns]", 8),
        ("<m8[25us]", 8),
        ("|V0", 0),
        ("[('x', '<f8'), ('y', '>i4', (2,))]", 16),
        ("[('a', '|V0'), ('b', '<i4', (2, 3))]", 24),
        ("[('in', [('p', '|u1'), ('', '|V3'), ('q', '<i4')])]", 8),
    ] {
        let made = Array::new(dtype, vec![3], Order::C, vec![0; 3 * size]);
        assert!(made.is_ok(), "{dtype}: {made:?}");
        let array = made.unwrap();
        let again = Array::from_payload(array.to_payload());
        assert_eq!(again, Ok(array));
    }
}

#[test]
fn invalid_arrays_are_refused() {
    let size = "the size of the data does not fit the shape and the dtype";
    let plain = "the dtype is not plain";
    let none: &[u32] = &[];
    for (dtype, shape, length, reason) in [
        ("|O", none, 8, plain),
        ("f8", none, 8, plain),
        ("<f3", none, 3, plain),
        ("<f8[ns]", none, 8, plain),
        ("<M8[n's]", none, 8, plain),
        ("<f+8", none, 8, plain),
        ("", none, 0, plain),
        ("[('x', '|O')]", none, 8, plain),
        ("[('x', '<f8')", none, 8, plain),
        ("[('x', '<f8')] ", none, 8, plain),
        ("[('\\x00', '<f8')]", none, 8, plain),
        ("[('x', '<f8', (-1,))]", none, 8, plain),
        ("<f8", none, 0, size),
        ("<f8", &[2], 8, size),
        ("<f8", &[2, 0], 16, size),
        ("<f8", &[0, u32::MAX], 0, "it is too large"),
        ("|V2147483648", &[0], 0, plain),
        ("[('x', '<f8', (2147483647,))]", &[0], 0, "it is too large"),
        ("<f8", &[1; 65], 8, "it has more than 64 dimensions"),
    ] {
        let made = Array::new(dtype, shape.to_vec(), Order::C, vec![0; length]);
        assert_eq!(made, Err(InvalidArray(reason)), "{dtype} {shape:?}");
    }
    let none = Array::scalar("<f8", Vec::new());
    assert_eq!(none, Err(InvalidArray(size)));
    let nested = format!("{}'<f8'{}", "[('x', ".repeat(5000), ")]".repeat(5000));
    let made = Array::new(&nested, Vec::new(), Order::C, vec![0; 8]);
    assert_eq!(made, Err(NOT_PLAIN));
}

#[test]
fn a_scalar_has_the_item_of_its_bytes_in_either_byte_order() {
    let item = |dtype: &str, data: &[u8]| {
        let scalar = Array::scalar(dtype, data.to_vec()).unwrap();
        assert!(scalar.is_scalar());
        assert_eq!(Array::from_payload(scalar.to_payload()).unwrap(), scalar);
        scalar.item()
    };
    for (dtype, data, expected) in [
        ("|b1", &[1][..], Value::from(true)),
        ("|i1", &[0x80], Value::from(-128)),
        ("<i2", &[0xfe, 0xff], Value::from(-2)),
        (">i2", &[0xff, 0xfe], Value::from(-2)),
        ("<u4", &[0xff; 4], Value::from(u32::MAX)),
        ("<i8", &[0xff; 8], Value::from(-1)),
        (">u8", &[0xff; 8], Value::from(u64::MAX)),
        ("<f4", &1.5f32.to_le_bytes(), Value::from(1.5)),
        (">f8", &2.5f64.to_be_bytes(), Value::from(2.5)),
    ] {
        assert_eq!(item(dtype, data), Some(expected), "{dtype}");
    }
    assert_eq!(item("<M8[s]", &[0; 8]), None);
    let single = Array::new("<i4", Vec::new(), Order::C, vec![7, 0, 0, 0]).unwrap();
    assert_eq!(
        (single.is_scalar(), single.item()),
        (false, Some(Value::from(7)))
    );
    let vector = Array::new("<i4", vec![1], Order::C, vec![7, 0, 0, 0]).unwrap();
    assert_eq!(vector.item(), None);
}
