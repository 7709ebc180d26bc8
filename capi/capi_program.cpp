#include "args.hpp"
#include "runtime/cache.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

namespace {

constexpr std::size_t first_desc_size = 96;

std::vector<SourceText> texts_in(const gpuc_text *texts, std::size_t count, const char *argument,
                                 const char *default_name) {
  if (count) need(texts, argument);
  std::vector<SourceText> result;
  for (std::size_t i = 0; i < count; ++i) {
    need(texts[i].text, "the text of a source or header");
    std::string name = optional_text(texts[i].name);
    if (name.empty() && default_name) name = count == 1 ? default_name : text(default_name, i);
    result.push_back({std::move(name), text_in(texts[i].text, texts[i].size_bytes, "the text of a source or header")});
  }
  return result;
}

std::vector<unsigned char> binary_in(const void *data, std::size_t size, const char *argument) {
  if (size == 0) return {};
  const auto *bytes = &need(static_cast<const unsigned char *>(data), argument);
  return std::vector<unsigned char>(bytes, bytes + size);
}

}  // namespace

gpuc_status gpuc_program_desc_init(gpuc_program_desc *desc, size_t struct_size) {
  return guard([&] { init_struct(desc, struct_size, first_desc_size, gpuc_program_desc{}, "desc"); });
}

gpuc_status gpuc_program_create(gpuc_context *context, const gpuc_program_desc *desc, gpuc_program **out_program) {
  clear_out(out_program);
  return guard([&] {
    gpuc_program *&out = need_out(out_program, "out_program");
    const Pinned context_(context, "context");
    const gpuc_program_desc d = read_struct(desc, first_desc_size, gpuc_program_desc{}, "desc", GPUC_PROGRAM_NO_CACHE);
    ProgramDescription description;
    description.sources = texts_in(d.sources, d.source_count, "desc->sources", "source");
    description.headers = texts_in(d.headers, d.header_count, "desc->headers", nullptr);
    description.binary = binary_in(d.binary, d.binary_size_bytes, "desc->binary");
    description.spirv = binary_in(d.spirv, d.spirv_size_bytes, "desc->spirv");
    description.defines = defines_in(d.defines, d.define_count);
    description.options = optional_text(d.options);
    description.use_cache = !(d.flags & GPUC_PROGRAM_NO_CACHE);
    out = give_new<gpuc_program>(Program::create(*context_, description));
  });
}

gpuc_status gpuc_program_create_from_source(gpuc_context *context, const char *source, size_t size_bytes,
                                            const char *options, gpuc_program **out_program) {
  clear_out(out_program);
  return guard([&] {
    gpuc_program *&out = need_out(out_program, "out_program");
    const Pinned context_(context, "context");
    need(source, "source");
    ProgramDescription description;
    description.sources.push_back({"source", text_in(source, size_bytes, "source")});
    if (description.sources.front().text.empty()) fail(Status::invalid_argument, "source is empty, must be OpenCL C");
    description.options = optional_text(options);
    out = give_new<gpuc_program>(Program::create(*context_, description));
  });
}

gpuc_status gpuc_program_get_build_log(gpuc_program *program, gpuc_device *device, char *buf, size_t capacity,
                                       size_t *out_needed) {
  return guard([&] {
    const Pinned program_(program, "program");
    const Pinned device_ = pin_optional(device, "device");
    text_out(program_->build_log(device_.get()), buf, capacity, out_needed);
  });
}

gpuc_status gpuc_program_get_binary(gpuc_program *program, gpuc_device *device, void *buf, size_t capacity,
                                    size_t *out_needed) {
  return guard([&] {
    const Pinned program_(program, "program");
    const Pinned device_ = pin_optional(device, "device");
    const std::vector<unsigned char> binary = program_->binary(device_.get());
    bytes_out(binary.data(), binary.size(), buf, capacity, out_needed);
  });
}

gpuc_status gpuc_program_get_kernel_names(gpuc_program *program, char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] {
    std::string joined;
    const Pinned program_(program, "program");
    for (const std::string &name : program_->kernel_names()) joined += (joined.empty() ? "" : ";") + name;
    text_out(joined, buf, capacity, out_needed);
  });
}

gpuc_status gpuc_program_get_from_cache(gpuc_program *program, int32_t *out_from_cache) {
  return guard([&] { need(out_from_cache, "out_from_cache") = Pinned(program, "program")->from_cache(); });
}

gpuc_status gpuc_program_from_native(gpuc_context *context, void *native, gpuc_program **out_program) {
  clear_out(out_program);
  return guard([&] {
    gpuc_program *&out = need_out(out_program, "out_program");
    const Pinned context_(context, "context");
    out = give_new<gpuc_program>(Program::wrap(*context_, &need(static_cast<cl_program>(native), "native")));
  });
}

gpuc_status gpuc_program_get_native(gpuc_program *program, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(program, "program")->native();
  });
}

gpuc_status gpuc_program_retain(gpuc_program *program) {
  return guard([&] { retain(program); });
}
void gpuc_program_release(gpuc_program *program) { release(program); }

gpuc_status gpuc_cache_get_number(gpuc_cache_number key, uint64_t *out_value) {
  return guard([&] {
    need(out_value, "out_value");
    const DiskCache::Stats stats = disk_cache().stats();
    switch (key) {
      case GPUC_CACHE_HITS:
        *out_value = stats.hits;
        return;
      case GPUC_CACHE_MISSES:
        *out_value = stats.misses;
        return;
      case GPUC_CACHE_REJECTED:
        *out_value = stats.rejected;
        return;
      case GPUC_CACHE_STORES:
        *out_value = stats.stores;
        return;
      case GPUC_CACHE_STORE_FAILURES:
        *out_value = stats.store_failures;
        return;
      case GPUC_CACHE_ENTRIES:
        *out_value = stats.entries;
        return;
      case GPUC_CACHE_BYTES:
        *out_value = stats.bytes;
        return;
      default:
        fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_cache_number");
    }
  });
}

gpuc_status gpuc_cache_get_directory(char *buf, size_t capacity, size_t *out_needed) {
  return guard([&] {
    DiskCache &cache = disk_cache();
    text_out(cache.usable() ? cache.directory() : std::string(), buf, capacity, out_needed);
  });
}

gpuc_status gpuc_cache_verify(uint64_t *out_checked, uint64_t *out_removed) {
  return guard([&] {
    const DiskCache::Verified verified = disk_cache().verify();
    if (out_checked) *out_checked = verified.checked;
    if (out_removed) *out_removed = verified.removed;
  });
}

gpuc_status gpuc_cache_clear(uint64_t *out_removed) {
  return guard([&] {
    const std::uint64_t removed = disk_cache().clear();
    if (out_removed) *out_removed = removed;
  });
}
