#include "runtime/cache.hpp"

#include "support/log.hpp"

namespace gpucompute {

DiskCache &disk_cache() {
  static DiskCache *const cache = [] {
    auto *opened = new std::shared_ptr<DiskCache>(DiskCache::open_default());
    if (!(*opened)->usable()) log(LogLevel::info, "the on-disk cache is not in use: ", (*opened)->reason());
    return opened->get();
  }();
  return *cache;
}

}  // namespace gpucompute
