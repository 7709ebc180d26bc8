// The CPU kernels of a context: built on first use, and kept ready, because for a small product making a cl_kernel
// takes as long as the product.
#pragma once

#include <gpucompute/context.hpp>

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "gemm/cpu_tuning.hpp"
#include "gemm/gemm_task.hpp"
#include "support/cl_handle.hpp"

namespace gpucompute {

// gemv_column: C is one column; gemv_row: C is one row.
enum class CpuKernel { packed, direct, direct_trans, gemv_column, gemv_row };

// The types in memory, and of the arithmetic.
struct CpuTypes {
  DataType a, b, c;
  bool is_complex, is_double;

  explicit CpuTypes(const GemmTask &task)
      : a(task.a.type), b(task.b.type), c(task.c.type), is_complex(task.is_complex()), is_double(task.is_double()) {}

  std::size_t real_bytes() const noexcept { return is_double ? 8 : 4; }
  // Numbers of an element as the kernels count: two for a complex one.
  int parts() const noexcept { return is_complex ? 2 : 1; }
  static bool is_narrow(DataType type) noexcept { return type == DataType::f16 || type == DataType::bf16; }
};

class CpuKernels {
 public:
  static CpuKernels &of(Context &context);

  struct Key {
    CpuKernel kernel;
    DataType a, b, c;
    int vector_bytes, rows, rows_mid, rows_low, vectors;

    bool operator<(const Key &other) const {
      const auto all = [](const Key &k) {
        return std::tie(k.kernel, k.a, k.b, k.c, k.vector_bytes, k.rows, k.rows_mid, k.rows_low, k.vectors);
      };
      return all(*this) < all(other);
    }
  };

  // For one launch: nobody else has it meanwhile, and it goes back when the lease ends.
  class Lease {
   public:
    Lease(CpuKernels &all, const Key &key, ClKernel kernel) : all_(all), key_(key), kernel_(std::move(kernel)) {}
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;
    ~Lease();
    cl_kernel get() const noexcept { return kernel_.get(); }

   private:
    CpuKernels &all_;
    Key key_;
    ClKernel kernel_;
  };

  Lease lease(Context &context, CpuKernel kernel, const CpuTypes &types, const CpuTuning &tuning);

 private:
  struct Built {
    ClProgram program;
    std::vector<ClKernel> idle;
  };
  std::mutex mutex_;
  std::map<Key, Built> built_;
};

}  // namespace gpucompute
