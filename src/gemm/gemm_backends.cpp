#include "gemm/gemm_backend.hpp"

namespace gpucompute {

const std::vector<const GemmBackend *> &gemm_backends() {
  // Never destroyed: threads that outlive main() may still be in here.
  static const auto *const in_order_of_preference = new std::vector<const GemmBackend *>{
#ifdef GPUCOMPUTE_CLBLAST
      &clblast_backend(),
#endif
      &reference_backend(),
  };
  return *in_order_of_preference;
}

std::string type_refusal(const GemmTask &task, Queue &queue) {
  const Capabilities &can = queue.device().capabilities();
  if (task.is_double() && !can.fp64) return "the device has no f64 arithmetic";
  if (task.type == DataType::f16 && can.fp16 == Fp16::none) return "the device cannot convert f16";
  return {};
}

}  // namespace gpucompute
