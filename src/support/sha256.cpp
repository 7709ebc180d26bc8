#include "support/sha256.hpp"

namespace gpucompute {
namespace {

std::array<unsigned char, 8> little_endian(std::uint64_t value) noexcept {
  std::array<unsigned char, 8> out{};
  for (unsigned char &byte : out) {
    byte = static_cast<unsigned char>(value & 0xff);
    value >>= 8;
  }
  return out;
}

}  // namespace

Sha256::Sha256() noexcept { SHA256Init(&state_); }

Sha256 &Sha256::bytes(const void *data, std::size_t size) noexcept {
  if (size != 0) SHA256Update(&state_, static_cast<const std::uint8_t *>(data), size);  // data may be null for none
  return *this;
}

Sha256 &Sha256::field(const void *data, std::size_t size) noexcept {
  const auto length = little_endian(size);
  return bytes(length.data(), length.size()).bytes(data, size);
}

Sha256 &Sha256::number(std::uint64_t value) noexcept {
  const auto encoded = little_endian(value);
  return field(encoded.data(), encoded.size());
}

Sha256::Digest Sha256::digest() const noexcept {
  SHA2_CTX copy = state_;  // finishing changes the state
  Digest out{};
  SHA256Final(out.data(), &copy);
  return out;
}

std::string Sha256::hex() const {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * sizeof(Digest));
  for (const unsigned char byte : digest()) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

}  // namespace gpucompute
