// Inside of the fake ICD: the objects and what the source files share.
//
// The functions of the OpenCL API are defined under their own names with hidden visibility, so that the compiler checks
// them against CL/cl.h; the library is linked with -Bsymbolic, so that they are not mistaken for the loader's.
//
// One lock guards everything. API functions take it; functions named fake_* expect it to be held, unless stated
// otherwise. Callbacks of the application are queued while it is held and run by fake_unlock().
#ifndef GPUC_FAKE_H
#define GPUC_FAKE_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#include <CL/cl_icd.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_EXPORT __attribute__((visibility("default")))

// ---- the profile: fake_profile.c ----

enum { FAKE_MAX_DEVICES = 2, FAKE_SUB_GROUP = 32 };

struct fake_profile {
  int version;  // 110, 120 or 300
  int fp64, fp16, arg_info, unified;
  int platforms;    // 0 or 1
  cl_uint devices;  // 0 .. FAKE_MAX_DEVICES
  cl_bool little;   // what it claims; the host's bytes are never swapped
  cl_uint address_bits;
  size_t max_work_group;
  cl_ulong global_memory, max_allocation, local_memory;
  size_t timer_resolution;                // 0: the clock stands still
  long lost_after;                        // commands until the device is lost; -1: never
  cl_device_type type;                    // of the last device; the others are GPUs
  cl_bool available, compiler_available;  // of the first device
  int ids, nv_ids;                        // tells its UUID and its place on the bus; the latter in NVIDIA's way
  char name[64];                          // of the platform
};
extern struct fake_profile fake_profile;

// Reads GPUC_FAKE once, and makes the platform and the devices. Called by the first call of the loader.
void fake_setup(void);
const char *fake_version_text(void);     // "OpenCL 3.0 fake"
const char *fake_extensions_text(void);  // names separated by spaces
cl_version fake_version_number(void);

// ---- objects: fake_object.c ----

enum fake_kind {
  FAKE_PLATFORM = 0x0fa4e001,
  FAKE_DEVICE,
  FAKE_CONTEXT,
  FAKE_QUEUE,
  FAKE_MEM,
  FAKE_PROGRAM,
  FAKE_KERNEL,
  FAKE_EVENT,
  FAKE_DEAD = 0x0fdead00
};

// The head of every object. An object lives while the application holds references or the implementation pins it; the
// two are counted apart, so that an application that releases too often gets an error and cannot take what a child
// holds.
struct fake_object {
  const cl_icd_dispatch *dispatch;  // first, as the loader wants it
  enum fake_kind kind;
  cl_uint references;
  cl_uint pins;
};

struct _cl_platform_id {
  struct fake_object object;
};

struct _cl_device_id {
  struct fake_object object;
  cl_uint index;
};

struct _cl_context {
  struct fake_object object;
  cl_uint device_count;
  cl_device_id devices[FAKE_MAX_DEVICES];
  cl_context_properties *properties;  // with the final zero; NULL: none
  size_t properties_bytes;
  struct fake_callback *callbacks;
};

struct _cl_command_queue {
  struct fake_object object;
  cl_context context;
  cl_device_id device;
  cl_command_queue_properties properties;
  cl_queue_properties *property_list;  // as given to clCreateCommandQueueWithProperties; NULL: none
  size_t property_list_bytes;
};

// A region that the application has mapped. On a discrete device it sees a copy, which unmapping writes back.
struct fake_mapping {
  struct fake_mapping *next;
  unsigned char *pointer;
  unsigned char *shadow;  // == pointer, or NULL where the buffer itself is mapped
  size_t offset, size;
  cl_map_flags flags;
};

struct _cl_mem {
  struct fake_object object;
  cl_context context;
  cl_mem parent;  // of a sub-buffer
  cl_mem_flags flags;
  size_t size, origin;
  unsigned char *data;
  void *host_ptr;  // CL_MEM_USE_HOST_PTR
  struct fake_mapping *mappings;
  cl_uint map_count;
  struct fake_callback *callbacks;
  cl_mem_properties *property_list;
  size_t property_list_bytes;
};

enum fake_argument_kind { FAKE_VALUE, FAKE_BUFFER, FAKE_LOCAL, FAKE_OTHER };

struct fake_argument_info {
  enum fake_argument_kind kind;
  size_t size;  // of a value; 0: not known, any size is taken
  char name[64], type[64];
  cl_kernel_arg_address_qualifier address;
  cl_kernel_arg_access_qualifier access;
  cl_kernel_arg_type_qualifier qualifiers;
};

struct fake_kernel_info {
  char name[128];
  char attributes[128];
  size_t required_group[3];
  cl_uint argument_count;
  struct fake_argument_info *arguments;
};

struct _cl_program {
  struct fake_object object;
  cl_context context;
  char *source;
  int from_binary;
  char *options, *log;  // of the last build
  cl_build_status status;
  cl_program_binary_type binary_type;
  cl_uint kernel_count;
  struct fake_kernel_info *kernels;
  cl_uint attached_kernels;  // kernel objects; while there are some, the program cannot be built again
};

struct fake_argument {
  int set;
  size_t size;
  unsigned char *value;  // of FAKE_VALUE and FAKE_OTHER
  cl_mem mem;            // of FAKE_BUFFER; holds no reference until the launch
};

struct _cl_kernel {
  struct fake_object object;
  cl_program program;
  const struct fake_kernel_info *info;  // inside the program
  struct fake_argument *arguments;
};

struct _cl_event {
  struct fake_object object;
  cl_context context;
  cl_command_queue queue;  // NULL: a user event
  cl_command_type type;
  cl_int status;
  cl_ulong queued, submitted, started, ended;
  struct fake_callback *callbacks;
};

void fake_lock(void);
void fake_unlock(void);
void fake_wait_for_change(void);  // sleeps until another thread calls fake_signal_change
void fake_signal_change(void);

void *fake_new(enum fake_kind kind, size_t size);  // zeroed, one reference; NULL when out of memory
int fake_is(const void *handle, enum fake_kind kind);
void fake_pin(void *object);
void fake_unpin(void *object);
cl_int fake_retain(void *handle, enum fake_kind kind, cl_int invalid);
cl_int fake_release(void *handle, enum fake_kind kind, cl_int invalid);

// Each frees what its object holds, but not the object itself.
void fake_destroy_context(cl_context context);
void fake_destroy_queue(cl_command_queue queue);
void fake_destroy_mem(cl_mem mem);
void fake_destroy_program(cl_program program);
void fake_destroy_kernel(cl_kernel kernel);
void fake_destroy_event(cl_event event);

// A function of the application that is to be called without the lock.
struct fake_callback {
  struct fake_callback *next;
  void(CL_CALLBACK *for_event)(cl_event, cl_int, void *);
  void(CL_CALLBACK *for_mem)(cl_mem, void *);
  void(CL_CALLBACK *for_context)(cl_context, void *);
  void *object;  // events are pinned from fake_call_later on
  cl_int status;
  void *user_data;
};
void fake_call_later(struct fake_callback *callback);

// Answers of the clGet*Info family; need no lock.
cl_int fake_reply(const void *answer, size_t answer_size, size_t size, void *value, size_t *size_ret);
cl_int fake_reply_text(const char *answer, size_t size, void *value, size_t *size_ret);
#define FAKE_REPLY(type, answer)                                    \
  do {                                                              \
    const type reply = (answer);                                    \
    return fake_reply(&reply, sizeof reply, size, value, size_ret); \
  } while (0)

// Sets *errcode_ret where wanted and gives NULL; and the same for success.
void *fake_fail(cl_int *errcode_ret, cl_int code);
void *fake_give(cl_int *errcode_ret, void *object);

// A copy of a property list with its final zero. Gives 0 only when out of memory.
int fake_copy_properties(const intptr_t *list, void *out_copy, size_t *out_bytes);

// ---- platform and devices ----

extern const cl_icd_dispatch fake_dispatch;
extern struct _cl_platform_id fake_platform;
extern struct _cl_device_id fake_devices[FAKE_MAX_DEVICES];
int fake_context_has(cl_context context, cl_device_id device);

// The virtual clock, in nanoseconds: every command moves it on by the same rule, so that times are reproducible.
cl_ulong fake_clock(void);
void fake_clock_advance(cl_ulong nanoseconds);

// ---- commands: fake_queue.c ----

enum { FAKE_MAX_PATTERN = 128 };

struct fake_launch;

// One enqueued command. It pins its queue, its event, the events it waits for and the buffers it uses.
struct fake_command {
  struct fake_command *next;
  cl_command_queue queue;
  cl_event event;
  cl_uint wait_count;
  cl_event *waits;
  int after_earlier;  // a marker or barrier without wait list: after all earlier commands of the queue
  int holds_later;    // a barrier: later commands of the queue come after it
  cl_mem buffers[2];
  cl_int (*run)(struct fake_command *command);  // gives CL_COMPLETE or a negative status; NULL: nothing to do
  union {
    struct {  // rows and slices of bytes
      const unsigned char *source;
      unsigned char *target;
      size_t region[3];
      size_t source_row, source_slice, target_row, target_slice;
    } copy;
    struct {
      unsigned char pattern[FAKE_MAX_PATTERN];
      size_t pattern_size;
      unsigned char *target;
      size_t size;
    } fill;
  } u;
  unsigned char *owned;        // freed with the command: the copy of a region that is unmapped
  struct fake_launch *launch;  // of a kernel
};

// Checks the queue, also for a lost device.
cl_int fake_check_queue(cl_command_queue queue);
// A command with its event, or NULL and the reason; checks the queue and the wait list.
struct fake_command *fake_command_new(cl_command_queue queue, cl_command_type type, cl_uint wait_count,
                                      const cl_event *waits, cl_int *out_error);
void fake_command_uses(struct fake_command *command, cl_mem buffer);
void fake_command_free(struct fake_command *command);
// Runs the command now or when it can; takes it over. A blocking one is waited for.
cl_int fake_submit(struct fake_command *command, cl_bool blocking, cl_event *out_event);

// ---- programs and kernels ----

// Comments out, conditions and object-like macros applied; lines keep their numbers. A malloc'ed text, or NULL and a
// malloc'ed build log. Both NULL: out of memory. A log beside a text holds a warning. Needs no lock.
char *fake_preprocess(const char *source, const char *options, char **out_log);
// Finds the kernels of a preprocessed source. Gives CL_SUCCESS, CL_OUT_OF_HOST_MEMORY, or CL_BUILD_PROGRAM_FAILURE and
// a malloc'ed log. Needs no lock.
cl_int fake_scan_kernels(const char *text, struct fake_kernel_info **out_kernels, cl_uint *out_count, char **out_log);
void fake_free_kernels(struct fake_kernel_info *kernels, cl_uint count);
// "<source>:LINE:1: error: MESSAGE\n", malloc'ed; needs no lock.
char *fake_error_log(int line, const char *message, size_t length);

// A kernel about to run, with its own copy of the arguments.
struct fake_launch {
  cl_kernel kernel;
  size_t offset[3], global[3];
  struct fake_argument *arguments;
};
typedef cl_int (*fake_builtin)(const struct fake_launch *launch);
// The C function for a kernel of this name and signature, or NULL.
fake_builtin fake_find_builtin(const struct fake_kernel_info *info);
void fake_launch_free(struct fake_launch *launch);
int fake_copy_arguments(const struct fake_argument *from, cl_uint count, struct fake_argument **out_copy);
void fake_free_arguments(struct fake_argument *arguments, cl_uint count);

#endif
