//! Interpreters.

use crate::alias::{args_of, lend, lend_async, refused};
use crate::channel::{Receiver, Sender};
use crate::errors;
use crate::on_limit::OnLimit;
use crate::output::Sink;
use crate::process::Own;
use crate::settings::{Pairs, usage, with_pairs};
use crate::values::{from_python, to_python};
use crate::waiting::{Loops, detached, flush, start};
use crate::watch::Watch;
use archipel::{Binding, Limits, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::sync::Arc;

/// An interpreter. The methods whose names end in `_later` return at once, and pass the result to their last argument.
#[pyclass(frozen, module = "archipel._archipel", weakref)]
pub(crate) struct Interpreter {
    island: Own<archipel::Interpreter>,
    outputs: [Arc<Sink>; 2],
    on_limit: Arc<OnLimit>,
    loops: Arc<Loops>,
    watch: Own<Arc<Watch>>,
}

impl Interpreter {
    pub(crate) fn new(
        island: archipel::Interpreter,
        outputs: [Arc<Sink>; 2],
        on_limit: Arc<OnLimit>,
        loops: Arc<Loops>,
        watch: Arc<Watch>,
    ) -> Self {
        Interpreter {
            island: Own::new(island),
            outputs,
            on_limit,
            loops,
            watch: Own::new(watch),
        }
    }

    /// Does `work` and waits for its end, without the GIL.
    fn wait<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&archipel::Interpreter) -> archipel::Result<T> + Send,
    ) -> PyResult<T> {
        let island = self.island.get(py)?;
        let result = detached(py, island, || work(island));
        self.watch.get(py)?.notify();
        flush(py, &self.outputs)?;
        result?.map_err(|error| errors::exception(py, &error))
    }

    /// Starts what `work` returns.
    fn later<T, F>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(archipel::Interpreter) -> F,
        convert: impl for<'py> FnOnce(Python<'py>, T) -> PyResult<Bound<'py, PyAny>> + Send + 'static,
        done: Py<PyAny>,
    ) -> PyResult<()>
    where
        T: Send + 'static,
        F: Future<Output = archipel::Result<T>> + Send + 'static,
    {
        let future = work(self.island.get(py)?.clone());
        let handle = self.loops.handle(py)?;
        let watch = self.watch.get(py)?.clone();
        let future = async move {
            let result = future.await;
            watch.notify();
            result
        };
        start(&handle, self.outputs.clone(), future, convert, done);
        Ok(())
    }
}

fn none(py: Python<'_>, (): ()) -> PyResult<Bound<'_, PyAny>> {
    Ok(py.None().into_bound(py))
}

fn bindings(values: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Binding)>> {
    let py = values.py();
    let bind = |(name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name: String = name.extract()?;
        let binding = if let Ok(end) = value.cast::<Sender>() {
            Binding::from(end.get().end(py)?.clone())
        } else if let Ok(end) = value.cast::<Receiver>() {
            Binding::from(end.get().end(py)?.clone())
        } else {
            Binding::from(from_python(&value, &name)?)
        };
        Ok((name, binding))
    };
    values.iter().map(bind).collect()
}

#[pymethods]
impl Interpreter {
    fn exec(&self, py: Python<'_>, source: String) -> PyResult<()> {
        self.wait(py, |island| island.exec(source))
    }

    fn eval<'py>(&self, py: Python<'py>, source: String) -> PyResult<Bound<'py, PyAny>> {
        let value: Value = self.wait(py, |island| island.eval(source))?;
        to_python(py, value)
    }

    fn get<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let value: Value = self.wait(py, |island| island.get(name))?;
        to_python(py, value)
    }

    fn call<'py>(
        &self,
        py: Python<'py>,
        name: String,
        args: &Bound<'py, PyTuple>,
        kwargs: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = args_of(args, Some(kwargs))?;
        let value: Value = self.wait(py, |island| island.call(name, args))?;
        to_python(py, value)
    }

    fn invoke_hidden<'py>(
        &self,
        py: Python<'py>,
        name: String,
        args: &Bound<'py, PyTuple>,
        kwargs: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let args = args_of(args, Some(kwargs))?;
        let value: Value = self.wait(py, |island| island.invoke_hidden(name, args))?;
        to_python(py, value)
    }

    fn prepare_main(&self, py: Python<'_>, values: &Bound<'_, PyDict>) -> PyResult<()> {
        let bindings = bindings(values)?;
        self.wait(py, |island| island.prepare_main(bindings))
    }

    fn run(
        &self,
        py: Python<'_>,
        source: Vec<u8>,
        name: String,
        arguments: Vec<String>,
    ) -> PyResult<u8> {
        self.wait(py, |island| island.run(source, name, arguments))
    }

    fn fork(&self, py: Python<'_>) -> PyResult<Self> {
        let fork = self.wait(py, archipel::Interpreter::fork)?;
        Ok(Interpreter::new(
            fork,
            self.outputs.clone(),
            Arc::default(),
            self.loops.clone(),
            self.watch.get(py)?.another(),
        ))
    }

    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.wait(py, archipel::Interpreter::reset)
    }

    fn exec_later(&self, py: Python<'_>, source: String, done: Py<PyAny>) -> PyResult<()> {
        let work = |island: archipel::Interpreter| async move { island.exec_async(source).await };
        self.later(py, work, none, done)
    }

    fn eval_later(&self, py: Python<'_>, source: String, done: Py<PyAny>) -> PyResult<()> {
        let work =
            |island: archipel::Interpreter| async move { island.eval_async::<Value>(source).await };
        self.later(py, work, to_python, done)
    }

    fn get_later(&self, py: Python<'_>, name: String, done: Py<PyAny>) -> PyResult<()> {
        let work =
            |island: archipel::Interpreter| async move { island.get_async::<Value>(&name).await };
        self.later(py, work, to_python, done)
    }

    fn call_later(
        &self,
        py: Python<'_>,
        name: String,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
        done: Py<PyAny>,
    ) -> PyResult<()> {
        let args = args_of(args, Some(kwargs))?;
        let work = |island: archipel::Interpreter| async move {
            island.call_async::<Value>(name, args).await
        };
        self.later(py, work, to_python, done)
    }

    fn prepare_main_later(
        &self,
        py: Python<'_>,
        values: &Bound<'_, PyDict>,
        done: Py<PyAny>,
    ) -> PyResult<()> {
        let bindings = bindings(values)?;
        let work = |island: archipel::Interpreter| async move {
            island.prepare_main_async(bindings).await
        };
        self.later(py, work, none, done)
    }

    fn alias(&self, py: Python<'_>, name: &str, function: Py<PyAny>) -> PyResult<()> {
        let lent = lend(self.island.get(py)?, name, function);
        lent.map_err(|error| refused(py, &error))
    }

    fn alias_async(&self, py: Python<'_>, name: &str, function: Py<PyAny>) -> PyResult<()> {
        let handle = self.loops.handle(py)?;
        let lent = lend_async(self.island.get(py)?, name, function, handle);
        lent.map_err(|error| refused(py, &error))
    }

    fn unalias(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        Ok(self.island.get(py)?.unalias(name))
    }

    fn aliases(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.island.get(py)?.aliases())
    }

    fn hide(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        let hidden = self.island.get(py)?.hide(name);
        hidden.map_err(|error| refused(py, &error))
    }

    fn expose(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        let exposed = self.island.get(py)?.expose(name);
        exposed.map_err(|error| refused(py, &error))
    }

    fn hidden(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.island.get(py)?.hidden())
    }

    fn limit(&self, py: Python<'_>, limits: Pairs) -> PyResult<()> {
        let changes = with_pairs(py, Limits::new(), &limits)?;
        let changed = self.island.get(py)?.limit(changes);
        changed.map_err(|error| refused(py, &error))
    }

    fn set_on_limit(&self, function: Option<Py<PyAny>>) {
        self.on_limit.set(function);
    }

    fn usage<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        usage(py, &self.island.get(py)?.usage())
    }

    /// Returns the descendants as tuples: id, parent, name, whether it runs, and usage.
    fn children<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        let children = self.island.get(py)?.children();
        let describe = |child: archipel::Child| {
            let usage = usage(py, &child.usage)?;
            (child.id, child.parent, child.name, child.is_running, usage).into_pyobject(py)
        };
        children.into_iter().map(describe).collect()
    }

    fn is_running(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.island.get(py)?.is_running())
    }

    /// Returns the receiving end of a channel that closes when the current call has ended.
    fn done(&self, py: Python<'_>) -> PyResult<Receiver> {
        let island = self.island.get(py)?;
        let end = self.watch.get(py)?.add(|| island.is_running());
        let end = end.map_err(|error| errors::exception(py, &error))?;
        Ok(Receiver::new(end, self.loops.clone()))
    }

    /// Passes output to these functions until the next call, which can restore the usual ones.
    fn redirect(
        &self,
        py: Python<'_>,
        stdout: Option<Py<PyAny>>,
        stderr: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        flush(py, &self.outputs)?;
        self.outputs[0].redirect(stdout);
        self.outputs[1].redirect(stderr);
        Ok(())
    }

    fn interrupt(&self, py: Python<'_>) -> PyResult<()> {
        self.island.get(py)?.interrupt();
        Ok(())
    }

    fn cancel(&self, py: Python<'_>, message: String, unwind: bool) -> PyResult<()> {
        let island = self.island.get(py)?;
        py.detach(|| match unwind {
            true => island.cancel_unwinding(message),
            false => island.cancel(message),
        });
        Ok(())
    }

    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        let island = self.island.get(py)?;
        py.detach(|| island.kill());
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let island = self.island.get(py)?;
        let closed = py.detach(|| island.close());
        flush(py, &self.outputs)?;
        closed.map_err(|error| errors::exception(py, &error))
    }
}
