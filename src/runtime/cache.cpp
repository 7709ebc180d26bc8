#include "runtime/cache.hpp"

#include <atomic>

#include "support/log.hpp"

namespace gpucompute {

DiskCache &disk_cache() {
  static auto *const opened = new std::shared_ptr<DiskCache>(DiskCache::open_default());
  DiskCache *const cache = opened->get();
  // Once, and not while the above is being made: the log may come back here.
  static std::atomic<bool> told{false};
  if (!cache->usable() && !told.exchange(true))
    log(LogLevel::info, "the on-disk cache is not in use: ", cache->reason());
  return *cache;
}

}  // namespace gpucompute
