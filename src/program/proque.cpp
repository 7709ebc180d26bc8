#include <gpucompute/proque.hpp>

#include "support/checked_math.hpp"
#include "support/file.hpp"

namespace gpucompute {
namespace {

std::shared_ptr<Context> context_for(const ProQueOptions &options) {
  if (!options.device_filter.empty() && (options.device || options.context))
    fail(Status::invalid_argument, "device_filter is given together with ", options.device ? "device" : "context",
         "; give one of them");
  if (options.context) return options.context;
  return Context::create({options.device ? options.device : select_device(options.device_filter)});
}

}  // namespace

std::shared_ptr<ProQue> ProQue::create(const ProQueOptions &options) {
  if (options.source.empty() == options.source_file.empty())
    fail(Status::invalid_argument,
         options.source.empty() ? "neither source nor source_file is given" : "source and source_file are both given",
         "; give one of them");
  const auto context = context_for(options);
  const auto queue = Queue::create(*context, options.device.get(), options.queue_flags);
  ProgramDescription description;
  description.sources.push_back(options.source_file.empty()
                                    ? SourceText{"source", options.source}
                                    : SourceText{options.source_file, read_file(options.source_file)});
  description.options = options.options;
  description.defines = options.defines;
  std::shared_ptr<ProQue> proque(new ProQue(queue, Program::create(*context, description)));
  if (!options.dims.empty()) proque->set_dims(options.dims);
  return proque;
}

void ProQue::set_dims(std::vector<std::size_t> dims) {
  if (dims.size() > 3) fail(Status::invalid_argument, "dims is ", dims.size(), ", must be 0 to 3");
  std::size_t count = 1;
  for (std::size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 0) fail(Status::invalid_argument, "size[", d, "] is 0, must be more");
    count = checked_multiply(count, dims[d], "the product of the default dimensions");
  }
  std::lock_guard<std::mutex> lock(mutex_);
  dims_ = std::move(dims);
}

std::vector<std::size_t> ProQue::dims() const {
  std::lock_guard<std::mutex> lock(mutex_);
  if (dims_.empty())
    fail(Status::invalid_state,
         "the ProQue has no default dimensions; set them with gpuc_proque_set_dims or in its options");
  return dims_;
}

std::shared_ptr<Buffer> ProQue::create_buffer(DataType type) {
  if (size_of(type) == 0)
    fail(Status::invalid_argument, "type is ", static_cast<int>(type), ", which is not an element type");
  std::size_t bytes = size_of(type);
  for (std::size_t size : dims()) bytes = checked_multiply(bytes, size, "the size of the buffer");
  auto buffer = Buffer::create(context(), bytes);
  const unsigned char zero = 0;
  buffer->fill(queue(), &zero, 1, 0, bytes, {}, nullptr);
  return buffer;
}

std::shared_ptr<Kernel> ProQue::kernel(const std::string &name) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = kernels_.find(name);
  if (found != kernels_.end()) return found->second;
  return kernels_.emplace(name, program_->kernel(name)).first->second;
}

void ProQue::launch(const std::string &name, const Argument *arguments, std::size_t count, Waits waits, OutEvent out) {
  const std::vector<std::size_t> sizes = dims();
  LaunchSize size;
  size.dims = static_cast<std::uint32_t>(sizes.size());
  for (std::size_t d = 0; d < sizes.size(); ++d) size.global[d] = sizes[d];
  kernel(name)->launch(queue(), size, arguments, count, waits, out);
}

}  // namespace gpucompute
