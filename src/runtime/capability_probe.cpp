#include "runtime/capability_probe.hpp"

#include <gpucompute/platform.hpp>

#include <cstring>

#include "runtime/cache.hpp"
#include "runtime/quirks.hpp"
#include "support/cl_check.hpp"
#include "support/cl_handle.hpp"
#include "support/sha256.hpp"

namespace gpucompute {
namespace {

// Each kernel reads in[0] and writes one number that shows that the arithmetic took place.
constexpr const char *half_storage =
    "kernel void probe(global float *in, global float *out) {\n"
    "  global half *h = (global half *)(out + 1);\n"
    "  vstore_half(in[0], 0, h); out[0] = vload_half(0, h) + 1.0f;\n}\n";
constexpr const char *half_arithmetic =
    "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n"
    "kernel void probe(global float *in, global float *out) {\n"
    "  half x = (half)in[0]; x = x * x - x; out[0] = (float)x;\n}\n";  // 3 * 3 - 3 = 6
constexpr const char *half_math =
    "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n"
    "kernel void probe(global float *in, global float *out) {\n"
    "  half x = (half)(in[0] + 1.0f); out[0] = (float)(fma(x, x, sqrt(x)) + exp(x - x));\n}\n";  // 16 + 2 + 1
constexpr const char *double_arithmetic =
    "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n"
    "kernel void probe(global float *in, global float *out) {\n"
    "  double x = 1.0 + (double)in[0] * 0x1p-40; out[0] = (float)((x - 1.0) * 0x1p40);\n}\n";  // 3 unless rounded to
                                                                                               // float
constexpr const char *int64_atomics =
    "#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable\n"
    "kernel void probe(global float *in, global float *out) {\n"
    "  global ulong *n = (global ulong *)(out + 2); *n = (ulong)in[0] << 33; atom_add(n, 1UL << 33);\n"
    "  out[0] = (float)(*n >> 33);\n}\n";  // 4
constexpr const char *sub_groups =
    "#pragma OPENCL EXTENSION cl_khr_subgroups : enable\n"
    "kernel void probe(global float *in, global float *out) {\n"
    "  out[0] = in[0] + (float)sub_group_reduce_add(1);\n}\n";  // 4: one work-item
constexpr const char *inline_ptx =
    "kernel void probe(global float *in, global float *out) {\n"
    "  float y; asm volatile(\"add.f32 %0, %1, %1;\" : \"=f\"(y) : \"f\"(in[0])); out[0] = y;\n}\n";  // 6

class Prober {
 public:
  explicit Prober(const Device &device) : device_(device) {
    cl_device_id id = device.native();
    cl_int code = CL_SUCCESS;
    context_ = ClContext(clCreateContext(nullptr, 1, &id, nullptr, nullptr, &code));
    cl_check(code, "clCreateContext", doing);
    queue_ = ClQueue(clCreateCommandQueue(context_.get(), id, 0, &code));
    cl_check(code, "clCreateCommandQueue", doing);
    float in[4] = {3, 0, 0, 0};
    in_ = ClMem(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE | CL_MEM_COPY_HOST_PTR, sizeof in, in, &code));
    cl_check(code, "clCreateBuffer", doing);
    out_ = ClMem(clCreateBuffer(context_.get(), CL_MEM_READ_WRITE, 64, nullptr, &code));
    cl_check(code, "clCreateBuffer", doing);
  }

  // A call failed for want of memory or of the device: what was found says nothing of another time.
  bool is_doubtful() const noexcept { return doubtful_; }

  bool gives(const char *source, float expected, const char *options = "") const {
    cl_int code = CL_SUCCESS;
    ClProgram program(clCreateProgramWithSource(context_.get(), 1, &source, nullptr, &code));
    cl_device_id id = device_.native();
    if (!works(code) || !works(clBuildProgram(program.get(), 1, &id, options, nullptr, nullptr))) return false;
    ClKernel kernel(clCreateKernel(program.get(), "probe", &code));
    if (!works(code)) return false;
    cl_mem in = in_.get(), out = out_.get();
    const std::size_t one = 1;
    const float poison = -1;
    float result = poison;
    return works(clSetKernelArg(kernel.get(), 0, sizeof in, &in)) &&
           works(clSetKernelArg(kernel.get(), 1, sizeof out, &out)) &&
           works(clEnqueueWriteBuffer(queue_.get(), out, CL_TRUE, 0, sizeof poison, &poison, 0, nullptr, nullptr)) &&
           works(clEnqueueNDRangeKernel(queue_.get(), kernel.get(), 1, nullptr, &one, &one, 0, nullptr, nullptr)) &&
           works(clEnqueueReadBuffer(queue_.get(), out, CL_TRUE, 0, sizeof result, &result, 0, nullptr, nullptr)) &&
           result == expected;
  }

 private:
  static constexpr const char *doing = "finding out what a device can do";

  bool works(cl_int code) const noexcept {
    switch (code) {
      case CL_OUT_OF_HOST_MEMORY:
      case CL_OUT_OF_RESOURCES:
      case CL_MEM_OBJECT_ALLOCATION_FAILURE:
      case CL_DEVICE_NOT_AVAILABLE:
      case CL_INVALID_COMMAND_QUEUE:
        doubtful_ = true;
    }
    return code == CL_SUCCESS;
  }

  const Device &device_;
  ClContext context_;
  ClQueue queue_;
  ClMem in_, out_;
  mutable bool doubtful_ = false;
};

Capabilities probe(const Device &device, bool &doubtful) {
  Capabilities found;
  const Quirks &quirks = quirks_of(device);
  // A checker reports what the probes try as faults of the program, and a weak compiler may not survive them, so its
  // word is taken.
  if (quirks.checker || quirks.aborts_on_probes) {
    found.fp16 = device.has_extension("cl_khr_fp16") ? Fp16::math : Fp16::storage;
    found.fp64 = device.has_extension("cl_khr_fp64");
    found.int64_atomics = device.has_extension("cl_khr_int64_base_atomics");
    found.sub_groups = device.has_extension("cl_khr_subgroups");
    return found;
  }
  // Elsewhere the extensions are no more than a hint: NVIDIA does not name half arithmetic and has it.
  const auto worth_trying = [&](const char *extension) {
    return !quirks.noisy_compiler || device.has_extension(extension);
  };
  const Prober prober(device);
  if (prober.gives(half_storage, 4)) {
    found.fp16 = Fp16::storage;
    if (worth_trying("cl_khr_fp16") && prober.gives(half_arithmetic, 6))
      found.fp16 = prober.gives(half_math, 19) ? Fp16::math : Fp16::arithmetic;
  }
  found.fp64 = worth_trying("cl_khr_fp64") && prober.gives(double_arithmetic, 3);
  found.int64_atomics = worth_trying("cl_khr_int64_base_atomics") && prober.gives(int64_atomics, 4);
  // Where only OpenCL C 2.0 and later declare the functions, the default language version would hide them.
  if (worth_trying("cl_khr_subgroups"))
    found.sub_groups = prober.gives(sub_groups, 4) ||
                       (device.info().opencl_c_version >= 300 && prober.gives(sub_groups, 4, "-cl-std=CL3.0")) ||
                       (device.info().opencl_c_version >= 200 && prober.gives(sub_groups, 4, "-cl-std=CL2.0"));
  // Another vendor's compiler may end the process over an instruction that it does not know, so PTX is tried on
  // NVIDIA's only.
  found.inline_ptx = device.has_extension("cl_nv_compiler_options") && prober.gives(inline_ptx, 6);
  std::size_t size = 0;
  found.spirv = device.has_extension("cl_khr_il_program") ||
                (clGetDeviceInfo(device.native(), CL_DEVICE_IL_VERSION, 0, nullptr, &size) == CL_SUCCESS && size > 1);
  doubtful = prober.is_doubtful();
  return found;
}

// What is stored: a version, then one byte a capability.
constexpr unsigned char format = 1;
constexpr std::size_t record_size = 7;

}  // namespace

std::string capabilities_cache_key(const std::string &library_version, const PlatformInfo &platform,
                                   const DeviceInfo &device) {
  Sha256 hash;
  hash.field("capabilities 3");
  for (const std::string *part : {&library_version, &platform.name, &platform.version, &device.name, &device.vendor,
                                  &device.version, &device.c_version, &device.driver_version, &device.extensions})
    hash.field(*part);
  return hash.hex();
}

Capabilities probe_capabilities(const Device &device, bool &was_probed) {
  const std::string key = capabilities_cache_key(GPUCOMPUTE_VERSION, device.platform().info(), device.info());

  DiskCache &cache = disk_cache();
  if (const auto record = cache.get(key);
      record && record->size() == record_size && (*record)[0] == format && (*record)[1] <= 3) {
    const auto &r = *record;
    return {static_cast<Fp16>(r[1]), r[2] != 0, r[3] != 0, r[4] != 0, r[5] != 0, r[6] != 0};
  }
  bool doubtful = false;
  const Capabilities found = probe(device, doubtful);
  was_probed = true;
  if (doubtful) return found;
  const unsigned char record[record_size] = {format,           static_cast<unsigned char>(found.fp16),
                                             found.fp64,       found.int64_atomics,
                                             found.sub_groups, found.inline_ptx,
                                             found.spirv};
  cache.put(key, record, sizeof record);
  return found;
}

}  // namespace gpucompute
