// What computes a GEMM. To add one: derive from GemmBackend, and give it its place in gemm_backends().
#pragma once

#include <gpucompute/error.hpp>
#include <gpucompute/queue.hpp>

#include <string>
#include <vector>

#include "gemm/gemm_task.hpp"
#include "gemm/tunable.hpp"

namespace gpucompute {

// Backends are stateless and never destroyed: what one keeps with a context is an attachment of the context.
class GemmBackend {
 public:
  virtual const char *name() const noexcept = 0;
  // Completes "chosen: ..." and "not needed: ...".
  virtual const char *merit() const noexcept = 0;
  // Why it cannot serve the task on the queue's device, or "". Asked on every call: cheap. The buffers may be missing.
  virtual std::string refusal(const GemmTask &task, Queue &queue) const = 0;
  // Whether another backend that serves the task is likely to be faster there, although this one comes before it.
  virtual bool steps_back(const GemmTask &, const Device &) const noexcept { return false; }
  // Whether it does the epilogue of such a task, or takes groups, by itself. What it does not do the planner does
  // around it: products into a workspace and a pass over them, one product for each group.
  virtual bool does_epilogue(const GemmTask &) const noexcept { return false; }
  virtual bool takes_groups() const noexcept { return false; }
  // Whether it shares out a long k among units where C has few elements; if not, the planner does.
  virtual bool cuts_k() const noexcept { return false; }
  // Its parameters, where it has any that a device may want otherwise.
  virtual const Tunable *tunable() const noexcept { return nullptr; }
  // Puts the product on the queue. The task has something to compute and was not refused. Sets task.c_written before
  // the first command that writes C, so that a failure before it can be made good by another backend.
  virtual void run(GemmTask &task, Queue &queue, Waits waits, OutEvent out) const = 0;

 protected:
  ~GemmBackend() = default;  // trivial, so that exit() leaves the static instances alone
};

// In order of preference.
const std::vector<const GemmBackend *> &gemm_backends();

const GemmBackend &nvidia_wgmma_backend();
const GemmBackend &nvidia_mma_backend();
const GemmBackend &nvidia_tma_backend();
const GemmBackend &nvidia_dmma_backend();
const GemmBackend &nvidia_sgemm_backend();
const GemmBackend &simt_backend();
const GemmBackend &cpu_backend();
const GemmBackend &clblast_backend();  // where it is compiled in
const GemmBackend &reference_backend();

// Whether a failure lies in the backend and its driver, not in the problem, the process or the device.
bool another_may_succeed(const Error &error);

// C = beta * C, for what is left of a product when alpha or k is 0. Every device that can store the type can do it.
void scale_c(const GemmTask &task, Queue &queue, Waits waits, OutEvent out);

// Why the device cannot compute in the type at all, or "".
std::string type_refusal(const GemmTask &task, Queue &queue);

}  // namespace gpucompute
