// Tuning: what is fast for matrix products on a device is measured there, on request, and kept in a table of the
// user's.
#pragma once

#include <gpucompute/queue.hpp>
#include <gpucompute/types.hpp>

#include <cstdint>
#include <string>

namespace gpucompute {

struct TuneOptions {
  DataType type = DataType::none;  // of A; none: f32, f64, f16 and bf16, as far as the device computes them
  std::string backend;             // "": all that have parameters, and then the choice among all
  double seconds = 60;             // after which no new measurement starts; what is known by then is kept
  std::int64_t max_size = 2048;    // of the matrices, which are square
};

// Measures, stores what it finds in the user's table, and puts it in force in the queue's context. Contexts that are
// made later read the table; others that exist go on as they are. The device should have nothing else to do. Nothing
// that is stored changes a result beyond the order of sums: each candidate is compared with the plain kernel first.
// Throws Error(invalid_argument, not_found, unsupported, invalid_state, file, ...).
void tune(Queue &queue, const TuneOptions &options);

// What the user's table has for a device, as JSON; without a table, an empty one.
std::string tuning_json(const Device &device);
// Empties it for a device; true if anything was measured there. Throws as tune() does.
bool reset_tuning(const Device &device);
// Where the table is; "" where it is not in use: GPUC_TUNING is 0, or nothing names a directory.
std::string tuning_directory();

}  // namespace gpucompute
