#include "gemm/gemm_backend.hpp"

namespace gpucompute {

const std::vector<const GemmBackend *> &gemm_backends() {
  // Never destroyed: threads that outlive main() may still be in here.
  static const auto *const in_order_of_preference = new std::vector<const GemmBackend *>{
      &nvidia_wgmma_backend(), &nvidia_mma_backend(),   &nvidia_tma_backend(),
      &nvidia_dmma_backend(),  &nvidia_sgemm_backend(), &cpu_backend(),
#ifdef GPUCOMPUTE_CLBLAST
      &clblast_backend(),
#endif
      &simt_backend(),         &reference_backend(),
  };
  return *in_order_of_preference;
}

std::string type_refusal(const GemmTask &task, Queue &queue) {
  const Capabilities &can = queue.device().capabilities();
  if (task.is_double() && !can.fp64) return "the device has no f64 arithmetic";
  const bool f16 = task.a.type == DataType::f16 || task.type == DataType::f16 || task.a.type == DataType::f8e5m2 ||
                   task.b.type == DataType::f8e5m2;  // which is read as the upper half of an f16
  if (f16 && can.fp16 == Fp16::none) return "the device cannot convert f16";
  return {};
}

}  // namespace gpucompute
