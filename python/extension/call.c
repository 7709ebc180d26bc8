#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include "call.h"

#include <math.h>
#include <string.h>

#include "launch.h"

/* Most blocks are far smaller; a kernel with a larger one goes the checked way. */
enum { BLOCK_BYTES = 2048 };

static PyObject *float_types;
static PyObject *arg_name, *checked_name, *handle_name, *plan_name, *queue_name, *sizes_name;

/* An attribute. Most are slots: found without the __getattr__ that the package's classes have, which costs more than
 * all else here. */
static PyObject *attribute(PyObject *object, PyObject *name) {
  PyObject *value = PyObject_GenericGetAttr(object, name);
  if (value || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  PyErr_Clear();
  return PyObject_GetAttr(object, name);
}

static void *address(PyObject *object, PyObject *name) {
  PyObject *number = attribute(object, name);
  void *value = number ? PyLong_AsVoidPtr(number) : NULL;
  Py_XDECREF(number);
  return value;
}

/* ---- arguments ---------------------------------------------------------------------------------------------------
 * Each function gives 0 for what it does not take, with an exception set or without. */

static int pack_integer(PyObject *value, gpuc_type type, gpuc_arg *out) {
  PyObject *number = PyNumber_Index(value);
  if (!number) return 0;
  if (type == GPUC_TYPE_U64) {
    out->value.u64 = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    return out->value.u64 != UINT64_MAX || !PyErr_Occurred();
  }
  const long long n = PyLong_AsLongLong(number);
  Py_DECREF(number);
  if (n == -1 && PyErr_Occurred()) return 0;
  switch (type) {
    case GPUC_TYPE_I8:
      return (out->value.i8 = (int8_t)n) == n;
    case GPUC_TYPE_U8:
      return (out->value.u8 = (uint8_t)n) == n;
    case GPUC_TYPE_I16:
      return (out->value.i16 = (int16_t)n) == n;
    case GPUC_TYPE_U16:
      return (out->value.u16 = (uint16_t)n) == n;
    case GPUC_TYPE_I32:
      return (out->value.i32 = (int32_t)n) == n;
    case GPUC_TYPE_U32:
      return (out->value.u32 = (uint32_t)n) == n;
    case GPUC_TYPE_I64:
      out->value.i64 = n;
      return 1;
    default:
      return 0;
  }
}

/* numpy's complex numbers and arrays of one element have a __float__ as well: only known types are taken. */
static int pack_float(PyObject *value, gpuc_type type, gpuc_arg *out) {
  if (!PyFloat_CheckExact(value) && PySet_Contains(float_types, (PyObject *)Py_TYPE(value)) != 1) return 0;
  const double number = PyFloat_AsDouble(value);
  if (number == -1 && PyErr_Occurred()) return 0;
  if (type == GPUC_TYPE_F64) {
    out->value.f64 = number;
    return 1;
  }
  out->value.f32 = (float)number;
  return isinf(number) || !isinf(out->value.f32);
}

static int pack_scalar(PyObject *value, gpuc_type type, char *bytes) {
  gpuc_arg arg;
  arg.value.u64 = 0;
  const int is_float = type == GPUC_TYPE_F32 || type == GPUC_TYPE_F64;
  if (!(is_float ? pack_float : pack_integer)(value, type, &arg)) return 0;
  memcpy(bytes, &arg.value, sizeof arg.value);
  return 1;
}

/* Copies bytes of exactly this size, whose reference it takes over. */
static int copy_bytes(PyObject *bytes, size_t size, char *out) {
  const int fits = bytes && PyBytes_Check(bytes) && (size_t)PyBytes_Size(bytes) == size;
  if (fits) memcpy(out, PyBytes_AsString(bytes), size);
  Py_XDECREF(bytes);
  return fits;
}

/* A vector or a structure: anything with a buffer of that many bytes. */
static int pack_bytes(PyObject *value, size_t size, char *out) {
  PyObject *view = PyMemoryView_FromObject(value);
  PyObject *bytes = view ? PyBytes_FromObject(view) : NULL;
  Py_XDECREF(view);
  return copy_bytes(bytes, size, out);
}

/* The arguments of a kernel, from `first` on. */
static int pack(const gpuc_py_plan *plan, PyObject *args, size_t first, char *block) {
  if ((size_t)PyTuple_Size(args) != first + plan->param_count) return 0;
  for (size_t i = 0; i < plan->param_count; ++i) {
    const gpuc_py_param *param = &plan->params[i];
    PyObject *value = PyTuple_GetItem(args, (Py_ssize_t)(first + i));
    char *bytes = block + param->offset_bytes;
    const int good = param->kind == GPUC_ARG_SCALAR ? pack_scalar(value, param->type, bytes)
                     : param->kind == GPUC_ARG_BYTES
                         ? pack_bytes(value, param->size_bytes, bytes)
                         : copy_bytes(attribute(value, arg_name), sizeof(gpuc_py_object), bytes);
    if (!good) return 0;
  }
  return 1;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* An integer, or a tuple of up to three; how many, or 0 as above. */
static uint32_t read_size(PyObject *value, uint64_t size[3]) {
  const int is_tuple = PyTuple_Check(value);
  const Py_ssize_t dims = is_tuple ? PyTuple_Size(value) : 1;
  if (dims > 3) return 0;
  for (Py_ssize_t i = 0; i < dims; ++i) {
    PyObject *number = PyNumber_Index(is_tuple ? PyTuple_GetItem(value, i) : value);
    if (!number) return 0;
    size[i] = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    if (size[i] == UINT64_MAX && PyErr_Occurred()) return 0;
  }
  return (uint32_t)dims;
}

static int read_sizes(PyObject *global, PyObject *local, gpuc_launch *out) {
  memset(out, 0, sizeof *out);
  out->struct_size = sizeof *out;
  out->dims = read_size(global, out->global);
  if (out->dims == 0) return 0;
  if (local == Py_None) return 1;
  if (read_size(local, out->local) != out->dims) return 0;
  for (uint32_t i = 0; i < out->dims; ++i)
    if (out->local[i] == 0) return 0;
  return 1;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static int launch(const gpuc_py_plan *plan, gpuc_queue *queue, const gpuc_launch *sizes, PyObject *args, size_t first) {
  char block[BLOCK_BYTES];
  if (plan->block_bytes > sizeof block || !pack(plan, args, first, block)) return 0;
  int32_t status;
  Py_BEGIN_ALLOW_THREADS;
  status = gpuc_py_launch(plan, queue, (const char *)sizes, block);
  Py_END_ALLOW_THREADS;
  return status == GPUC_OK;
}

static int launch_kernel(PyObject *self, PyObject *args) {
  gpuc_launch sizes;
  if (PyTuple_Size(args) < 3 || !read_sizes(PyTuple_GetItem(args, 1), PyTuple_GetItem(args, 2), &sizes)) return 0;
  const gpuc_py_plan *plan = address(self, plan_name);
  gpuc_queue *queue = plan ? address(PyTuple_GetItem(args, 0), handle_name) : NULL;
  return queue && launch(plan, queue, &sizes, args, 3);
}

static int launch_launcher(PyObject *self, PyObject *args) {
  gpuc_launch sizes;
  PyObject *queue = attribute(self, queue_name);
  gpuc_queue *handle = queue ? address(queue, handle_name) : NULL;
  Py_XDECREF(queue);
  const gpuc_py_plan *plan = handle ? address(self, plan_name) : NULL;
  return plan && copy_bytes(attribute(self, sizes_name), sizeof sizes, (char *)&sizes) &&
         launch(plan, handle, &sizes, args, 0);
}

/* What the fast way does not take goes the checked one, which serves it or says what is wrong. */
static PyObject *call(PyObject *self, PyObject *args, PyObject *kwargs, int (*fast)(PyObject *, PyObject *)) {
  if (!kwargs || PyDict_Size(kwargs) == 0) {
    if (fast(self, args)) Py_RETURN_NONE;
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
    PyErr_Clear();
  }
  PyObject *checked = PyObject_GetAttr(self, checked_name);
  PyObject *result = checked ? PyObject_Call(checked, args, kwargs) : NULL;
  Py_XDECREF(checked);
  return result;
}

static PyObject *kernel_call(PyObject *self, PyObject *args, PyObject *kwargs) {
  return call(self, args, kwargs, launch_kernel);
}
static PyObject *launcher_call(PyObject *self, PyObject *args, PyObject *kwargs) {
  return call(self, args, kwargs, launch_launcher);
}

static PyObject *kernel_block(PyObject *self, PyObject *args) {
  const gpuc_py_plan *plan = address(self, plan_name);
  PyObject *block = plan ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)plan->block_bytes) : NULL;
  if (block && pack(plan, args, 0, PyBytes_AsString(block))) return block;
  Py_XDECREF(block);
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "the arguments need a closer look");
  return NULL;
}

/* ---- types ------------------------------------------------------------------------------------------------------- */

static PyMethodDef kernel_methods[] = {{"_block", kernel_block, METH_VARARGS, "The arguments packed."},
                                       {NULL, NULL, 0, NULL}};
static PyType_Slot kernel_slots[] = {{Py_tp_call, kernel_call}, {Py_tp_methods, kernel_methods}, {0, NULL}};
static PyType_Slot launcher_slots[] = {{Py_tp_call, launcher_call}, {0, NULL}};
static PyType_Spec kernel_spec = {"gpucompute._launch.KernelCall", sizeof(PyObject), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, kernel_slots};
static PyType_Spec launcher_spec = {"gpucompute._launch.LauncherCall", sizeof(PyObject), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, launcher_slots};

void *gpuc_py_call_types(void *floats) {
  Py_INCREF((PyObject *)floats);
  float_types = floats;
  if (!(arg_name = PyUnicode_InternFromString("__gpuc_arg__")) ||
      !(checked_name = PyUnicode_InternFromString("_checked_call")) ||
      !(handle_name = PyUnicode_InternFromString("_handle")) ||
      !(plan_name = PyUnicode_InternFromString("_plan_address")) ||
      !(queue_name = PyUnicode_InternFromString("_queue")) || !(sizes_name = PyUnicode_InternFromString("_sizes")))
    return NULL;
  PyObject *kernel = PyType_FromSpec(&kernel_spec), *launcher = kernel ? PyType_FromSpec(&launcher_spec) : NULL;
  return launcher ? Py_BuildValue("(NN)", kernel, launcher) : NULL;
}
