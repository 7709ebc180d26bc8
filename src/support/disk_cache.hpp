// A content-addressed store of blobs in a directory of the user's: what was put under a key, or nothing. Safe for any
// number of threads and processes at once. Trouble with the disk is never the caller's: reads miss, writes say no.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gpucompute {

class DiskCache {
 public:
  static constexpr std::uint64_t default_limit_bytes = std::uint64_t{512} << 20;

  struct Stats {
    // Counted by this object.
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;    // the rejected ones too
    std::uint64_t rejected = 0;  // entries found damaged, and removed where that was possible
    std::uint64_t stores = 0;
    std::uint64_t store_failures = 0;
    std::uint64_t evictions = 0;
    int last_store_errno = 0;  // why the latest store failed: EFBIG over the size limit, EINVAL not a key, ...
    // Seen in the directory now, whoever wrote it.
    std::uint64_t bytes = 0;
    std::uint64_t entries = 0;
  };

  // In GPUC_CACHE_DIR, else $XDG_CACHE_HOME/gpucompute, else $HOME/.cache/gpucompute; never anywhere else. GPUC_CACHE=0
  // or off disables; GPUC_CACHE_LIMIT_MB sets the limit. Never null: see usable().
  static std::shared_ptr<DiskCache> open_default();

  // Makes the directory, and its parents, where missing.
  explicit DiskCache(std::string directory, std::uint64_t limit_bytes = default_limit_bytes);
  DiskCache(const DiskCache &) = delete;
  DiskCache &operator=(const DiskCache &) = delete;

  bool usable() const noexcept { return reason_.empty(); }
  const std::string &reason() const noexcept { return reason_; }  // why it is not usable, in one sentence, or ""
  const std::string &directory() const noexcept { return directory_; }
  std::uint64_t limit_bytes() const noexcept { return limit_bytes_; }

  // Keys are 1 to 128 lower-case hexadecimal digits; no other string is ever stored or found. An unusable cache finds
  // and stores nothing and counts nothing. Host memory running out is a miss, or a failed store.
  std::optional<std::vector<unsigned char>> get(const std::string &key_hex) noexcept;
  bool put(const std::string &key_hex, const void *data, std::size_t size) noexcept;

  // Removes all entries and all unfinished writes; how many entries there were.
  std::uint64_t clear() noexcept;

  // Reads every entry, and removes the damaged ones.
  struct Verified {
    std::uint64_t checked = 0, removed = 0;
  };
  Verified verify() noexcept;

  Stats stats() const noexcept;

 private:
  struct Unusable {};
  DiskCache(Unusable, std::string reason);

  std::optional<std::vector<unsigned char>> read(const std::string &key);
  int write(const std::string &key, const void *data, std::size_t size);
  void make_room(int directory, const std::string &just_written);

  std::string directory_;
  std::string reason_;
  std::uint64_t limit_bytes_ = 0;

  // No mutex anywhere: a fork at any moment leaves nothing locked in the child.
  std::atomic<std::uint64_t> hits_{0}, misses_{0}, rejected_{0}, stores_{0}, store_failures_{0}, evictions_{0};
  std::atomic<int> last_store_errno_{0};

  // What may still be stored before the directory is listed again: other processes fill it as well.
  std::atomic<std::int64_t> bytes_until_scan_{0}, stores_until_scan_{0};
};

// The file format, apart from the disk.
std::vector<unsigned char> cache_entry_header(const std::string &key_hex, const void *data, std::size_t size);
// Where the payload starts (it runs to the end), or nothing unless this is, to the last bit, an entry of that key.
std::optional<std::size_t> cache_entry_payload(const std::string &key_hex, const void *file, std::size_t size) noexcept;

}  // namespace gpucompute
