// The reader of kernel declarations: any text as source, with the names of kernels and types that stand in it.
#include <map>

#include "fuzz_input.hpp"
#include "program/kernel_signature.hpp"

using namespace gpucompute;

namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

void check(const std::string &source, const std::string &name) {
  for (const ArgumentInfo &argument : parse_declaration(source, name)) {
    fuzz::require(argument.vector_width >= 1 && argument.vector_width <= 16, "a vector of no width");
    fuzz::require(argument.size <= 16 * 16, "a value larger than the largest vector");
    fuzz::require(argument.size == 0 || argument.type != DataType::none, "a size without a type");
    ArgumentInfo followed = argument;
    follow_typedefs(source, followed);
    fuzz::require(followed.type_name == argument.type_name && followed.name == argument.name,
                  "following a typedef changed a name");
    fuzz::require(argument.type == DataType::none || followed.type == argument.type, "a typedef changed a known type");
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int *, char ***) { return 0; }

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  const std::string source(reinterpret_cast<const char *>(data), size);
  // Each word once, the first few: one of them is the kernel's name.
  std::map<std::string, int> words;
  for (std::size_t i = 0; i < source.size() && words.size() < 8;) {
    std::size_t end = i;
    while (end < source.size() && is_word(source[end])) ++end;
    if (end > i) words.emplace(source.substr(i, end - i), 0);
    i = end + 1;
  }
  for (const auto &[word, unused] : words) check(source, word);
  check(source, "");
  return 0;
}
