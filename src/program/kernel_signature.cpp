#include "program/kernel_signature.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>

#include "runtime/cl_query.hpp"
#include "support/cl_check.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

struct TypeName {
  const char *name;
  DataType type;
};
constexpr TypeName type_names[] = {
    {"char", DataType::i8},           {"uchar", DataType::u8},         {"unsigned char", DataType::u8},
    {"short", DataType::i16},         {"ushort", DataType::u16},       {"unsigned short", DataType::u16},
    {"int", DataType::i32},           {"uint", DataType::u32},         {"unsigned int", DataType::u32},
    {"unsigned", DataType::u32},      {"long", DataType::i64},         {"ulong", DataType::u64},
    {"unsigned long", DataType::u64}, {"half", DataType::f16},         {"float", DataType::f32},
    {"double", DataType::f64},        {"signed char", DataType::i8},   {"signed int", DataType::i32},
    {"short int", DataType::i16},     {"signed", DataType::i32},       {"unsigned short int", DataType::u16},
    {"long int", DataType::i64},      {"signed short", DataType::i16}, {"unsigned long int", DataType::u64},
    {"signed long", DataType::i64},
};

// Fills type, vector width and, for a value, size from type_name without its '*'.
void resolve_type(ArgumentInfo &info, bool pointer) {
  std::string base = info.type_name;
  while (!base.empty() && (base.back() == '*' || base.back() == ' ')) base.pop_back();
  unsigned width = 1;
  const std::size_t digits = length_without(base, "0123456789");
  if (digits > 0 && digits < base.size()) {
    width = static_cast<unsigned>(std::strtoul(base.c_str() + digits, nullptr, 10));
    if (width == 2 || width == 3 || width == 4 || width == 8 || width == 16)
      base.resize(digits);
    else
      width = 1;
  }
  for (const TypeName &row : type_names)
    if (base == row.name) {
      info.type = row.type;
      info.vector_width = width;
      // A vector of three takes the room of four.
      if (!pointer) info.size = size_of(row.type) * (width == 3 ? 4 : width);
      return;
    }
}

// Comments and preprocessor lines become blanks.
std::string without_comments(const std::string &source) {
  std::string out;
  out.reserve(source.size());
  bool line_start = true;
  for (std::size_t i = 0; i < source.size();) {
    if (source.compare(i, 2, "//") == 0) {
      i = std::min(source.find('\n', i), source.size());
    } else if (source.compare(i, 2, "/*") == 0) {
      const std::size_t end = source.find("*/", i + 2);
      i = end == std::string::npos ? source.size() : end + 2;
      out += ' ';
    } else if (line_start && source[i] == '#') {
      // Up to the end of the line that has no backslash before it.
      do {
        i = std::min(source.find('\n', i), source.size());
        if (i >= source.size() || i == 0 || source[i - 1] != '\\') break;
        ++i;
      } while (i < source.size());
    } else {
      if (source[i] == '\n')
        line_start = true;
      else if (!std::isspace(static_cast<unsigned char>(source[i])))
        line_start = false;
      out += source[i++];
    }
  }
  return out;
}

std::vector<std::string> tokens_of(const std::string &text) {
  std::vector<std::string> tokens;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (std::isspace(c)) {
      ++i;
    } else if (std::isalnum(c) || c == '_') {
      std::size_t end = i;
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
      tokens.push_back(text.substr(i, end - i));
      i = end;
    } else {
      tokens.push_back(std::string(1, text[i++]));
    }
  }
  return tokens;
}

bool is_word(const std::string &token) {
  return !token.empty() && (std::isalnum(static_cast<unsigned char>(token[0])) || token[0] == '_');
}

// The index after the bracket that closes the one at `open`; the end where none does.
std::size_t skip_brackets(const std::vector<std::string> &tokens, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < tokens.size(); ++i) {
    if (tokens[i] == "(" || tokens[i] == "[") ++depth;
    if ((tokens[i] == ")" || tokens[i] == "]") && --depth == 0) return i + 1;
  }
  return tokens.size();
}

ArgumentInfo parse_argument(const std::vector<std::string> &tokens) {
  ArgumentInfo info;
  bool pointer = false;
  std::vector<std::string> words;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string token = tokens[i];
    if (token == "__attribute__") {
      i = skip_brackets(tokens, i + 1) - 1;
      continue;
    }
    if (token == "*" || token == "[") pointer = true;
    if (token == "[") i = skip_brackets(tokens, i) - 1;
    if (!is_word(token)) continue;
    if (token.compare(0, 2, "__") == 0) token = token.substr(2);
    if (token.size() > 2 && token.compare(token.size() - 2, 2, "__") == 0) token.resize(token.size() - 2);
    if (token == "global")
      info.space = ArgumentSpace::global;
    else if (token == "constant")
      info.space = ArgumentSpace::constant;
    else if (token == "local")
      info.space = ArgumentSpace::local;
    else if (token != "const" && token != "restrict" && token != "volatile" && token != "private" &&
             token != "read_only" && token != "write_only" && token != "read_write")
      words.push_back(tokens[i]);
  }
  if (!pointer && info.space == ArgumentSpace::unknown) info.space = ArgumentSpace::by_value;
  // The last word is the name, unless the declaration leaves it out.
  static const char *const type_words[] = {"unsigned", "signed", "char",   "short", "int",
                                           "long",     "float",  "double", "half",  "struct"};
  const bool last_is_type = words.size() == 1 || (words.size() == 2 && words[0] == "struct") ||
                            (words.size() > 1 && std::find(std::begin(type_words), std::end(type_words),
                                                           words.back()) != std::end(type_words));
  if (!words.empty() && !last_is_type) {
    info.name = words.back();
    words.pop_back();
  }
  for (const std::string &word : words) info.type_name += (info.type_name.empty() ? "" : " ") + word;
  if (pointer) info.type_name += "*";
  resolve_type(info, pointer);
  return info;
}

bool same_type(const ArgumentInfo &a, const ArgumentInfo &b) {
  return a.space == b.space && a.type == b.type && a.vector_width == b.vector_width && a.type_name == b.type_name;
}

// What `typedef ... name;` says is between them; "" where there is none, or several that differ.
std::string typedef_of(const std::vector<std::string> &tokens, const std::string &name) {
  std::string found;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] != "typedef") continue;
    std::string type;
    std::size_t at = i + 1;
    for (; at + 1 < tokens.size() && is_word(tokens[at]) && tokens[at + 1] != ";"; ++at)
      if (tokens[at] != "const") type += (type.empty() ? "" : " ") + tokens[at];
    if (at + 1 >= tokens.size() || tokens[at] != name || tokens[at + 1] != ";") continue;
    if (!found.empty() && found != type) return {};
    found = type;
  }
  return found;
}

std::string argument_text(cl_kernel kernel, cl_uint index, cl_kernel_arg_info key) {
  return query_text(
      [=](std::size_t n, void *p, std::size_t *r) { return clGetKernelArgInfo(kernel, index, key, n, p, r); },
      "clGetKernelArgInfo");
}

// False where the driver does not tell.
bool ask_driver(cl_kernel kernel, cl_uint index, ArgumentInfo &info) {
  cl_kernel_arg_address_qualifier space = 0;
  if (clGetKernelArgInfo(kernel, index, CL_KERNEL_ARG_ADDRESS_QUALIFIER, sizeof space, &space, nullptr) != CL_SUCCESS)
    return false;
  try {
    info.type_name = argument_text(kernel, index, CL_KERNEL_ARG_TYPE_NAME);
  } catch (const Error &) {
    return false;
  }
  if (info.type_name.empty()) return false;  // Clover's way to tell nothing
  try {
    info.name = argument_text(kernel, index, CL_KERNEL_ARG_NAME);
  } catch (const Error &) {  // optional
  }
  switch (space) {
    case CL_KERNEL_ARG_ADDRESS_GLOBAL:
      info.space = ArgumentSpace::global;
      break;
    case CL_KERNEL_ARG_ADDRESS_CONSTANT:
      info.space = ArgumentSpace::constant;
      break;
    case CL_KERNEL_ARG_ADDRESS_LOCAL:
      info.space = ArgumentSpace::local;
      break;
    default:
      info.space = ArgumentSpace::by_value;
  }
  resolve_type(info, info.space != ArgumentSpace::by_value);
  return true;
}

}  // namespace

std::vector<ArgumentInfo> parse_declaration(const std::string &source, const std::string &kernel_name) {
  std::optional<std::vector<ArgumentInfo>> found;
  const std::vector<std::string> tokens = tokens_of(without_comments(source));
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (tokens[i] != "kernel" && tokens[i] != "__kernel") continue;
    std::size_t at = i + 1;
    // void and attributes, in any order, then the name.
    while (at < tokens.size() && (tokens[at] == "void" || tokens[at] == "__attribute__" || tokens[at] == "attribute"))
      at = tokens[at] == "void" ? at + 1 : skip_brackets(tokens, at + 1);
    if (at + 1 >= tokens.size() || tokens[at] != kernel_name || tokens[at + 1] != "(") continue;
    const std::size_t end = skip_brackets(tokens, at + 1);
    std::vector<ArgumentInfo> arguments;
    std::vector<std::string> current;
    int depth = 0;
    for (std::size_t t = at + 2; t + 1 < end; ++t) {
      if (tokens[t] == "(" || tokens[t] == "[") ++depth;
      if (tokens[t] == ")" || tokens[t] == "]") --depth;
      if (tokens[t] == "," && depth == 0) {
        arguments.push_back(parse_argument(current));
        current.clear();
      } else {
        current.push_back(tokens[t]);
      }
    }
    if (!current.empty() && !(current.size() == 1 && current[0] == "void"))
      arguments.push_back(parse_argument(current));
    // A prototype says the same once more; the branches of an #if may not, and which one counts is not known here.
    const bool same = !found || std::equal(found->begin(), found->end(), arguments.begin(), arguments.end(), same_type);
    if (!same) return {};
    found = std::move(arguments);
  }
  return found.value_or(std::vector<ArgumentInfo>());
}

void follow_typedefs(const std::string &source, ArgumentInfo &info) {
  if (info.space != ArgumentSpace::by_value || info.type != DataType::none || info.type_name.empty()) return;
  const std::vector<std::string> tokens = tokens_of(without_comments(source));
  ArgumentInfo meant = info;
  for (int depth = 0; depth < 8 && meant.type == DataType::none && !meant.type_name.empty(); ++depth) {
    meant.type_name = typedef_of(tokens, meant.type_name);
    resolve_type(meant, false);
  }
  meant.type_name = info.type_name;
  info = std::move(meant);
}

std::vector<ArgumentInfo> read_signature(cl_kernel kernel, const std::string &name, const std::string &source) {
  cl_uint count = 0;
  cl_check(clGetKernelInfo(kernel, CL_KERNEL_NUM_ARGS, sizeof count, &count, nullptr), "clGetKernelInfo",
           "reading a kernel's argument count");
  std::vector<ArgumentInfo> told(count);
  bool all_told = true;
  for (cl_uint i = 0; i < count; ++i) all_told = ask_driver(kernel, i, told[i]) && all_told;
  if (!all_told) {
    told = parse_declaration(source, name);
    // A declaration that a macro changes has another count; then it tells nothing.
    if (told.size() != count) told.assign(count, ArgumentInfo{});
  }
  for (ArgumentInfo &info : told) follow_typedefs(source, info);
  return told;
}

}  // namespace gpucompute
