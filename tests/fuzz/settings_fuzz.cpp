// Short texts from outside: device filters, the variables of the environment, the marks of specialised PTX.
#include "fuzz_input.hpp"

#include <gpucompute/device.hpp>
#include <gpucompute/error.hpp>

#include "program/ptx_specialise.hpp"
#include "support/disk_cache.hpp"

using namespace gpucompute;

namespace {

// A failure must be one of those, with one line that says why.
template <class Call>
void fails_with(std::initializer_list<Status> statuses, Call &&call) {
  try {
    call();
  } catch (const Error &error) {
    fuzz::require(std::find(statuses.begin(), statuses.end(), error.status()) != statuses.end(),
                  "a status that is not documented");
    fuzz::require(*error.what() != '\0', "no message");
  }
}

void filter(const std::string &text) {
  const auto statuses = {Status::invalid_argument, Status::no_device};
  fails_with(statuses, [&] { fuzz::require(!list_devices(text).empty(), "an empty list is no failure"); });
  fails_with(statuses, [&] { fuzz::require(select_device(text) != nullptr, "no device is no failure"); });
}

void set(const char *name, const std::string &value) { setenv(name, value.c_str(), 1); }

void ptx(const std::string &target, const std::string &text) {
  fails_with({Status::unsupported}, [&] {
    const std::vector<unsigned char> out = ptx_specialise({text.begin(), text.end()}, target);
    const std::string made(out.begin(), out.end());
    fuzz::require(made.find(".target " + target) != std::string::npos, "the target is not raised");
    // A removal may bring the halves of another mark together; that one is not a mark of ours.
    fuzz::require(made.size() <= text.size() + target.size(), "the text has grown");
  });
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  set("OCL_ICD_VENDORS", GPUC_FUZZ_VENDORS);
  set("GPUC_FAKE", "two");
  for (const char *name : {"GPUC_DEVICE", "GPUC_DEVICE_ENFORCE", "OPENCL_LAYERS"}) unsetenv(name);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t kind = input.byte();
  const std::string first = input.text(input.byte() % 64), second = input.rest();
  switch (kind % 4) {
    case 0:
      filter(second);
      break;
    case 1:
      set("GPUC_DEVICE", first);
      set("GPUC_DEVICE_ENFORCE", second);
      filter(kind & 4 ? "" : second);
      unsetenv("GPUC_DEVICE");
      unsetenv("GPUC_DEVICE_ENFORCE");
      break;
    case 2: {
      // A folder that cannot be made, so that nothing is written anywhere.
      set("GPUC_CACHE", kind & 4 ? first : "");
      set("GPUC_CACHE_LIMIT_MB", kind & 4 ? "" : first);
      set("GPUC_CACHE_DIR", "/dev/null/" + second);
      const auto cache = DiskCache::open_default();
      fuzz::require(!cache->usable() && !cache->reason().empty(), "a cache under /dev/null");
      fuzz::require(!cache->get(second) && !cache->put(second, second.data(), second.size()), "it stores something");
      break;
    }
    default:
      ptx(first, second);
  }
  return 0;
}
