// What was measured to be fast on a device: parameters of kernels, and which backend serves which products best. Data,
// and its form as JSON. It decides how fast results come, never whether they are right.
#pragma once

#include <gpucompute/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemm/gemm_task.hpp"

namespace gpucompute {

// Parameters by name.
using TuningValues = std::map<std::string, std::int64_t>;

// Of one backend's kernels for one type that sums are in.
struct TunedValues {
  std::string backend;
  DataType type = DataType::none;
  TuningValues values;
  int gain_percent = 100;  // 110: what took 1.1 s takes 1 s
};

// Products that are alike in what makes a backend fast: types, transposes, and m * n * k to the nearest power of two of
// its cube root.
struct ProductClass {
  DataType a = DataType::none, b = DataType::none, c = DataType::none;
  Compute compute = Compute::standard;
  bool a_transposed = false, b_transposed = false;
  int size_log2 = 0;

  // Nothing for what squares say little about: batches, groups, and products of which a side is short, or much shorter
  // than another.
  static std::optional<ProductClass> of(const GemmTask &task) noexcept;
  friend bool operator<(const ProductClass &x, const ProductClass &y) noexcept;
  friend bool operator==(const ProductClass &x, const ProductClass &y) noexcept { return !(x < y) && !(y < x); }
};

struct TunedChoice {
  ProductClass products;
  std::string backend;
  int gain_percent = 100;
};

struct DeviceTuning {
  std::string device;  // its name, for people
  std::string date;    // year-month-day
  std::vector<TunedValues> values;
  std::vector<TunedChoice> choices;

  bool empty() const noexcept { return values.empty() && choices.empty(); }
  const TunedValues *find(const std::string &backend, DataType type) const noexcept;
  const TunedChoice *find(const ProductClass &products) const noexcept;
  // In place of what is there for the same.
  void put(TunedValues tuned);
  void put(TunedChoice choice);
  void drop(const ProductClass &products);
  // Forgets what is there for a backend ("": all) and type (none: all): values, and choices among all backends.
  void forget(const std::string &backend, DataType type);
  // What the other has of a type takes the place of all that is there of it.
  void replace_types(const DeviceTuning &other);
};

// One object of JSON.
std::string to_json(const DeviceTuning &tuning);
// Nothing, and why, for what is no table of this version. Whether a backend takes the values is not looked at.
std::optional<DeviceTuning> parse_tuning(std::string_view json, std::string &why);

}  // namespace gpucompute
