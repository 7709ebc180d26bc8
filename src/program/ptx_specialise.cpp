#include "program/ptx_specialise.hpp"

#include <algorithm>

#include "support/fail.hpp"

namespace gpucompute {
namespace {

void erase_all(std::string &text, const std::string &what) {
  std::string out;
  out.reserve(text.size());
  std::size_t start = 0;
  for (std::size_t at; (at = text.find(what, start)) != std::string::npos; start = at + what.size())
    out.append(text, start, at - start);
  text = out.append(text, start, std::string::npos);
}

}  // namespace

std::vector<unsigned char> ptx_specialise(const std::vector<unsigned char> &binary, const std::string &target) {
  std::string text(binary.begin(), binary.end());
  // "sm_90" of "sm_90a": the letters at the end name the specific architecture.
  std::string plain = target;
  while (!plain.empty() && (plain.back() < '0' || plain.back() > '9')) plain.pop_back();
  const std::string line = ".target " + plain;
  const std::size_t at = text.find(line);
  const std::size_t end = at == std::string::npos ? text.size() : at + line.size();
  if (end >= text.size() || (text[end] != '\n' && text[end] != ',' && text[end] != ' '))
    fail(Status::unsupported, "the driver's binary is not PTX for ", plain, ", which ", target, " could be made of");
  text.replace(at, line.size(), ".target " + target);
  erase_all(text, "//@" + target + " ");
  return {text.begin(), text.end()};
}

}  // namespace gpucompute
