#include "args.hpp"

using namespace gpucompute;
using namespace gpucompute::capi;

gpuc_status gpuc_platform_list(gpuc_platform **items, size_t capacity, size_t *out_count) {
  return guard([&] {
    need(out_count, "out_count") = 0;
    list_out(platforms(), items, capacity, out_count);
  });
}

gpuc_status gpuc_platform_get_string(gpuc_platform *platform, gpuc_platform_string key, char *buf, size_t capacity,
                                     size_t *out_needed) {
  return guard([&] {
    const Pinned platform_(platform, "platform");
    const PlatformInfo &info = platform_->info();
    switch (key) {
      case GPUC_PLATFORM_NAME:
        return text_out(info.name, buf, capacity, out_needed);
      case GPUC_PLATFORM_VENDOR:
        return text_out(info.vendor, buf, capacity, out_needed);
      case GPUC_PLATFORM_VERSION:
        return text_out(info.version, buf, capacity, out_needed);
      case GPUC_PLATFORM_PROFILE:
        return text_out(info.profile, buf, capacity, out_needed);
      case GPUC_PLATFORM_EXTENSIONS:
        return text_out(info.extensions, buf, capacity, out_needed);
      default:
        fail(Status::invalid_argument, "key is ", key, ", which is not a gpuc_platform_string");
    }
  });
}

gpuc_status gpuc_platform_get_native(gpuc_platform *platform, void **out_native) {
  clear_out(out_native);
  return guard([&] {
    need(out_native, "out_native") = nullptr;
    *out_native = Pinned(platform, "platform")->native();
  });
}

gpuc_status gpuc_platform_retain(gpuc_platform *platform) {
  return guard([&] { retain(platform); });
}
void gpuc_platform_release(gpuc_platform *platform) { release(platform); }
