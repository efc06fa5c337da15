/* Uses setjmp and longjmp. */

#include <Python.h>
#include <setjmp.h>

static jmp_buf outer, inner;

/* Jumps from `depth` calls below the caller. */
static long descend(jmp_buf target, long depth, int value) {
  if (depth <= 0) longjmp(target, value);
  return descend(target, depth - 1, value) + 1;
}

static PyObject *jump(PyObject *self, PyObject *arguments) {
  long depth;
  int value;
  if (!PyArg_ParseTuple(arguments, "li", &depth, &value)) return NULL;
  volatile int kept = 1000;
  int arrived = setjmp(outer);
  if (arrived) return PyLong_FromLong(kept + arrived);
  kept = 2000;
  descend(outer, depth, value);
  return PyLong_FromLong(-1);
}

static int nested(int to_outer) {
  if (setjmp(inner) == 0) descend(to_outer ? outer : inner, 3, 5);
  return 1;
}

static PyObject *jump_nested(PyObject *self, PyObject *to_outer) {
  if (setjmp(outer)) return PyLong_FromLong(2);
  return PyLong_FromLong(nested(PyObject_IsTrue(to_outer)));
}

/* Jumps back to the same place again and again. */
static PyObject *loop(PyObject *self, PyObject *times) {
  long most = PyLong_AsLong(times);
  volatile long count = 0;
  setjmp(outer);
  if (++count < most) descend(outer, 2, 1);
  return PyLong_FromLong(count);
}

static void remember(void) { setjmp(outer); }

static PyObject *too_late(PyObject *self, PyObject *unused) {
  remember();
  longjmp(outer, 1);
}

/* Calls Python code, and jumps from a call that this makes back into the module. */
static PyObject *across(PyObject *self, PyObject *function) {
  if (setjmp(outer)) return PyLong_FromLong(3);
  return PyObject_CallNoArgs(function);
}

static PyObject *leap(PyObject *self, PyObject *unused) { longjmp(outer, 1); }

static PyMethodDef methods[] = {
    {"jump", jump, METH_VARARGS, "Jumps with a value from a depth."},
    {"nested", jump_nested, METH_O, "Jumps to the outer or inner of two places."},
    {"loop", loop, METH_O, "Jumps back a number of times."},
    {"too_late", too_late, METH_NOARGS, "Jumps into a function that has returned."},
    {"across", across, METH_O, "Calls a function."},
    {"leap", leap, METH_NOARGS, "Jumps to the caller of `across`."},
    {0},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "jumps", NULL, 0, methods};

PyMODINIT_FUNC PyInit_jumps(void) { return PyModuleDef_Init(&definition); }
