#include "capi_world.hpp"

#include <chrono>
#include <thread>

namespace fuzz {
namespace {

// More than any buffer of a fuzzed program has, and little enough to be quick.
constexpr std::size_t most_host = std::size_t{1} << 20;

const char *const sources[] = {
    "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n",
    "kernel void vector_add(global const float *a, global const float *b, global float *c) { c[0] = a[0] + b[0]; }\n",
    "typedef float4 four;\nkernel void many(global int *g, constant int *c, local int *l, four v, long n, uchar b) "
    "{}\n",
    "#include \"h\"\nkernel void k(global int *x) {}\n",
    "kernel __attribute__((reqd_work_group_size(4, 1, 1))) void of_four(global int *x) {}\n",
    "SYNTAX_ERROR\n",
    "#ifdef A\n#error A\n#endif\nkernel void none() {}\n",
    "",
};
const char *const names[] = {"fill_value", "vector_add", "many", "k", "of_four", "none", "", "x"};
const char *const options[] = {"", "-cl-std=CL1.2", "-DA", "-D A=1 -Werror", "-I .", "-cl-fast-relaxed-math"};
const char *const filters[] = {"", "fake", "gpu", "fake:gpu:0", "fake:1", "cpu", ":", "nothing"};
const char *const backends[] = {"", "reference", "simt", "cpu", "clblast", "nvidia_wgmma", "nothing", "auto"};

// Byte counts around which checks have their edges.
const std::size_t odd_sizes[] = {SIZE_MAX,
                                 SIZE_MAX - 1,
                                 SIZE_MAX / 2,
                                 SIZE_MAX / 2 + 1,
                                 SIZE_MAX / 4 + 1,
                                 SIZE_MAX - 127,
                                 std::size_t{1} << 62,
                                 (std::size_t{1} << 32) - 1,
                                 std::size_t{1} << 32,
                                 std::size_t{1} << 31,
                                 (std::size_t{1} << 31) - 1,
                                 std::size_t{1} << 40};

template <class T, std::size_t N>
T one_of(const T (&all)[N], std::uint8_t byte) {
  return all[byte % N];
}

}  // namespace

World::World(Input &in, const gpuc_faults &faults, const std::string &folder)
    : input(in), faults_(faults), folder_(folder) {
  start();
}

// A device, a context, a queue, a buffer, and a program with a kernel: what most functions need.
void World::start() {
  const std::uint8_t how = input.byte();
  gpuc_device *devices[8] = {};
  std::size_t count = 0;
  if (gpuc_device_list(nullptr, devices, 8, &count) != GPUC_OK) wrong(gpuc_last_error_message());
  for (std::size_t i = 0; i < std::min<std::size_t>(count, 8); ++i) retained(devices[i]);
  gpuc_context *context = nullptr;
  if (gpuc_context_create(devices, how & 1 ? std::min<std::size_t>(count, 8) : 1, &context)) wrong("no context");
  retained(context);
  gpuc_queue *queue = nullptr;
  if (gpuc_queue_create(context, nullptr, (how >> 1) & 3, &queue)) wrong("no queue");
  retained(queue);
  gpuc_buffer *buffer = nullptr;
  if (gpuc_buffer_create(context, 256, 0, &buffer)) wrong("no buffer");
  retained(buffer);
  if (how & 8) {
    gpuc_program *program = nullptr;
    if (gpuc_program_create_from_source(context, sources[how >> 4 & 1], GPUC_NUL_TERMINATED, nullptr, &program))
      wrong("no program");
    retained(program);
    gpuc_kernel *kernel = nullptr;
    if (gpuc_kernel_create(program, names[how >> 4 & 1], &kernel)) wrong("no kernel");
    retained(kernel);
  }
  if (how & 32) {
    gpuc_profile *profile = nullptr;
    if (gpuc_profile_start(nullptr, &profile)) wrong("no profile");
    retained(profile);
  }
}

template <class Handle>
void release_all(std::vector<void *> &list) {
  for (void *one : list) Kind<Handle>::release(static_cast<Handle *>(one));
  list.clear();
}

World::~World() {
  faults_.arm(nullptr);
  complete_user_events();
  for (void *queue : living_[Kind<gpuc_queue>::index]) (void)gpuc_queue_finish(static_cast<gpuc_queue *>(queue));
  // Another order than that in which they were made: the input's.
  const bool forwards = input.byte() & 1;
  for (int pass = 0; pass < 2; ++pass) {
    if ((pass == 0) == forwards) {
      release_all<gpuc_context>(living_[2]);
      release_all<gpuc_device>(living_[1]);
      release_all<gpuc_platform>(living_[0]);
      release_all<gpuc_queue>(living_[3]);
      release_all<gpuc_program>(living_[7]);
    } else {
      release_all<gpuc_event>(living_[4]);
      release_all<gpuc_proque>(living_[9]);
      release_all<gpuc_kernel>(living_[8]);
      release_all<gpuc_host_memory>(living_[6]);
      release_all<gpuc_buffer>(living_[5]);
      release_all<gpuc_profile>(living_[10]);
    }
  }
  for (gpuc_event *event : user_events_) gpuc_event_release(event);
  // The library's own threads may still be at it.
  for (int tries = 0; faults_.live(nullptr) != 0 && tries < 2000; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (faults_.live(nullptr) != 0) {
    std::string left;
    for (const char *kind : {"context", "queue", "mem", "program", "kernel", "event"})
      left += std::string(" ") + kind + " " + std::to_string(faults_.live(kind));
    wrong("OpenCL objects are left after everything was released:" + left);
  }
  require(faults_.misuse() == 0, "the library used an OpenCL object after its last release");
}

// ---- handles

bool World::is_living(void *handle) const {
  for (const auto &list : living_)
    if (std::find(list.begin(), list.end(), handle) != list.end()) return true;
  return std::find(user_events_.begin(), user_events_.end(), handle) != user_events_.end();
}

void *World::pick(std::size_t kind) {
  const std::uint8_t how = input.byte();
  const auto &list = living_[kind];
  if (how < 208) return list.empty() ? nullptr : list[list.size() - 1 - how % list.size()];  // 0: the newest
  if (how < 214) return nullptr;
  if (how < 224) return released_[kind].empty() ? nullptr : released_[kind][how % released_[kind].size()];
  if (how < 240) {
    const auto &other = living_[(kind + 1 + how % (kind_count - 1)) % kind_count];
    return other.empty() ? nullptr : other.back();
  }
  // One bit away from a living one, or no handle at all.
  const std::uintptr_t value = list.empty() ? 0 : reinterpret_cast<std::uintptr_t>(list.back());
  const std::uintptr_t forged =
      how < 250 ? value ^ (std::uintptr_t{1} << input.byte() % 64) : input.number<std::uintptr_t>();
  void *handle = reinterpret_cast<void *>(forged);
  return is_living(handle) ? nullptr : handle;
}

void *World::take(std::size_t kind) {
  void *handle = pick(kind);
  auto &list = living_[kind];
  const auto found = std::find(list.begin(), list.end(), handle);
  if (found != list.end()) {
    list.erase(found);
    auto &released = released_[kind];
    if (released.size() < 8) released.push_back(handle);
    return handle;
  }
  return is_living(handle) && std::find(user_events_.begin(), user_events_.end(), handle) != user_events_.end()
             ? nullptr
             : handle;
}

void World::keep_user_event(gpuc_event *event) {
  faults_.arm(nullptr);
  if (gpuc_event_retain(event) != GPUC_OK) wrong("a new event cannot be retained");
  user_events_.push_back(event);
}

void World::complete_user_events() {
  if (user_events_.empty()) return;
  faults_.arm(nullptr);
  for (gpuc_event *event : user_events_) {
    const gpuc_status status = gpuc_event_complete(event, 0);
    // Unless the input has completed it.
    if (status != GPUC_OK && status != GPUC_ERROR_INVALID_STATE)
      wrong(std::string("a user event cannot be completed: ") + gpuc_last_error_message());
    gpuc_event_release(event);
  }
  user_events_.clear();
}

// ---- results

gpuc_status World::checked(gpuc_status status, const Expected &call) {
  if (std::getenv("GPUC_FUZZ_TRACE"))
    std::fprintf(stderr, "%s: %s%s%s\n", call.function, gpuc_status_name(status), status ? ": " : "",
                 status ? gpuc_last_error_message() : "");
  if (status == GPUC_OK) return status;
  const std::string what =
      std::string(call.function) + " gave " + gpuc_status_name(status) + ": " + gpuc_last_error_message();
  if (!call.statuses.count(status) || status == GPUC_ERROR_INTERNAL || status == GPUC_ERROR_FORKED ||
      status == GPUC_ERROR_SHUTTING_DOWN)
    wrong(what + "; the header does not document that");
  if (gpuc_last_error_status() != status) wrong(what + "; the record has another status");
  const std::string message = gpuc_last_error_message();
  if (message.empty() || message.find('\n') != std::string::npos) wrong(what + "; the message is not one line");
  if ((gpuc_last_error_cl_code() != 0) != (*gpuc_last_error_routine() != '\0'))
    wrong(what + "; there is an OpenCL code or a routine, but not both");
  return status;
}

void World::use(const char *text) { require(text && std::strlen(text) < (1u << 24), "a text that is none"); }

// ---- numbers

std::size_t World::size() {
  const std::uint8_t how = input.byte();
  if (how < 160) return how;
  if (how < 200) return std::size_t{4} * (how - 160);
  if (how < 230) return input.number<std::uint16_t>();
  if (how < 250) return one_of(odd_sizes, how) - input.byte() % 4;
  return input.number<std::size_t>();
}

std::size_t World::capacity() {
  const std::uint8_t how = input.byte();
  return how < 64 ? how : how < 128 ? 0 : how * 32u;
}

// All of it is given to the call.
std::size_t World::struct_size(std::size_t right) {
  const std::uint8_t how = input.byte();
  return how < 128 ? right : how < 200 ? how - 128u : right + how - 200;
}

std::uint32_t World::flags() {
  const std::uint8_t how = input.byte();
  return how < 240 ? how % 8u : input.number<std::uint32_t>();
}

std::int32_t World::number() {
  const std::uint8_t how = input.byte();
  return how < 128 ? 0 : how < 240 ? 128 - how : input.number<std::int32_t>();
}

std::int32_t World::choice() {
  const std::uint8_t how = input.byte();
  return how < 250 ? how % 32 : input.number<std::int32_t>();
}

double World::real() {
  const std::uint8_t how = input.byte();
  return how < 200 ? how % 4 : input.number<double>();
}

std::int64_t World::length() {
  const std::uint8_t how = input.byte();
  if (how < 200) return how % 20;
  if (how < 230) return -std::int64_t{how - 200};
  return static_cast<std::int64_t>(size());
}

// ---- memory

void *World::block(std::size_t size) {
  memory_.push_back(std::make_unique<unsigned char[]>(std::min(size, most_host)));
  return memory_.back().get();
}

// Nothing can take or give more than a buffer has, which is at most `most_host` here.
void *World::host(std::size_t size) {
  if (size > most_host) {
    // Larger buffers exist only where all of `size` can be; then the call is left out.
    for (void *buffer : living_[Kind<gpuc_buffer>::index]) {
      std::size_t bytes = 0;
      if (gpuc_buffer_get_size(static_cast<gpuc_buffer *>(buffer), &bytes) == GPUC_OK && bytes > most_host)
        possible = false;
    }
    return block(16);
  }
  return input.byte() == 0xff ? nullptr : block(size);
}

void *World::host_of_rect(const gpuc_rect *rect, bool is_write) {
  if (!rect || rect->struct_size < sizeof *rect) return block(16);
  using Wide = unsigned __int128;
  const std::size_t *origin = is_write ? rect->source_origin : rect->destination_origin;
  Wide row = is_write ? rect->source_row_pitch_bytes : rect->destination_row_pitch_bytes;
  Wide slice = is_write ? rect->source_slice_pitch_bytes : rect->destination_slice_pitch_bytes;
  const auto product = [](Wide a, Wide b) {  // of what may be as large as it likes
    const Wide most = Wide{1} << 62;
    return std::min(a, most) * std::min(b, most);
  };
  if (row == 0) row = rect->region[0];
  if (slice == 0) slice = product(row, rect->region[1]);
  Wide end = 0;
  if (rect->region[0] && rect->region[1] && rect->region[2])
    end = product(Wide{origin[2]} + rect->region[2] - 1, slice) + product(Wide{origin[1]} + rect->region[1] - 1, row) +
          origin[0] + rect->region[0];
  if (end > most_host) possible = false;
  return block(end > most_host ? 16 : static_cast<std::size_t>(end));
}

void *World::host_of_view(const gpuc_array_view *view) {
  if (!view || view->struct_size < sizeof *view || view->ndim > GPUC_ARRAY_MAX_DIMS) return block(16);
  unsigned __int128 bytes = std::max<std::size_t>(gpuc_type_size_bytes(view->type), 1);
  for (std::uint32_t i = 0; i < view->ndim; ++i) {
    if (view->shape[i] == 0) return block(0);
    bytes = std::min(bytes * view->shape[i], static_cast<unsigned __int128>(UINT64_MAX));
  }
  if (bytes > most_host) possible = false;
  return block(bytes > most_host ? 16 : static_cast<std::size_t>(bytes));
}

void *World::host_of_buffer(gpuc_buffer *buffer) {
  std::size_t bytes = 0;
  if (gpuc_buffer_get_size(buffer, &bytes) != GPUC_OK) bytes = 16;
  if (bytes > most_host) possible = false;
  return block(bytes);
}

void World::keep_mapped(void *pointer, std::size_t readable) {
  if (!pointer) return;
  mapped_.push_back(pointer);
  if (readable) {
    volatile unsigned char *bytes = static_cast<unsigned char *>(pointer);
    (void)bytes[0];
    (void)bytes[readable - 1];
  }
}

void *World::mapped() {
  const std::uint8_t how = input.byte();
  if (how >= 224 || mapped_.empty()) return how % 2 ? nullptr : block(16);
  return mapped_[mapped_.size() - 1 - how % mapped_.size()];
}

// ---- texts

const char *World::keep(const std::string &text) {
  texts_.push_back(std::make_unique<std::string>(text.c_str()));
  return texts_.back()->c_str();
}

const char *World::text_filter() {
  const std::uint8_t how = input.byte();
  return how == 0xff ? nullptr : how < 128 ? one_of(filters, how) : keep(input.text(how % 32));
}
const char *World::text_source() {
  const std::uint8_t how = input.byte();
  return how == 0xff ? nullptr : how < 200 ? one_of(sources, how) : keep(input.text(input.byte()));
}
const char *World::text_options() {
  const std::uint8_t how = input.byte();
  return how == 0xff ? nullptr : how < 200 ? one_of(options, how) : keep(input.text(how % 32));
}
const char *World::text_name() {
  const std::uint8_t how = input.byte();
  return how == 0xff ? nullptr : how < 200 ? one_of(names, how) : keep(input.text(how % 32));
}
const char *World::text_path() {
  const std::uint8_t how = input.byte();
  return how == 0xff ? nullptr : how < 128 ? keep(folder_ + "/trace") : how < 200 ? "/dev/null/x" : "";
}
std::size_t World::text_size(const char *text) {
  const std::uint8_t how = input.byte();
  return how < 128 || !text ? GPUC_NUL_TERMINATED : std::min<std::size_t>(how - 128, std::strlen(text));
}

// ---- structures

// In memory of exactly struct_size bytes, which an older or a newer program would give.
template <class T>
T *World::structure(gpuc_status (*init)(T *, std::size_t), void (World::*complete)(T &)) {
  const std::uint8_t how = input.byte();
  if (how == 0xff) return nullptr;
  T value;
  if (init(&value, sizeof value) != GPUC_OK) wrong("a structure cannot be set up");
  (this->*complete)(value);
  std::size_t size = sizeof value;
  if (how >= 200)
    size = std::max<std::size_t>(
        8, how < 230 ? sizeof value - 4 * (how - 200u) % sizeof value : sizeof value + (how - 229u));
  value.struct_size = static_cast<std::uint32_t>(size);
  auto *bytes = static_cast<unsigned char *>(block(size));
  std::memcpy(bytes, &value, std::min(size, sizeof value));
  if (how % 4 == 3 && size > sizeof value) bytes[size - 1] = 1;
  return reinterpret_cast<T *>(bytes);
}

gpuc_rect *World::structure_gpuc_rect() { return structure<gpuc_rect>(gpuc_rect_init, &World::fill); }
gpuc_launch *World::structure_gpuc_launch() { return structure<gpuc_launch>(gpuc_launch_init, &World::fill); }
gpuc_program_desc *World::structure_gpuc_program_desc() {
  return structure<gpuc_program_desc>(gpuc_program_desc_init, &World::fill);
}
gpuc_proque_options *World::structure_gpuc_proque_options() {
  return structure<gpuc_proque_options>(gpuc_proque_options_init, &World::fill);
}
gpuc_gemm_desc *World::structure_gpuc_gemm_desc() {
  return structure<gpuc_gemm_desc>(gpuc_gemm_desc_init, &World::fill);
}
gpuc_array_view *World::structure_gpuc_array_view() {
  return structure<gpuc_array_view>(gpuc_array_view_init, &World::fill);
}
gpuc_matmul_options *World::structure_gpuc_matmul_options() {
  return structure<gpuc_matmul_options>(gpuc_matmul_options_init, &World::fill);
}
gpuc_tune_options *World::structure_gpuc_tune_options() {
  return structure<gpuc_tune_options>(gpuc_tune_options_init, &World::fill);
}

gpuc_profile_options *World::structure_gpuc_profile_options() {
  return structure<gpuc_profile_options>(gpuc_profile_options_init, &World::fill);
}

void World::fill(gpuc_tune_options &options) {
  options.type = choice();
  options.max_size = static_cast<uint32_t>(size());
  options.backend = input.byte() & 1 ? one_of(backends, input.byte()) : nullptr;
  options.seconds = static_cast<double>(few()) / 4;
}

void World::fill(gpuc_rect &rect) {
  rect.flags = input.byte() == 0xff;
  for (std::size_t &region : rect.region) region = size();
  const std::uint8_t how = input.byte();
  if (how & 1)
    for (std::size_t &origin : rect.source_origin) origin = size();
  if (how & 2)
    for (std::size_t &origin : rect.destination_origin) origin = size();
  if (how & 4) rect.source_row_pitch_bytes = size();
  if (how & 8) rect.source_slice_pitch_bytes = size();
  if (how & 16) rect.destination_row_pitch_bytes = size();
  if (how & 32) rect.destination_slice_pitch_bytes = size();
}

void World::fill(gpuc_launch &launch) {
  launch.flags = flags();
  launch.dims = input.byte() % 5;
  const std::uint8_t how = input.byte();
  for (int i = 0; i < 3; ++i) {
    launch.global[i] = size();
    launch.local[i] = how & 1 ? size() : 0;
    launch.offset[i] = how & 2 ? size() : 0;
  }
  launch.reserved = how >> 7;
}

const gpuc_define *World::defines(std::size_t count) {
  auto *all = static_cast<gpuc_define *>(block(count * sizeof(gpuc_define)));
  for (std::size_t i = 0; i < count; ++i)
    all[i] = {keep(input.text(input.byte() % 8)), keep(input.text(input.byte() % 8))};
  return all;
}

void World::fill(gpuc_program_desc &desc) {
  const std::uint8_t how = input.byte();
  desc.flags = flags();
  const auto texts = [&](std::size_t count) {
    auto *all = static_cast<gpuc_text *>(block(count * sizeof(gpuc_text)));
    for (std::size_t i = 0; i < count; ++i) {
      all[i].name = input.byte() % 4 == 3 ? nullptr : keep(input.text(input.byte() % 8));
      all[i].text = text_source();
      all[i].size_bytes = text_size(all[i].text);
    }
    return all;
  };
  if (how & 1) desc.sources = texts(desc.source_count = input.byte() % 4);
  if (how & 2) desc.headers = texts(desc.header_count = input.byte() % 4);
  if (how & 4) desc.defines = defines(desc.define_count = input.byte() % 4);
  if (how & 8) {
    // A binary of a program here, with a byte or none changed.
    auto *program = handle<gpuc_program>();
    std::size_t size = 0;
    if (gpuc_program_get_binary(program, nullptr, nullptr, 0, &size) == GPUC_OK && size > 0) {
      auto *bytes = static_cast<unsigned char *>(block(size));
      if (gpuc_program_get_binary(program, nullptr, bytes, size, nullptr) == GPUC_OK) {
        const std::size_t where = input.number<std::uint16_t>() % size;
        bytes[where] = static_cast<unsigned char>(bytes[where] ^ input.byte());
        desc.binary = bytes;
        desc.binary_size_bytes = size;
      }
    }
  }
  if (how & 16) {
    desc.spirv = keep(input.text(16));
    desc.spirv_size_bytes = std::strlen(static_cast<const char *>(desc.spirv));
  }
  if (how & 32) desc.options = text_options();
}

void World::fill(gpuc_proque_options &o) {
  const std::uint8_t how = input.byte();
  if (how & 1) o.device_filter = text_filter();
  if (how & 2) o.device = handle<gpuc_device>();
  if (how & 4) o.context = handle<gpuc_context>();
  if (how & 8) o.source_file = "/dev/null/source.cl";
  if (how & 16) o.options = text_options();
  if (how & 32) o.defines = defines(o.define_count = input.byte() % 3);
  if (how & 64) o.queue_flags = flags();
  o.dims = input.byte() % 5;
  for (std::size_t &one : o.size) one = size();
  o.flags = how >> 7;
}

void World::fill(gpuc_gemm_desc &d) {
  const std::uint32_t how = input.number<std::uint32_t>();
  d.flags = how >> 31;
  if (how & 1) d.type = choice();
  if (how & 2) d.layout = choice() % 3;
  if (how & 4) d.transpose_a = choice() % 4;
  if (how & 8) d.transpose_b = choice() % 4;
  d.m = length();
  d.n = length();
  d.k = length();
  for (std::int64_t *one : {&d.lda, &d.ldb, &d.ldc, &d.a_offset, &d.b_offset, &d.c_offset})
    if (how & 16) *one = length();
  if (how & 32) d.batch_count = length();
  for (std::int64_t *one : {&d.a_stride, &d.b_stride, &d.c_stride})
    if (how & 64) *one = length();
  for (double *one : {&d.alpha_real, &d.alpha_imag, &d.beta_real, &d.beta_imag})
    if (how & 128) *one = real();
  if (how & 256) d.backend = one_of(backends, input.byte());
  if (how & 512) d.b_type = choice();
  if (how & 1024) d.c_type = choice();
  if (how & 2048) d.compute = choice() % 4;
  if (how & 4096) d.activation = choice() % 8;
  if (how & 8192) {
    d.bias = choice() % 4;
    d.bias_type = choice();
    d.bias_buffer = handle<gpuc_buffer>();
    d.bias_offset = length();
  }
  if (how & 16384) d.output_scale = real();
  if (how & 32768) {
    d.residual = handle<gpuc_buffer>();
    d.residual_offset = length();
    d.residual_ld = length();
    d.residual_stride = length();
  }
  if (how & 65536) {
    d.group_count = input.byte() % 4;
    auto *rows = static_cast<std::int64_t *>(block(d.group_count * sizeof(std::int64_t)));
    for (std::size_t i = 0; i < d.group_count; ++i) rows[i] = length();
    d.group_rows = rows;
  }
}

void World::fill(gpuc_array_view &view) {
  view.buffer = handle<gpuc_buffer>();
  const std::uint8_t how = input.byte();
  view.type = how & 1 ? choice() : GPUC_TYPE_F32;
  view.ndim = how & 2 ? input.byte() % (GPUC_ARRAY_MAX_DIMS + 2) : (how >> 2) % 4;
  view.flags = how >> 7;
  view.offset_bytes = how & 64 ? size() : 0;
  const std::uint32_t ndim = std::min<std::uint32_t>(view.ndim, GPUC_ARRAY_MAX_DIMS);
  std::int64_t step = static_cast<std::int64_t>(std::max<std::size_t>(1, gpuc_type_size_bytes(view.type)));
  for (std::uint32_t left = ndim; left > 0; --left) {
    const std::uint32_t i = left - 1;
    view.shape[i] = how & 32 ? size() : input.byte() % 5;
    view.strides_bytes[i] = step;
    if (how & 16) (void)__builtin_mul_overflow(step, length(), &view.strides_bytes[i]);
    if (view.shape[i] < 64) step *= static_cast<std::int64_t>(std::max<std::uint64_t>(view.shape[i], 1));
    if (step > 1 << 20) step = 4;
  }
}

void World::fill(gpuc_matmul_options &o) {
  o.flags = flags();
  o.alpha_real = real();
  o.alpha_imag = real();
  o.beta_real = real();
  o.beta_imag = real();
  o.backend = input.byte() & 1 ? one_of(backends, input.byte()) : nullptr;
  o.compute = choice() % 4;
  o.reserved = input.byte() == 0xff;
}

void World::fill(gpuc_profile_options &o) {
  o.flags = input.byte() == 0xff;
  o.max_records = size();
}

std::vector<gpuc_arg> World::args() {
  std::vector<gpuc_arg> all(input.byte() % 8);
  for (gpuc_arg &arg : all) {
    std::memset(&arg, 0, sizeof arg);
    const std::uint8_t how = input.byte();
    arg.kind = how < 240 ? how % 6 : input.number<std::int32_t>();
    switch (arg.kind) {
      case GPUC_ARG_BUFFER:
        arg.value.buffer = handle<gpuc_buffer>();
        break;
      case GPUC_ARG_SCALAR:
        arg.type = choice();
        arg.value.u64 = input.number<std::uint64_t>();
        break;
      case GPUC_ARG_BYTES:
        arg.size_bytes = size() % 4096;
        arg.value.bytes = block(arg.size_bytes);
        break;
      default:
        arg.size_bytes = size();
    }
  }
  return all;
}

// The n-th OpenCL call from here fails.
void World::arm_fault() {
  static const int codes[] = {-4, -5, -6, -36, -34, -30, -9999, -59};
  const std::uint8_t how = input.byte();
  const std::string rule = std::string(how & 64 ? "event" : "any") + ":" + std::to_string(1 + how % 8) +
                           (how & 128 ? "+:" : ":") + std::to_string(one_of(codes, input.byte()));
  if (faults_.arm(rule.c_str()) != 1) wrong("the fault layer refuses " + rule);
}

}  // namespace fuzz
