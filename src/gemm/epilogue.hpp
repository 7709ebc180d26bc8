// The epilogue of a product as a pass of its own, for backends that do not do it while they store.
#pragma once

#include "gemm/gemm_task.hpp"

namespace gpucompute {

// The product without the epilogue, as f32 (f64): tightly packed, for a workspace that is still to be bound to c.
GemmTask product_alone(const GemmTask &task);

// In a workspace, as product_alone() has it: one, or parts to be added up, one after the other.
struct StoredProduct {
  Buffer *buffer;  // null: zeros
  std::uint64_t parts;
};

// C = scale * activation(product + beta * C + bias) + residual.
void enqueue_epilogue(const GemmTask &task, const StoredProduct &product, Queue &queue, Waits waits, OutEvent out);

}  // namespace gpucompute
