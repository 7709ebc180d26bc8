// Programs: from source or from the binaries that they give out, built by looking for their kernels.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

typedef void(CL_CALLBACK *program_notify)(cl_program, void *);

// A binary is this line, the build options, a line end, and the source.
static const char binary_magic[] = "FAKE OPENCL BINARY 1\n";

static cl_program new_program(cl_context context, char *source) {
  cl_program program = fake_new(FAKE_PROGRAM, sizeof *program);
  if (!program) return NULL;
  program->context = context;
  program->source = source;
  program->status = CL_BUILD_NONE;
  fake_pin(context);
  return program;
}

void fake_destroy_program(cl_program program) {
  fake_free_kernels(program->kernels, program->kernel_count);
  free(program->source);
  free(program->options);
  free(program->log);
  fake_unpin(program->context);
}

// Text pieces as clCreateProgramWithSource takes them, joined.
static char *join(cl_uint count, const char **strings, const size_t *lengths) {
  size_t size = 1;
  for (cl_uint i = 0; i < count; i++) size += lengths && lengths[i] ? lengths[i] : strlen(strings[i]);
  char *text = malloc(size);
  if (!text) return NULL;
  size_t used = 0;
  for (cl_uint i = 0; i < count; i++) {
    const size_t length = lengths && lengths[i] ? lengths[i] : strlen(strings[i]);
    memcpy(text + used, strings[i], length);
    used += length;
  }
  text[used] = '\0';
  return text;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **strings, const size_t *lengths,
                                     cl_int *errcode_ret) {
  if (!fake_is(context, FAKE_CONTEXT)) return fake_fail(errcode_ret, CL_INVALID_CONTEXT);
  if (!count || !strings) return fake_fail(errcode_ret, CL_INVALID_VALUE);
  for (cl_uint i = 0; i < count; i++) {
    if (!strings[i]) return fake_fail(errcode_ret, CL_INVALID_VALUE);
  }
  char *source = join(count, strings, lengths);
  fake_lock();
  cl_program program = source ? new_program(context, source) : NULL;
  fake_unlock();
  if (program) return fake_give(errcode_ret, program);
  free(source);
  return fake_fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
}

static int is_binary(const unsigned char *binary, size_t size) {
  const size_t magic = sizeof binary_magic - 1;
  return binary && size > magic && !memcmp(binary, binary_magic, magic) &&
         memchr(binary + magic, '\n', size - magic) != NULL;
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint num_devices, const cl_device_id *devices,
                                     const size_t *lengths, const unsigned char **binaries, cl_int *binary_status,
                                     cl_int *errcode_ret) {
  if (!fake_is(context, FAKE_CONTEXT)) return fake_fail(errcode_ret, CL_INVALID_CONTEXT);
  if (!num_devices || !devices || !lengths || !binaries) return fake_fail(errcode_ret, CL_INVALID_VALUE);
  cl_int problem = CL_SUCCESS;
  for (cl_uint i = 0; i < num_devices; i++) {
    cl_int status = CL_SUCCESS;
    if (!fake_is(devices[i], FAKE_DEVICE) || !fake_context_has(context, devices[i])) {
      return fake_fail(errcode_ret, CL_INVALID_DEVICE);
    }
    if (!lengths[i] || !binaries[i]) {
      status = CL_INVALID_VALUE;
    } else if (!is_binary(binaries[i], lengths[i])) {
      status = CL_INVALID_BINARY;
    }
    if (binary_status) binary_status[i] = status;
    if (problem == CL_SUCCESS) problem = status;
  }
  if (problem != CL_SUCCESS) return fake_fail(errcode_ret, problem);

  const char *options = (const char *)binaries[0] + sizeof binary_magic - 1;
  const char *end = (const char *)binaries[0] + lengths[0];
  const char *source = memchr(options, '\n', (size_t)(end - options));
  source++;
  char *source_copy = strndup(source, (size_t)(end - source));
  char *options_copy = strndup(options, (size_t)(source - 1 - options));
  fake_lock();
  cl_program program = source_copy && options_copy ? new_program(context, source_copy) : NULL;
  if (program) {
    program->options = options_copy;
    program->from_binary = 1;
    program->binary_type = CL_PROGRAM_BINARY_TYPE_EXECUTABLE;
  }
  fake_unlock();
  if (program) return fake_give(errcode_ret, program);
  free(source_copy);
  free(options_copy);
  return fake_fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
}

// ---- building ----

// The length of a word of the options; double quotes may hold blanks.
static size_t option_length(const char *p) {
  size_t length = 0;
  for (int quoted = 0; p[length] && (quoted || !isspace((unsigned char)p[length])); length++) {
    if (p[length] == '"') quoted = !quoted;
  }
  return length;
}

static const char *skip_space(const char *p) {
  while (isspace((unsigned char)*p)) p++;
  return p;
}

// Whether a compiler would know these options: words that begin with '-'; -D, -I and -x alone take the next word.
static int options_are_known(const char *p) {
  static const char *const known[] = {"-D",
                                      "-I",
                                      "-cl-",
                                      "-w",
                                      "-W",
                                      "-g",
                                      "-x",
                                      "-O",
                                      "-f",
                                      "-nv-",
                                      "-save-temps",
                                      "-create-library",
                                      "-enable-link-options"};
  for (p = skip_space(p); *p; p = skip_space(p)) {
    int found = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) found |= !strncmp(p, known[i], strlen(known[i]));
    if (!strncmp(p, "-cl-std=CL2", 11) || !strncmp(p, "-cl-std=CL3", 11)) found = fake_profile.version >= 300;
    if (!strncmp(p, "-cl-std=CL1.2", 13)) found = fake_profile.version >= 120;
    if (!found) return 0;
    const size_t length = option_length(p);
    const int takes_word = length == 2 && (p[1] == 'D' || p[1] == 'I' || p[1] == 'x');
    p += length;
    if (takes_word) {
      p = skip_space(p);
      if (!*p) return 0;
      p += option_length(p);
    }
  }
  return 1;
}

static void take_text(char **place, char *text) {
  free(*place);
  *place = text;
}

// Compiles or builds; `type` is what the program becomes. `failure` is the code for an error in the source.
static cl_int build(cl_program program, const char *options, cl_program_binary_type type, cl_int failure) {
  if (program->attached_kernels) return CL_INVALID_OPERATION;
  char *used_options;
  if (program->from_binary) {
    used_options = strdup(program->options);  // a binary was compiled with its own
  } else {
    used_options = strdup(options ? options : "");
  }
  if (!used_options) return CL_OUT_OF_HOST_MEMORY;

  struct fake_kernel_info *kernels = NULL;
  cl_uint count = 0;
  char *log = NULL;
  cl_int result = CL_SUCCESS;
  char *text = fake_preprocess(program->source, used_options, &log);
  if (text) {
    char *error = NULL;
    result = fake_scan_kernels(text, &kernels, &count, &error);
    if (error) take_text(&log, error);
  } else {
    result = log ? CL_BUILD_PROGRAM_FAILURE : CL_OUT_OF_HOST_MEMORY;
  }
  free(text);

  fake_free_kernels(program->kernels, program->kernel_count);
  program->kernels = kernels;
  program->kernel_count = count;
  take_text(&program->options, used_options);
  take_text(&program->log, log);
  program->status = result == CL_SUCCESS ? CL_BUILD_SUCCESS : CL_BUILD_ERROR;
  if (!program->from_binary || result != CL_SUCCESS) {
    program->binary_type = result == CL_SUCCESS ? type : CL_PROGRAM_BINARY_TYPE_NONE;
  }
  return result == CL_BUILD_PROGRAM_FAILURE ? failure : result;
}

static cl_int check_devices(cl_context context, cl_uint count, const cl_device_id *devices) {
  if (!count != !devices) return CL_INVALID_VALUE;
  for (cl_uint i = 0; i < count; i++) {
    if (!fake_is(devices[i], FAKE_DEVICE) || !fake_context_has(context, devices[i])) return CL_INVALID_DEVICE;
  }
  return CL_SUCCESS;
}

cl_int clBuildProgram(cl_program program, cl_uint num_devices, const cl_device_id *devices, const char *options,
                      program_notify notify, void *user_data) {
  if (!fake_is(program, FAKE_PROGRAM)) return CL_INVALID_PROGRAM;
  if (!notify && user_data) return CL_INVALID_VALUE;
  cl_int result = check_devices(program->context, num_devices, devices);
  if (result != CL_SUCCESS) return result;
  if (options && !options_are_known(options)) return CL_INVALID_BUILD_OPTIONS;
  fake_lock();
  result = build(program, options, CL_PROGRAM_BINARY_TYPE_EXECUTABLE, CL_BUILD_PROGRAM_FAILURE);
  fake_unlock();
  if (notify && result != CL_INVALID_OPERATION) {
    notify(program, user_data);
    return CL_SUCCESS;  // as a compiler in the background would answer; the status tells how it went
  }
  return result;
}

cl_int clCompileProgram(cl_program program, cl_uint num_devices, const cl_device_id *devices, const char *options,
                        cl_uint num_headers, const cl_program *headers, const char **names, program_notify notify,
                        void *user_data) {
  if (fake_profile.version < 120) return CL_INVALID_OPERATION;
  if (!fake_is(program, FAKE_PROGRAM)) return CL_INVALID_PROGRAM;
  if (!num_headers != !headers || !headers != !names || (!notify && user_data)) return CL_INVALID_VALUE;
  cl_int result = check_devices(program->context, num_devices, devices);
  if (result != CL_SUCCESS) return result;
  if (program->from_binary) return CL_INVALID_OPERATION;
  if (options && !options_are_known(options)) return CL_INVALID_COMPILER_OPTIONS;
  fake_lock();
  result = build(program, options, CL_PROGRAM_BINARY_TYPE_COMPILED_OBJECT, CL_COMPILE_PROGRAM_FAILURE);
  fake_unlock();
  if (notify && result != CL_INVALID_OPERATION) {
    notify(program, user_data);
    return CL_SUCCESS;
  }
  return result;
}

// Links by joining the sources, each of which must have been compiled with the same options to mean the same.
static cl_program link_programs(cl_context context, cl_uint count, const cl_program *programs, cl_int *out_error) {
  const char **sources = malloc(count * sizeof *sources);
  if (!sources) return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  for (cl_uint i = 0; i < count; i++) {
    if (!fake_is(programs[i], FAKE_PROGRAM) || programs[i]->binary_type == CL_PROGRAM_BINARY_TYPE_NONE) {
      const cl_int problem = fake_is(programs[i], FAKE_PROGRAM) ? CL_INVALID_OPERATION : CL_INVALID_PROGRAM;
      free(sources);
      return fake_fail(out_error, problem);
    }
    sources[i] = programs[i]->source;
  }
  char *source = join(count, sources, NULL);
  free(sources);
  cl_program program = source ? new_program(context, source) : NULL;
  if (!program) {
    free(source);
    return fake_fail(out_error, CL_OUT_OF_HOST_MEMORY);
  }
  cl_int result = build(program, programs[0]->options, CL_PROGRAM_BINARY_TYPE_EXECUTABLE, CL_LINK_PROGRAM_FAILURE);
  if (out_error) *out_error = result;
  return program;
}

cl_program clLinkProgram(cl_context context, cl_uint num_devices, const cl_device_id *devices, const char *options,
                         cl_uint num_programs, const cl_program *programs, program_notify notify, void *user_data,
                         cl_int *errcode_ret) {
  if (fake_profile.version < 120) return fake_fail(errcode_ret, CL_INVALID_OPERATION);
  if (!fake_is(context, FAKE_CONTEXT)) return fake_fail(errcode_ret, CL_INVALID_CONTEXT);
  if (!num_programs || !programs || (!notify && user_data)) return fake_fail(errcode_ret, CL_INVALID_VALUE);
  cl_int problem = check_devices(context, num_devices, devices);
  if (problem == CL_SUCCESS && options && !options_are_known(options)) problem = CL_INVALID_LINKER_OPTIONS;
  if (problem != CL_SUCCESS) return fake_fail(errcode_ret, problem);
  fake_lock();
  cl_program program = link_programs(context, num_programs, programs, errcode_ret);
  fake_unlock();
  if (program && notify) notify(program, user_data);
  return program;
}

// ---- queries ----

static cl_int reply_binaries(cl_program program, size_t size, void *value, size_t *size_ret) {
  const size_t bytes = program->context->device_count * sizeof(unsigned char *);
  if (size_ret) *size_ret = bytes;
  if (!value) return CL_SUCCESS;
  if (size < bytes) return CL_INVALID_VALUE;
  unsigned char **targets = value;
  for (cl_uint i = 0; i < program->context->device_count; i++) {
    if (!targets[i] || program->binary_type == CL_PROGRAM_BINARY_TYPE_NONE) continue;
    const size_t magic = sizeof binary_magic - 1;
    const size_t options = strlen(program->options);
    memcpy(targets[i], binary_magic, magic);
    memcpy(targets[i] + magic, program->options, options);
    targets[i][magic + options] = '\n';
    memcpy(targets[i] + magic + options + 1, program->source, strlen(program->source));
  }
  return CL_SUCCESS;
}

static cl_int reply_kernel_names(cl_program program, size_t size, void *value, size_t *size_ret) {
  size_t length = 1;
  for (cl_uint i = 0; i < program->kernel_count; i++) length += strlen(program->kernels[i].name) + 1;
  char *names = malloc(length);
  if (!names) return CL_OUT_OF_HOST_MEMORY;
  names[0] = '\0';
  for (cl_uint i = 0; i < program->kernel_count; i++) {
    if (i) strcat(names, ";");
    strcat(names, program->kernels[i].name);
  }
  cl_int result = fake_reply_text(names, size, value, size_ret);
  free(names);
  return result;
}

static cl_int program_info(cl_program program, cl_program_info name, size_t size, void *value, size_t *size_ret) {
  if (!fake_is(program, FAKE_PROGRAM)) return CL_INVALID_PROGRAM;
  const cl_context context = program->context;
  switch (name) {
    case CL_PROGRAM_REFERENCE_COUNT:
      FAKE_REPLY(cl_uint, program->object.references);
    case CL_PROGRAM_CONTEXT:
      FAKE_REPLY(cl_context, context);
    case CL_PROGRAM_NUM_DEVICES:
      FAKE_REPLY(cl_uint, context->device_count);
    case CL_PROGRAM_DEVICES:
      return fake_reply(context->devices, context->device_count * sizeof *context->devices, size, value, size_ret);
    case CL_PROGRAM_SOURCE:
      return fake_reply_text(program->from_binary ? "" : program->source, size, value, size_ret);
    case CL_PROGRAM_BINARY_SIZES: {
      size_t sizes[FAKE_MAX_DEVICES] = {0};
      for (cl_uint i = 0; i < context->device_count && program->binary_type != CL_PROGRAM_BINARY_TYPE_NONE; i++) {
        sizes[i] = sizeof binary_magic + strlen(program->options) + strlen(program->source);
      }
      return fake_reply(sizes, context->device_count * sizeof *sizes, size, value, size_ret);
    }
    case CL_PROGRAM_BINARIES:
      return reply_binaries(program, size, value, size_ret);
  }
  if (fake_profile.version >= 120 && (name == CL_PROGRAM_NUM_KERNELS || name == CL_PROGRAM_KERNEL_NAMES)) {
    if (program->status != CL_BUILD_SUCCESS) return CL_INVALID_PROGRAM_EXECUTABLE;
    if (name == CL_PROGRAM_KERNEL_NAMES) return reply_kernel_names(program, size, value, size_ret);
    FAKE_REPLY(size_t, program->kernel_count);
  }
  if (fake_profile.version < 300) return CL_INVALID_VALUE;
  switch (name) {
    case CL_PROGRAM_IL:
      return fake_reply(NULL, 0, size, value, size_ret);
    case CL_PROGRAM_SCOPE_GLOBAL_CTORS_PRESENT:
    case CL_PROGRAM_SCOPE_GLOBAL_DTORS_PRESENT:
      FAKE_REPLY(cl_bool, CL_FALSE);
  }
  return CL_INVALID_VALUE;
}

cl_int clGetProgramInfo(cl_program program, cl_program_info name, size_t size, void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = program_info(program, name, size, value, size_ret);
  fake_unlock();
  return result;
}

static cl_int build_info(cl_program program, cl_device_id device, cl_program_build_info name, size_t size, void *value,
                         size_t *size_ret) {
  if (!fake_is(program, FAKE_PROGRAM)) return CL_INVALID_PROGRAM;
  if (!fake_is(device, FAKE_DEVICE) || !fake_context_has(program->context, device)) return CL_INVALID_DEVICE;
  switch (name) {
    case CL_PROGRAM_BUILD_STATUS:
      FAKE_REPLY(cl_build_status, program->status);
    case CL_PROGRAM_BUILD_OPTIONS:
      return fake_reply_text(program->options ? program->options : "", size, value, size_ret);
    case CL_PROGRAM_BUILD_LOG:
      return fake_reply_text(program->log ? program->log : "", size, value, size_ret);
    case CL_PROGRAM_BINARY_TYPE:
      if (fake_profile.version < 120) return CL_INVALID_VALUE;
      FAKE_REPLY(cl_program_binary_type, program->binary_type);
    case CL_PROGRAM_BUILD_GLOBAL_VARIABLE_TOTAL_SIZE:
      if (fake_profile.version < 300) return CL_INVALID_VALUE;
      FAKE_REPLY(size_t, 0);
    default:
      return CL_INVALID_VALUE;
  }
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info name, size_t size,
                             void *value, size_t *size_ret) {
  fake_lock();
  cl_int result = build_info(program, device, name, size, value, size_ret);
  fake_unlock();
  return result;
}
