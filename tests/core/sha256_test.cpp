#include "support/sha256.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

using gpucompute::Sha256;

TEST_SUITE_BEGIN("support");

TEST_CASE("sha256: known digests") {
  CHECK(Sha256().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(Sha256().bytes("abc", 3).hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(Sha256().bytes("a", 1).bytes(nullptr, 0).bytes("bc", 2).hex() == Sha256().bytes("abc", 3).hex());
  const std::string million(1000000, 'a');
  CHECK(Sha256().bytes(million.data(), million.size()).hex() ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  CHECK(Sha256().field("abc").hex() == Sha256().bytes("\3\0\0\0\0\0\0\0abc", 11).hex());
  CHECK(Sha256().number(0x0102).hex() == Sha256().bytes("\10\0\0\0\0\0\0\0\2\1\0\0\0\0\0\0", 16).hex());
}

TEST_CASE("sha256: fields are kept apart") {
  std::set<std::string> seen;
  seen.insert(Sha256().field("ab").field("c").hex());
  seen.insert(Sha256().field("a").field("bc").hex());
  seen.insert(Sha256().field("abc").hex());
  seen.insert(Sha256().field("abc").field("").hex());
  seen.insert(Sha256().field("").field("abc").hex());
  seen.insert(Sha256().field(std::string_view("abc\0", 4)).hex());
  CHECK(seen.size() == 6);
}

TEST_CASE("sha256: a digest does not end the sequence") {
  Sha256 hash;
  hash.bytes("a", 1);
  CHECK(hash.hex() == hash.hex());
  CHECK(hash.bytes("bc", 2).hex() == Sha256().bytes("abc", 3).hex());
}

TEST_SUITE_END();
