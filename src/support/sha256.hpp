// SHA-256 of a sequence of fields, over libmd.
#pragma once

#include <sha2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gpucompute {

class Sha256 {
 public:
  using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

  Sha256() noexcept;

  // A field goes in with its length before it, so that ("ab", "c") and ("a", "bc") differ.
  Sha256 &field(const void *data, std::size_t size) noexcept;
  Sha256 &field(std::string_view value) noexcept { return field(value.data(), value.size()); }
  Sha256 &number(std::uint64_t value) noexcept;  // the same digest on every byte order

  // Bytes with nothing before them: plain SHA-256.
  Sha256 &bytes(const void *data, std::size_t size) noexcept;

  // Of everything so far; more may follow.
  Digest digest() const noexcept;
  std::string hex() const;  // 64 lower-case digits

 private:
  SHA2_CTX state_;
};

}  // namespace gpucompute
