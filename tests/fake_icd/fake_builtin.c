// The kernels that really compute, as C functions. They are chosen by name and signature; all others do nothing.
//
// Work-items are those of the first dimension, in order. One that reaches beyond its buffer ends the launch with
// CL_OUT_OF_RESOURCES as status of the event, as a GPU with memory protection does.
#include <string.h>

#include "fake.h"

// A buffer argument as an array of 4-byte elements.
struct elements {
  unsigned char *data;
  size_t count;
};

static struct elements elements_of(const struct fake_launch *launch, cl_uint index) {
  const cl_mem mem = launch->arguments[index].mem;
  if (!mem) return (struct elements){NULL, 0};
  return (struct elements){mem->data, mem->size / 4};
}

static float get_float(const struct elements *elements, size_t index) {
  float value;
  memcpy(&value, elements->data + index * 4, 4);
  return value;
}

static cl_uint get_uint(const struct elements *elements, size_t index) {
  cl_uint value;
  memcpy(&value, elements->data + index * 4, 4);
  return value;
}

static void put(const struct elements *elements, size_t index, const void *value) {
  memcpy(elements->data + index * 4, value, 4);
}

// __kernel void vector_add(__global const float *a, __global const float *b, __global float *c)
static cl_int vector_add(const struct fake_launch *launch) {
  const struct elements a = elements_of(launch, 0), b = elements_of(launch, 1), c = elements_of(launch, 2);
  for (size_t n = 0; n < launch->global[0]; n++) {
    const size_t i = launch->offset[0] + n;
    if (i >= a.count || i >= b.count || i >= c.count) return CL_OUT_OF_RESOURCES;
    const float sum = get_float(&a, i) + get_float(&b, i);
    put(&c, i, &sum);
  }
  return CL_COMPLETE;
}

// __kernel void axpy(float a, __global const float *x, __global float *y, int n)
static cl_int axpy(const struct fake_launch *launch) {
  const struct elements x = elements_of(launch, 1), y = elements_of(launch, 2);
  float a;
  cl_int count;
  memcpy(&a, launch->arguments[0].value, sizeof a);
  memcpy(&count, launch->arguments[3].value, sizeof count);
  for (size_t n = 0; n < launch->global[0]; n++) {
    const size_t i = launch->offset[0] + n;
    if (count < 0 || i >= (size_t)count) break;
    if (i >= x.count || i >= y.count) return CL_OUT_OF_RESOURCES;
    const float result = a * get_float(&x, i) + get_float(&y, i);
    put(&y, i, &result);
  }
  return CL_COMPLETE;
}

// __kernel void collatz(__global uint *numbers): replaces each number by its steps to 1; 0 gives 0, and a number whose
// path leaves 32 bits gives 0xffffffff.
static cl_int collatz(const struct fake_launch *launch) {
  const struct elements numbers = elements_of(launch, 0);
  for (size_t n = 0; n < launch->global[0]; n++) {
    const size_t i = launch->offset[0] + n;
    if (i >= numbers.count) return CL_OUT_OF_RESOURCES;
    cl_uint number = get_uint(&numbers, i);
    cl_uint steps = 0;
    for (; number > 1; steps++) {
      if (number % 2 && number > (0xffffffffu - 1) / 3) {
        steps = 0xffffffffu;
        break;
      }
      number = number % 2 ? 3 * number + 1 : number / 2;
    }
    put(&numbers, i, &steps);
  }
  return CL_COMPLETE;
}

// __kernel void fill_value(__global int *target, int value)
static cl_int fill_value(const struct fake_launch *launch) {
  const struct elements target = elements_of(launch, 0);
  for (size_t n = 0; n < launch->global[0]; n++) {
    const size_t i = launch->offset[0] + n;
    if (i >= target.count) return CL_OUT_OF_RESOURCES;
    put(&target, i, launch->arguments[1].value);
  }
  return CL_COMPLETE;
}

// Types of the arguments, separated by commas.
static const struct {
  const char *name, *signature;
  fake_builtin function;
} builtins[] = {
    {"vector_add", "float*,float*,float*,", vector_add},
    {"axpy", "float,float*,float*,int,", axpy},
    {"collatz", "uint*,", collatz},
    {"fill_value", "int*,int,", fill_value},
};

fake_builtin fake_find_builtin(const struct fake_kernel_info *info) {
  char signature[256] = "";
  for (cl_uint i = 0; i < info->argument_count; i++) {
    if (strlen(signature) + strlen(info->arguments[i].type) + 2 > sizeof signature) return NULL;
    strcat(signature, info->arguments[i].type);
    strcat(signature, ",");
  }
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
    if (!strcmp(builtins[i].name, info->name) && !strcmp(builtins[i].signature, signature)) return builtins[i].function;
  }
  return NULL;
}
