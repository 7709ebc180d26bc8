#include "launch.h"

#include <string.h>

_Static_assert(sizeof(gpuc_py_object) == 16, "packed as 16 bytes by gpucompute/_pack.py");

/* What OpenCL C has no type for travels in integers: bfloat16 and 8-bit floats always, half where the compiler knows
 * none. */
static int fits(gpuc_type declared, gpuc_type given) {
  return declared == GPUC_TYPE_NONE || given == GPUC_TYPE_NONE || declared == given ||
         (declared == GPUC_TYPE_U16 && (given == GPUC_TYPE_F16 || given == GPUC_TYPE_BF16)) ||
         (declared == GPUC_TYPE_U8 && (given == GPUC_TYPE_F8E4M3 || given == GPUC_TYPE_F8E5M2));
}

static int set_object(gpuc_arg *arg, const gpuc_py_param *param, const char *bytes) {
  gpuc_py_object object;
  memcpy(&object, bytes, sizeof object);
  arg->kind = object.kind;
  arg->type = GPUC_TYPE_NONE;
  arg->size_bytes = 0;
  arg->value.u64 = 0;
  if (param->kind == GPUC_ARG_LOCAL) {
    arg->size_bytes = object.value;
    return object.kind == GPUC_ARG_LOCAL;
  }
  if (object.kind == GPUC_ARG_NULL) return 1;
  arg->value.buffer = (gpuc_buffer *)(uintptr_t)object.value;
  return object.kind == GPUC_ARG_BUFFER && !object.strided && fits(param->type, object.type);
}

int32_t gpuc_py_launch_waits(const gpuc_py_plan *plan, gpuc_queue *queue, const char *launch, const char *block,
                             gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event) {
  gpuc_arg args[GPUC_PY_MAX_PARAMS];
  gpuc_launch sizes;
  for (size_t i = 0; i < plan->param_count; ++i) {
    const gpuc_py_param *param = &plan->params[i];
    const char *bytes = block + param->offset_bytes;
    switch (param->kind) {
      case GPUC_ARG_SCALAR:
        args[i].kind = GPUC_ARG_SCALAR;
        args[i].type = param->type;
        args[i].size_bytes = 0;
        memcpy(&args[i].value, bytes, sizeof args[i].value);
        break;
      case GPUC_ARG_BYTES:
        args[i].kind = GPUC_ARG_BYTES;
        args[i].type = GPUC_TYPE_NONE;
        args[i].size_bytes = param->size_bytes;
        args[i].value.bytes = bytes;
        break;
      default:
        if (!set_object(&args[i], param, bytes)) return GPUC_PY_REFUSED;
    }
  }
  memcpy(&sizes, launch, sizeof sizes);
  return gpuc_kernel_launch(plan->kernel, queue, &sizes, args, plan->param_count, waits, wait_count, out_event);
}

int32_t gpuc_py_launch(const gpuc_py_plan *plan, gpuc_queue *queue, const char *launch, const char *block) {
  return gpuc_py_launch_waits(plan, queue, launch, block, NULL, 0, NULL);
}
