//! Conversion of Python objects to values and back.

use crate::errors;
use archipel::Value;
use archipel::value::{Array, BigInt, Order, Text};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyComplex, PyDict, PyFloat, PyFrozenSet, PyInt, PyList,
    PyMemoryView, PySet, PyString, PyTuple,
};

/// The maximum nesting of containers.
const MOST_DEEP: usize = 100;

/// The reason why an object cannot be sent, and the path to it, from the inside to the outside.
struct Refusal {
    reason: String,
    path: Vec<String>,
}

type Converted<T> = Result<T, Box<Refusal>>;

fn refuse<T>(reason: impl Into<String>) -> Converted<T> {
    Err(Box::new(Refusal {
        reason: reason.into(),
        path: Vec::new(),
    }))
}

/// Converts an exception of Python that a conversion raised.
fn failed<T>(error: impl Into<PyErr>) -> Converted<T> {
    let error = error.into();
    refuse(Python::attach(|py| error.value(py).to_string()))
}

/// Adds a step to the path of a refusal.
fn within<T>(converted: Converted<T>, step: impl FnOnce() -> String) -> Converted<T> {
    converted.map_err(|mut refusal| {
        refusal.path.push(step());
        refusal
    })
}

/// Converts an object to a value. `name` stands for the object in the error.
///
/// # Errors
///
/// Raises `NotShareableError` with the path to the object that cannot be sent.
pub(crate) fn from_python(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Value> {
    convert(object, &mut Vec::new()).map_err(|refusal| {
        let path: String = refusal.path.into_iter().rev().collect();
        let text = format!("{name}{path}: {}", refusal.reason);
        errors::new(object.py(), "NotShareableError", text)
    })
}

/// Raises `NotShareableError` if an object cannot be sent.
#[pyfunction]
pub(crate) fn check(object: &Bound<'_, PyAny>, name: &str) -> PyResult<()> {
    from_python(object, name).map(drop)
}

fn convert(object: &Bound<'_, PyAny>, above: &mut Vec<*mut ffi::PyObject>) -> Converted<Value> {
    if let Ok(text) = object.cast_exact::<PyString>() {
        return string(text);
    }
    if let Ok(int) = object.cast_exact::<PyInt>() {
        return integer(int);
    }
    if let Ok(float) = object.cast_exact::<PyFloat>() {
        return Ok(Value::Float(float.value()));
    }
    if object.is_none() {
        return Ok(Value::None);
    }
    if let Ok(value) = object.cast_exact::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if let Ok(bytes) = object.cast_exact::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    if let Ok(complex) = object.cast_exact::<PyComplex>() {
        let (re, im) = (complex.real(), complex.imag());
        return Ok(Value::Complex { re, im });
    }
    if let Ok(bytes) = object.cast_exact::<PyByteArray>() {
        return Ok(Value::ByteArray(bytes.to_vec()));
    }
    if object.cast_exact::<PyMemoryView>().is_ok() {
        return match object.call_method0("tobytes") {
            Ok(bytes) => bytes
                .extract()
                .map(Value::MemoryView)
                .or_else(|error: PyErr| failed(error)),
            Err(error) => failed(error),
        };
    }
    container(object, above)
}

fn container(object: &Bound<'_, PyAny>, above: &mut Vec<*mut ffi::PyObject>) -> Converted<Value> {
    let address = object.as_ptr();
    if above.len() >= MOST_DEEP {
        return match above.contains(&address) {
            true => refuse("a container that contains itself is not shareable"),
            false => refuse(format!(
                "an object nested deeper than {MOST_DEEP} levels is not shareable"
            )),
        };
    }
    above.push(address);
    let converted = if let Ok(items) = object.cast_exact::<PyList>() {
        items_of(items.iter(), above).map(Value::List)
    } else if let Ok(items) = object.cast_exact::<PyTuple>() {
        items_of(items.iter(), above).map(Value::Tuple)
    } else if let Ok(dict) = object.cast_exact::<PyDict>() {
        pairs_of(dict, above)
    } else if let Ok(set) = object.cast_exact::<PySet>() {
        elements_of(set.iter(), above).map(Value::Set)
    } else if let Ok(set) = object.cast_exact::<PyFrozenSet>() {
        elements_of(set.iter(), above).map(Value::FrozenSet)
    } else {
        other(object, above)
    };
    above.pop();
    converted
}

fn items_of<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    above: &mut Vec<*mut ffi::PyObject>,
) -> Converted<Vec<Value>> {
    items
        .enumerate()
        .map(|(index, item)| within(convert(&item, above), || format!("[{index}]")))
        .collect()
}

fn elements_of<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    above: &mut Vec<*mut ffi::PyObject>,
) -> Converted<Vec<Value>> {
    items
        .map(|item| within(convert(&item, above), || ".element".to_owned()))
        .collect()
}

fn pairs_of(dict: &Bound<'_, PyDict>, above: &mut Vec<*mut ffi::PyObject>) -> Converted<Value> {
    let pairs = dict.iter().map(|(key, value)| {
        let converted = within(convert(&key, above), || ".key".to_owned())?;
        let value = within(convert(&value, above), || format!("[{converted}]"))?;
        Ok((converted, value))
    });
    pairs.collect::<Converted<_>>().map(Value::Dict)
}

fn string(text: &Bound<'_, PyString>) -> Converted<Value> {
    if let Ok(plain) = text.to_str() {
        return Ok(Value::from(plain));
    }
    // It contains surrogates.
    let bytes = match text.call_method1("encode", ("utf-8", "surrogatepass")) {
        Ok(bytes) => bytes.extract::<Vec<u8>>(),
        Err(error) => return failed(error),
    };
    match bytes {
        Ok(bytes) => match Text::from_generalised_utf8(bytes) {
            Some(text) => Ok(Value::Str(text)),
            None => refuse("a str that is not valid Unicode is not shareable"),
        },
        Err(error) => failed(error),
    }
}

fn integer(int: &Bound<'_, PyInt>) -> Converted<Value> {
    if let Ok(small) = int.extract::<i64>() {
        return Ok(Value::from(small));
    }
    match int.extract::<BigInt>() {
        Ok(large) => Ok(Value::Int(large)),
        Err(error) => failed(error),
    }
}

/// Converts an array or a scalar of numpy, or a frame of pandas, and refuses all other objects.
fn other(object: &Bound<'_, PyAny>, above: &mut Vec<*mut ffi::PyObject>) -> Converted<Value> {
    let kind = object.get_type();
    let name = match kind.fully_qualified_name() {
        Ok(name) => name.to_string(),
        Err(error) => return failed(error),
    };
    let is_numpy = name.starts_with("numpy.");
    if is_numpy {
        match array(object) {
            Ok(Some(array)) => return Ok(array),
            Ok(None) => {}
            Err(error) => return failed(error),
        }
    }
    if name.starts_with("pandas.") {
        match replacement(object) {
            Ok(Some(plain)) => return convert(&plain, above),
            Ok(None) => {}
            Err(error) => return failed(error),
        }
    }
    if ["archipel.SendChannel", "archipel.RecvChannel"].contains(&name.as_str()) {
        return refuse(
            "a channel end travels only as an argument of a call or as a binding of prepare_main",
        );
    }
    refuse(format!("an object of type {name:?} is not shareable").replace('"', "'"))
}

/// Returns the plain object that represents one of pandas, if there is one.
fn replacement<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let arrays = object.py().import("archipel._arrays")?;
    let plain = arrays.call_method1("plain", (object,))?;
    Ok((!plain.is_none()).then_some(plain))
}

/// Converts an array or a scalar of numpy. Returns `None` for other objects of numpy.
fn array(object: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    type Dumped = (String, Vec<u32>, bool, bool, Vec<u8>);
    let dumped = object
        .py()
        .import("archipel._arrays")?
        .call_method1("dump", (object,))?;
    let Some((dtype, shape, scalar, fortran, data)) = dumped.extract::<Option<Dumped>>()? else {
        return Ok(None);
    };
    let order = if fortran { Order::Fortran } else { Order::C };
    let array = match scalar {
        true => Array::scalar(&dtype, data),
        false => Array::new(&dtype, shape, order, data),
    };
    let array =
        array.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
    Ok(Some(Value::Array(Box::new(array))))
}

/// Converts a value to an object.
///
/// # Errors
///
/// Raises `NotShareableError` for a value without an equivalent on the host.
pub(crate) fn to_python<'py>(py: Python<'py>, value: Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::Int(value) => match i64::try_from(&value) {
            Ok(small) => small.into_pyobject(py)?.into_any(),
            Err(_) => value.into_pyobject(py)?.into_any(),
        },
        Value::Float(value) => PyFloat::new(py, value).into_any(),
        Value::Complex { re, im } => PyComplex::from_doubles(py, re, im).into_any(),
        Value::Str(text) => match text.as_str() {
            Some(plain) => PyString::new(py, plain).into_any(),
            None => PyBytes::new(py, text.as_bytes())
                .call_method1("decode", ("utf-8", "surrogatepass"))?,
        },
        Value::Bytes(bytes) => PyBytes::new(py, &bytes).into_any(),
        Value::ByteArray(bytes) => PyByteArray::new(py, &bytes).into_any(),
        Value::MemoryView(bytes) => {
            PyMemoryView::from(PyBytes::new(py, &bytes).as_any())?.into_any()
        }
        Value::Tuple(items) => PyTuple::new(py, all(py, items)?)?.into_any(),
        Value::List(items) => PyList::new(py, all(py, items)?)?.into_any(),
        Value::Set(items) => PySet::new(py, all(py, items)?)?.into_any(),
        Value::FrozenSet(items) => PyFrozenSet::new(py, all(py, items)?)?.into_any(),
        Value::Dict(pairs) => {
            let dict = PyDict::new(py);
            for (key, value) in pairs {
                dict.set_item(to_python(py, key)?, to_python(py, value)?)?;
            }
            dict.into_any()
        }
        Value::Array(array) => {
            // Without numpy, a scalar is a plain number.
            if array.is_scalar()
                && py.import("numpy").is_err()
                && let Some(item) = array.item()
            {
                return to_python(py, item);
            }
            let shape = PyTuple::new(py, array.shape())?;
            let fortran = array.order() == Order::Fortran;
            let data = PyByteArray::new(py, array.data());
            py.import("archipel._arrays")?.call_method1(
                "load",
                (array.dtype(), shape, array.is_scalar(), fortran, data),
            )?
        }
        other => {
            let text = format!(
                "an object of type '{}' cannot be received by the host",
                other.type_name()
            );
            return Err(errors::new(py, "NotShareableError", text));
        }
    })
}

fn all<'py>(py: Python<'py>, items: Vec<Value>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    items.into_iter().map(|item| to_python(py, item)).collect()
}
