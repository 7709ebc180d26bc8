// Uses the disk cache while cache_faults.py makes its system calls fail, or ends it at one of them. Whatever happens,
// what the cache gives must be what was put there.
//
//   cache_child SCENARIO DIRECTORY SEED
//
// check:NUMBERS looks at what a scenario left; the entries of these numbers must be there.
// Prints one line of counts. Exit status 0: right; 1: wrong, with a line that says what.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <gpucompute/buffer.hpp>
#include <gpucompute/context.hpp>
#include <gpucompute/kernel.hpp>
#include <gpucompute/program.hpp>
#include <gpucompute/queue.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "support/disk_cache.hpp"
#include "support/sha256.hpp"

using gpucompute::DiskCache;

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<unsigned char>;

constexpr unsigned key_count = 10;
constexpr unsigned filled = 6;            // of them are in the directory before, in their first version
constexpr unsigned damaged = 5, old = 4;  // of these, one is not intact, and one was last used long ago
constexpr const char *stale_file = ".tmp-1-1-1";

struct Entry {
  std::string key;
  Bytes versions[2];
};

std::vector<Entry> entries;  // made before anything fails: what runs out of memory then is the cache
int wrongs = 0;

void make_entries(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (unsigned i = 0; i < key_count; ++i) {
    Entry entry;
    entry.key = gpucompute::Sha256().number(i).hex();
    for (Bytes &version : entry.versions) {
      version.resize(i == 3 ? 20000 + random() % 20000 : random() % 3000);
      for (unsigned char &byte : version) byte = static_cast<unsigned char>(random());
    }
    entries.push_back(std::move(entry));
  }
}

void wrong(const char *what, unsigned key) {
  ++wrongs;
  std::printf("WRONG: %s, entry %u\n", what, key);
}

bool put(DiskCache &cache, unsigned key, int version) {
  const Bytes &data = entries[key].versions[version];
  return cache.put(entries[key].key, data.data(), data.size());
}

// 0, 1: found in that version; -1: not found.
int get(DiskCache &cache, unsigned key) {
  const auto found = cache.get(entries[key].key);
  if (!found) return -1;
  if (*found == entries[key].versions[1]) return 1;
  if (*found != entries[key].versions[0]) wrong("what was found is not what was stored", key);
  return 0;
}

// What the tracer looks for: faults happen between the two.
void mark(const char *name) {
  const int saved = errno;
  (void)::access(name, F_OK);
  errno = saved;
}
struct Watched {
  Watched() { mark("/gpuc-cache-faults/begin"); }
  ~Watched() { mark("/gpuc-cache-faults/end"); }
};

std::string file_of(const std::string &directory, unsigned key) { return directory + "/" + entries[key].key + ".bin"; }

void make_old(const std::string &path) {
  struct timespec times[2] = {};
  ::clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= 100000;
  times[1] = times[0];
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) std::abort();
}

void flip_a_bit(const std::string &path, std::uint64_t seed) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat info {};
  unsigned char byte = 0;
  if (file < 0 || ::fstat(file, &info) != 0) std::abort();
  const off_t at = static_cast<off_t>(seed % static_cast<std::uint64_t>(info.st_size));
  if (::pread(file, &byte, 1, at) != 1) std::abort();
  byte = static_cast<unsigned char>(byte ^ 0x10);
  if (::pwrite(file, &byte, 1, at) != 1 || ::close(file) != 0) std::abort();
}

// ---- without faults: before and after ------------------------------------------------------------------------------

void fill(const std::string &directory, std::uint64_t seed) {
  DiskCache cache(directory);
  for (unsigned i = 0; i < filled; ++i)
    if (!put(cache, i, 0)) std::abort();
  flip_a_bit(file_of(directory, damaged), seed);
  make_old(file_of(directory, old));
  const int file = ::open((directory + "/" + stale_file).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ::close(file) != 0) std::abort();
  make_old(directory + "/" + stale_file);
}

unsigned temporary_files(const std::string &directory) {
  unsigned count = 0;
  for (const auto &item : fs::directory_iterator(directory))
    count += item.path().filename().string().rfind(".tmp-", 0) == 0;
  return count;
}

// All that is there is right, and what must be is there; all works again, and nothing stays behind but entries.
void check(const std::string &directory, const std::string &kept) {
  unsigned found = 0;
  {
    DiskCache cache(directory);
    if (!cache.usable()) return wrong(cache.reason().c_str(), 0);
    for (unsigned i = 0; i < key_count; ++i) {
      const int version = get(cache, i);
      found += version >= 0;
      if (version < 0 && kept.find(static_cast<char>('0' + i)) != std::string::npos) wrong("an entry is lost", i);
    }
    if (temporary_files(directory) > 2) wrong("unfinished files stay behind", temporary_files(directory));
    for (const auto &item : fs::directory_iterator(directory))
      if (item.path().filename().string().rfind(".tmp-", 0) == 0) make_old(item.path().string());
  }
  DiskCache cache(directory);
  for (unsigned i = 0; i < key_count; ++i)
    if (!put(cache, i, 1)) wrong("a later store fails", i);
  for (unsigned i = 0; i < key_count; ++i)
    if (get(cache, i) != 1) wrong("a later load does not find what was stored", i);
  const DiskCache::Verified verified = cache.verify();
  if (verified.checked != key_count || verified.removed != 0) wrong("a later verification finds damage", 0);
  if (temporary_files(directory) != 0) wrong("unfinished files are not swept", temporary_files(directory));
  if (cache.clear() != key_count || !fs::is_empty(directory)) wrong("a later clear leaves something", 0);
  std::printf("found %u\n", found);
}

// ---- with faults ---------------------------------------------------------------------------------------------------

void store(const std::string &directory) {
  unsigned found = 0;
  char stored[key_count + 1] = {}, *end = stored;
  {
    const Watched watched;
    DiskCache cache(directory);
    for (unsigned i = 0; i < key_count; ++i) {
      const bool now = put(cache, i, 1);
      const int version = get(cache, i);
      if (now) *end++ = static_cast<char>('0' + i);
      found += version == 1;
      if (now && version == 0) wrong("the version before is found after a store that succeeded", i);
    }
  }
  std::printf("found %u stored %s\n", found, stored);
}

void load(const std::string &directory) {
  unsigned found = 0;
  {
    const Watched watched;
    DiskCache cache(directory);
    for (unsigned i = 0; i < key_count; ++i) {
      const int version = get(cache, i);
      found += version >= 0;
      if (version >= 0 && (i == damaged || i >= filled)) wrong("an entry is found that is not there", i);
    }
  }
  std::printf("found %u\n", found);
}

void evict(const std::string &directory) {
  unsigned stored = 0, found = 0;
  std::uint64_t evictions = 0;
  {
    const Watched watched;
    DiskCache cache(directory, 24000);
    for (const unsigned i : {7u, 8u, 9u, 3u}) stored += put(cache, i, 1);  // the last is too long
    for (unsigned i = 0; i < key_count; ++i) found += get(cache, i) >= 0;
    evictions = cache.stats().evictions;
  }
  std::printf("stored %u found %u evicted %u\n", stored, found, static_cast<unsigned>(evictions));
}

void clear(const std::string &directory) {
  std::uint64_t removed = 0, left = 0;
  {
    const Watched watched;
    DiskCache cache(directory);
    removed = cache.clear();
    left = cache.stats().entries;
    for (unsigned i = 0; i < key_count; ++i) get(cache, i);
  }
  if (removed > filled) wrong("more is removed than there was", static_cast<unsigned>(removed));
  std::printf("removed %u left %u\n", static_cast<unsigned>(removed), static_cast<unsigned>(left));
}

void verify(const std::string &directory) {
  DiskCache::Verified verified;
  {
    const Watched watched;
    DiskCache cache(directory);
    verified = cache.verify();
  }
  if (verified.removed > 1) wrong("intact entries are removed", static_cast<unsigned>(verified.removed));
  std::printf("checked %u removed %u\n", static_cast<unsigned>(verified.checked),
              static_cast<unsigned>(verified.removed));
}

// The library around the cache: programs are right whether they come from there or not. GPUC_CACHE_DIR says where.
void program() {
  using namespace gpucompute;
  const auto context = Context::create();
  const auto queue = Queue::create(*context, nullptr, 0);
  const auto buffer = Buffer::create(*context, 16 * sizeof(std::int32_t));
  ProgramDescription description;
  description.sources.push_back(
      {"source", "kernel void fill_value(global int *target, int value) { target[get_global_id(0)] = value; }\n"});
  unsigned cached = 0;
  for (std::int32_t turn = 0; turn < 3; ++turn) {
    std::shared_ptr<Program> program;
    {
      const Watched watched;
      program = Program::create(*context, description);
    }
    cached += program->from_cache();
    Argument arguments[2] = {};
    arguments[0].kind = ArgumentKind::buffer;
    arguments[0].buffer = buffer.get();
    arguments[1].kind = ArgumentKind::scalar;
    arguments[1].type = DataType::i32;
    std::memcpy(arguments[1].scalar, &turn, sizeof turn);
    LaunchSize size;
    size.dims = 1;
    size.global[0] = 16;
    program->kernel("fill_value")->launch(*queue, size, arguments, 2);
    std::int32_t result[16];
    std::memset(result, 0xee, sizeof result);
    buffer->read(*queue, 0, sizeof result, result);
    for (const std::int32_t value : result)
      if (value != turn) return wrong("a kernel computes something else", static_cast<unsigned>(turn));
  }
  std::printf("cached %u\n", cached);
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const std::string scenario = argv[1], directory = argv[2];
  const std::uint64_t seed = std::strtoull(argv[3], nullptr, 10);
  make_entries(seed);
  if (scenario == "fill")
    fill(directory, seed);
  else if (scenario.rfind("check:", 0) == 0)
    check(directory, scenario.substr(6));
  else if (scenario == "store")
    store(directory);
  else if (scenario == "load")
    load(directory);
  else if (scenario == "evict")
    evict(directory);
  else if (scenario == "clear")
    clear(directory);
  else if (scenario == "verify")
    verify(directory);
  else if (scenario == "program")
    program();
  else
    return 2;
  return wrongs == 0 ? 0 : 1;
}
