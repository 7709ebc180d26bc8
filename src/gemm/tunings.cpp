#include "gemm/tunings.hpp"

#include "gemm/shipped_tuning.hpp"
#include "gemm/tuning_store.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

const GemmBackend *backend_named(const std::string &name) {
  for (const GemmBackend *backend : gemm_backends())
    if (name == backend->name()) return backend;
  return nullptr;
}

// Why parameters from a table cannot be used, or "".
std::string refusal_of(const TunedValues &tuned, const Device &device) {
  const GemmBackend *backend = backend_named(tuned.backend);
  const Tunable *tunable = backend ? backend->tunable() : nullptr;
  if (!tunable) return "there is no such backend with parameters";
  if (!tunable->tunes(tuned.type, device)) return "it has no parameters for the type";
  return tunable->refusal(tuned.values, tuned.type, device);
}

std::shared_ptr<Tunings> attached(Context &context) {
  static const char key = 0;
  return std::static_pointer_cast<Tunings>(
      context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<Tunings>()); }));
}

}  // namespace

Tunings &Tunings::of(Context &context) {
  Tunings &tunings = *attached(context);  // the context keeps it, and the caller keeps the context
  std::call_once(tunings.loaded_, [&] {
    for (const auto &device : context.devices())
      tunings.adopt(context, *device, load_tuning(*device).value_or(DeviceTuning{}));
  });
  return tunings;
}

void Tunings::keep_out(Context &context) {
  std::call_once(attached(context)->loaded_, [] {});
}

void Tunings::adopt(Context &context, const Device &device, const DeviceTuning &of_user) {
  DeviceTuning tuning = shipped_tuning(device.info().name).value_or(DeviceTuning{});
  tuning.replace_types(of_user);
  for (const TunedValues &tuned : tuning.values) {
    const std::string refusal = refusal_of(tuned, device);
    if (refusal.empty())
      backend_named(tuned.backend)->tunable()->use(tuned.values, tuned.type, context, device);
    else
      log(LogLevel::warning, "gemm: parameters of '", tuned.backend, "' for ", name_of(tuned.type), " on '",
          device.info().name, "' are not used: ", refusal);
  }
  Choices choices;
  for (const TunedChoice &choice : tuning.choices)
    if (const GemmBackend *backend = backend_named(choice.backend)) choices.emplace(choice.products, backend);
  std::lock_guard<std::mutex> lock(mutex_);
  choices_[&device] = std::move(choices);
  bool any = false;
  for (const auto &of_device : choices_) any = any || !of_device.second.empty();
  any_choices_.store(any, std::memory_order_release);
}

const GemmBackend *Tunings::preferred(const GemmTask &task, const Device &device) const {
  if (!any_choices_.load(std::memory_order_acquire)) return nullptr;
  const auto products = ProductClass::of(task);
  if (!products) return nullptr;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto of_device = choices_.find(&device);
  if (of_device == choices_.end()) return nullptr;
  const auto found = of_device->second.find(*products);
  return found == of_device->second.end() ? nullptr : found->second;
}

}  // namespace gpucompute
