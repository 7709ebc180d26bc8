/* Generated from include/gpucompute/gpucompute.h by tools/make_cdef.py. Do not edit. */
uint32_t gpuc_version(void);
const char *gpuc_version_string(void);
typedef int32_t gpuc_status;
enum {
  GPUC_OK = 0,
  GPUC_ERROR_NO_PLATFORM = 101,
  GPUC_ERROR_NO_DEVICE = 102,
  GPUC_ERROR_DEVICE_LOST = 103,
  GPUC_ERROR_FORKED = 104,
  GPUC_ERROR_SHUTTING_DOWN = 105,
  GPUC_ERROR_DRIVER = 106,
  GPUC_ERROR_FILE = 107,
  GPUC_ERROR_INVALID_ARGUMENT = 201,
  GPUC_ERROR_NULL_ARGUMENT = 202,
  GPUC_ERROR_INVALID_HANDLE = 203,
  GPUC_ERROR_OUT_OF_RANGE = 204,
  GPUC_ERROR_MISALIGNED = 205,
  GPUC_ERROR_OVERLAP = 206,
  GPUC_ERROR_OVERFLOW = 207,
  GPUC_ERROR_BUFFER_TOO_SMALL = 208,
  GPUC_ERROR_NOT_FOUND = 209,
  GPUC_ERROR_KERNEL_ARGUMENT = 210,
  GPUC_ERROR_INVALID_STATE = 211,
  GPUC_ERROR_CONTEXT_MISMATCH = 212,
  GPUC_ERROR_BUILD_FAILED = 301,
  GPUC_ERROR_INVALID_BINARY = 302,
  GPUC_ERROR_OUT_OF_DEVICE_MEMORY = 401,
  GPUC_ERROR_OUT_OF_HOST_MEMORY = 402,
  GPUC_ERROR_EXECUTION_FAILED = 403,
  GPUC_ERROR_TIMEOUT = 404,
  GPUC_ERROR_ALLOCATION_TOO_LARGE = 405,
  GPUC_ERROR_UNSUPPORTED = 501,
  GPUC_ERROR_INTERNAL = 901
};
const char *gpuc_status_name(gpuc_status status);
const char *gpuc_cl_code_name(int32_t cl_code);
gpuc_status gpuc_last_error_status(void);
int32_t gpuc_last_error_cl_code(void);
const char *gpuc_last_error_routine(void);
const char *gpuc_last_error_message(void);
const char *gpuc_last_error_detail(void);
typedef int32_t gpuc_log_level;
enum {
  GPUC_LOG_OFF = 0,
  GPUC_LOG_WARNING = 1,
  GPUC_LOG_INFO = 2,
  GPUC_LOG_DEBUG = 3
};
typedef void (*gpuc_log_callback)(void *user_data, gpuc_log_level level, const char *message);
gpuc_status gpuc_log_set(gpuc_log_callback callback, void *user_data, gpuc_log_level level);
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
  GPUC_TYPE_C64 = 12,
  GPUC_TYPE_C128 = 13,
  GPUC_TYPE_BF16 = 14,
  GPUC_TYPE_F8E4M3 = 15,
  GPUC_TYPE_F8E5M2 = 16,
  GPUC_TYPE_BOOL = 17
};
size_t gpuc_type_size_bytes(gpuc_type type);
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
gpuc_status gpuc_platform_list(gpuc_platform **items, size_t capacity, size_t *out_count);
typedef int32_t gpuc_platform_string;
enum {
  GPUC_PLATFORM_NAME = 1,
  GPUC_PLATFORM_VENDOR = 2,
  GPUC_PLATFORM_VERSION = 3,
  GPUC_PLATFORM_PROFILE = 4,
  GPUC_PLATFORM_EXTENSIONS = 5
};
gpuc_status gpuc_platform_get_string(gpuc_platform *platform, gpuc_platform_string key, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_platform_get_native(gpuc_platform *platform, void **out_native);
gpuc_status gpuc_platform_retain(gpuc_platform *platform);
void gpuc_platform_release(gpuc_platform *platform);
gpuc_status gpuc_device_list(const char *filter, gpuc_device **items, size_t capacity, size_t *out_count);
gpuc_status gpuc_device_select(const char *filter, gpuc_device **out_device);
typedef int32_t gpuc_device_string;
enum {
  GPUC_DEVICE_NAME = 1,
  GPUC_DEVICE_VENDOR = 2,
  GPUC_DEVICE_DRIVER_VERSION = 3,
  GPUC_DEVICE_VERSION = 4,
  GPUC_DEVICE_C_VERSION = 5,
  GPUC_DEVICE_PROFILE = 6,
  GPUC_DEVICE_EXTENSIONS = 7,
  GPUC_DEVICE_UUID = 8,
  GPUC_DEVICE_PCI_ID = 9,
  GPUC_DEVICE_FILTER = 10
};
gpuc_status gpuc_device_get_string(gpuc_device *device, gpuc_device_string key, char *buf, size_t capacity, size_t *out_needed);
typedef int32_t gpuc_device_type;
enum {
  GPUC_DEVICE_TYPE_CPU = 1,
  GPUC_DEVICE_TYPE_GPU = 2,
  GPUC_DEVICE_TYPE_ACCELERATOR = 3,
  GPUC_DEVICE_TYPE_CUSTOM = 4
};
typedef int32_t gpuc_device_number;
enum {
  GPUC_DEVICE_TYPE = 1,
  GPUC_DEVICE_VENDOR_ID = 2,
  GPUC_DEVICE_COMPUTE_UNITS = 3,
  GPUC_DEVICE_CLOCK_MHZ = 4,
  GPUC_DEVICE_GLOBAL_MEMORY_BYTES = 5,
  GPUC_DEVICE_MAX_ALLOCATION_BYTES = 6,
  GPUC_DEVICE_LOCAL_MEMORY_BYTES = 7,
  GPUC_DEVICE_CONSTANT_BYTES = 8,
  GPUC_DEVICE_CACHE_BYTES = 9,
  GPUC_DEVICE_CACHE_LINE_BYTES = 10,
  GPUC_DEVICE_MAX_WORK_GROUP_SIZE = 11,
  GPUC_DEVICE_MAX_WORK_ITEMS_X = 12,
  GPUC_DEVICE_MAX_WORK_ITEMS_Y = 13,
  GPUC_DEVICE_MAX_WORK_ITEMS_Z = 14,
  GPUC_DEVICE_ADDRESS_BITS = 15,
  GPUC_DEVICE_SLICE_ALIGNMENT_BYTES = 16,
  GPUC_DEVICE_UNIFIED_MEMORY = 17,
  GPUC_DEVICE_TIMER_RESOLUTION_NS = 18,
  GPUC_DEVICE_OUT_OF_ORDER = 19,
  GPUC_DEVICE_AVAILABLE = 20,
  GPUC_DEVICE_COMPILER_AVAILABLE = 21,
  GPUC_DEVICE_LITTLE_ENDIAN = 22,
  GPUC_DEVICE_OPENCL_VERSION = 23,
  GPUC_DEVICE_OPENCL_C_VERSION = 24,
  GPUC_DEVICE_MAX_ARGUMENT_BYTES = 25,
  GPUC_DEVICE_VECTOR_WIDTH_F32 = 26,
  GPUC_DEVICE_VECTOR_WIDTH_F64 = 27,
  GPUC_DEVICE_ERROR_CORRECTION = 28
};
gpuc_status gpuc_device_get_number(gpuc_device *device, gpuc_device_number key, uint64_t *out_value);
typedef int32_t gpuc_fp16;
enum {
  GPUC_FP16_NONE = 0,
  GPUC_FP16_STORAGE = 1,
  GPUC_FP16_ARITHMETIC = 2,
  GPUC_FP16_MATH = 3
};
typedef int32_t gpuc_capability;
enum {
  GPUC_CAPABILITY_FP16 = 1,
  GPUC_CAPABILITY_FP64 = 2,
  GPUC_CAPABILITY_INT64_ATOMICS = 3,
  GPUC_CAPABILITY_SUB_GROUPS = 4,
  GPUC_CAPABILITY_INLINE_PTX = 5,
  GPUC_CAPABILITY_SPIRV = 6
};
gpuc_status gpuc_device_get_capability(gpuc_device *device, gpuc_capability key, uint64_t *out_value);
gpuc_status gpuc_device_get_platform(gpuc_device *device, gpuc_platform **out_platform);
gpuc_status gpuc_device_get_native(gpuc_device *device, void **out_native);
gpuc_status gpuc_device_from_native(void *native, gpuc_device **out_device);
gpuc_status gpuc_device_retain(gpuc_device *device);
void gpuc_device_release(gpuc_device *device);
gpuc_status gpuc_context_create(gpuc_device *const *devices, size_t device_count, gpuc_context **out_context);
gpuc_status gpuc_context_from_native(void *native, gpuc_context **out_context);
gpuc_status gpuc_context_get_native(gpuc_context *context, void **out_native);
gpuc_status gpuc_context_get_devices(gpuc_context *context, gpuc_device **items, size_t capacity, size_t *out_count);
typedef int32_t gpuc_memory_number;
enum {
  GPUC_MEMORY_IN_USE_BYTES = 1,
  GPUC_MEMORY_CACHED_BYTES = 2,
  GPUC_MEMORY_PEAK_BYTES = 3,
  GPUC_MEMORY_LIMIT_BYTES = 4,
  GPUC_MEMORY_LIVE_BUFFERS = 5,
  GPUC_MEMORY_CACHED_BUFFERS = 6,
  GPUC_MEMORY_HITS = 7,
  GPUC_MEMORY_MISSES = 8
};
gpuc_status gpuc_context_get_memory(gpuc_context *context, gpuc_memory_number key, uint64_t *out_value);
gpuc_status gpuc_context_set_memory_limit(gpuc_context *context, uint64_t limit_bytes);
gpuc_status gpuc_context_trim(gpuc_context *context, uint64_t *out_freed_bytes);
gpuc_status gpuc_context_memory_report(gpuc_context *context, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_context_retain(gpuc_context *context);
void gpuc_context_release(gpuc_context *context);
enum {
  GPUC_QUEUE_OUT_OF_ORDER = 1u << 0,
  GPUC_QUEUE_PROFILING = 1u << 1
};
gpuc_status gpuc_queue_create(gpuc_context *context, gpuc_device *device, uint32_t flags, gpuc_queue **out_queue);
gpuc_status gpuc_queue_from_native(gpuc_context *context, void *native, gpuc_queue **out_queue);
gpuc_status gpuc_queue_get_native(gpuc_queue *queue, void **out_native);
gpuc_status gpuc_queue_get_context(gpuc_queue *queue, gpuc_context **out_context);
gpuc_status gpuc_queue_get_device(gpuc_queue *queue, gpuc_device **out_device);
gpuc_status gpuc_queue_get_flags(gpuc_queue *queue, uint32_t *out_flags);
gpuc_status gpuc_queue_flush(gpuc_queue *queue);
gpuc_status gpuc_queue_finish(gpuc_queue *queue);
gpuc_status gpuc_queue_marker_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_queue_barrier_async(gpuc_queue *queue, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_queue_retain(gpuc_queue *queue);
void gpuc_queue_release(gpuc_queue *queue);
gpuc_status gpuc_event_wait(gpuc_event *event);
gpuc_status gpuc_event_wait_for(gpuc_event *event, uint64_t timeout_ns);
gpuc_status gpuc_event_wait_all(gpuc_event *const *events, size_t event_count);
typedef int32_t gpuc_event_state;
enum {
  GPUC_EVENT_QUEUED = 0,
  GPUC_EVENT_SUBMITTED = 1,
  GPUC_EVENT_RUNNING = 2,
  GPUC_EVENT_COMPLETE = 3,
  GPUC_EVENT_FAILED = 4
};
gpuc_status gpuc_event_get_state(gpuc_event *event, gpuc_event_state *out_state);
gpuc_status gpuc_event_get_times(gpuc_event *event, uint64_t *out_queued_ns, uint64_t *out_submitted_ns, uint64_t *out_started_ns, uint64_t *out_ended_ns);
gpuc_status gpuc_event_get_fd(gpuc_event *event, int32_t *out_fd);
gpuc_status gpuc_event_create_user(gpuc_context *context, gpuc_event **out_event);
gpuc_status gpuc_event_complete(gpuc_event *event, int32_t cl_code);
gpuc_status gpuc_event_from_native(gpuc_context *context, void *native, gpuc_event **out_event);
gpuc_status gpuc_event_get_native(gpuc_event *event, void **out_native);
gpuc_status gpuc_event_retain(gpuc_event *event);
void gpuc_event_release(gpuc_event *event);
enum {
  GPUC_BUFFER_UNPOOLED = 1u << 0
};
gpuc_status gpuc_buffer_create(gpuc_context *context, size_t size_bytes, uint32_t flags, gpuc_buffer **out_buffer);
gpuc_status gpuc_buffer_create_over_host(gpuc_context *context, void *host, size_t size_bytes, gpuc_buffer **out_buffer);
gpuc_status gpuc_buffer_slice(gpuc_buffer *buffer, size_t offset_bytes, size_t size_bytes, gpuc_buffer **out_slice);
gpuc_status gpuc_buffer_get_size(gpuc_buffer *buffer, size_t *out_size_bytes);
gpuc_status gpuc_buffer_get_offset(gpuc_buffer *buffer, size_t *out_offset_bytes);
gpuc_status gpuc_buffer_get_context(gpuc_buffer *buffer, gpuc_context **out_context);
gpuc_status gpuc_buffer_write(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes, const void *host);
gpuc_status gpuc_buffer_read(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes, void *host);
gpuc_status gpuc_buffer_write_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes, const void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_read_async(gpuc_buffer *buffer, gpuc_queue *queue, size_t offset_bytes, size_t size_bytes, void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_copy_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue, size_t source_offset_bytes, size_t destination_offset_bytes, size_t size_bytes, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_fill_async(gpuc_buffer *buffer, gpuc_queue *queue, const void *pattern, size_t pattern_size_bytes, size_t offset_bytes, size_t size_bytes, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
typedef struct gpuc_rect {
  uint32_t struct_size;
  uint32_t flags;
  size_t region[3];
  size_t source_origin[3];
  size_t source_row_pitch_bytes;
  size_t source_slice_pitch_bytes;
  size_t destination_origin[3];
  size_t destination_row_pitch_bytes;
  size_t destination_slice_pitch_bytes;
} gpuc_rect;
gpuc_status gpuc_rect_init(gpuc_rect *rect, size_t struct_size);
gpuc_status gpuc_buffer_write_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, const void *host);
gpuc_status gpuc_buffer_read_rect(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, void *host);
gpuc_status gpuc_buffer_write_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, const void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_read_rect_async(gpuc_buffer *buffer, gpuc_queue *queue, const gpuc_rect *rect, void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_copy_rect_async(gpuc_buffer *source, gpuc_buffer *destination, gpuc_queue *queue, const gpuc_rect *rect, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
enum {
  GPUC_MAP_READ = 1u << 0,
  GPUC_MAP_WRITE = 1u << 1,
  GPUC_MAP_DISCARD = 1u << 2
};
gpuc_status gpuc_buffer_map(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes, size_t size_bytes, void **out_pointer);
gpuc_status gpuc_buffer_map_async(gpuc_buffer *buffer, gpuc_queue *queue, uint32_t flags, size_t offset_bytes, size_t size_bytes, gpuc_event *const *waits, size_t wait_count, void **out_pointer, gpuc_event **out_event);
gpuc_status gpuc_buffer_unmap_async(gpuc_buffer *buffer, gpuc_queue *queue, void *pointer, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_buffer_from_native(gpuc_context *context, void *native, gpuc_buffer **out_buffer);
gpuc_status gpuc_buffer_get_native(gpuc_buffer *buffer, void **out_native, size_t *out_offset_bytes);
gpuc_status gpuc_buffer_retain(gpuc_buffer *buffer);
void gpuc_buffer_release(gpuc_buffer *buffer);
gpuc_status gpuc_host_memory_create(gpuc_context *context, size_t size_bytes, gpuc_host_memory **out_memory);
gpuc_status gpuc_host_memory_get(gpuc_host_memory *memory, void **out_pointer, size_t *out_size_bytes);
gpuc_status gpuc_host_memory_retain(gpuc_host_memory *memory);
void gpuc_host_memory_release(gpuc_host_memory *memory);
enum {
  GPUC_PROGRAM_NO_CACHE = 1u << 0
};
typedef struct gpuc_text {
  const char *name;
  const char *text;
  size_t size_bytes;
} gpuc_text;
typedef struct gpuc_define {
  const char *name;
  const char *value;
} gpuc_define;
typedef struct gpuc_program_desc {
  uint32_t struct_size;
  uint32_t flags;
  const gpuc_text *sources;
  size_t source_count;
  const gpuc_text *headers;
  size_t header_count;
  const void *binary;
  size_t binary_size_bytes;
  const void *spirv;
  size_t spirv_size_bytes;
  const gpuc_define *defines;
  size_t define_count;
  const char *options;
} gpuc_program_desc;
gpuc_status gpuc_program_desc_init(gpuc_program_desc *desc, size_t struct_size);
gpuc_status gpuc_program_create(gpuc_context *context, const gpuc_program_desc *desc, gpuc_program **out_program);
gpuc_status gpuc_program_create_from_source(gpuc_context *context, const char *source, size_t size_bytes, const char *options, gpuc_program **out_program);
gpuc_status gpuc_program_get_build_log(gpuc_program *program, gpuc_device *device, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_program_get_binary(gpuc_program *program, gpuc_device *device, void *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_program_get_kernel_names(gpuc_program *program, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_program_get_from_cache(gpuc_program *program, int32_t *out_from_cache);
gpuc_status gpuc_program_from_native(gpuc_context *context, void *native, gpuc_program **out_program);
gpuc_status gpuc_program_get_native(gpuc_program *program, void **out_native);
gpuc_status gpuc_program_retain(gpuc_program *program);
void gpuc_program_release(gpuc_program *program);
typedef int32_t gpuc_cache_number;
enum {
  GPUC_CACHE_HITS = 1,
  GPUC_CACHE_MISSES = 2,
  GPUC_CACHE_REJECTED = 3,
  GPUC_CACHE_STORES = 4,
  GPUC_CACHE_STORE_FAILURES = 5,
  GPUC_CACHE_ENTRIES = 6,
  GPUC_CACHE_BYTES = 7
};
gpuc_status gpuc_cache_get_number(gpuc_cache_number key, uint64_t *out_value);
gpuc_status gpuc_cache_get_directory(char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_cache_clear(uint64_t *out_removed);
gpuc_status gpuc_cache_verify(uint64_t *out_checked, uint64_t *out_removed);
gpuc_status gpuc_kernel_create(gpuc_program *program, const char *name, gpuc_kernel **out_kernel);
gpuc_status gpuc_kernel_get_name(gpuc_kernel *kernel, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_kernel_get_program(gpuc_kernel *kernel, gpuc_program **out_program);
gpuc_status gpuc_kernel_get_arg_count(gpuc_kernel *kernel, size_t *out_count);
typedef int32_t gpuc_arg_space;
enum {
  GPUC_ARG_SPACE_UNKNOWN = 0,
  GPUC_ARG_SPACE_PRIVATE = 1,
  GPUC_ARG_SPACE_GLOBAL = 2,
  GPUC_ARG_SPACE_CONSTANT = 3,
  GPUC_ARG_SPACE_LOCAL = 4
};
gpuc_status gpuc_kernel_get_arg(gpuc_kernel *kernel, size_t index, gpuc_arg_space *out_space, gpuc_type *out_type, size_t *out_size_bytes);
gpuc_status gpuc_kernel_get_arg_text(gpuc_kernel *kernel, size_t index, char *buf, size_t capacity, size_t *out_needed);
typedef int32_t gpuc_kernel_number;
enum {
  GPUC_KERNEL_MAX_WORK_GROUP_SIZE = 1,
  GPUC_KERNEL_PREFERRED_MULTIPLE = 2,
  GPUC_KERNEL_LOCAL_MEMORY_BYTES = 3,
  GPUC_KERNEL_PRIVATE_MEMORY_BYTES = 4,
  GPUC_KERNEL_REQUIRED_SIZE_X = 5,
  GPUC_KERNEL_REQUIRED_SIZE_Y = 6,
  GPUC_KERNEL_REQUIRED_SIZE_Z = 7
};
gpuc_status gpuc_kernel_get_number(gpuc_kernel *kernel, gpuc_device *device, gpuc_kernel_number key, uint64_t *out_value);
typedef int32_t gpuc_arg_kind;
enum {
  GPUC_ARG_BUFFER = 1,
  GPUC_ARG_SCALAR = 2,
  GPUC_ARG_BYTES = 3,
  GPUC_ARG_LOCAL = 4,
  GPUC_ARG_NULL = 5
};
typedef struct gpuc_arg {
  gpuc_arg_kind kind;
  gpuc_type type;
  uint64_t size_bytes;
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
  GPUC_LAUNCH_ROUND_UP = 1u << 0
};
typedef struct gpuc_launch {
  uint32_t struct_size;
  uint32_t flags;
  uint32_t dims;
  uint32_t reserved;
  size_t global[3];
  size_t local[3];
  size_t offset[3];
} gpuc_launch;
gpuc_status gpuc_launch_init(gpuc_launch *launch, size_t struct_size);
gpuc_status gpuc_kernel_launch(gpuc_kernel *kernel, gpuc_queue *queue, const gpuc_launch *launch, const gpuc_arg *args, size_t arg_count, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_kernel_create_native(gpuc_kernel *kernel, void **out_native);
gpuc_status gpuc_kernel_retain(gpuc_kernel *kernel);
void gpuc_kernel_release(gpuc_kernel *kernel);
typedef struct gpuc_proque_options {
  uint32_t struct_size;
  uint32_t flags;
  const char *device_filter;
  gpuc_device *device;
  gpuc_context *context;
  const char *source_file;
  const char *options;
  const gpuc_define *defines;
  size_t define_count;
  uint32_t queue_flags;
  uint32_t dims;
  size_t size[3];
} gpuc_proque_options;
gpuc_status gpuc_proque_options_init(gpuc_proque_options *options, size_t struct_size);
gpuc_status gpuc_proque_create(const char *source, size_t size_bytes, const gpuc_proque_options *options, gpuc_proque **out_proque);
gpuc_status gpuc_proque_get_context(gpuc_proque *proque, gpuc_context **out_context);
gpuc_status gpuc_proque_get_queue(gpuc_proque *proque, gpuc_queue **out_queue);
gpuc_status gpuc_proque_get_program(gpuc_proque *proque, gpuc_program **out_program);
gpuc_status gpuc_proque_set_dims(gpuc_proque *proque, uint32_t dims, const size_t *size);
gpuc_status gpuc_proque_create_buffer(gpuc_proque *proque, gpuc_type type, gpuc_buffer **out_buffer);
gpuc_status gpuc_proque_get_kernel(gpuc_proque *proque, const char *name, gpuc_kernel **out_kernel);
gpuc_status gpuc_proque_launch(gpuc_proque *proque, const char *name, const gpuc_arg *args, size_t arg_count, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_proque_write(gpuc_proque *proque, gpuc_buffer *buffer, const void *host);
gpuc_status gpuc_proque_read(gpuc_proque *proque, gpuc_buffer *buffer, void *host);
gpuc_status gpuc_proque_finish(gpuc_proque *proque);
gpuc_status gpuc_proque_retain(gpuc_proque *proque);
void gpuc_proque_release(gpuc_proque *proque);
typedef int32_t gpuc_layout;
enum {
  GPUC_LAYOUT_ROW_MAJOR = 0,
  GPUC_LAYOUT_COLUMN_MAJOR = 1
};
typedef int32_t gpuc_transpose;
enum {
  GPUC_TRANSPOSE_NONE = 0,
  GPUC_TRANSPOSE_TRANS = 1,
  GPUC_TRANSPOSE_CONJ = 2
};
typedef int32_t gpuc_compute;
enum {
  GPUC_COMPUTE_STANDARD = 0,
  GPUC_COMPUTE_TF32 = 1,
  GPUC_COMPUTE_F32_SPLIT = 2
};
typedef int32_t gpuc_activation;
enum {
  GPUC_ACTIVATION_NONE = 0,
  GPUC_ACTIVATION_RELU = 1,
  GPUC_ACTIVATION_GELU = 2,
  GPUC_ACTIVATION_GELU_TANH = 3,
  GPUC_ACTIVATION_SILU = 4,
  GPUC_ACTIVATION_SWIGLU = 5
};
typedef int32_t gpuc_bias;
enum {
  GPUC_BIAS_NONE = 0,
  GPUC_BIAS_PER_ROW = 1,
  GPUC_BIAS_PER_COLUMN = 2
};
typedef struct gpuc_gemm_desc {
  uint32_t struct_size;
  uint32_t flags;
  gpuc_type type;
  gpuc_layout layout;
  gpuc_transpose transpose_a;
  gpuc_transpose transpose_b;
  int64_t m, n, k;
  int64_t lda, ldb, ldc;
  int64_t a_offset, b_offset, c_offset;
  int64_t batch_count;
  int64_t a_stride, b_stride, c_stride;
  double alpha_real, alpha_imag;
  double beta_real, beta_imag;
  const char *backend;
  gpuc_type b_type;
  gpuc_type c_type;
  gpuc_compute compute;
  gpuc_activation activation;
  gpuc_bias bias;
  gpuc_type bias_type;
  gpuc_buffer *bias_buffer;
  int64_t bias_offset;
  double output_scale;
  gpuc_buffer *residual;
  int64_t residual_offset, residual_ld, residual_stride;
  const int64_t *group_rows;
  size_t group_count;
} gpuc_gemm_desc;
gpuc_status gpuc_gemm_desc_init(gpuc_gemm_desc *desc, size_t struct_size);
gpuc_status gpuc_gemm(gpuc_queue *queue, const gpuc_gemm_desc *desc, gpuc_buffer *a, gpuc_buffer *b, gpuc_buffer *c, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_gemm_explain(gpuc_queue *queue, const gpuc_gemm_desc *desc, char *buf, size_t capacity, size_t *out_needed);
typedef struct gpuc_tune_options {
  uint32_t struct_size;
  uint32_t flags;
  gpuc_type type;
  uint32_t max_size;
  const char *backend;
  double seconds;
} gpuc_tune_options;
gpuc_status gpuc_tune_options_init(gpuc_tune_options *options, size_t struct_size);
gpuc_status gpuc_tune(gpuc_queue *queue, const gpuc_tune_options *options);
gpuc_status gpuc_tuning_get_json(gpuc_device *device, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_tuning_reset(gpuc_device *device, int32_t *out_removed);
gpuc_status gpuc_tuning_get_directory(char *buf, size_t capacity, size_t *out_needed);
enum {
  GPUC_ARRAY_MAX_DIMS = 16
};
typedef struct gpuc_array_view {
  uint32_t struct_size;
  uint32_t flags;
  gpuc_buffer *buffer;
  gpuc_type type;
  uint32_t ndim;
  size_t offset_bytes;
  uint64_t shape[16];
  int64_t strides_bytes[16];
} gpuc_array_view;
gpuc_status gpuc_array_view_init(gpuc_array_view *view, size_t struct_size);
gpuc_status gpuc_array_view_pack(gpuc_array_view *view, size_t *out_size_bytes);
gpuc_status gpuc_array_copy(gpuc_queue *queue, const gpuc_array_view *destination, const gpuc_array_view *source, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_array_fill(gpuc_queue *queue, const gpuc_array_view *view, const void *value, gpuc_type value_type, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_array_arange(gpuc_queue *queue, const gpuc_array_view *view, const void *start, const void *step, gpuc_type value_type, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_array_read(gpuc_queue *queue, const gpuc_array_view *view, void *host);
gpuc_status gpuc_array_write(gpuc_queue *queue, const gpuc_array_view *view, const void *host);
gpuc_status gpuc_array_read_async(gpuc_queue *queue, const gpuc_array_view *view, void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
gpuc_status gpuc_array_write_async(gpuc_queue *queue, const gpuc_array_view *view, const void *host, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
enum {
  GPUC_MATMUL_CONJUGATE_A = 1u << 0,
  GPUC_MATMUL_CONJUGATE_B = 1u << 1
};
typedef struct gpuc_matmul_options {
  uint32_t struct_size;
  uint32_t flags;
  double alpha_real, alpha_imag;
  double beta_real, beta_imag;
  const char *backend;
  gpuc_compute compute;
  uint32_t reserved;
} gpuc_matmul_options;
gpuc_status gpuc_matmul_options_init(gpuc_matmul_options *options, size_t struct_size);
gpuc_status gpuc_array_matmul(gpuc_queue *queue, const gpuc_array_view *a, const gpuc_array_view *b, const gpuc_array_view *c, const gpuc_matmul_options *options, gpuc_event *const *waits, size_t wait_count, gpuc_event **out_event);
typedef int32_t gpuc_doctor_format;
enum {
  GPUC_DOCTOR_TEXT = 0,
  GPUC_DOCTOR_JSON = 1
};
gpuc_status gpuc_doctor(gpuc_doctor_format format, char *buf, size_t capacity, size_t *out_needed);
typedef struct gpuc_profile_options {
  uint32_t struct_size;
  uint32_t flags;
  uint64_t max_records;
} gpuc_profile_options;
gpuc_status gpuc_profile_options_init(gpuc_profile_options *options, size_t struct_size);
gpuc_status gpuc_profile_start(const gpuc_profile_options *options, gpuc_profile **out_profile);
gpuc_status gpuc_profile_stop(gpuc_profile *profile, uint64_t timeout_ns);
typedef int32_t gpuc_profile_number;
enum {
  GPUC_PROFILE_ROWS = 1,
  GPUC_PROFILE_RECORDS = 2,
  GPUC_PROFILE_DROPPED = 3,
  GPUC_PROFILE_UNFINISHED = 4,
  GPUC_PROFILE_DURATION_NS = 5
};
gpuc_status gpuc_profile_get_number(gpuc_profile *profile, gpuc_profile_number key, uint64_t *out_value);
typedef int32_t gpuc_operation;
enum {
  GPUC_OPERATION_KERNEL = 1,
  GPUC_OPERATION_GEMM = 2,
  GPUC_OPERATION_WRITE = 3,
  GPUC_OPERATION_READ = 4,
  GPUC_OPERATION_COPY = 5,
  GPUC_OPERATION_FILL = 6,
  GPUC_OPERATION_MAP = 7,
  GPUC_OPERATION_UNMAP = 8,
  GPUC_OPERATION_MARKER = 9,
  GPUC_OPERATION_BARRIER = 10,
  GPUC_OPERATION_BUILD = 11
};
typedef int32_t gpuc_profile_clock;
enum {
  GPUC_CLOCK_NONE = 0,
  GPUC_CLOCK_DEVICE = 1,
  GPUC_CLOCK_HOST = 2
};
typedef int32_t gpuc_row_number;
enum {
  GPUC_ROW_OPERATION = 1,
  GPUC_ROW_COUNT = 2,
  GPUC_ROW_TIMED = 3,
  GPUC_ROW_FAILED = 4,
  GPUC_ROW_CLOCK = 5,
  GPUC_ROW_TOTAL_NS = 6,
  GPUC_ROW_MIN_NS = 7,
  GPUC_ROW_MEAN_NS = 8,
  GPUC_ROW_MAX_NS = 9,
  GPUC_ROW_BYTES = 10,
  GPUC_ROW_TIMED_BYTES = 11,
  GPUC_ROW_HOST_NS = 12
};
typedef int32_t gpuc_profile_string;
enum {
  GPUC_PROFILE_NAME = 1,
  GPUC_PROFILE_OPERATION = 2,
  GPUC_PROFILE_DEVICE = 3,
  GPUC_PROFILE_THREAD = 4
};
gpuc_status gpuc_profile_get_row_number(gpuc_profile *profile, size_t row, gpuc_row_number key, uint64_t *out_value);
gpuc_status gpuc_profile_get_row_string(gpuc_profile *profile, size_t row, gpuc_profile_string key, char *buf, size_t capacity, size_t *out_needed);
typedef int32_t gpuc_record_number;
enum {
  GPUC_RECORD_OPERATION = 1,
  GPUC_RECORD_QUEUE = 2,
  GPUC_RECORD_THREAD = 3,
  GPUC_RECORD_CALL_BEGIN_NS = 4,
  GPUC_RECORD_CALL_END_NS = 5,
  GPUC_RECORD_CLOCK = 6,
  GPUC_RECORD_BEGIN_NS = 7,
  GPUC_RECORD_END_NS = 8,
  GPUC_RECORD_DURATION_NS = 9,
  GPUC_RECORD_BYTES = 10,
  GPUC_RECORD_CL_CODE = 11,
  GPUC_RECORD_DIMS = 12,
  GPUC_RECORD_GLOBAL_X = 13,
  GPUC_RECORD_GLOBAL_Y = 14,
  GPUC_RECORD_GLOBAL_Z = 15,
  GPUC_RECORD_LOCAL_X = 16,
  GPUC_RECORD_LOCAL_Y = 17,
  GPUC_RECORD_LOCAL_Z = 18
};
gpuc_status gpuc_profile_get_record_number(gpuc_profile *profile, size_t record, gpuc_record_number key, uint64_t *out_value);
gpuc_status gpuc_profile_get_record_string(gpuc_profile *profile, size_t record, gpuc_profile_string key, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_profile_report(gpuc_profile *profile, char *buf, size_t capacity, size_t *out_needed);
gpuc_status gpuc_profile_write_trace(gpuc_profile *profile, const char *path);
gpuc_status gpuc_profile_retain(gpuc_profile *profile);
void gpuc_profile_release(gpuc_profile *profile);
