// CLBlast: tuned for many devices, portable to all. The one file that knows it.
//
// What it does not do well, and what is done about it here:
//   - its checks of sizes overflow, and its kernels index with 32 bits: such problems are refused;
//   - it prints when a device lacks a type, allows only small work-groups, has no memory left, or an OpenCL call fails.
//     The first two are looked at before, memory comes from the context's pool, and after kernels that do not build it
//     is not asked again;
//   - before 1.6.1 it is not safe to call from several threads: there is a lock;
//   - its caches pin contexts, and are released after the driver is gone: they are cleared when a context goes, and at
//     exit;
//   - its commands cannot be given events to wait for: a barrier goes before them;
//   - its batched product with packing ignores offsets and strides where a matrix needs no packing (seen in 1.5.3):
//     large products go to the queue one by one.
#include <clblast.h>
#include <clblast_half.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "gemm/clblast_parameters.hpp"
#include "gemm/gemm_backend.hpp"
#include "runtime/enqueue.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

#if defined(CLBLAST_VERSION_MAJOR)
constexpr int clblast_version = CLBLAST_VERSION_MAJOR * 10000 + CLBLAST_VERSION_MINOR * 100 + CLBLAST_VERSION_PATCH;
#else
constexpr int clblast_version = 0;
#endif
constexpr bool is_thread_safe = clblast_version >= 10601;

std::mutex clblast_mutex;

// CLBlast's parameters are the process's, and a product needs the same ones from its first look at them to its last
// call: products hold this together, who changes parameters holds it alone.
std::shared_mutex parameters_mutex;
std::atomic<unsigned> parameters_version{0};
thread_local int products_of_this_thread = 0;

class SteadyParameters {
 public:
  SteadyParameters() {
    if (products_of_this_thread++ == 0) parameters_mutex.lock_shared();
  }
  SteadyParameters(const SteadyParameters &) = delete;
  SteadyParameters &operator=(const SteadyParameters &) = delete;
  ~SteadyParameters() {
    if (--products_of_this_thread == 0) parameters_mutex.unlock_shared();
  }
};

// For a change. In vain within a product, where the log's sink may be, and when products never pause.
std::unique_lock<std::shared_mutex> alone_with_parameters() {
  std::unique_lock<std::shared_mutex> alone(parameters_mutex, std::defer_lock);
  for (int i = 0; products_of_this_thread == 0 && !alone.try_lock() && i < 10000; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return alone;
}

std::unique_lock<std::mutex> clblast_lock() {
  return is_thread_safe ? std::unique_lock<std::mutex>() : std::unique_lock<std::mutex>(clblast_mutex);
}

void clear_cache() noexcept {
  try {
    const auto lock = clblast_lock();
    clblast::ClearCache();
  } catch (...) {  // a cache that stays costs memory
  }
}

// A thread may be compiling in CLBlast; exit does not wait for it for ever.
void clear_cache_before_end() noexcept {
  try {
    std::unique_lock<std::mutex> lock(clblast_mutex, std::defer_lock);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (!is_thread_safe && !lock.try_lock()) {
      if (std::chrono::steady_clock::now() > end) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    clblast::ClearCache();
  } catch (...) {
  }
}

// On a thread of its own: the thread-local objects of the one that is in exit() are gone, and Oclgrind uses such.
void clear_cache_at_exit() noexcept {
  try {
    std::thread(clear_cache_before_end).join();
  } catch (...) {  // no thread to be had
    clear_cache_before_end();
  }
}

// From the first call that may fill the caches.
void guard_caches(Context &context) {
  static std::once_flag once;
  std::call_once(once, [] { process_on_exit(clear_cache_at_exit); });
  context.on_close(clear_cache);
}

clblast::Precision precision_of(DataType type) {
  switch (type) {
    case DataType::f16:
      return clblast::Precision::kHalf;
    case DataType::f32:
      return clblast::Precision::kSingle;
    case DataType::f64:
      return clblast::Precision::kDouble;
    case DataType::c64:
      return clblast::Precision::kComplexSingle;
    default:
      return clblast::Precision::kComplexDouble;
  }
}

// CLBlast's tuning parameters for a type on a device, as far as they decide what it can serve.
struct Tuning {
  std::string refusal;
  std::uint64_t least_packed = 0;  // products of m * n * k from the cube of this on are packed first
  std::uint64_t tile_m = 1, tile_n = 1, tile_k = 1;
};

Tuning read_tuning(const Device &device, DataType type) {
  Tuning tuning;
  std::unordered_map<std::string, std::size_t> p;
  for (const char *kernel : {"Copy", "Pad", "Transpose", "Padtranspose", "Xgemm", "XgemmDirect", "GemmRoutine"}) {
    const clblast::StatusCode status = clblast::RetrieveParameters(device.native(), kernel, precision_of(type), p);
    if (status != clblast::StatusCode::kSuccess) {
      tuning.refusal = text("it has no parameters for its kernel '", kernel, "' (", static_cast<int>(status), ")");
      return tuning;
    }
  }
  tuning.least_packed = p["XGEMM_MIN_INDIRECT_SIZE"];
  tuning.tile_m = std::max<std::size_t>(p["MWG"], 1);
  tuning.tile_n = std::max<std::size_t>(p["NWG"], 1);
  tuning.tile_k = std::max<std::size_t>(p["KWG"] * std::max<std::size_t>(p["KREG"], 1), 1);

  const DeviceInfo &info = device.info();
  const std::size_t groups[][2] = {{p["COPY_DIMX"], p["COPY_DIMY"]}, {p["PAD_DIMX"], p["PAD_DIMY"]},
                                   {p["TRA_DIM"], p["TRA_DIM"]},     {p["PADTRA_TILE"], p["PADTRA_TILE"]},
                                   {p["MDIMC"], p["NDIMC"]},         {p["MDIMCD"], p["NDIMCD"]}};
  for (const auto &[x, y] : groups)
    if (x > info.max_work_items[0] || y > info.max_work_items[1] || x * y > info.max_work_group_size)
      tuning.refusal = text("it needs work-groups of ", x, " x ", y, ", the device allows ", info.max_work_group_size);
  const std::size_t wpt = p["TRA_WPT"], padded = p["PADTRA_WPT"] * p["PADTRA_TILE"];
  for (const std::size_t elements :
       {wpt * p["TRA_DIM"] * wpt * (p["TRA_DIM"] + p["TRA_PAD"]), padded * (padded + p["PADTRA_PAD"]),
        p["KWG"] * (p["SA"] * p["MWG"] + p["SB"] * p["NWG"]), p["WGD"] * (2 * p["WGD"] + p["PADA"] + p["PADB"])})
    if (elements * size_of(type) > info.local_memory)
      tuning.refusal =
          text("it needs ", elements * size_of(type), " bytes of local memory, the device has ", info.local_memory);
  return tuning;
}

// Kept with the context because it is asked for on every call.
class KnownTunings {
 public:
  static KnownTunings &of(Context &context) {
    static const char key = 0;
    return *static_cast<KnownTunings *>(
        context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<KnownTunings>()); })
            .get());
  }

  Tuning get(const Device &device, DataType type) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (const unsigned version = parameters_version.load(); version != version_) {
      known_.clear();
      version_ = version;
    }
    const auto key = std::make_pair(&device, type);
    const auto found = known_.find(key);
    if (found != known_.end()) return found->second;
    const auto clblast = clblast_lock();
    return known_.emplace(key, read_tuning(device, type)).first->second;
  }

 private:
  std::mutex mutex_;
  unsigned version_ = 0;
  std::map<std::pair<const Device *, DataType>, Tuning> known_;
};

// CLBlast keeps parameters with a device and a type, for the whole process.
class ClblastTunable final : public Tunable {
 public:
  bool tunes(DataType type, const Device &) const override {
    return type == DataType::f16 || type == DataType::f32 || type == DataType::f64 || type == DataType::c64 ||
           type == DataType::c128;
  }

  TuningValues current(Context &, const Device &device, DataType type) const override {
    TuningValues values;
    const auto lock = clblast_lock();
    for (const ClblastKernel &kernel : clblast_kernels()) {
      std::unordered_map<std::string, std::size_t> found;
      if (clblast::RetrieveParameters(device.native(), kernel.name, precision_of(type), found) !=
          clblast::StatusCode::kSuccess)
        return {};
      for (const char *name : kernel.parameters) values[name] = static_cast<std::int64_t>(found[name]);
    }
    return values;
  }

  std::vector<TuningAxis> axes(DataType type, const Device &device) const override {
    const DeviceInfo &info = device.info();
    return clblast_axes(size_of(type), info.local_memory, info.max_work_group_size);
  }

  // Only kernels that the values name are overridden, each as a whole.
  std::string refusal(const TuningValues &values, DataType type, const Device &device) const override {
    for (const ClblastKernel &kernel : clblast_kernels())
      for (const char *name : kernel.parameters)
        if (!values.count(name)) return text("the parameter '", name, "' is missing");
    std::size_t known = 0;
    for (const ClblastKernel &kernel : clblast_kernels()) known += kernel.parameters.size();
    if (values.size() > known) return "it has no parameter of one of the names";
    // What CLBlast ships for the device need not keep to the rules of the first of its kernels.
    if (values.at("GEMMK") == 1) return "only parameters of its first kernel are taken";
    const DeviceInfo &info = device.info();
    return clblast_refusal(values, size_of(type), info.local_memory, info.max_work_group_size);
  }

  void use(const TuningValues &values, DataType type, Context &, const Device &device) const override {
    auto alone = alone_with_parameters();
    if (!alone) return log(LogLevel::warning, "gemm: CLBlast's parameters are not changed: products are being started");
    std::string refused;
    {
      const auto lock = clblast_lock();
      for (const ClblastKernel &kernel : clblast_kernels()) {
        std::unordered_map<std::string, std::size_t> parameters, now;
        for (const char *name : kernel.parameters) parameters[name] = static_cast<std::size_t>(values.at(name));
        const auto precision = precision_of(type);
        const auto known = clblast::RetrieveParameters(device.native(), kernel.name, precision, now);
        // An override makes CLBlast compile anew.
        if (known == clblast::StatusCode::kSuccess && now == parameters) continue;
        const auto status = clblast::OverrideParameters(device.native(), kernel.name, precision, parameters);
        if (status != clblast::StatusCode::kSuccess)
          refused += text(" '", kernel.name, "' (", static_cast<int>(status), ")");
      }
      ++parameters_version;
    }
    alone.unlock();
    if (!refused.empty()) log(LogLevel::warning, "gemm: CLBlast does not take parameters of", refused);
  }
};

const ClblastTunable clblast_tunable;

bool is_packed(const GemmTask &task, const Tuning &tuning) {
  __extension__ using Wide = unsigned __int128;
  // m, n and k have 31 bits each.
  return Wide(task.m) * task.n * task.k >= Wide(tuning.least_packed) * tuning.least_packed * tuning.least_packed;
}

std::uint64_t round_up(std::uint64_t value, std::uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Elements of the packed matrices, at most.
std::uint64_t packed_elements(const GemmTask &task, const Tuning &tuning) {
  // Row-major: CLBlast computes the transpose, with m and n exchanged; either way round is an upper bound.
  const std::uint64_t tile = std::max(tuning.tile_m, tuning.tile_n);
  const std::uint64_t m = round_up(task.m, tile), n = round_up(task.n, tile), k = round_up(task.k, tuning.tile_k);
  return m * k + n * k + m * n;
}

// Host types of the elements, and scalars converted to them.
template <class T>
T scalar(std::complex<double> value) {
  return static_cast<T>(value.real());
}
template <>
half scalar<half>(std::complex<double> value) {
  return FloatToHalf(static_cast<float>(value.real()));
}
template <>
std::complex<float> scalar<std::complex<float>>(std::complex<double> value) {
  return {static_cast<float>(value.real()), static_cast<float>(value.imag())};
}
template <>
std::complex<double> scalar<std::complex<double>>(std::complex<double> value) {
  return value;
}

bool is_exact_half(std::complex<double> value) {
  return static_cast<double>(HalfToFloat(scalar<half>(value))) == value.real();
}

clblast::Transpose transpose_of(const GemmOperand &operand) {
  switch (operand.transpose) {
    case Transpose::none:
      return clblast::Transpose::kNo;
    case Transpose::trans:
      return clblast::Transpose::kYes;
    default:
      return clblast::Transpose::kConjugate;
  }
}

[[noreturn]] void fail_clblast(clblast::StatusCode status, const char *routine) {
  using clblast::StatusCode;
  const int code = static_cast<int>(status);
  switch (status) {
    case StatusCode::kOpenCLBuildProgramFailure:
      throw Error(Status::build_failed, "CLBlast's kernels do not build on this device", {}, code, routine);
    case StatusCode::kInvalidLocalMemUsage:
      fail(Status::unsupported, "CLBlast's kernels need more local memory than the device has");
    case StatusCode::kInvalidLocalNumDimensions:
    case StatusCode::kInvalidLocalThreadsTotal:
    case StatusCode::kInvalidLocalThreadsDim:
      fail(Status::unsupported, "CLBlast's kernels need larger work-groups than the device allows");
    case StatusCode::kNoHalfPrecision:
    case StatusCode::kNoDoublePrecision:
      fail(Status::unsupported, "CLBlast finds the type unsupported by the device");
    case StatusCode::kDatabaseError:
      fail(Status::unsupported, "CLBlast has no parameters for the device");
    default:
      break;
  }
  // Its own statuses; a driver may give any other number.
  if (code <= -1024 && code >= -2050)
    fail(Status::internal, routine, " refused a problem that was checked, with its status ", code);
  fail_cl(code, routine, "putting a matrix product on a queue");
}

// One call of CLBlast: call(event) with everything else bound.
template <class Call>
void put(const GemmTask &task, Queue &queue, const char *routine, Buffer *workspace, OutEvent out, const Call &call) {
  for (Buffer *buffer : {task.a.buffer, task.b.buffer, task.c.buffer, workspace})
    if (buffer) buffer->used_by(queue);
  try {
    enqueue(queue, routine, "a matrix product", {}, out, [&](cl_uint, const cl_event *, cl_event *event) {
      const auto lock = clblast_lock();
      require_running();  // after exit() cleared the caches nothing may fill them again
      const clblast::StatusCode status = call(event);
      if (status != clblast::StatusCode::kSuccess) fail_clblast(status, routine);
      return CL_SUCCESS;
    });
  } catch (...) {
    queue.timeline()->submitted();  // some of its commands may be on the queue
    throw;
  }
}

template <class T>
void run_products_one_by_one(GemmTask &task, Queue &queue, OutEvent out) {
  const GemmOperand &a = task.a, &b = task.b, &c = task.c;
  const auto layout = clblast::Layout::kRowMajor;
  cl_command_queue native = queue.native();
  std::size_t bytes = 0;
  {
    const auto lock = clblast_lock();
    // A matrix at offset 0 may need no packing. The others of the batch do, so the workspace is for these.
    const std::size_t later = task.batch_count > 1;
    const auto status = clblast::GemmTempBufferSize<T>(layout, transpose_of(a), transpose_of(b), task.m, task.n, task.k,
                                                       a.offset + later, a.ld, b.offset + later, b.ld, c.offset + later,
                                                       c.ld, &native, bytes);
    if (status != clblast::StatusCode::kSuccess) fail_clblast(status, "clblast::GemmTempBufferSize");
  }
  // From the pool: CLBlast would make a new one each time, past the limit of the context.
  const auto workspace = bytes ? Buffer::create(queue.context(), bytes) : nullptr;
  for (std::uint64_t i = 0; i < task.batch_count; ++i) {
    // They share the workspace.
    if (i > 0 && workspace && !queue.in_order()) queue.barrier({}, nullptr);
    const bool last = i + 1 == task.batch_count;
    put(task, queue, "clblast::Gemm", workspace.get(), last ? out : nullptr, [&](cl_event *event) {
      return clblast::Gemm<T>(layout, transpose_of(a), transpose_of(b), task.m, task.n, task.k, scalar<T>(task.alpha),
                              a.buffer->root(), a.offset + i * a.stride, a.ld, b.buffer->root(),
                              b.offset + i * b.stride, b.ld, scalar<T>(task.beta), c.buffer->root(),
                              c.offset + i * c.stride, c.ld, &native, event, workspace ? workspace->root() : nullptr);
    });
    task.c_written = true;
  }
}

template <class T>
void run_small_batch(GemmTask &task, Queue &queue, OutEvent out) {
  const GemmOperand &a = task.a, &b = task.b, &c = task.c;
  cl_command_queue native = queue.native();
  constexpr std::uint64_t most = 32768;  // some devices allow 65535 groups in the third dimension
  for (std::uint64_t first = 0; first < task.batch_count; first += most) {
    const std::uint64_t count = std::min(most, task.batch_count - first);
    const bool last = first + count == task.batch_count;
    put(task, queue, "clblast::GemmStridedBatched", nullptr, last ? out : nullptr, [&](cl_event *event) {
      return clblast::GemmStridedBatched<T>(
          clblast::Layout::kRowMajor, transpose_of(a), transpose_of(b), task.m, task.n, task.k, scalar<T>(task.alpha),
          a.buffer->root(), a.offset + first * a.stride, a.ld, a.stride, b.buffer->root(), b.offset + first * b.stride,
          b.ld, b.stride, scalar<T>(task.beta), c.buffer->root(), c.offset + first * c.stride, c.ld, c.stride, count,
          &native, event);
    });
    task.c_written = true;
  }
}

template <class T>
void run_typed(GemmTask &task, Queue &queue, OutEvent out) {
  if (task.batch_count == 1 || is_packed(task, KnownTunings::of(queue.context()).get(queue.device(), task.type)))
    run_products_one_by_one<T>(task, queue, out);
  else
    run_small_batch<T>(task, queue, out);
}

class ClblastBackend final : public GemmBackend {
 public:
  const char *name() const noexcept override { return "clblast"; }
  const char *merit() const noexcept override { return "tuned kernels for many devices"; }
  // Measured on NVIDIA's GPUs: simt is ahead at all sizes, and in f64 the matrix units are.
  bool steps_back(const GemmTask &task, const Device &device) const noexcept override {
    return !task.is_complex() && !task.is_double() && device.info().nvidia_compute_capability != 0;
  }
  const Tunable *tunable() const noexcept override { return &clblast_tunable; }

  std::string refusal(const GemmTask &task, Queue &queue) const override {
    Device &device = queue.device();
    if (!task.uniform() || task.type == DataType::bf16)
      return text("it has no kernels for ", name_of(task.a.type), " in and ", name_of(task.type), " out");
    if (task.type == DataType::f16) {
      if (device.capabilities().fp16 != Fp16::math || !device.has_extension("cl_khr_fp16"))
        return "the device has no f16 arithmetic";
      if (!is_exact_half(task.alpha) || !is_exact_half(task.beta))
        return "it takes alpha and beta as f16, which would round them";
    }
    if (task.is_double() && !device.has_extension("cl_khr_fp64")) return "the device does not offer cl_khr_fp64";
    constexpr std::uint64_t most = INT32_MAX;
    const std::pair<const char *, std::uint64_t> numbers[] = {{"m", task.m},
                                                              {"n", task.n},
                                                              {"k", task.k},
                                                              {"lda", task.a.ld},
                                                              {"ldb", task.b.ld},
                                                              {"ldc", task.c.ld},
                                                              {"the end of a", task.a.end},
                                                              {"the end of b", task.b.end},
                                                              {"the end of c", task.c.end},
                                                              {"the stride of a", task.a.stride},
                                                              {"the stride of b", task.b.stride},
                                                              {"the stride of c", task.c.stride}};
    for (const auto &[what, value] : numbers)
      if (value > most) return text("it indexes with 32 bits, and ", what, " is ", value);
    const Tuning tuning = KnownTunings::of(queue.context()).get(queue.device(), task.type);
    if (!tuning.refusal.empty()) return tuning.refusal;
    if (is_packed(task, tuning)) {
      const std::uint64_t elements = packed_elements(task, tuning), bytes = elements * size_of(task.type);
      if (elements > most) return text("it indexes with 32 bits, and its workspace has ", elements, " elements");
      if (bytes > device.info().max_allocation)
        return text("it needs a workspace of ", bytes, " bytes, the device allows ", device.info().max_allocation,
                    " in one buffer");
    }
    return {};
  }

  void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const override {
    guard_caches(queue.context());
    const SteadyParameters steady;
    if (waits.count) queue.barrier(waits, nullptr);
    // Where commands overtake each other, the event of a batch is that of a marker after all its parts.
    const bool several = task.batch_count > 1 && !queue.in_order();
    OutEvent last = several ? nullptr : out;
    switch (task.type) {
      case DataType::f16:
        run_typed<half>(task, queue, last);
        break;
      case DataType::f32:
        run_typed<float>(task, queue, last);
        break;
      case DataType::f64:
        run_typed<double>(task, queue, last);
        break;
      case DataType::c64:
        run_typed<std::complex<float>>(task, queue, last);
        break;
      default:
        run_typed<std::complex<double>>(task, queue, last);
    }
    if (several && out) queue.marker({}, out);
  }
};

}  // namespace

const GemmBackend &clblast_backend() {
  static const ClblastBackend backend;
  return backend;
}

}  // namespace gpucompute
