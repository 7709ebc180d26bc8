// What a backend has to say to be tuned: which parameters it has, what may be tried, and how they are put in place.
#pragma once

#include <gpucompute/context.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gemm/tuning_table.hpp"

namespace gpucompute {

// Settings to try, each for some of the parameters, on squares of this size.
struct TuningAxis {
  const char *what;
  std::vector<std::uint64_t> sizes;
  std::vector<TuningValues> settings;
};

// Types are those that sums are in: f32 also stands for f16, bf16 and c64, f64 for c128, unless the backend says more.
class Tunable {
 public:
  // Whether it has parameters for the type.
  virtual bool tunes(DataType type, const Device &device) const = 0;
  // All parameters as they are now.
  virtual TuningValues current(Context &context, const Device &device, DataType type) const = 0;
  virtual std::vector<TuningAxis> axes(DataType type, const Device &device) const = 0;
  // Why the values cannot serve the device, or "": whatever a table holds is asked for here before it is used.
  virtual std::string refusal(const TuningValues &values, DataType type, const Device &device) const = 0;
  // Products in the context use them from now on. The values were not refused.
  virtual void use(const TuningValues &values, DataType type, Context &context, const Device &device) const = 0;

 protected:
  ~Tunable() = default;
};

// The parameters that a context uses in place of a backend's own, by device and type.
template <class Parameters>
class TunedParameters {
 public:
  static TunedParameters &of(Context &context) {
    static const char key = 0;
    return *static_cast<TunedParameters *>(
        context.attachment(&key, [] { return std::static_pointer_cast<void>(std::make_shared<TunedParameters>()); })
            .get());
  }
  Parameters get(const Device &device, DataType type, const Parameters &otherwise) {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = known_.find({&device, type});
    return found == known_.end() ? otherwise : found->second;
  }
  void put(const Device &device, DataType type, const Parameters &parameters) {
    std::lock_guard<std::mutex> lock(mutex_);
    known_[{&device, type}] = parameters;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<const Device *, DataType>, Parameters> known_;
};

// A value by name, or another where there is none of it.
inline std::int64_t value_of(const TuningValues &values, const char *name, std::int64_t otherwise) {
  const auto found = values.find(name);
  return found == values.end() ? otherwise : found->second;
}

// The name of one that is not in `known`, or "".
inline std::string unknown_name(const TuningValues &values, const TuningValues &known) {
  for (const auto &value : values)
    if (!known.count(value.first)) return value.first;
  return {};
}

}  // namespace gpucompute
