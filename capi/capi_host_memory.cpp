#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_host_memory_create(gpuc_context *context, size_t size_bytes, gpuc_host_memory **out_memory) {
  clear_out(out_memory);
  return guard([&] {
    gpuc_host_memory *&out = need_out(out_memory, "out_memory");
    out = give_new<gpuc_host_memory>(HostMemory::create(*Pinned(context, "context"), size_bytes));
  });
}

gpuc_status gpuc_host_memory_get(gpuc_host_memory *memory, void **out_pointer, size_t *out_size_bytes) {
  clear_out(out_pointer);
  return guard([&] {
    need(out_pointer, "out_pointer") = nullptr;
    const Pinned memory_(memory, "memory");
    *out_pointer = memory_->pointer();
    if (out_size_bytes) *out_size_bytes = memory_->size();
  });
}

gpuc_status gpuc_host_memory_retain(gpuc_host_memory *memory) {
  return guard([&] { retain(memory); });
}
void gpuc_host_memory_release(gpuc_host_memory *memory) { release(memory); }
