// The reader of tuning tables: any text. What it takes comes back the same.
#include <sstream>

#include "fuzz_input.hpp"
#include "gemm/tuning_table.hpp"

using namespace gpucompute;

extern "C" int LLVMFuzzerInitialize(int *, char ***) { return 0; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char *>(data), size);
  std::string why;
  const auto tuning = parse_tuning(json, why);
  fuzz::require(tuning.has_value() == why.empty(), "a refusal without a reason, or a reason without a refusal");
  if (!tuning) return 0;
  for (const TunedValues &tuned : tuning->values) {
    fuzz::require(!tuned.backend.empty() && tuned.type != DataType::none, "values of nothing");
    fuzz::require(tuned.gain_percent > 0, "a gain that is none");
    for (const auto &value : tuned.values) fuzz::require(value.second >= 0, "a negative value");
  }
  for (const TunedChoice &choice : tuning->choices)
    fuzz::require(!choice.backend.empty() && choice.products.size_log2 >= 0 && choice.products.size_log2 <= 40,
                  "a choice of nothing");
  const std::string written = to_json(*tuning);
  const auto again = parse_tuning(written, why);
  fuzz::require(again && to_json(*again) == written, "a table that does not come back");
  return 0;
}
