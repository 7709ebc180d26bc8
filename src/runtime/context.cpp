#include <gpucompute/context.hpp>
#include <gpucompute/platform.hpp>

#include <algorithm>

#include "profile/recorder.hpp"
#include "profile/trace_file.hpp"
#include "runtime/memory_guard.hpp"
#include "runtime/memory_pool.hpp"
#include "runtime/pinned_ranges.hpp"
#include "runtime/transfer.hpp"
#include "support/cl_check.hpp"
#include "support/log.hpp"

namespace gpucompute {

Context::Context(cl_context adopted, std::vector<std::shared_ptr<Device>> devices)
    : native_(adopted), devices_(std::move(devices)) {
  start_trace_from_environment();
  std::uint64_t memory = UINT64_MAX, alignment = 1;
  max_allocation_ = UINT64_MAX;
  for (const auto &device : devices_) {
    unified_memory_ = unified_memory_ && device->info().unified_memory;
    max_allocation_ = std::min(max_allocation_, device->info().max_allocation);
    memory = std::min(memory, device->info().global_memory);
    alignment = std::max<std::uint64_t>(alignment, device->info().slice_alignment);
  }
  pool_ = std::make_unique<MemoryPool>(native_, max_allocation_, memory,
                                       MemoryGuard::from_environment(native_, devices_.front()->native(), alignment));
  pinned_ = std::make_unique<PinnedRanges>();
  transfer_ = std::make_unique<TransferEngine>(*this);
}

std::shared_ptr<Context> Context::create(std::vector<std::shared_ptr<Device>> devices) {
  if (devices.empty()) devices.push_back(select_device(""));
  std::vector<cl_device_id> ids;
  for (const auto &device : devices) {
    if (&device->platform() != &devices.front()->platform())
      fail(Status::context_mismatch, "devices[", ids.size(), "] is of platform '", device->platform().info().name,
           "', devices[0] of '", devices.front()->platform().info().name, "': a context takes devices of one platform");
    if (std::find(ids.begin(), ids.end(), device->native()) != ids.end())
      fail(Status::invalid_argument, "devices[", ids.size(), "] is given twice");
    ids.push_back(device->native());
  }
  const cl_context_properties properties[] = {
      CL_CONTEXT_PLATFORM, reinterpret_cast<cl_context_properties>(devices.front()->platform().native()), 0};
  cl_int code = CL_SUCCESS;
  ClContext native(clCreateContext(properties, static_cast<cl_uint>(ids.size()), ids.data(), nullptr, nullptr, &code));
  cl_check(code, "clCreateContext", "creating a context");
  for (const auto &device : devices)
    log(LogLevel::debug, "a context on '", device->info().name, "', driver ", device->info().driver_version);
  std::unique_ptr<Context> context(new Context(native.get(), std::move(devices)));
  native.give();
  return context;
}

std::shared_ptr<Context> Context::wrap(cl_context native) {
  cl_uint count = 0;
  platforms();  // the devices below are looked up among them
  cl_check(clGetContextInfo(native, CL_CONTEXT_NUM_DEVICES, sizeof count, &count, nullptr), "clGetContextInfo");
  std::vector<cl_device_id> ids(count);
  cl_check(clGetContextInfo(native, CL_CONTEXT_DEVICES, count * sizeof(cl_device_id), ids.data(), nullptr),
           "clGetContextInfo");
  std::vector<std::shared_ptr<Device>> devices;
  for (cl_device_id id : ids) {
    try {
      devices.push_back(find_device(id));
    } catch (const Error &) {
      fail(Status::unsupported,
           "the cl_context has a device that no platform lists; contexts of sub-devices are not supported");
    }
  }
  ClContext shared = ClContext::share(native);
  std::unique_ptr<Context> context(new Context(shared.get(), std::move(devices)));
  shared.give();
  return context;
}

Context::~Context() {
  // Order matters: what holds objects of the cl_context goes before it.
  transfer_.reset();
  pool_.reset();
  attachments_.clear();
  if (!process_running()) return;
  if (profiling()) collect_all_profiles();
  if (auto hook = close_hook_.load()) hook();
  clReleaseContext(native_);
}

bool Context::has(const Device &device) const noexcept {
  return std::any_of(devices_.begin(), devices_.end(), [&](const auto &mine) { return mine.get() == &device; });
}

const std::shared_ptr<Device> &Context::device_or_first(const Device *device) const {
  if (!device) return devices_.front();
  for (const auto &mine : devices_)
    if (mine.get() == device) return mine;
  fail(Status::context_mismatch, "device '", device->info().name, "' is not in the context");
}

MemoryStatistics Context::memory() const { return pool_->statistics(); }
void Context::set_memory_limit(std::uint64_t bytes) { pool_->set_limit(bytes); }
std::uint64_t Context::trim() { return pool_->trim(); }
std::string Context::memory_report() const { return pool_->report(); }
void Context::on_close(void (*hook)() noexcept) noexcept { close_hook_.store(hook); }

std::shared_ptr<void> Context::attachment(const void *key, std::shared_ptr<void> (*make)()) {
  std::lock_guard<std::mutex> lock(attachments_mutex_);
  for (const auto &[known, state] : attachments_)
    if (known == key) return state;
  attachments_.emplace_back(key, make());
  return attachments_.back().second;
}

}  // namespace gpucompute
