#include <doctest/doctest.h>
#include <sys/types.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "disk_cache_support.hpp"

using namespace disk_cache_test;

namespace {

// One change of many kinds to a file: bits, bytes, cuts, insertions, blocks of zeros, pieces swapped.
Bytes mutant(const Bytes &original, std::mt19937_64 &random) {
  Bytes out = original;
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const auto at = [&](std::size_t index) { return out.begin() + static_cast<std::ptrdiff_t>(index); };
  switch (below(7)) {
    case 0:
      for (std::size_t n = 1 + below(8); n > 0; --n) {
        out[below(out.size())] ^= static_cast<unsigned char>(1u << below(8));
      }
      break;
    case 1:
      for (std::size_t n = 1 + below(4); n > 0; --n) {
        out[below(std::min<std::size_t>(out.size(), 32))] = static_cast<unsigned char>(random());  // the numbers
      }
      break;
    case 2:
      out.resize(below(out.size() + 1));
      break;
    case 3:
      for (std::size_t n = 1 + below(40); n > 0; --n) out.push_back(static_cast<unsigned char>(random()));
      break;
    case 4:
      out.insert(at(below(out.size() + 1)), static_cast<unsigned char>(random()));
      out.resize(below(2) ? original.size() : out.size());
      break;
    case 5: {
      const std::size_t begin = below(out.size());
      std::fill(at(begin), at(begin + below(out.size() - begin) + 1), static_cast<unsigned char>(below(2) ? 0 : 0xff));
      break;
    }
    default:
      std::rotate(at(0), at(below(out.size())), out.end());
  }
  return out;
}

std::size_t mutant_count() {
  const char *value = std::getenv("GPUC_TEST_MUTANTS");
  if (!value) return full_run() ? 1000000 : 100000;
  const std::size_t count = std::strtoull(value, nullptr, 10);
  REQUIRE(count >= 1000);
  return count;
}

}  // namespace

TEST_SUITE_BEGIN("disk_cache");

TEST_CASE("disk cache: damage at every byte is found, removed and healed") {
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  const std::string key = key_of(1);
  const std::string file = cache.directory() + "/" + key + ".bin";
  const Bytes data = pattern(1, 40);
  REQUIRE(put(cache, key, data));
  const Bytes original = read_file(file);
  REQUIRE(original.size() == cache_entry_header(key, data.data(), data.size()).size() + data.size());

  std::uint64_t rejected = 0;
  const auto refused = [&](const Bytes &content) {
    REQUIRE(write_file(file, content));
    const bool miss = !cache.get(key);
    const bool removed = !fs::exists(file);
    const bool counted = cache.stats().rejected == ++rejected;
    return miss && removed && counted;
  };
  for (std::size_t i = 0; i < original.size(); ++i) {
    CAPTURE(i);
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      Bytes damaged = original;
      damaged[i] = static_cast<unsigned char>(damaged[i] ^ flip);
      CHECK(refused(damaged));
    }
    CHECK(refused(Bytes(original.begin(), original.begin() + static_cast<std::ptrdiff_t>(i))));
    Bytes longer = original;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(i), longer[i]);
    CHECK(refused(longer));
    Bytes shorter = original;
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK(refused(shorter));
  }
  CHECK(refused({}));
  Bytes longer = original;
  longer.push_back(0);
  CHECK(refused(longer));
  Bytes twice = original;
  twice.insert(twice.end(), original.begin(), original.end());
  CHECK(refused(twice));
  CHECK(refused(Bytes(original.size(), 0)));

  CHECK(cache.stats().misses == rejected);
  CHECK(put(cache, key, data));
  CHECK(*cache.get(key) == data);

  // Blown up to far more than the limit, without using the disk.
  REQUIRE(::truncate(file.c_str(), off_t{1} << 40) == 0);
  CHECK_FALSE(cache.get(key));
  CHECK_FALSE(fs::exists(file));
  REQUIRE(put(cache, key, data));
  REQUIRE(::truncate(file.c_str(), off_t{400} << 20) == 0);  // below the limit: the lengths tell
  CHECK_FALSE(cache.get(key));
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("disk cache: random mutants") {
  const std::size_t count = mutant_count();
  const std::size_t through_disk = count / 2;
  const TemporaryDirectory base;
  DiskCache cache(base / "cache");
  std::mt19937_64 random(20240611);
  std::size_t identical = 0, accepted = 0, refused = 0;
  for (std::size_t i = 0; i < count; ++i) {
    static const std::size_t sizes[] = {0, 1, 40, 300, 3000};
    const std::size_t size = sizes[i / 1000 % std::size(sizes)];
    static std::map<std::size_t, Bytes> originals;
    const std::string key = "0123456789abcdef";
    Bytes &original = originals[size];
    if (original.empty()) {
      const Bytes data = pattern(size, size);
      original = cache_entry_header(key, data.data(), data.size());
      original.insert(original.end(), data.begin(), data.end());
      REQUIRE(cache_entry_payload(key, original.data(), original.size()) == original.size() - size);
    }
    const Bytes changed = mutant(original, random);
    bool found;
    if (i % 2 == 0) {
      REQUIRE(write_file(cache.directory() + "/" + key + ".bin", changed));
      found = cache.get(key).has_value();
    } else {
      // An exact copy on the heap, for the address sanitizer to see reads past its end.
      const std::unique_ptr<unsigned char[]> exact(new unsigned char[changed.size()]);
      std::copy(changed.begin(), changed.end(), exact.get());
      found = cache_entry_payload(key, exact.get(), changed.size()).has_value();
    }
    if (changed == original) {
      ++identical;
      if (!found) FAIL("an intact entry was refused");
    } else {
      ++(found ? accepted : refused);
    }
  }
  CHECK(accepted == 0);
  CHECK(refused > count * 9 / 10);
  CHECK(identical + accepted + refused == count);
  const DiskCache::Stats stats = cache.stats();
  CHECK(stats.hits + stats.misses == through_disk);
  CHECK(stats.rejected == stats.misses);
  std::printf("figure: disk cache: damaged entries | %zu mutants | %zu mutants, %zu accepted\n", count,
              identical + accepted + refused, accepted);
}

TEST_SUITE_END();
