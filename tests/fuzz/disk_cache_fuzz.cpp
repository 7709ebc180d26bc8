// Files of the on-disk cache: what is read as an entry is to the last bit what was written, or is removed.
#include "fuzz_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "support/disk_cache.hpp"

using namespace gpucompute;

namespace {

const std::string key(64, 'a');
std::string *folder;

void remove_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(*folder, ignored);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) {
  // In memory where that is possible: each input is a file.
  std::string name = access("/dev/shm", W_OK) == 0 ? "/dev/shm/gpuc-fuzz-XXXXXX" : "/tmp/gpuc-fuzz-XXXXXX";
  fuzz::require(mkdtemp(name.data()) != nullptr, "no folder for the cache");
  folder = new std::string(name);
  std::atexit(remove_folder);
  return 0;
}

// The first byte: 0 to 127: the input is the file; others: an entry is made of the input, and one byte of it changed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t kind = input.byte();
  const std::size_t where = input.number<std::uint16_t>();
  const std::uint8_t change = input.byte();
  const std::string rest = input.rest();
  std::vector<unsigned char> file(rest.begin(), rest.end());
  if (kind >= 128) {
    file = cache_entry_header(key, rest.data(), rest.size());
    file.insert(file.end(), rest.begin(), rest.end());
    file[where % file.size()] = static_cast<unsigned char>(file[where % file.size()] ^ change);
    if (kind >= 192) file.resize(where % file.size());  // cut off
  }
  const auto payload = cache_entry_payload(key, file.data(), file.size());
  if (payload) {
    const std::vector<unsigned char> again = cache_entry_header(key, file.data() + *payload, file.size() - *payload);
    fuzz::require(again.size() == *payload && std::equal(again.begin(), again.end(), file.begin()),
                  "an entry is accepted that would not be written so");
  }
  if (kind >= 128) fuzz::require(bool(payload) == (kind < 192 && change == 0), "a changed entry is accepted");
  (void)cache_entry_payload(rest, file.data(), file.size());

  const std::string path = *folder + "/" + key + ".bin";
  const int out = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kind % 16 == 15 ? 0622 : 0600);
  if (kind % 16 == 15) fchmod(out, 0622);  // whatever the umask
  fuzz::require(out >= 0 && write(out, file.data(), file.size()) == static_cast<ssize_t>(file.size()), "no file");
  close(out);
  DiskCache cache(*folder, std::uint64_t{1} << 20);
  fuzz::require(cache.usable(), "the cache is not usable");
  const auto got = cache.get(key);
  fuzz::require(bool(got) == (payload && kind % 16 != 15), "the file is read otherwise than its bytes");
  if (got)
    fuzz::require(std::equal(got->begin(), got->end(), file.begin() + static_cast<std::ptrdiff_t>(*payload)),
                  "other bytes");
  fuzz::require((access(path.c_str(), F_OK) == 0) == bool(got), "a damaged entry is still there");
  fuzz::require(!cache.get(rest) || rest == key, "a key that is none finds something");
  return 0;
}
