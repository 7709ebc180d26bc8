// Inside of the fault layer: what the generated wrappers, the rules and the object table share.
#ifndef GPUC_LAYER_CORE_H
#define GPUC_LAYER_CORE_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#include <CL/cl_layer.h>
#include <stddef.h>

// One OpenCL function: the generated table gives the name, the run gives the counts.
struct layer_function {
  const char *name;
  int fallible;  // whether the rule name "any" means this function too
  long calls;
  long failed;
};
extern struct layer_function layer_functions[];
extern const int layer_function_count;

// The next layer or the driver. Slots that the loader does not know stay NULL.
extern cl_icd_dispatch layer_target;

// One lock guards the counts, the rules and the object table. It is never held while another library runs.
void layer_lock(void);
void layer_unlock(void);

// Counts a call; gives CL_SUCCESS, or the code with which a rule fails it.
cl_int layer_enter(int function);

// Counts the first look at the status of an event; gives CL_SUCCESS or the code of a rule "event". The lock is held.
cl_int layer_event_observed(void);
// Notes that an event reported its injected status for the first time. The lock is held.
void layer_event_failed(cl_int code);

// Written by the generator: puts the wrappers where the target has a function.
void layer_fill_dispatch(cl_icd_dispatch *dispatch);

// ---- objects: layer_objects.c ----

enum object_kind {
  KIND_CONTEXT,
  KIND_QUEUE,
  KIND_MEM,
  KIND_PROGRAM,
  KIND_KERNEL,
  KIND_EVENT,
  KIND_SAMPLER,
  KIND_COUNT
};
extern const char *const object_kind_names[KIND_COUNT];

// Gives CL_INVALID_<KIND>, and counts a misuse, when the object was released as often as it was created and retained.
cl_int objects_check(enum object_kind kind, const void *handle);
cl_int objects_check_list(enum object_kind kind, cl_uint count, const void *const *handles);
cl_int objects_retain(enum object_kind kind, const void *handle);
cl_int objects_release(enum object_kind kind, const void *handle);
// For a retain or release that the driver then refused.
void objects_undo_retain(enum object_kind kind, const void *handle);
void objects_undo_release(enum object_kind kind, const void *handle);

void objects_created(enum object_kind kind, const void *handle);
void objects_enqueued(cl_event event);
// A query gave a handle: it may be one that the caller had released and that its child keeps alive.
void objects_seen(cl_uint param_name, size_t size, const void *value);

long objects_live(int kind);  // KIND_COUNT: of all kinds. The lock is held.
long objects_misuse(void);    // The lock is held.
void objects_reset(void);     // Forgets misuses and released objects. The lock is held.

cl_int override_clCreateKernelsInProgram(cl_program program, cl_uint num_kernels, cl_kernel *kernels,
                                         cl_uint *num_kernels_ret);
cl_int override_clWaitForEvents(cl_uint num_events, const cl_event *event_list);
cl_int override_clGetEventInfo(cl_event event, cl_event_info param_name, size_t param_value_size, void *param_value,
                               size_t *param_value_size_ret);

#endif
