// What the CPU kernels are built with and how work is cut for them, per kind of device. Data: a tuner may put its own.
#pragma once

#include <gpucompute/context.hpp>
#include <gpucompute/device.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "gemm/tunable.hpp"

namespace gpucompute {

struct CpuTuning {
  int vector_bytes = 16;
  // A tile of C in registers: rows x vectors, and the smaller heights for the edges.
  int rows = 8, rows_mid = 4, rows_low = 2, vectors = 2;
  int depth_bytes = 1024;        // of k in a slab, as bytes of a row of A
  int block_bytes = 1 << 20;     // of B, packed; less where the device has less local memory
  int unit_rows = 4096;          // a unit of work has no more rows of C than this, if there are enough
  int panels_ahead = 4;          // panels of a transposed A that are packed at once
  std::int64_t direct_work = 0;  // m * n * k up to which nothing is packed
  std::int64_t alone_work = 0;   // m * n * k up to which one thread is faster than waking a second
};

// The entry for a device. Vector and registers are those of the device at hand, not of the machine that built the
// library.
const CpuTuning &cpu_tuning(const Device &device) noexcept;

// All entries, for the tests: each is right on every device, if not fast.
std::vector<CpuTuning> cpu_tuning_table();

// The one that is used in a context for sums in a type (f32 or f64): what was put for it, or the entry of the table.
CpuTuning cpu_tuning(Context &context, const Device &device, bool is_double);
void put_cpu_tuning(Context &context, const Device &device, bool is_double, const CpuTuning &tuning);

// Tiles that the kernels can be built with for vectors of so many bytes: packing moves whole, half and three quarter
// vectors.
std::string cpu_tile_refusal(const CpuTuning &tuning);

const Tunable &cpu_tunable();

}  // namespace gpucompute
