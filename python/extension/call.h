/* The fast way of a launch from Python: kernel(...) and kernel[...](...) without a Python frame. */
#ifndef GPUC_PY_CALL_H
#define GPUC_PY_CALL_H

/* cdef */

/* Makes (KernelCall, LauncherCall), the types that gpucompute/_launch.py tells of; PyObject *, to be called with the
 * GIL. `floats`: a set of the types that serve for a floating-point parameter. */
void *gpuc_py_call_types(void *floats);

/* cdef */
#endif
