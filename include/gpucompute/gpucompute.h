/* libgpucompute: a portable OpenCL compute runtime behind a flat C ABI.
 *
 * This header is the manual. It goes from simple to advanced:
 *   1  Rules that hold everywhere      7  Buffers              13  Arrays
 *   2  Version, statuses, messages     8  Host memory          14  Doctor
 *   3  Platforms and devices           9  Programs             15  Profiles and traces
 *   4  Contexts and their memory      10  Kernels and launches
 *   5  Queues                         11  ProQue: program plus queue
 *   6  Events                         12  GEMM
 *
 * The shortest whole program (examples/vector_add_trivial.c has it with the checks):
 *
 *   gpuc_proque *pq; gpuc_buffer *x; gpuc_arg arg = {GPUC_ARG_BUFFER};
 *   gpuc_proque_options o; gpuc_proque_options_init(&o, sizeof o); o.dims = 1; o.size[0] = 1000;
 *   gpuc_proque_create("kernel void one(global float *x) { x[get_global_id(0)] = 1; }", GPUC_NUL_TERMINATED, &o, &pq);
 *   gpuc_proque_create_buffer(pq, GPUC_TYPE_F32, &x);
 *   arg.value.buffer = x;
 *   gpuc_proque_launch(pq, "one", &arg, 1, NULL, 0, NULL);
 *
 * ---------------------------------------------------------------------------------------------------------------------
 * 1  Rules that hold everywhere
 *
 * Handles. Each object type has its own opaque handle type. A handle is a number in the guise of a pointer: never
 * dereference it. _create (and every function whose out parameter is marked [give]) gives one reference; _retain adds
 * one; _release drops one, accepts NULL, returns nothing and cannot fail. Children keep their parents alive: release in
 * any order. A released, forged or wrong-type handle is refused with GPUC_ERROR_INVALID_HANDLE; it is never followed.
 *
 * Statuses. A function that can fail returns gpuc_status; 0 is success, errors are positive. These common statuses can
 * come from every such function and are not repeated below:
 *   GPUC_ERROR_NULL_ARGUMENT       a pointer that is needed is NULL
 *   GPUC_ERROR_INVALID_HANDLE      a handle is NULL, released, forged or of another type
 *   GPUC_ERROR_FORKED              the process is a fork() of one that had used the library: nothing works in the
 *                                  child, which should end by _exit(): in exit() a driver may wait for ever
 *   GPUC_ERROR_SHUTTING_DOWN       the process is in exit()
 *   GPUC_ERROR_OUT_OF_HOST_MEMORY  host memory ran out
 *   GPUC_ERROR_DRIVER              the driver refused a call for a reason that has no status of its own
 *   GPUC_ERROR_DEVICE_LOST         the driver reports the device, or the queue, as gone; release what uses it
 *   GPUC_ERROR_OUT_OF_DEVICE_MEMORY the driver or the context's limit has no memory left for what the call needs
 *   GPUC_ERROR_INTERNAL            a fault of this library; please report it with the message
 * A failing call changes nothing, gives nothing that must be freed, sets its out handles to NULL and leaves a message.
 *
 * Messages. Each thread has a record of its last failure (gpuc_last_error_*). Successful calls and releases leave it
 * alone.
 *
 * Strings. UTF-8. Names are NUL-terminated; sources are pointer and length (GPUC_NUL_TERMINATED as the length means: up
 * to the NUL). A string result is written to (buf, capacity) and *out_needed is set to the bytes needed with the NUL;
 * capacity 0 asks for the size alone and succeeds; any other capacity that is too small is GPUC_ERROR_BUFFER_TOO_SMALL.
 *
 * Arrays. In: pointer and count; the pointer may be NULL when the count is 0. Out: (items, capacity, *out_count): at
 * most `capacity` items are written and *out_count is the number there are; capacity 0 asks for the count alone.
 *
 * Structures start with struct_size and flags. Set them up with their _init function, which takes the size your program
 * was compiled with; a library that is newer or older than your program then fills in what is missing. Unknown flag
 * bits are refused.
 *
 * Threads. Every function may be called from any thread. All objects may be shared; commands that several threads put
 * on one queue are in no given order. A structure that one thread is editing must not be read by another.
 *
 * Asynchronous functions end in _async, or say @async below. They take (waits, wait_count, out_event): the command
 * starts after the events in `waits`; out_event may be NULL, which costs nothing. A wait_count of 2^32 or more is
 * GPUC_ERROR_INVALID_ARGUMENT. Host memory given to one must stay valid until the command is complete; buffers, kernels
 * and events may be released at once. Execution failures come out of gpuc_event_wait, and out of gpuc_queue_finish
 * where the driver reports them there (PoCL does not).
 *
 * Process. Loading the library touches no driver. At exit() it stops accepting calls and waits up to two seconds for
 * running commands. It never prints, never aborts, and has no static object that owns anything of a driver. (A
 * driver's compiler may print: PoCL's does when a program does not build.)
 *
 * Environment: GPUC_DEVICE (a device filter, see gpuc_device_select), GPUC_DEVICE_ENFORCE=1 (hide all other devices),
 * GPUC_CACHE=0 (no on-disk cache), GPUC_CACHE_DIR, GPUC_CACHE_LIMIT_MB, GPUC_TUNING (see gpuc_tune), GPUC_POOL=0 (no
 * memory pool), GPUC_TRANSFER=0 (no transfer engine), GPUC_KERNEL_DIR (kernels from disk instead of the built-in ones),
 * GPUC_TRACE (a trace file, see section 15), GPUC_TRACE_LIMIT_MB, GPUC_DEBUG=memory (finds kernels that write outside
 * of buffers or read what was never written; read once, with the first context).
 *
 * GPUC_DEBUG=memory: each buffer that the library allocates has red zones in front and behind, new memory is 0xff in
 * every byte (NaN for floating-point types), and so is released memory. Where somebody waits (gpuc_queue_finish,
 * gpuc_event_wait and its like, blocking reads), damaged zones of the buffers that the queue has used are
 * GPUC_ERROR_EXECUTION_FAILED with a message that names buffer, place and kernels; so is at the next wait what a
 * release finds. Each is logged as a warning, too. docs/debugging.md has the details.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GPUCOMPUTE_H
#define GPUCOMPUTE_H

#ifndef GPUC_CDEF
#include <stddef.h>
#include <stdint.h>
#endif

#define GPUC_VERSION_MAJOR 0
#define GPUC_VERSION_MINOR 1
#define GPUC_VERSION_PATCH 0

#if defined(GPUC_CDEF)
#define GPUC_API
#elif defined(_WIN32) && defined(GPUC_BUILDING)
#define GPUC_API __declspec(dllexport)
#elif defined(_WIN32)
#define GPUC_API __declspec(dllimport)
#else
#define GPUC_API __attribute__((visibility("default")))
#endif

/* As a length: the text ends at its NUL. For callers without macros: the largest size_t. */
#define GPUC_NUL_TERMINATED ((size_t)-1)

#if defined(__cplusplus) && !defined(GPUC_CDEF)
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------------------------------------
 * 2  Version, statuses, messages
 */

/** The version of the library that is running: major * 1000000 + minor * 1000 + patch.
 *  @return the number; cannot fail.
 *  @thread any  @since 0.1 */
GPUC_API uint32_t gpuc_version(void);

/** The same as text, "0.1.0".
 *  @return a static string; cannot fail.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_version_string(void);

typedef int32_t gpuc_status;
enum {
  GPUC_OK = 0,
  /* environment */
  GPUC_ERROR_NO_PLATFORM = 101, /* no OpenCL platform is installed; gpuc_doctor() says what to do */
  GPUC_ERROR_NO_DEVICE = 102,   /* no device, or none that fits what was asked for */
  GPUC_ERROR_DEVICE_LOST = 103,
  GPUC_ERROR_FORKED = 104,
  GPUC_ERROR_SHUTTING_DOWN = 105,
  GPUC_ERROR_DRIVER = 106,
  GPUC_ERROR_FILE = 107, /* a file cannot be read or written */
  /* arguments */
  GPUC_ERROR_INVALID_ARGUMENT = 201,
  GPUC_ERROR_NULL_ARGUMENT = 202,
  GPUC_ERROR_INVALID_HANDLE = 203,
  GPUC_ERROR_OUT_OF_RANGE = 204,     /* an offset, index or size reaches past the end of something */
  GPUC_ERROR_MISALIGNED = 205,       /* an offset is not a multiple of what is needed */
  GPUC_ERROR_OVERLAP = 206,          /* two ranges that must not share bytes do */
  GPUC_ERROR_OVERFLOW = 207,         /* a product or sum of sizes does not fit its type */
  GPUC_ERROR_BUFFER_TOO_SMALL = 208, /* the capacity given for a string result is too small */
  GPUC_ERROR_NOT_FOUND = 209,        /* no kernel, backend or header of that name */
  GPUC_ERROR_KERNEL_ARGUMENT = 210,  /* an argument does not fit the kernel's signature */
  GPUC_ERROR_INVALID_STATE = 211,    /* the object is not in a state that allows the call */
  GPUC_ERROR_CONTEXT_MISMATCH = 212, /* objects of different contexts, or a device outside the context */
  /* build */
  GPUC_ERROR_BUILD_FAILED = 301,   /* the program does not compile or link; the detail is the build log */
  GPUC_ERROR_INVALID_BINARY = 302, /* the driver does not accept the binary */
  /* execution */
  GPUC_ERROR_OUT_OF_DEVICE_MEMORY = 401,
  GPUC_ERROR_OUT_OF_HOST_MEMORY = 402,
  GPUC_ERROR_EXECUTION_FAILED = 403, /* a command was accepted and failed while running */
  GPUC_ERROR_TIMEOUT = 404,
  GPUC_ERROR_ALLOCATION_TOO_LARGE = 405, /* more than the device allows in one buffer */
  /* unsupported */
  GPUC_ERROR_UNSUPPORTED = 501,
  /* internal */
  GPUC_ERROR_INTERNAL = 901
};

/** The name of a status, such as "GPUC_ERROR_OUT_OF_RANGE".
 *  @param[in] status  any number
 *  @return a static string; "GPUC_ERROR_UNKNOWN" for a number that is not a status.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_status_name(gpuc_status status);

/** The name of an OpenCL error code, such as "CL_OUT_OF_RESOURCES" for -5.
 *  @param[in] cl_code  any number
 *  @return a static string; "CL_UNKNOWN_ERROR" for a number that no header names.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_cl_code_name(int32_t cl_code);

/** The status of this thread's last failing call; GPUC_OK if none failed yet.
 *  @thread any; the record is the calling thread's own  @since 0.1 */
GPUC_API gpuc_status gpuc_last_error_status(void);

/** The OpenCL error code behind this thread's last failure; 0 where no OpenCL call failed.
 *  @thread any  @since 0.1 */
GPUC_API int32_t gpuc_last_error_cl_code(void);

/** The OpenCL function that failed, such as "clBuildProgram"; "" where none did.
 *  @return a static string, never NULL.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_last_error_routine(void);

/** One line that says what was wrong: the argument, what was got, what is needed.
 *  @return never NULL; "" if no call failed yet. Valid until this thread's next failing call.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_last_error_message(void);

/** What does not fit one line: a build log, a report of the memory in use. Unbounded.
 *  @return never NULL, often "". Valid until this thread's next failing call.
 *  @thread any  @since 0.1 */
GPUC_API const char *gpuc_last_error_detail(void);

typedef int32_t gpuc_log_level;
enum { GPUC_LOG_OFF = 0, GPUC_LOG_WARNING = 1, GPUC_LOG_INFO = 2, GPUC_LOG_DEBUG = 3 };

/* The message is valid during the call. It may call any function of this library, and must not throw or longjmp. */
typedef void (*gpuc_log_callback)(void *user_data, gpuc_log_level level, const char *message);

/** Sends the library's log to a function; without one nothing is logged anywhere.
 *  @param[in] callback   called from whatever thread has something to say, with no lock held; NULL turns the log off
 *  @param[in] user_data  passed on; must stay valid until the callback is replaced and running calls have returned
 *  @param[in] level      the most talkative level wanted
 *  @return GPUC_ERROR_INVALID_ARGUMENT: level is not a gpuc_log_level.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_log_set(gpuc_log_callback callback, void *user_data, gpuc_log_level level);

/* Element types, used by scalars in launches, by ProQue buffers and by GEMM. */
typedef int32_t gpuc_type;
enum {
  GPUC_TYPE_NONE = 0,
  GPUC_TYPE_I8 = 1,
  GPUC_TYPE_U8 = 2,
  GPUC_TYPE_I16 = 3,
  GPUC_TYPE_U16 = 4,
  GPUC_TYPE_I32 = 5,
  GPUC_TYPE_U32 = 6,
  GPUC_TYPE_I64 = 7,
  GPUC_TYPE_U64 = 8,
  GPUC_TYPE_F16 = 9,
  GPUC_TYPE_F32 = 10,
  GPUC_TYPE_F64 = 11,
  GPUC_TYPE_C64 = 12,  /* two f32: real, imaginary */
  GPUC_TYPE_C128 = 13, /* two f64 */
  GPUC_TYPE_BF16 = 14,
  GPUC_TYPE_F8E4M3 = 15, /* OCP e4m3fn: no infinities, largest value 448 */
  GPUC_TYPE_F8E5M2 = 16,
  GPUC_TYPE_BOOL = 17 /* one byte: 0 is false, 1 is true; any other is read as true */
};

/** The size of one element in bytes.
 *  @param[in] type  any number
 *  @return 0 for GPUC_TYPE_NONE and for a number that is not a type.
 *  @thread any  @since 0.1 */
GPUC_API size_t gpuc_type_size_bytes(gpuc_type type);

typedef struct gpuc_platform gpuc_platform;
typedef struct gpuc_device gpuc_device;
typedef struct gpuc_context gpuc_context;
typedef struct gpuc_queue gpuc_queue;
typedef struct gpuc_event gpuc_event;
typedef struct gpuc_buffer gpuc_buffer;
typedef struct gpuc_host_memory gpuc_host_memory;
typedef struct gpuc_program gpuc_program;
typedef struct gpuc_kernel gpuc_kernel;
typedef struct gpuc_proque gpuc_proque;
typedef struct gpuc_profile gpuc_profile;

/* ---------------------------------------------------------------------------------------------------------------------
 * 3  Platforms and devices
 */

/** Lists the OpenCL platforms (one per installed vendor's driver).
 *  @param[out] items [give]  handles, at most `capacity`; may be NULL when capacity is 0
 *  @param[in]  capacity      room in `items`
 *  @param[out] out_count     how many platforms there are
 *  @return GPUC_ERROR_NO_PLATFORM: none is installed; the message says what to do.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_platform_list(gpuc_platform **items, size_t capacity, size_t *out_count);

typedef int32_t gpuc_platform_string;
enum {
  GPUC_PLATFORM_NAME = 1,
  GPUC_PLATFORM_VENDOR = 2,
  GPUC_PLATFORM_VERSION = 3,
  GPUC_PLATFORM_PROFILE = 4,
  GPUC_PLATFORM_EXTENSIONS = 5
};

/** Reads a text property of a platform.
 *  @param[in]  platform [keep]
 *  @param[in]  key         a gpuc_platform_string
 *  @param[out] buf, capacity, out_needed  a string result (section 1)
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_platform_get_string(gpuc_platform *platform, gpuc_platform_string key, char *buf,
                                              size_t capacity, size_t *out_needed);

/** The cl_platform_id. Not retained (OpenCL does not count platforms).
 *  @param[in]  platform [keep]
 *  @param[out] out_native  a cl_platform_id
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_platform_get_native(gpuc_platform *platform, void **out_native);

/** Adds a reference.  @param[in] platform [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_platform_retain(gpuc_platform *platform);
/** Drops a reference.  @param[in] platform [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_platform_release(gpuc_platform *platform);

/** Lists the devices of all platforms that a filter lets through, the best first (GPUs before accelerators before CPUs,
 *  checkers such as Oclgrind last).
 *  @param[in]  filter        see gpuc_device_select; NULL or "": all devices. A trailing index is not allowed here
 *  @param[out] items [give]  handles, at most `capacity`; may be NULL when capacity is 0
 *  @param[in]  capacity      room in `items`
 *  @param[out] out_count     how many devices there are
 *  @return GPUC_ERROR_NO_PLATFORM: no platform is installed. GPUC_ERROR_NO_DEVICE: nothing fits; the message lists what
 * there is. GPUC_ERROR_INVALID_ARGUMENT: the filter cannot be read.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_list(const char *filter, gpuc_device **items, size_t capacity, size_t *out_count);

/** Selects one device.
 *
 *  A filter is up to four parts joined by ':', in any order, upper or lower case: a type ("cpu", "gpu", "accelerator"),
 * an index into the devices that the other parts let through ("0"), and texts that must be found in the platform's
 * name, vendor or version, or in the device's name, vendor or driver version. "nvidia:gpu:0", "pocl", "h200", "gpu:1",
 * "2".
 *  @param[in]  filter             NULL or "": GPUC_DEVICE if it is set, else the best device there is
 *  @param[out] out_device [give]
 *  @return as gpuc_device_list.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_select(const char *filter, gpuc_device **out_device);

typedef int32_t gpuc_device_string;
enum {
  GPUC_DEVICE_NAME = 1,
  GPUC_DEVICE_VENDOR = 2,
  GPUC_DEVICE_DRIVER_VERSION = 3,
  GPUC_DEVICE_VERSION = 4, /* "OpenCL 3.0 ..." */
  GPUC_DEVICE_C_VERSION = 5,
  GPUC_DEVICE_PROFILE = 6,
  GPUC_DEVICE_EXTENSIONS = 7, /* names with one space between them */
  GPUC_DEVICE_UUID = 8,       /* 32 hexadecimal digits; "" where the driver offers none */
  GPUC_DEVICE_PCI_ID = 9,     /* "0000:65:00.0"; "" where the driver offers none */
  GPUC_DEVICE_FILTER = 10     /* a filter that selects this device */
};

/** Reads a text property of a device.
 *  @param[in]  device [keep]
 *  @param[in]  key         a gpuc_device_string
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_get_string(gpuc_device *device, gpuc_device_string key, char *buf, size_t capacity,
                                            size_t *out_needed);

typedef int32_t gpuc_device_type;
enum {
  GPUC_DEVICE_TYPE_CPU = 1,
  GPUC_DEVICE_TYPE_GPU = 2,
  GPUC_DEVICE_TYPE_ACCELERATOR = 3,
  GPUC_DEVICE_TYPE_CUSTOM = 4
};

typedef int32_t gpuc_device_number;
enum {
  GPUC_DEVICE_TYPE = 1, /* a gpuc_device_type */
  GPUC_DEVICE_VENDOR_ID = 2,
  GPUC_DEVICE_COMPUTE_UNITS = 3,
  GPUC_DEVICE_CLOCK_MHZ = 4,
  GPUC_DEVICE_GLOBAL_MEMORY_BYTES = 5,
  GPUC_DEVICE_MAX_ALLOCATION_BYTES = 6, /* one buffer at most */
  GPUC_DEVICE_LOCAL_MEMORY_BYTES = 7,
  GPUC_DEVICE_CONSTANT_BYTES = 8,
  GPUC_DEVICE_CACHE_BYTES = 9,
  GPUC_DEVICE_CACHE_LINE_BYTES = 10,
  GPUC_DEVICE_MAX_WORK_GROUP_SIZE = 11,
  GPUC_DEVICE_MAX_WORK_ITEMS_X = 12,
  GPUC_DEVICE_MAX_WORK_ITEMS_Y = 13,
  GPUC_DEVICE_MAX_WORK_ITEMS_Z = 14,
  GPUC_DEVICE_ADDRESS_BITS = 15,
  GPUC_DEVICE_SLICE_ALIGNMENT_BYTES = 16, /* a slice that a kernel gets must start at a multiple of this */
  GPUC_DEVICE_UNIFIED_MEMORY = 17,        /* 1: shares memory with the host */
  GPUC_DEVICE_TIMER_RESOLUTION_NS = 18,
  GPUC_DEVICE_OUT_OF_ORDER = 19, /* 1: has out-of-order queues */
  GPUC_DEVICE_AVAILABLE = 20,
  GPUC_DEVICE_COMPILER_AVAILABLE = 21,
  GPUC_DEVICE_LITTLE_ENDIAN = 22,
  GPUC_DEVICE_OPENCL_VERSION = 23,   /* major * 100 + minor * 10: 300 */
  GPUC_DEVICE_OPENCL_C_VERSION = 24, /* the same for the language */
  GPUC_DEVICE_MAX_ARGUMENT_BYTES = 25,
  GPUC_DEVICE_VECTOR_WIDTH_F32 = 26, /* native vector width */
  GPUC_DEVICE_VECTOR_WIDTH_F64 = 27,
  GPUC_DEVICE_ERROR_CORRECTION = 28
};

/** Reads a number that the driver reports about a device. Cheap: read once and kept.
 *  @param[in]  device [keep]
 *  @param[in]  key        a gpuc_device_number
 *  @param[out] out_value  the number; booleans are 0 or 1
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_get_number(gpuc_device *device, gpuc_device_number key, uint64_t *out_value);

typedef int32_t gpuc_fp16;
enum {
  GPUC_FP16_NONE = 0,
  GPUC_FP16_STORAGE = 1,    /* vload_half and vstore_half */
  GPUC_FP16_ARITHMETIC = 2, /* + - * / on half */
  GPUC_FP16_MATH = 3        /* fma, sqrt, exp on half too */
};

typedef int32_t gpuc_capability;
enum {
  GPUC_CAPABILITY_FP16 = 1,          /* a gpuc_fp16 */
  GPUC_CAPABILITY_FP64 = 2,          /* 1: double arithmetic */
  GPUC_CAPABILITY_INT64_ATOMICS = 3, /* 1: atom_add on ulong in global memory */
  GPUC_CAPABILITY_SUB_GROUPS = 4,    /* 1: sub_group_reduce_add */
  GPUC_CAPABILITY_INLINE_PTX = 5,    /* 1: asm() with NVIDIA's PTX in OpenCL C */
  GPUC_CAPABILITY_SPIRV = 6          /* 1: programs from SPIR-V */
};

/** Reads what a device really can do. The first call for a device compiles and runs small kernels there (up to
 * seconds); the result is kept in the on-disk cache per device and driver.
 *  @param[in]  device [keep]
 *  @param[in]  key        a gpuc_capability
 *  @param[out] out_value  the level, or 0 and 1 for no and yes
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_get_capability(gpuc_device *device, gpuc_capability key, uint64_t *out_value);

/** The platform of a device.
 *  @param[in]  device [keep]
 *  @param[out] out_platform [give]
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_get_platform(gpuc_device *device, gpuc_platform **out_platform);

/** The cl_device_id. Not retained (root devices are not counted).
 *  @param[in]  device [keep]
 *  @param[out] out_native  a cl_device_id
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_get_native(gpuc_device *device, void **out_native);

/** Finds the device of a cl_device_id.
 *  @param[in]  native      a cl_device_id that the loader of this process gave out
 *  @param[out] out_device [give]
 *  @return GPUC_ERROR_NO_DEVICE: no listed device has that id (sub-devices do not).
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_from_native(void *native, gpuc_device **out_device);

/** Adds a reference.  @param[in] device [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_device_retain(gpuc_device *device);
/** Drops a reference.  @param[in] device [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_device_release(gpuc_device *device);

/* ---------------------------------------------------------------------------------------------------------------------
 * 4  Contexts and their memory
 *
 * A context holds one or several devices of one platform, their programs and their memory. Buffers come from a caching
 * pool: releasing one keeps its memory for the next of about that size, once every command that uses it is complete.
 */

/** Creates a context.
 *  @param[in]  devices [keep]  `device_count` devices of one platform; NULL with count 0: the default device
 *  @param[in]  device_count    0 or more
 *  @param[out] out_context [give]
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: devices of different platforms. GPUC_ERROR_INVALID_ARGUMENT: a device is given
 * twice. GPUC_ERROR_NO_PLATFORM, GPUC_ERROR_NO_DEVICE: no default device.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_create(gpuc_device *const *devices, size_t device_count, gpuc_context **out_context);

/** Makes a context around a cl_context.
 *  @param[in]  native  a living cl_context; this function retains it
 *  @param[out] out_context [give]
 *  @return GPUC_ERROR_UNSUPPORTED: it is made of sub-devices.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_from_native(void *native, gpuc_context **out_context);

/** The cl_context. Not retained: call clRetainContext to keep it longer than the context.
 *  @param[in]  context [keep]
 *  @param[out] out_native  a cl_context
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_get_native(gpuc_context *context, void **out_native);

/** Lists the devices of a context.
 *  @param[in]  context [keep]
 *  @param[out] items [give]  handles, at most `capacity`
 *  @param[in]  capacity      room in `items`
 *  @param[out] out_count     how many devices there are
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_get_devices(gpuc_context *context, gpuc_device **items, size_t capacity,
                                              size_t *out_count);

typedef int32_t gpuc_memory_number;
enum {
  GPUC_MEMORY_IN_USE_BYTES = 1, /* in living buffers, as rounded by the pool */
  GPUC_MEMORY_CACHED_BYTES = 2, /* released by the program, kept by the pool */
  GPUC_MEMORY_PEAK_BYTES = 3,   /* the most that was in use */
  GPUC_MEMORY_LIMIT_BYTES = 4,  /* what in use and cached may reach together */
  GPUC_MEMORY_LIVE_BUFFERS = 5,
  GPUC_MEMORY_CACHED_BUFFERS = 6,
  GPUC_MEMORY_HITS = 7,  /* creations served by the pool */
  GPUC_MEMORY_MISSES = 8 /* creations that asked the driver */
};

/** Reads a figure of the context's memory pool.
 *  @param[in]  context [keep]
 *  @param[in]  key        a gpuc_memory_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_get_memory(gpuc_context *context, gpuc_memory_number key, uint64_t *out_value);

/** Limits the memory of a context, in use and cached together. What is in use already stays.
 *  @param[in] context [keep]
 *  @param[in] limit_bytes  0: the default, the smallest global memory of the context's devices
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_set_memory_limit(gpuc_context *context, uint64_t limit_bytes);

/** Gives cached memory back to the driver: all of it that no running command uses.
 *  @param[in]  context [keep]
 *  @param[out] out_freed_bytes  may be NULL
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_trim(gpuc_context *context, uint64_t *out_freed_bytes);

/** A readable report of the context's memory: totals and the largest living buffers. The same text is the detail of
 *  GPUC_ERROR_OUT_OF_DEVICE_MEMORY.
 *  @param[in]  context [keep]
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_memory_report(gpuc_context *context, char *buf, size_t capacity, size_t *out_needed);

/** Adds a reference.  @param[in] context [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_context_retain(gpuc_context *context);
/** Drops a reference.  @param[in] context [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_context_release(gpuc_context *context);

/* ---------------------------------------------------------------------------------------------------------------------
 * 5  Queues
 *
 * Commands run in the order they were put on a queue, unless it was made out-of-order.
 */

enum {
  GPUC_QUEUE_OUT_OF_ORDER = 1u << 0, /* only wait lists and barriers give an order */
  GPUC_QUEUE_PROFILING = 1u << 1     /* events carry times; a launch costs more */
};

/** Creates a queue.
 *  @param[in]  context [keep]
 *  @param[in]  device [keep]  a device of the context; NULL: its first
 *  @param[in]  flags          GPUC_QUEUE_* or 0
 *  @param[out] out_queue [give]
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown flag. GPUC_ERROR_CONTEXT_MISMATCH: the device is not in the context.
 *          GPUC_ERROR_UNSUPPORTED: the device has no out-of-order queues.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_create(gpuc_context *context, gpuc_device *device, uint32_t flags,
                                       gpuc_queue **out_queue);

/** Makes a queue around a cl_command_queue.
 *  @param[in]  context [keep]  the context of the queue, see gpuc_context_from_native
 *  @param[in]  native          a living cl_command_queue; this function retains it
 *  @param[out] out_queue [give]
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: the queue belongs to another cl_context.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_from_native(gpuc_context *context, void *native, gpuc_queue **out_queue);

/** The cl_command_queue. Not retained. The library does not see commands that you put there yourself: finish them
 * before you release buffers that they use.
 *  @param[in]  queue [keep]
 *  @param[out] out_native  a cl_command_queue
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_get_native(gpuc_queue *queue, void **out_native);

/** The context of a queue.  @param[in] queue [keep]  @param[out] out_context [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_get_context(gpuc_queue *queue, gpuc_context **out_context);
/** The device of a queue.  @param[in] queue [keep]  @param[out] out_device [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_get_device(gpuc_queue *queue, gpuc_device **out_device);
/** The flags of a queue.  @param[in] queue [keep]  @param[out] out_flags GPUC_QUEUE_*  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_get_flags(gpuc_queue *queue, uint32_t *out_flags);

/** Hands all commands so far to the device; does not wait.
 *  @param[in] queue [keep]
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_flush(gpuc_queue *queue);

/** Waits until all commands so far are complete.
 *  @param[in] queue [keep]
 *  @return GPUC_ERROR_EXECUTION_FAILED: the driver reports that a command failed; or, with GPUC_DEBUG=memory, a kernel
 * wrote outside of a buffer.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_finish(gpuc_queue *queue);

/** A command that does nothing: complete when `waits` are, or, with none, when all commands before it are.
 *  @param[in]  queue [keep]
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: an event of another context.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_marker_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count,
                                             gpuc_event **out_event);

/** As gpuc_queue_marker_async, and commands put on the queue later start after it.
 *  @param[in]  queue [keep]
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: an event of another context.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_barrier_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count,
                                              gpuc_event **out_event);

/** Adds a reference.  @param[in] queue [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_queue_retain(gpuc_queue *queue);
/** Drops a reference; commands on the queue still run.  @param[in] queue [take]  may be NULL  @thread any  @since 0.1
 */
GPUC_API void gpuc_queue_release(gpuc_queue *queue);

/* ---------------------------------------------------------------------------------------------------------------------
 * 6  Events
 */

/** Waits until a command is complete. Flushes its queue first.
 *  @param[in] event [keep]
 *  @return GPUC_ERROR_EXECUTION_FAILED: the command failed; the message names it.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_event_wait(gpuc_event *event);

/** The same with a limit.
 *  @param[in] event [keep]
 *  @param[in] timeout_ns  0: only look
 *  @return GPUC_ERROR_TIMEOUT: not complete yet. GPUC_ERROR_EXECUTION_FAILED: the command failed.
 *  @thread any; blocks for the timeout at most  @since 0.1 */
GPUC_API gpuc_status gpuc_event_wait_for(gpuc_event *event, uint64_t timeout_ns);

/** Waits until all of several commands are complete.
 *  @param[in] events [keep], event_count
 *  @return GPUC_ERROR_EXECUTION_FAILED: one or more failed; the message names the first. All are waited for.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_event_wait_all(gpuc_event *const *events, size_t event_count);

typedef int32_t gpuc_event_state;
enum {
  GPUC_EVENT_QUEUED = 0,
  GPUC_EVENT_SUBMITTED = 1,
  GPUC_EVENT_RUNNING = 2,
  GPUC_EVENT_COMPLETE = 3,
  GPUC_EVENT_FAILED = 4
};

/** Where a command is. Does not wait and does not flush.
 *  @param[in]  event [keep]
 *  @param[out] out_state  a gpuc_event_state
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_get_state(gpuc_event *event, gpuc_event_state *out_state);

/** The times of a complete command, in nanoseconds of the device's clock.
 *  @param[in]  event [keep]
 *  @param[out] out_queued_ns, out_submitted_ns, out_started_ns, out_ended_ns  each may be NULL
 *  @return GPUC_ERROR_INVALID_STATE: not complete, or its queue has no GPUC_QUEUE_PROFILING, or a user event.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_get_times(gpuc_event *event, uint64_t *out_queued_ns, uint64_t *out_submitted_ns,
                                          uint64_t *out_started_ns, uint64_t *out_ended_ns);

/** A file descriptor that becomes readable when the command is complete or has failed: for poll, epoll, asyncio.
 *  One thread of the library watches all such events; no driver callback is used.
 *  @param[in]  event [keep]
 *  @param[out] out_fd [give]  yours: close() it when you like. Each call gives a new one
 *  @return GPUC_ERROR_FILE: the process has no descriptor left.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_get_fd(gpuc_event *event, int32_t *out_fd);

/** Creates an event that you complete yourself, for commands to wait on. Released while not complete, it fails the
 *  commands that wait on it, or, on PoCL, lets them run (see gpuc_event_complete).
 *  @param[in]  context [keep]
 *  @param[out] out_event [give]
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_create_user(gpuc_context *context, gpuc_event **out_event);

/** Completes a user event. PoCL (seen with 3.1) ends the process when a user event fails and several commands wait in a
 *  row: give 0 there.
 *  @param[in] event [keep]
 *  @param[in] cl_code  0: success; a negative number: the commands that wait on it fail
 *  @return GPUC_ERROR_INVALID_STATE: not a user event, or completed before. GPUC_ERROR_INVALID_ARGUMENT: cl_code is
 * positive.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_complete(gpuc_event *event, int32_t cl_code);

/** Makes an event around a cl_event.
 *  @param[in]  context [keep]
 *  @param[in]  native   a living cl_event of the context; this function retains it
 *  @param[out] out_event [give]
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: the event belongs to another cl_context.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_from_native(gpuc_context *context, void *native, gpuc_event **out_event);

/** The cl_event. Not retained.
 *  @param[in]  event [keep]
 *  @param[out] out_native  a cl_event
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_get_native(gpuc_event *event, void **out_native);

/** Adds a reference.  @param[in] event [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_event_retain(gpuc_event *event);
/** Drops a reference; does not wait.  @param[in] event [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_event_release(gpuc_event *event);

/* ---------------------------------------------------------------------------------------------------------------------
 * 7  Buffers
 *
 * A buffer is a range of device memory. A slice is a view of a part of one: it shares the memory and keeps it alive.
 * Offsets and sizes are bytes and 64 bits wide. Buffers and copies of size 0 are allowed and do nothing.
 */

enum {
  GPUC_BUFFER_UNPOOLED = 1u << 0 /* straight from the driver and back to it, exactly the size asked for */
};

/** Creates a buffer; its content is undefined.
 *  @param[in]  context [keep]
 *  @param[in]  size_bytes  0 or more
 *  @param[in]  flags       GPUC_BUFFER_* or 0
 *  @param[out] out_buffer [give]
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown flag. GPUC_ERROR_ALLOCATION_TOO_LARGE: more than a device of the
 * context takes.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_create(gpuc_context *context, size_t size_bytes, uint32_t flags,
                                        gpuc_buffer **out_buffer);

/** Creates a buffer that is host memory of yours, without a copy, on devices that share memory with the host.
 *  Between gpuc_buffer_map and gpuc_buffer_unmap_async the host may touch it, otherwise the device.
 *  @param[in]  context [keep]
 *  @param[in]  host        valid until the buffer, its slices and their commands are gone; best aligned to 4096 bytes
 *  @param[in]  size_bytes  more than 0
 *  @param[out] out_buffer [give]
 *  @return GPUC_ERROR_UNSUPPORTED: a device of the context has memory of its own; create a buffer and write to it.
 *          GPUC_ERROR_INVALID_ARGUMENT: size 0. GPUC_ERROR_ALLOCATION_TOO_LARGE.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_create_over_host(gpuc_context *context, void *host, size_t size_bytes,
                                                  gpuc_buffer **out_buffer);

/** Makes a view of a part of a buffer (or of a slice). Any offset is allowed for copies; for a kernel argument the
 *  offset within the whole buffer must be a multiple of GPUC_DEVICE_SLICE_ALIGNMENT_BYTES, which the launch checks.
 *  @param[in]  buffer [keep]
 *  @param[in]  offset_bytes, size_bytes  the part
 *  @param[out] out_slice [give]
 *  @return GPUC_ERROR_OUT_OF_RANGE: the part reaches past the end.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_slice(gpuc_buffer *buffer, size_t offset_bytes, size_t size_bytes,
                                       gpuc_buffer **out_slice);

/** The size of a buffer or slice.  @param[in] buffer [keep]  @param[out] out_size_bytes  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_get_size(gpuc_buffer *buffer, size_t *out_size_bytes);
/** The offset of a slice in its whole buffer; 0 for a whole one.
 *  @param[in] buffer [keep]  @param[out] out_offset_bytes  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_get_offset(gpuc_buffer *buffer, size_t *out_offset_bytes);
/** The context of a buffer.  @param[in] buffer [keep]  @param[out] out_context [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_get_context(gpuc_buffer *buffer, gpuc_context **out_context);

/** Copies host memory into a buffer and returns when `host` may be used again. Ordered after the commands on the queue.
 *  @param[in] buffer [keep]
 *  @param[in] queue [keep]               of the buffer's context
 *  @param[in] offset_bytes, size_bytes   where in the buffer
 *  @param[in] host                       size_bytes bytes; may be NULL when size_bytes is 0
 *  @return GPUC_ERROR_OUT_OF_RANGE: past the end of the buffer. GPUC_ERROR_CONTEXT_MISMATCH: queue and buffer.
 *          GPUC_ERROR_EXECUTION_FAILED: the copy failed.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_write(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                                       const void *host);

/** Copies a buffer into host memory and returns when it is there. Ordered after the commands on the queue.
 *  @param[in]  buffer [keep]
 *  @param[in]  queue [keep]               of the buffer's context
 *  @param[in]  offset_bytes, size_bytes   where in the buffer
 *  @param[out] host                       size_bytes bytes; may be NULL when size_bytes is 0
 *  @return as gpuc_buffer_write.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_read(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes,
                                      void *host);

/** gpuc_buffer_write that does not wait.
 *  @param[in]  buffer [keep]
 *  @param[in]  queue [keep]
 *  @param[in]  offset_bytes, size_bytes, host  as gpuc_buffer_write; host stays valid and unchanged until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_CONTEXT_MISMATCH.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_write_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes,
                                             size_t size_bytes, const void *host, gpuc_event *const *waits,
                                             size_t wait_count, gpuc_event **out_event);

/** gpuc_buffer_read that does not wait.
 *  @param[in]  buffer [keep]
 *  @param[in]  queue [keep]
 *  @param[in]  offset_bytes, size_bytes  where in the buffer
 *  @param[out] host                      stays valid and untouched until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_CONTEXT_MISMATCH.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_read_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes,
                                            size_t size_bytes, void *host, gpuc_event *const *waits, size_t wait_count,
                                            gpuc_event **out_event);

/** Copies from buffer to buffer on the device.
 *  @param[in]  source [keep], destination [keep]  of one context; may be slices of one buffer that do not overlap
 *  @param[in]  queue [keep]
 *  @param[in]  source_offset_bytes, destination_offset_bytes, size_bytes
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_CONTEXT_MISMATCH. GPUC_ERROR_OVERLAP: the two ranges share bytes.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_copy_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue,
                                            size_t source_offset_bytes, size_t destination_offset_bytes,
                                            size_t size_bytes, gpuc_event *const *waits, size_t wait_count,
                                            gpuc_event **out_event);

/** Fills a range with a pattern, over and over.
 *  @param[in]  buffer [keep]
 *  @param[in]  queue [keep]
 *  @param[in]  pattern             copied by the call
 *  @param[in]  pattern_size_bytes  1, 2, 4, 8, 16, 32, 64 or 128
 *  @param[in]  offset_bytes, size_bytes  multiples of the pattern's size, the offset within the whole buffer too
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: the pattern's size. GPUC_ERROR_MISALIGNED: offset or size.
 * GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_CONTEXT_MISMATCH.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_fill_async(gpuc_buffer *buffer, gpuc_queue *queue, const void *pattern,
                                            size_t pattern_size_bytes, size_t offset_bytes, size_t size_bytes,
                                            gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/* A box in two places. region is bytes in a row, rows, slices; origins are bytes, rows, slices. A pitch of 0 means
 * tightly packed. */
typedef struct gpuc_rect {
  uint32_t struct_size;
  uint32_t flags; /* 0 */
  size_t region[3];
  size_t source_origin[3];
  size_t source_row_pitch_bytes;
  size_t source_slice_pitch_bytes;
  size_t destination_origin[3];
  size_t destination_row_pitch_bytes;
  size_t destination_slice_pitch_bytes;
} gpuc_rect;

/** Sets a gpuc_rect to an empty box at the origins, one slice deep, tightly packed.
 *  @param[out] rect
 *  @param[in]  struct_size  sizeof(gpuc_rect) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_rect_init(gpuc_rect *rect, size_t struct_size);

/** Copies a box from host memory (the source) into a buffer.
 *  @param[in]  buffer [keep], queue [keep]
 *  @param[in]  rect   the box
 *  @param[in]  host   the source, from which source_origin counts
 *  @return GPUC_ERROR_INVALID_ARGUMENT: a pitch is smaller than what it spans, unknown flags. GPUC_ERROR_OUT_OF_RANGE:
 * past the end of the buffer. GPUC_ERROR_OVERFLOW. GPUC_ERROR_CONTEXT_MISMATCH. GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_write_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect,
                                            const void *host);

/** Copies a box from a buffer (the source) into host memory.
 *  @param[in]  buffer [keep], queue [keep]
 *  @param[in]  rect   the box
 *  @param[out] host   the destination, from which destination_origin counts
 *  @return as gpuc_buffer_write_rect.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_read_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, void *host);

/** gpuc_buffer_write_rect that does not wait.
 *  @param[in]  buffer [keep], queue [keep], rect, host  host stays valid and unchanged until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_buffer_write_rect, less GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_write_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect,
                                                  const void *host, gpuc_event *const *waits, size_t wait_count,
                                                  gpuc_event **out_event);

/** gpuc_buffer_read_rect that does not wait.
 *  @param[in]  buffer [keep], queue [keep], rect
 *  @param[out] host  stays valid and untouched until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_buffer_write_rect, less GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_read_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect,
                                                 void *host, gpuc_event *const *waits, size_t wait_count,
                                                 gpuc_event **out_event);

/** Copies a box from buffer to buffer.
 *  @param[in]  source [keep], destination [keep], queue [keep], rect
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_buffer_write_rect, less GPUC_ERROR_EXECUTION_FAILED. GPUC_ERROR_OVERLAP: the boxes' byte ranges
 * share bytes.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_copy_rect_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue,
                                                 const gpuc_rect *rect, gpuc_event *const *waits, size_t wait_count,
                                                 gpuc_event **out_event);

enum {
  GPUC_MAP_READ = 1u << 0,
  GPUC_MAP_WRITE = 1u << 1,
  GPUC_MAP_DISCARD = 1u << 2 /* with WRITE: the old content is not needed */
};

/** Makes a range of a buffer readable and writable by the host, without a copy where the device shares the host's
 * memory. Until it is unmapped no command may use the range.
 *  @param[in]  buffer [keep], queue [keep]
 *  @param[in]  flags   GPUC_MAP_*, READ or WRITE or both
 *  @param[in]  offset_bytes, size_bytes  size more than 0
 *  @param[out] out_pointer  the range; valid until unmapped
 *  @return GPUC_ERROR_INVALID_ARGUMENT: flags or size. GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_CONTEXT_MISMATCH,
 * GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_map(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes,
                                     size_t size_bytes, void **out_pointer);

/** gpuc_buffer_map that does not wait.
 *  @param[in]  buffer [keep], queue [keep], flags, offset_bytes, size_bytes
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_pointer  may be used once the event is complete
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_buffer_map, less GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_map_async(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes,
                                           size_t size_bytes, gpuc_event *const *waits, size_t wait_count,
                                           void **out_pointer, gpuc_event **out_event);

/** Gives a mapped range back to the device; waits for the map on the device if that is still to come.
 *  @param[in]  buffer [keep]  the one that was mapped
 *  @param[in]  queue [keep]
 *  @param[in]  pointer        as the map gave it
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_STATE: the pointer is not mapped. GPUC_ERROR_CONTEXT_MISMATCH.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_unmap_async(gpuc_buffer *buffer, gpuc_queue *queue, void *pointer,
                                             gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/** Makes a buffer around a cl_mem.
 *  @param[in]  context [keep]  the context of the memory object
 *  @param[in]  native          a living cl_mem that is a buffer; this function retains it. The pool leaves it alone
 *  @param[out] out_buffer [give]
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: of another cl_context. GPUC_ERROR_INVALID_ARGUMENT: an image or a pipe.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_from_native(gpuc_context *context, void *native, gpuc_buffer **out_buffer);

/** The cl_mem of the whole buffer and the offset of the slice in it. Not retained. The memory does not go back to the
 * pool afterwards, since others may use it.
 *  @param[in]  buffer [keep]
 *  @param[out] out_native        a cl_mem
 *  @param[out] out_offset_bytes  may be NULL
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_get_native(gpuc_buffer *buffer, void **out_native, size_t *out_offset_bytes);

/** Adds a reference.  @param[in] buffer [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_buffer_retain(gpuc_buffer *buffer);
/** Drops a reference; commands that use the buffer still run.
 *  @param[in] buffer [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_buffer_release(gpuc_buffer *buffer);

/* ---------------------------------------------------------------------------------------------------------------------
 * 8  Host memory
 *
 * Page-locked ("pinned") host memory, which devices with memory of their own copy to and from at full speed and without
 * a detour. Copies from ordinary memory are fast too (the transfer engine sees to it) but use several threads.
 */

/** Allocates pinned host memory; zero-filled.
 *  @param[in]  context [keep]
 *  @param[in]  size_bytes  more than 0
 *  @param[out] out_memory [give]
 *  @return GPUC_ERROR_INVALID_ARGUMENT: size 0. GPUC_ERROR_ALLOCATION_TOO_LARGE.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_host_memory_create(gpuc_context *context, size_t size_bytes, gpuc_host_memory **out_memory);

/** Its address and size.
 *  @param[in]  memory [keep]
 *  @param[out] out_pointer     aligned to a page; valid until the memory is released
 *  @param[out] out_size_bytes  may be NULL
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_host_memory_get(gpuc_host_memory *memory, void **out_pointer, size_t *out_size_bytes);

/** Adds a reference.  @param[in] memory [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_host_memory_retain(gpuc_host_memory *memory);
/** Drops a reference. The memory goes with the last one: finish the commands that use it first.
 *  @param[in] memory [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_host_memory_release(gpuc_host_memory *memory);

/* ---------------------------------------------------------------------------------------------------------------------
 * 9  Programs
 *
 * A program is built when it is created. What the driver made of a source is kept in a cache on disk (a directory of
 * your own, mode 0700), so that the next process starts at once.
 */

enum {
  GPUC_PROGRAM_NO_CACHE = 1u << 0 /* neither read nor write the on-disk cache */
};

/* One text with a name: a source, or a header that sources include as "name". */
typedef struct gpuc_text {
  const char *name; /* NULL for a source: "source", shown in build logs */
  const char *text;
  size_t size_bytes; /* or GPUC_NUL_TERMINATED */
} gpuc_text;

/* One macro definition; value may be NULL. */
typedef struct gpuc_define {
  const char *name;
  const char *value;
} gpuc_define;

typedef struct gpuc_program_desc {
  uint32_t struct_size;
  uint32_t flags; /* GPUC_PROGRAM_* */
  /* Exactly one of: sources; binary; SPIR-V. Sources are joined in order. */
  const gpuc_text *sources;
  size_t source_count;
  const gpuc_text *headers;
  size_t header_count;
  const void *binary; /* as gpuc_program_get_binary gave it; for contexts of one device */
  size_t binary_size_bytes;
  const void *spirv;
  size_t spirv_size_bytes;
  const gpuc_define *defines;
  size_t define_count;
  const char *options; /* compiler options, such as "-cl-fast-relaxed-math"; may be NULL */
} gpuc_program_desc;

/** Sets a gpuc_program_desc to nothing: no source, no options.
 *  @param[out] desc
 *  @param[in]  struct_size  sizeof(gpuc_program_desc) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_desc_init(gpuc_program_desc *desc, size_t struct_size);

/** Creates and builds a program for all devices of a context.
 *  @param[in]  context [keep]
 *  @param[in]  desc    what to build; not kept
 *  @param[out] out_program [give]
 *  @return GPUC_ERROR_BUILD_FAILED: the message has the first error and its source line, the detail the whole build
 * log. GPUC_ERROR_INVALID_ARGUMENT: no source or more than one kind, a macro name that is none, unknown flags.
 *          GPUC_ERROR_INVALID_BINARY. GPUC_ERROR_UNSUPPORTED: SPIR-V where the driver takes none.
 *  @thread any; blocks while compiling  @since 0.1 */
GPUC_API gpuc_status gpuc_program_create(gpuc_context *context, const gpuc_program_desc *desc,
                                         gpuc_program **out_program);

/** The same for one source.
 *  @param[in]  context [keep]
 *  @param[in]  source, size_bytes  OpenCL C; size_bytes may be GPUC_NUL_TERMINATED
 *  @param[in]  options             may be NULL
 *  @param[out] out_program [give]
 *  @return GPUC_ERROR_BUILD_FAILED, GPUC_ERROR_INVALID_ARGUMENT: as gpuc_program_create.
 *  @thread any; blocks while compiling  @since 0.1 */
GPUC_API gpuc_status gpuc_program_create_from_source(gpuc_context *context, const char *source, size_t size_bytes,
                                                     const char *options, gpuc_program **out_program);

/** The build log, which may hold warnings.
 *  @param[in]  program [keep]
 *  @param[in]  device [keep]  NULL: the context's first
 *  @param[out] buf, capacity, out_needed  a string result; "" for a program from the cache
 *  @return GPUC_ERROR_CONTEXT_MISMATCH: not a device of the context. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_get_build_log(gpuc_program *program, gpuc_device *device, char *buf, size_t capacity,
                                                size_t *out_needed);

/** What the driver made of the program, to be kept and given to gpuc_program_create on the same device and driver.
 *  @param[in]  program [keep]
 *  @param[in]  device [keep]  NULL: the context's first
 *  @param[out] buf         `capacity` bytes; may be NULL when capacity is 0
 *  @param[in]  capacity
 *  @param[out] out_needed  the size of the binary
 *  @return GPUC_ERROR_CONTEXT_MISMATCH, GPUC_ERROR_BUFFER_TOO_SMALL. GPUC_ERROR_UNSUPPORTED: the driver gives none.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_get_binary(gpuc_program *program, gpuc_device *device, void *buf, size_t capacity,
                                             size_t *out_needed);

/** The names of the kernels, sorted, with one ';' between them.
 *  @param[in]  program [keep]
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_get_kernel_names(gpuc_program *program, char *buf, size_t capacity,
                                                   size_t *out_needed);

/** Whether the program came from the on-disk cache.
 *  @param[in]  program [keep]
 *  @param[out] out_from_cache  0 or 1
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_get_from_cache(gpuc_program *program, int32_t *out_from_cache);

/** Makes a program around a cl_program that is built.
 *  @param[in]  context [keep]
 *  @param[in]  native   a living cl_program of the context; this function retains it
 *  @param[out] out_program [give]
 *  @return GPUC_ERROR_CONTEXT_MISMATCH. GPUC_ERROR_INVALID_STATE: it is not built for every device of the context.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_from_native(gpuc_context *context, void *native, gpuc_program **out_program);

/** The cl_program. Not retained.  @param[in] program [keep]  @param[out] out_native  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_get_native(gpuc_program *program, void **out_native);
/** Adds a reference.  @param[in] program [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_program_retain(gpuc_program *program);
/** Drops a reference.  @param[in] program [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_program_release(gpuc_program *program);

typedef int32_t gpuc_cache_number;
enum {
  GPUC_CACHE_HITS = 1,
  GPUC_CACHE_MISSES = 2,
  GPUC_CACHE_REJECTED = 3, /* damaged entries that were removed */
  GPUC_CACHE_STORES = 4,
  GPUC_CACHE_STORE_FAILURES = 5,
  GPUC_CACHE_ENTRIES = 6, /* on disk now */
  GPUC_CACHE_BYTES = 7
};

/** Reads a figure of the on-disk cache; hits to store failures count since the process started.
 *  @param[in]  key        a gpuc_cache_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_cache_get_number(gpuc_cache_number key, uint64_t *out_value);

/** The directory of the cache, or, where it is not in use, "" .
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_cache_get_directory(char *buf, size_t capacity, size_t *out_needed);

/** Removes all entries.
 *  @param[out] out_removed  how many; may be NULL
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_cache_clear(uint64_t *out_removed);

/** Reads every entry, and removes those that are damaged. Every use of an entry checks it as well.
 *  @param[out] out_checked  how many there were; may be NULL
 *  @param[out] out_removed  how many were damaged; may be NULL
 *  @thread any; blocks while reading  @since 0.1 */
GPUC_API gpuc_status gpuc_cache_verify(uint64_t *out_checked, uint64_t *out_removed);

/* ---------------------------------------------------------------------------------------------------------------------
 * 10  Kernels and launches
 */

/** Gets a kernel of a program.
 *  @param[in]  program [keep]
 *  @param[in]  name
 *  @param[out] out_kernel [give]
 *  @return GPUC_ERROR_NOT_FOUND: the message lists the kernels there are.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_create(gpuc_program *program, const char *name, gpuc_kernel **out_kernel);

/** Its name.  @param[in] kernel [keep]  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_name(gpuc_kernel *kernel, char *buf, size_t capacity, size_t *out_needed);
/** Its program.  @param[in] kernel [keep]  @param[out] out_program [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_program(gpuc_kernel *kernel, gpuc_program **out_program);
/** How many arguments it takes.  @param[in] kernel [keep]  @param[out] out_count  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_arg_count(gpuc_kernel *kernel, size_t *out_count);

typedef int32_t gpuc_arg_space;
enum {
  GPUC_ARG_SPACE_UNKNOWN = 0, /* neither the driver nor the source tells */
  GPUC_ARG_SPACE_PRIVATE = 1, /* by value */
  GPUC_ARG_SPACE_GLOBAL = 2,
  GPUC_ARG_SPACE_CONSTANT = 3,
  GPUC_ARG_SPACE_LOCAL = 4
};

/** What is known of an argument.
 *  @param[in]  kernel [keep]
 *  @param[in]  index           from 0
 *  @param[out] out_space       a gpuc_arg_space; may be NULL
 *  @param[out] out_type        the gpuc_type of a scalar, or of what a pointer points to; GPUC_TYPE_NONE for others;
 * may be NULL
 *  @param[out] out_size_bytes  of a value; 0 for pointers and where it is not known; may be NULL
 *  @return GPUC_ERROR_OUT_OF_RANGE: no argument has that index.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_arg(gpuc_kernel *kernel, size_t index, gpuc_arg_space *out_space,
                                         gpuc_type *out_type, size_t *out_size_bytes);

/** The declaration of an argument, "global float* x"; the name may be missing.
 *  @param[in]  kernel [keep], index
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_OUT_OF_RANGE: no argument has that index. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_arg_text(gpuc_kernel *kernel, size_t index, char *buf, size_t capacity,
                                              size_t *out_needed);

typedef int32_t gpuc_kernel_number;
enum {
  GPUC_KERNEL_MAX_WORK_GROUP_SIZE = 1,
  GPUC_KERNEL_PREFERRED_MULTIPLE = 2, /* of the work-group size */
  GPUC_KERNEL_LOCAL_MEMORY_BYTES = 3,
  GPUC_KERNEL_PRIVATE_MEMORY_BYTES = 4,
  GPUC_KERNEL_REQUIRED_SIZE_X = 5, /* reqd_work_group_size, or 0 */
  GPUC_KERNEL_REQUIRED_SIZE_Y = 6,
  GPUC_KERNEL_REQUIRED_SIZE_Z = 7
};

/** Reads a number about a kernel on a device.
 *  @param[in]  kernel [keep]
 *  @param[in]  device [keep]  NULL: the context's first
 *  @param[in]  key        a gpuc_kernel_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_CONTEXT_MISMATCH: not a device of the context.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_get_number(gpuc_kernel *kernel, gpuc_device *device, gpuc_kernel_number key,
                                            uint64_t *out_value);

typedef int32_t gpuc_arg_kind;
enum {
  GPUC_ARG_BUFFER = 1, /* value.buffer: a buffer or slice for a global or constant pointer */
  GPUC_ARG_SCALAR =
      2, /* type and value: a number, converted to the argument's own type if that loses nothing but float precision */
  GPUC_ARG_BYTES = 3, /* value.bytes and size_bytes: a vector or struct by value, exactly as the kernel declares it */
  GPUC_ARG_LOCAL = 4, /* size_bytes of local memory */
  GPUC_ARG_NULL = 5   /* a null pointer for a global or constant pointer */
};

/* One argument; 24 bytes on every platform with 64-bit pointers. */
typedef struct gpuc_arg {
  gpuc_arg_kind kind;
  gpuc_type type;      /* SCALAR: which member of value holds the number; I8 to U64, F32, F64. Otherwise 0 */
  uint64_t size_bytes; /* BYTES, LOCAL; otherwise 0 */
  union {
    gpuc_buffer *buffer;
    const void *bytes;
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
  } value;
} gpuc_arg;

enum {
  GPUC_LAUNCH_ROUND_UP =
      1u << 0 /* round each global size up to a multiple of the local size; the kernel checks its ids */
};

typedef struct gpuc_launch {
  uint32_t struct_size;
  uint32_t flags; /* GPUC_LAUNCH_* */
  uint32_t dims;  /* 1, 2 or 3 */
  uint32_t reserved;
  size_t global[3]; /* work-items; 0 anywhere: nothing runs */
  size_t local[3];  /* work-items in a group; all 0: chosen for you */
  size_t offset[3]; /* where global ids start */
} gpuc_launch;

/** Sets a gpuc_launch to one dimension of global size 0, local size chosen.
 *  @param[out] launch
 *  @param[in]  struct_size  sizeof(gpuc_launch) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_launch_init(gpuc_launch *launch, size_t struct_size);

/** Launches a kernel with all its arguments in one call. Several threads may launch one kernel at once: each launch has
 * its own arguments. Buffers may be released as soon as the call returns.
 *  @param[in]  kernel [keep]
 *  @param[in]  queue [keep]       of the kernel's context
 *  @param[in]  launch             sizes; not kept
 *  @param[in]  args [keep], arg_count  every argument in order; copied by the call
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]   may be NULL
 *  @return GPUC_ERROR_KERNEL_ARGUMENT: wrong count, kind, size or type, or a number that does not fit; the message
 * names the argument. GPUC_ERROR_MISALIGNED: a slice that starts where the device allows none.
 *          GPUC_ERROR_INVALID_ARGUMENT: dims, a local size the kernel or device does not allow, a global size that is
 * no multiple of it (and no GPUC_LAUNCH_ROUND_UP), unknown flags. GPUC_ERROR_OVERFLOW: sizes whose product or sum does
 * not fit. GPUC_ERROR_CONTEXT_MISMATCH.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_launch(gpuc_kernel *kernel, gpuc_queue *queue, const gpuc_launch *launch,
                                        const gpuc_arg *args, size_t arg_count, gpuc_event *const *waits,
                                        size_t wait_count, gpuc_event **out_event);

/** A new cl_kernel of this kernel.
 *  @param[in]  kernel [keep]
 *  @param[out] out_native [give]  yours: clReleaseKernel it
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_create_native(gpuc_kernel *kernel, void **out_native);

/** Adds a reference.  @param[in] kernel [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_kernel_retain(gpuc_kernel *kernel);
/** Drops a reference; launches still run.  @param[in] kernel [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_kernel_release(gpuc_kernel *kernel);

/* ---------------------------------------------------------------------------------------------------------------------
 * 11  ProQue: program plus queue
 *
 * A context, a queue, a program and default dimensions in one object, for programs that need one of each. The name and
 * the idea are the Rust crate ocl's.
 */

typedef struct gpuc_proque_options {
  uint32_t struct_size;
  uint32_t flags;            /* 0 */
  const char *device_filter; /* see gpuc_device_select; NULL: default. Not together with device or context */
  gpuc_device *device;       /* [keep] NULL: by filter, or the context's first */
  gpuc_context *context;     /* [keep] NULL: a new one on the device */
  const char *source_file;   /* the source is in this file; then give no source text */
  const char *options;       /* compiler options */
  const gpuc_define *defines;
  size_t define_count;
  uint32_t queue_flags; /* GPUC_QUEUE_* */
  uint32_t dims;        /* default dimensions: 1 to 3, or 0 for none */
  size_t size[3];       /* their sizes, each more than 0 */
} gpuc_proque_options;

/** Sets gpuc_proque_options to the defaults: default device, new context, no dimensions.
 *  @param[out] options
 *  @param[in]  struct_size  sizeof(gpuc_proque_options) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_options_init(gpuc_proque_options *options, size_t struct_size);

/** Creates a ProQue. Only the source is required.
 *  @param[in]  source, size_bytes  OpenCL C, or NULL and 0 with options->source_file
 *  @param[in]  options             NULL: defaults
 *  @param[out] out_proque [give]
 *  @return GPUC_ERROR_INVALID_ARGUMENT: no source, or source and source_file; device_filter with device or context;
 * dims over 3, a size of 0; unknown flags. GPUC_ERROR_CONTEXT_MISMATCH: the device is not in the context.
 * GPUC_ERROR_FILE: source_file cannot be read. GPUC_ERROR_BUILD_FAILED. GPUC_ERROR_NO_PLATFORM, GPUC_ERROR_NO_DEVICE.
 * GPUC_ERROR_UNSUPPORTED: queue_flags. GPUC_ERROR_OVERFLOW: the product of the sizes does not fit 64 bits.
 *  @thread any; blocks while compiling  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_create(const char *source, size_t size_bytes, const gpuc_proque_options *options,
                                        gpuc_proque **out_proque);

/** Its context.  @param[in] proque [keep]  @param[out] out_context [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_get_context(gpuc_proque *proque, gpuc_context **out_context);
/** Its queue.  @param[in] proque [keep]  @param[out] out_queue [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_get_queue(gpuc_proque *proque, gpuc_queue **out_queue);
/** Its program.  @param[in] proque [keep]  @param[out] out_program [give]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_get_program(gpuc_proque *proque, gpuc_program **out_program);

/** Changes the default dimensions.
 *  @param[in] proque [keep]
 *  @param[in] dims   1 to 3, or 0 for none
 *  @param[in] size   `dims` sizes, each more than 0; may be NULL when dims is 0
 *  @return GPUC_ERROR_INVALID_ARGUMENT: dims over 3, a size of 0. GPUC_ERROR_OVERFLOW: their product.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_set_dims(gpuc_proque *proque, uint32_t dims, const size_t *size);

/** Creates a buffer with one element per work-item of the default dimensions; its content is zero.
 *  @param[in]  proque [keep]
 *  @param[in]  type   the element type
 *  @param[out] out_buffer [give]
 *  @return GPUC_ERROR_INVALID_STATE: no default dimensions. GPUC_ERROR_INVALID_ARGUMENT: not a type.
 * GPUC_ERROR_OVERFLOW. GPUC_ERROR_ALLOCATION_TOO_LARGE.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_create_buffer(gpuc_proque *proque, gpuc_type type, gpuc_buffer **out_buffer);

/** Gets a kernel by name; the same object each time.
 *  @param[in]  proque [keep]
 *  @param[in]  name
 *  @param[out] out_kernel [give]
 *  @return GPUC_ERROR_NOT_FOUND.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_get_kernel(gpuc_proque *proque, const char *name, gpuc_kernel **out_kernel);

/** Launches a kernel by name over the default dimensions, local size chosen.
 *  @param[in]  proque [keep]
 *  @param[in]  name
 *  @param[in]  args [keep], arg_count  as gpuc_kernel_launch
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_STATE: no default dimensions. GPUC_ERROR_NOT_FOUND. Otherwise as gpuc_kernel_launch.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_launch(gpuc_proque *proque, const char *name, const gpuc_arg *args, size_t arg_count,
                                        gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/** gpuc_buffer_write of a whole buffer on the ProQue's queue.
 *  @param[in] proque [keep], buffer [keep]
 *  @param[in] host  as many bytes as the buffer has
 *  @return as gpuc_buffer_write.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_write(gpuc_proque *proque, gpuc_buffer *buffer, const void *host);

/** gpuc_buffer_read of a whole buffer on the ProQue's queue.
 *  @param[in]  proque [keep], buffer [keep]
 *  @param[out] host  as many bytes as the buffer has
 *  @return as gpuc_buffer_read.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_read(gpuc_proque *proque, gpuc_buffer *buffer, void *host);

/** Waits for all commands on its queue.
 *  @param[in] proque [keep]
 *  @return GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_finish(gpuc_proque *proque);

/** Adds a reference.  @param[in] proque [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_proque_retain(gpuc_proque *proque);
/** Drops a reference; what it gave out lives on.  @param[in] proque [take]  may be NULL  @thread any  @since 0.1 */
GPUC_API void gpuc_proque_release(gpuc_proque *proque);

/* ---------------------------------------------------------------------------------------------------------------------
 * 12  GEMM
 *
 * C = alpha * op(A) * op(B) + beta * C, where op(A) is m x k, op(B) is k x n and C is m x n; the semantics are those of
 * the BLAS: with beta 0, C is not read (it may hold NaN); with alpha 0 or k 0, A and B are not read. Before it is
 * stored, the result may get an epilogue: C = output_scale * activation(the above + bias) + residual.
 */

typedef int32_t gpuc_layout;
enum { GPUC_LAYOUT_ROW_MAJOR = 0, GPUC_LAYOUT_COLUMN_MAJOR = 1 };

typedef int32_t gpuc_transpose;
enum { GPUC_TRANSPOSE_NONE = 0, GPUC_TRANSPOSE_TRANS = 1, GPUC_TRANSPOSE_CONJ = 2 /* conjugate transpose */ };

/* What f32 matrices are multiplied in. */
typedef int32_t gpuc_compute;
enum {
  GPUC_COMPUTE_STANDARD = 0, /* IEEE arithmetic of the type; F16, BF16 and F8 are summed in f32, I8 in i32 */
  GPUC_COMPUTE_TF32 = 1,     /* F32 only: factors may be rounded to 11 significant bits, sums in f32 */
  GPUC_COMPUTE_F32_SPLIT = 2 /* F32 only: three tf32 products, about as accurate as f32 where all is finite */
};

typedef int32_t gpuc_activation;
enum {
  GPUC_ACTIVATION_NONE = 0,
  GPUC_ACTIVATION_RELU = 1,
  GPUC_ACTIVATION_GELU = 2,      /* x * Phi(x), with erf */
  GPUC_ACTIVATION_GELU_TANH = 3, /* its approximation with tanh */
  GPUC_ACTIVATION_SILU = 4,      /* x / (1 + exp(-x)) */
  GPUC_ACTIVATION_SWIGLU = 5     /* silu(g) * u of neighbouring columns g, u: C has n / 2 columns; row-major, beta 0 */
};

typedef int32_t gpuc_bias;
enum { GPUC_BIAS_NONE = 0, GPUC_BIAS_PER_ROW = 1, GPUC_BIAS_PER_COLUMN = 2 };

/* Offsets, leading dimensions and strides are in elements. */
typedef struct gpuc_gemm_desc {
  uint32_t struct_size;
  uint32_t flags; /* 0 */
  gpuc_type type; /* of A: F16, BF16, F32, F64, C64, C128, I8, F8E4M3, F8E5M2 */
  gpuc_layout layout;
  gpuc_transpose transpose_a;
  gpuc_transpose transpose_b;
  int64_t m, n, k;       /* 0 or more */
  int64_t lda, ldb, ldc; /* 0: tightly packed */
  int64_t a_offset, b_offset, c_offset;
  int64_t batch_count;                  /* 1 or more products of one shape; 0: nothing is done */
  int64_t a_stride, b_stride, c_stride; /* from one to the next; 0 for A or B: the same one for all; C: see below */
  double alpha_real, alpha_imag;        /* imaginary parts only for C64 and C128 */
  double beta_real, beta_imag;
  const char *backend; /* NULL: chosen; or a name that gpuc_gemm_explain lists */

  gpuc_type b_type; /* NONE: as type; F8 types may be mixed */
  gpuc_type c_type; /* NONE: as type, I32 for I8, BF16 for F8; or F32 for F16, BF16, I8, and F16 or F32 for F8 */
  gpuc_compute compute;
  gpuc_activation activation; /* the epilogue is for real types other than I32 */
  gpuc_bias bias;
  gpuc_type bias_type;      /* NONE: as C; or F32 */
  gpuc_buffer *bias_buffer; /* m (n) values, for all products the same; needed with a bias; not kept */
  int64_t bias_offset;
  double output_scale;   /* 1 unless set */
  gpuc_buffer *residual; /* of C's type, shape and layout; NULL: none; may be C itself; not kept */
  int64_t residual_offset, residual_ld, residual_stride;
  const int64_t *group_rows; /* a grouped product: the next group_rows[g] rows of A and C with the g-th B, which lies */
  size_t group_count;        /* b_stride after the one before; their sum is m; batch_count is 1. 0: not grouped */
} gpuc_gemm_desc;

/** Sets a gpuc_gemm_desc to: f32, row-major, no transposes, sizes 0, one product, alpha 1, beta 0.
 *  @param[out] desc
 *  @param[in]  struct_size  sizeof(gpuc_gemm_desc) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_gemm_desc_init(gpuc_gemm_desc *desc, size_t struct_size);

/** Multiplies matrices.
 *  @param[in]  queue [keep]
 *  @param[in]  desc      not kept
 *  @param[in]  a [keep], b [keep]  may be NULL where they are not read
 *  @param[in]  c [keep]  must not share bytes with a or b; with several products, c_stride must keep them apart
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_NULL_ARGUMENT: a bias or groups are asked for, and bias_buffer or group_rows is NULL.
 * GPUC_ERROR_INVALID_ARGUMENT: a negative size, a leading dimension that is too small, an unknown type, layout
 * or transpose, types that do not go together, an imaginary part for a real type, products of a batch that overlap in
 * C, an epilogue that does not fit the type, groups that do not sum up to m. GPUC_ERROR_OUT_OF_RANGE: a matrix reaches
 * past the end of its buffer. GPUC_ERROR_OVERFLOW. GPUC_ERROR_MISALIGNED: a slice that starts within an element.
 * GPUC_ERROR_OVERLAP: c shares bytes with what is read. GPUC_ERROR_CONTEXT_MISMATCH. GPUC_ERROR_NOT_FOUND: no such
 * backend. GPUC_ERROR_UNSUPPORTED: the device cannot compute in that type, or the backend asked for cannot serve this
 * problem.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_gemm(gpuc_queue *queue, const gpuc_gemm_desc *desc, gpuc_buffer *a, gpuc_buffer *b,
                               gpuc_buffer *c, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/** Says which backend would compute a problem and why: one line per backend, the chosen one first.
 *  @param[in]  queue [keep]
 *  @param[in]  desc
 *  @param[out] buf, capacity, out_needed  a string result: "clblast: chosen: ...\nreference: not needed: ...\n"
 *  @return as gpuc_gemm for the description alone. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_gemm_explain(gpuc_queue *queue, const gpuc_gemm_desc *desc, char *buf, size_t capacity,
                                       size_t *out_needed);

/* What is fast on a device is measured there by gpuc_tune, and kept in a table of the user's, which every program of
 * that user reads when a context multiplies for the first time. It is one table for each device, driver and version of
 * the library. */

typedef struct gpuc_tune_options {
  uint32_t struct_size;
  uint32_t flags;    /* 0 */
  gpuc_type type;    /* of A: F16, BF16, F32, F64, C64, C128; NONE: F32, F64, F16 and BF16, what the device computes */
  uint32_t max_size; /* of the matrices, which are square: 32 to 16384 */
  const char
      *backend;   /* NULL: all that have parameters, and then the choice among all; or the parameters of this one */
  double seconds; /* no new measurement starts after these; above 0, at most 86400 */
} gpuc_tune_options;

/** Sets gpuc_tune_options to: the usual types, all backends, matrices up to 2048, 60 seconds.
 *  @param[out] options
 *  @param[in]  struct_size  sizeof(gpuc_tune_options) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_tune_options_init(gpuc_tune_options *options, size_t struct_size);

/** Measures which parameters and which backend multiply fastest on the queue's device, stores that in the user's table
 * and uses it in the queue's context from now on. Contexts made later read the table; others go on as they are.
 * What is found changes no result beyond the order of sums: each candidate is first compared with the plain kernel. The
 * device should have nothing else to do. The log (level info) tells what was gained.
 *  @param[in] queue [keep]
 *  @param[in] options  NULL: the defaults
 *  @return GPUC_ERROR_INVALID_ARGUMENT: a type that is not tuned, max_size, seconds, unknown flags.
 * GPUC_ERROR_NOT_FOUND: no such backend. GPUC_ERROR_UNSUPPORTED: the backend has no parameters, the device does not
 * compute in the type, or is a part of another. GPUC_ERROR_INVALID_STATE: the table is not in use, see
 * gpuc_tuning_get_directory. GPUC_ERROR_FILE: it cannot be written.
 *  @thread any; blocks while measuring  @since 0.1 */
GPUC_API gpuc_status gpuc_tune(gpuc_queue *queue, const gpuc_tune_options *options);

/** What the user's table has for a device, as one object of JSON: "values", parameters of backends, and "choices",
 * which backend serves which products; each with its gain. Both are empty where nothing was measured.
 *  @param[in]  device [keep]
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_tuning_get_json(gpuc_device *device, char *buf, size_t capacity, size_t *out_needed);

/** Forgets what the user's table has for a device. Contexts that use it go on to do so.
 *  @param[in]  device [keep]
 *  @param[out] out_removed  1 if anything was measured there, else 0; may be NULL
 *  @return GPUC_ERROR_FILE: the table cannot be written.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_tuning_reset(gpuc_device *device, int32_t *out_removed);

/** The directory of the user's table: GPUC_TUNING, else $XDG_DATA_HOME/gpucompute/tuning, else
 * $HOME/.local/share/gpucompute/tuning; "" where it is not in use: GPUC_TUNING is 0 or off, or nothing names one.
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_tuning_get_directory(char *buf, size_t capacity, size_t *out_needed);

/* ---------------------------------------------------------------------------------------------------------------------
 * 13  Arrays
 *
 * An array is a view of a buffer: element (i, j, ...) lies at offset + i * strides[0] + j * strides[1] + ... bytes.
 * Views cost nothing to make: a transpose swaps two strides, a slice moves the offset, a stride of 0 repeats. What
 * works on their elements is here; it runs on the device, and a view is not kept.
 *
 * Where a type is converted: integers wrap around, as in C; a floating-point number becomes an integer by cutting off
 * its fraction, held to the integer's range, and NaN becomes 0; numbers are rounded to the nearest floating-point
 * number, ties to even, and become infinite where they are too large (NaN in F8E4M3, which has no infinity); a bool is
 * whether the number is not 0 (NaN is not); a complex number loses its imaginary part where the other type has none.
 * Every device converts, with these exceptions: f64 and c128 from and to other types need double arithmetic, and a
 * device that flushes denormal f32 numbers may do so.
 */

enum { GPUC_ARRAY_MAX_DIMS = 16 };

typedef struct gpuc_array_view {
  uint32_t struct_size;
  uint32_t flags;            /* 0 */
  gpuc_buffer *buffer;       /* [keep] during a call */
  gpuc_type type;            /* any but NONE */
  uint32_t ndim;             /* 0 to GPUC_ARRAY_MAX_DIMS; 0: one element */
  size_t offset_bytes;       /* of the element whose indices are 0, within the buffer (or slice) */
  uint64_t shape[16];        /* elements along each dimension; 0 anywhere: the array has none */
  int64_t strides_bytes[16]; /* from one index to the next; may be negative or 0. Multiples of the element's size, of
                                half of it for complex numbers; the offset in the whole buffer too */
} gpuc_array_view;

/** Sets a gpuc_array_view to no buffer, f32, no dimensions.
 *  @param[out] view
 *  @param[in]  struct_size  sizeof(gpuc_array_view) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_array_view_init(gpuc_array_view *view, size_t struct_size);

/** Sets the strides of a view to those of an array in row-major order without gaps, from its type and shape.
 *  @param[in]  view  the buffer may be NULL
 *  @param[out] out_size_bytes  what the elements take; may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: type or ndim, unknown flags. GPUC_ERROR_OVERFLOW: the size does not fit 63
 * bits.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_array_view_pack(gpuc_array_view *view, size_t *out_size_bytes);

/** Copies elements: destination[...] = source[...]. Converts between types; transposes, reverses, gathers and repeats
 * as the strides say. The shapes are aligned at their last dimension; dimensions of the source that are 1 or missing
 * are repeated (numpy's broadcasting). Arrays that share bytes are copied as if by way of a third one, which is then
 * made; to find out, only their extents and common strides are compared.
 *  @param[in]  queue [keep]
 *  @param[in]  destination  no two elements may share bytes: each stride must span what the smaller ones reach
 *  @param[in]  source
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: type, ndim or flags, shapes that do not fit, elements of the destination that
 * overlap. GPUC_ERROR_OUT_OF_RANGE: a view reaches past its buffer. GPUC_ERROR_OVERFLOW: a size that does not fit 63
 * bits. GPUC_ERROR_MISALIGNED: an offset or a stride. GPUC_ERROR_CONTEXT_MISMATCH. GPUC_ERROR_UNSUPPORTED: the device
 * has no double arithmetic, which the conversion needs.
 *  @thread any; compiles on the first use of a pair of types  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_copy(gpuc_queue *queue, const gpuc_array_view *destination,
                                     const gpuc_array_view *source, gpuc_event *const *waits, size_t wait_count,
                                     gpuc_event **out_event);

/** Sets all elements to one value.
 *  @param[in]  queue [keep]
 *  @param[in]  view   as the destination of gpuc_array_copy
 *  @param[in]  value  one element of value_type; converted on the host, so every device will do
 *  @param[in]  value_type
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: type, ndim, flags or value_type, elements that overlap.
 * GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_OVERFLOW, GPUC_ERROR_MISALIGNED, GPUC_ERROR_CONTEXT_MISMATCH: as gpuc_array_copy.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_fill(gpuc_queue *queue, const gpuc_array_view *view, const void *value,
                                     gpuc_type value_type, gpuc_event *const *waits, size_t wait_count,
                                     gpuc_event **out_event);

/** Sets element i to start + i * step. Both are converted to the array's type first, in which the sum is computed;
 * integers wrap around, floating-point types narrower than f32 are computed in f32.
 *  @param[in]  queue [keep]
 *  @param[in]  view         of one dimension; as the destination of gpuc_array_copy; not of bools
 *  @param[in]  start, step  one element of value_type each
 *  @param[in]  value_type
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: type, ndim, flags or value_type, elements that overlap.
 * GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_OVERFLOW, GPUC_ERROR_MISALIGNED, GPUC_ERROR_CONTEXT_MISMATCH: as gpuc_array_copy.
 * GPUC_ERROR_UNSUPPORTED: an array of f64 or c128 on a device without double arithmetic.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_arange(gpuc_queue *queue, const gpuc_array_view *view, const void *start,
                                       const void *step, gpuc_type value_type, gpuc_event *const *waits,
                                       size_t wait_count, gpuc_event **out_event);

/** Copies the elements to host memory, in row-major order without gaps, and returns when they are there.
 *  @param[in]  queue [keep]  on an out-of-order queue, finish the commands that write the array first
 *  @param[in]  view
 *  @param[out] host  as many bytes as the elements take; may be NULL when there are none
 *  @return GPUC_ERROR_INVALID_ARGUMENT: type, ndim or flags. GPUC_ERROR_OUT_OF_RANGE, GPUC_ERROR_OVERFLOW,
 * GPUC_ERROR_MISALIGNED, GPUC_ERROR_CONTEXT_MISMATCH: as gpuc_array_copy. GPUC_ERROR_ALLOCATION_TOO_LARGE: the view has
 * gaps, and there is no room to close them. GPUC_ERROR_EXECUTION_FAILED: the copy failed.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_array_read(gpuc_queue *queue, const gpuc_array_view *view, void *host);

/** Copies host memory, elements in row-major order without gaps, to the elements, and returns when `host` may be used
 * again.
 *  @param[in]  queue [keep]  as gpuc_array_read
 *  @param[in]  view  as the destination of gpuc_array_copy
 *  @param[in]  host  as many bytes as the elements take; may be NULL when there are none
 *  @return as gpuc_array_read, less GPUC_ERROR_ALLOCATION_TOO_LARGE.
 *  @thread any; blocks  @since 0.1 */
GPUC_API gpuc_status gpuc_array_write(gpuc_queue *queue, const gpuc_array_view *view, const void *host);

/** gpuc_array_read that does not wait.
 *  @param[in]  queue [keep]
 *  @param[in]  view
 *  @param[out] host  stays valid and untouched until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_array_read, less GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_read_async(gpuc_queue *queue, const gpuc_array_view *view, void *host,
                                           gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/** gpuc_array_write that does not wait.
 *  @param[in]  queue [keep]
 *  @param[in]  view
 *  @param[in]  host  stays valid and unchanged until complete
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return as gpuc_array_write, less GPUC_ERROR_EXECUTION_FAILED.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_write_async(gpuc_queue *queue, const gpuc_array_view *view, const void *host,
                                            gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

enum {
  GPUC_MATMUL_CONJUGATE_A = 1u << 0, /* the complex conjugate of a's elements */
  GPUC_MATMUL_CONJUGATE_B = 1u << 1
};

typedef struct gpuc_matmul_options {
  uint32_t struct_size;
  uint32_t flags;                /* GPUC_MATMUL_* */
  double alpha_real, alpha_imag; /* imaginary parts only for C64 and C128 */
  double beta_real, beta_imag;
  const char *backend; /* as in gpuc_gemm_desc, and so is compute */
  gpuc_compute compute;
  uint32_t reserved;
} gpuc_matmul_options;

/** Sets gpuc_matmul_options to: alpha 1, beta 0, nothing conjugated, standard arithmetic, backend chosen.
 *  @param[out] options
 *  @param[in]  struct_size  sizeof(gpuc_matmul_options) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_matmul_options_init(gpuc_matmul_options *options, size_t struct_size);

/** Multiplies matrices given as views: c = alpha * a * b + beta * c by gpuc_gemm. The last two dimensions are the
 * matrices, m x k, k x n and m x n; those of a and b before are broadcast to those of c. Matrices whose rows or columns
 * have no gaps are used where they are, transposed ones too; others are copied on the device first, and so is c where
 * it has gaps or shares bytes with a or b.
 *  @param[in]  queue [keep]
 *  @param[in]  a, b, c  of types that gpuc_gemm multiplies; c as the destination of gpuc_array_copy
 *  @param[in]  options  NULL: defaults
 *  @param[in]  waits [keep], wait_count
 *  @param[out] out_event [give]  may be NULL
 *  @return GPUC_ERROR_INVALID_ARGUMENT: types that gpuc_gemm does not multiply, ndim below 2, shapes that do not fit,
 * elements of c that overlap, unknown flags, an imaginary part for a real type. GPUC_ERROR_OUT_OF_RANGE,
 * GPUC_ERROR_OVERFLOW, GPUC_ERROR_MISALIGNED, GPUC_ERROR_CONTEXT_MISMATCH: as gpuc_array_copy. GPUC_ERROR_NOT_FOUND: no
 * such backend. GPUC_ERROR_UNSUPPORTED: the device cannot compute in that type, or the backend asked for cannot serve
 * this problem. GPUC_ERROR_ALLOCATION_TOO_LARGE: there is no room for a copy.
 *  @thread any  @async  @since 0.1 */
GPUC_API gpuc_status gpuc_array_matmul(gpuc_queue *queue, const gpuc_array_view *a, const gpuc_array_view *b,
                                       const gpuc_array_view *c, const gpuc_matmul_options *options,
                                       gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);

/* ---------------------------------------------------------------------------------------------------------------------
 * 14  Doctor
 */

typedef int32_t gpuc_doctor_format;
enum { GPUC_DOCTOR_TEXT = 0, GPUC_DOCTOR_JSON = 1 };

/** Examines the OpenCL installation: the loader, every vendor's file and whether its library loads, the environment,
 *  device nodes and permissions, the devices found, and for each problem the fix. Works with no platform at all.
 *  @param[in]  format  a gpuc_doctor_format
 *  @param[out] buf, capacity, out_needed  a string result. Each call examines anew: give a generous buffer
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown format. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_doctor(gpuc_doctor_format format, char *buf, size_t capacity, size_t *out_needed);

/* ---------------------------------------------------------------------------------------------------------------------
 * 15  Profiles and traces
 *
 * What the process does on devices, command by command, with the times that the device's clock took. While nobody
 * records, it costs one load and a branch for each command.
 *
 * GPUC_TRACE=file writes a trace of the whole process, for any program: open it in Perfetto (ui.perfetto.dev) or
 * chrome://tracing. In the name %p is the process's number. The file is whole at any time, also when the process is
 * killed.
 *
 * A queue has device times if it is made with GPUC_QUEUE_PROFILING or while anything records. Commands on others are
 * recorded with the time of the call alone; blocking copies, copies by the transfer engine and builds are timed by the
 * host's clock.
 */

typedef struct gpuc_profile_options {
  uint32_t struct_size;
  uint32_t flags;       /* 0 */
  uint64_t max_records; /* commands that are kept one by one; those past that are counted in their row only */
} gpuc_profile_options;

/** Sets gpuc_profile_options to the defaults: 200000 records (about 250 bytes each).
 *  @param[out] options
 *  @param[in]  struct_size  sizeof(gpuc_profile_options) as your program knows it
 *  @return GPUC_ERROR_INVALID_ARGUMENT: struct_size is smaller than any version had.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_options_init(gpuc_profile_options *options, size_t struct_size);

/** Starts to record all commands of the process, from whatever thread. Several profiles may record at once.
 *  @param[in]  options  NULL: defaults
 *  @param[out] out_profile [give]
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown flags.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_start(const gpuc_profile_options *options, gpuc_profile **out_profile);

/** Ends a profile, and waits for the commands that it recorded. Commands that are not complete by then are left out and
 *  counted (GPUC_PROFILE_UNFINISHED); that is no failure.
 *  @param[in] profile [keep]
 *  @param[in] timeout_ns  how long to wait; 0: only look
 *  @return GPUC_ERROR_INVALID_STATE: it was stopped before.
 *  @thread any; blocks for the timeout at most  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_stop(gpuc_profile *profile, uint64_t timeout_ns);

typedef int32_t gpuc_profile_number;
enum {
  GPUC_PROFILE_ROWS = 1,    /* one for all commands of one operation, name and device */
  GPUC_PROFILE_RECORDS = 2, /* one for each command that was kept, each build, and each call of gpuc_gemm */
  GPUC_PROFILE_DROPPED = 3, /* records that found no room */
  GPUC_PROFILE_UNFINISHED = 4,
  GPUC_PROFILE_DURATION_NS = 5 /* from start to stop */
};

/** Reads a figure of a stopped profile.
 *  @param[in]  profile [keep]
 *  @param[in]  key        a gpuc_profile_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_INVALID_STATE: it is not stopped.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_get_number(gpuc_profile *profile, gpuc_profile_number key, uint64_t *out_value);

typedef int32_t gpuc_operation;
enum {
  GPUC_OPERATION_KERNEL = 1,
  GPUC_OPERATION_GEMM = 2, /* a command of a matrix product */
  GPUC_OPERATION_WRITE = 3,
  GPUC_OPERATION_READ = 4,
  GPUC_OPERATION_COPY = 5,
  GPUC_OPERATION_FILL = 6,
  GPUC_OPERATION_MAP = 7,
  GPUC_OPERATION_UNMAP = 8,
  GPUC_OPERATION_MARKER = 9,   /* has no row */
  GPUC_OPERATION_BARRIER = 10, /* has no row */
  GPUC_OPERATION_BUILD = 11    /* of a program; bytes: of its source */
};

typedef int32_t gpuc_profile_clock;
enum {
  GPUC_CLOCK_NONE = 0, /* there are no times */
  GPUC_CLOCK_DEVICE = 1,
  GPUC_CLOCK_HOST = 2
};

typedef int32_t gpuc_row_number;
enum {
  GPUC_ROW_OPERATION = 1, /* a gpuc_operation */
  GPUC_ROW_COUNT = 2,
  GPUC_ROW_TIMED = 3,    /* those of them that have times */
  GPUC_ROW_FAILED = 4,   /* refused by the driver, or failed while running */
  GPUC_ROW_CLOCK = 5,    /* a gpuc_profile_clock: what measured the times below */
  GPUC_ROW_TOTAL_NS = 6, /* of those with times, as the next three */
  GPUC_ROW_MIN_NS = 7,
  GPUC_ROW_MEAN_NS = 8,
  GPUC_ROW_MAX_NS = 9,
  GPUC_ROW_BYTES = 10,       /* moved by all of them; 0 for kernels */
  GPUC_ROW_TIMED_BYTES = 11, /* moved by those with times: over TOTAL_NS it is the rate in GB/s */
  GPUC_ROW_HOST_NS = 12      /* in the calls that made them */
};

typedef int32_t gpuc_profile_string;
enum {
  GPUC_PROFILE_NAME = 1,      /* of the kernel; type, sizes and backend of a product; kernels of a program */
  GPUC_PROFILE_OPERATION = 2, /* "kernel", "gemm", "write" and so on */
  GPUC_PROFILE_DEVICE = 3,
  GPUC_PROFILE_THREAD = 4 /* the name of the thread that made the call; records only */
};

/** Reads a figure of a row of a stopped profile. Rows are sorted: the one that took longest first.
 *  @param[in]  profile [keep]
 *  @param[in]  row        0 to GPUC_PROFILE_ROWS - 1
 *  @param[in]  key        a gpuc_row_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_OUT_OF_RANGE: no such row. GPUC_ERROR_INVALID_STATE: it
 * is not stopped.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_get_row_number(gpuc_profile *profile, size_t row, gpuc_row_number key,
                                                 uint64_t *out_value);

/** Reads a text of a row of a stopped profile.
 *  @param[in]  profile [keep]
 *  @param[in]  row  0 to GPUC_PROFILE_ROWS - 1
 *  @param[in]  key  a gpuc_profile_string but THREAD
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_OUT_OF_RANGE: no such row. GPUC_ERROR_INVALID_STATE: it
 * is not stopped. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_get_row_string(gpuc_profile *profile, size_t row, gpuc_profile_string key, char *buf,
                                                 size_t capacity, size_t *out_needed);

typedef int32_t gpuc_record_number;
enum {
  GPUC_RECORD_OPERATION = 1,     /* a gpuc_operation */
  GPUC_RECORD_QUEUE = 2,         /* queues of the process are counted from 1; 0: no command, but a build or a call */
  GPUC_RECORD_THREAD = 3,        /* the system's number of the thread that made the call */
  GPUC_RECORD_CALL_BEGIN_NS = 4, /* of the host's monotonic clock, as all below but DURATION */
  GPUC_RECORD_CALL_END_NS = 5,
  GPUC_RECORD_CLOCK = 6,    /* a gpuc_profile_clock; with GPUC_CLOCK_NONE the next three are 0 */
  GPUC_RECORD_BEGIN_NS = 7, /* when it ran; a device's clock is brought to the host's by an estimate */
  GPUC_RECORD_END_NS = 8,
  GPUC_RECORD_DURATION_NS = 9, /* as the clock measured it */
  GPUC_RECORD_BYTES = 10,
  GPUC_RECORD_CL_CODE = 11, /* with which it failed, as int64_t; 0: it did not */
  GPUC_RECORD_DIMS = 12,    /* of a kernel; 0: no kernel */
  GPUC_RECORD_GLOBAL_X = 13,
  GPUC_RECORD_GLOBAL_Y = 14,
  GPUC_RECORD_GLOBAL_Z = 15,
  GPUC_RECORD_LOCAL_X = 16, /* 0: chosen by the driver */
  GPUC_RECORD_LOCAL_Y = 17,
  GPUC_RECORD_LOCAL_Z = 18
};

/** Reads a figure of a record of a stopped profile. Records are in the order in which their calls were made.
 *  @param[in]  profile [keep]
 *  @param[in]  record     0 to GPUC_PROFILE_RECORDS - 1
 *  @param[in]  key        a gpuc_record_number
 *  @param[out] out_value
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_OUT_OF_RANGE: no such record. GPUC_ERROR_INVALID_STATE:
 * it is not stopped.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_get_record_number(gpuc_profile *profile, size_t record, gpuc_record_number key,
                                                    uint64_t *out_value);

/** Reads a text of a record of a stopped profile.
 *  @param[in]  profile [keep]
 *  @param[in]  record  0 to GPUC_PROFILE_RECORDS - 1
 *  @param[in]  key     a gpuc_profile_string
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_INVALID_ARGUMENT: unknown key. GPUC_ERROR_OUT_OF_RANGE: no such record. GPUC_ERROR_INVALID_STATE:
 * it is not stopped. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_get_record_string(gpuc_profile *profile, size_t record, gpuc_profile_string key,
                                                    char *buf, size_t capacity, size_t *out_needed);

/** The rows of a stopped profile as a table to be read by people.
 *  @param[in]  profile [keep]
 *  @param[out] buf, capacity, out_needed  a string result
 *  @return GPUC_ERROR_INVALID_STATE: it is not stopped. GPUC_ERROR_BUFFER_TOO_SMALL.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_report(gpuc_profile *profile, char *buf, size_t capacity, size_t *out_needed);

/** Writes the records of a stopped profile as a trace file, as GPUC_TRACE would have.
 *  @param[in] profile [keep]
 *  @param[in] path  a file, created or replaced
 *  @return GPUC_ERROR_INVALID_STATE: it is not stopped. GPUC_ERROR_FILE: it cannot be written; what is there of it is
 * still a trace.
 *  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_write_trace(gpuc_profile *profile, const char *path);

/** Adds a reference.  @param[in] profile [keep]  @thread any  @since 0.1 */
GPUC_API gpuc_status gpuc_profile_retain(gpuc_profile *profile);
/** Drops a reference; a profile that nobody stopped ends with the last.  @param[in] profile [take]  may be NULL
 *  @thread any  @since 0.1 */
GPUC_API void gpuc_profile_release(gpuc_profile *profile);

#if defined(__cplusplus) && !defined(GPUC_CDEF)
}
#endif

#endif
