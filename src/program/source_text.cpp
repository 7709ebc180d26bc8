#include "program/source_text.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

#include "support/fail.hpp"

namespace gpucompute {
namespace {

bool is_identifier_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_identifier(char c) { return is_identifier_start(c) || std::isdigit(static_cast<unsigned char>(c)); }

// Of one line: what is shown to a compiler or a reader as a name cannot bring in lines of its own.
std::string one_line(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < ' '; }, '?');
  return name;
}

// NAME or NAME(parameters).
bool is_macro_name(const std::string &name) {
  if (name.empty() || !is_identifier_start(name[0])) return false;
  const std::size_t end =
      static_cast<std::size_t>(std::find_if_not(name.begin(), name.end(), is_identifier) - name.begin());
  if (end == name.size()) return true;
  if (name[end] != '(' || name.back() != ')') return false;
  return std::all_of(name.begin() + static_cast<std::ptrdiff_t>(end) + 1, name.end() - 1,
                     [](char c) { return is_identifier(c) || c == ',' || c == ' ' || c == '.'; });
}

std::string quoted(const std::string &name) {
  std::string result = "\"";
  for (char c : one_line(name)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

// What follows a directive in a line: "name" for the directive include in the line #include "name". Empty for other
// lines.
std::string after_directive(const std::string &line, const std::string &directive) {
  std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string::npos || line[at] != '#') return {};
  at = line.find_first_not_of(" \t", at + 1);
  if (at == std::string::npos || line.compare(at, directive.size(), directive) != 0) return {};
  at = line.find_first_not_of(" \t", at + directive.size());
  return at == std::string::npos ? std::string() : line.substr(at, line.find_last_not_of(" \t\r") + 1 - at);
}

// The name in a line that is: # include "name"; "" for any other line.
std::string included_name(const std::string &line) {
  const std::string rest = after_directive(line, "include");
  if (rest.empty() || rest[0] != '"') return {};
  const std::size_t end = rest.find('"', 1);
  return end == std::string::npos ? std::string() : rest.substr(1, end - 1);
}

bool is_pragma_once(const std::string &line) { return after_directive(line, "pragma") == "once"; }

// Calls with each line, without its line break, until the function returns true.
template <class Function>
void each_line(const std::string &text, Function &&function) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    if (function(text.substr(start, end - start))) return;
    start = end + 1;
  }
}

class Joiner {
 public:
  explicit Joiner(const std::vector<SourceText> &headers) : headers_(headers) {}

  void add(const SourceText &source) {
    out_ += "#line 1 " + quoted(source.name) + "\n";
    open_.push_back(&source);
    std::size_t number = 0;
    each_line(source.text, [&](std::string line) {
      if (!line.empty() && line.back() == '\r') line.pop_back();
      ++number;
      const SourceText *header = find(included_name(line));
      if (!header) {
        if (!is_pragma_once(line)) out_ += line;
        out_ += "\n";
        return false;
      }
      // A header that includes itself, directly or not, relies on its guard; its second text would be empty.
      const bool is_open = std::find(open_.begin(), open_.end(), header) != open_.end();
      const bool once = std::find(once_.begin(), once_.end(), header) != once_.end();
      if (!is_open && !once) {
        if (has_pragma_once(*header)) once_.push_back(header);
        add(*header);
      }
      out_ += "#line " + std::to_string(number + 1) + " " + quoted(source.name) + "\n";
      return false;
    });
    open_.pop_back();
  }

  std::string take() { return std::move(out_); }
  void define(const std::string &name, const std::string &value) { out_ += "#define " + name + " " + value + "\n"; }

 private:
  const SourceText *find(const std::string &name) const {
    if (name.empty()) return nullptr;
    const auto found =
        std::find_if(headers_.begin(), headers_.end(), [&](const SourceText &header) { return header.name == name; });
    return found == headers_.end() ? nullptr : &*found;
  }

  static bool has_pragma_once(const SourceText &header) {
    bool found = false;
    each_line(header.text, [&](const std::string &line) { return found = is_pragma_once(line); });
    return found;
  }

  const std::vector<SourceText> &headers_;
  std::vector<const SourceText *> open_, once_;
  std::string out_;
};

struct Place {
  std::string name;
  std::size_t line = 0;
};

// Finds a place that a build log names, and its text. A driver that does not heed #line names lines of the joined text,
// under a name of its own.
Place find_place(const std::string &joined, const Place &logged, std::string &line_text) {
  Place current, by_line;
  std::string text_by_line;
  std::size_t physical = 0;
  bool name_known = false;
  bool found = false;
  each_line(joined, [&](const std::string &line) {
    ++physical;
    if (line.compare(0, 6, "#line ") == 0) {
      char *rest = nullptr;
      current.line = std::strtoul(line.c_str() + 6, &rest, 10);
      const std::string quoted_name = rest;
      if (quoted_name.size() >= 3) current.name = quoted_name.substr(2, quoted_name.size() - 3);
      name_known = name_known || current.name == logged.name;
      return false;
    }
    if (current.line == logged.line && current.name == logged.name) {
      line_text = line;
      return found = true;
    }
    if (physical == logged.line) {
      by_line = current;
      text_by_line = line;
    }
    ++current.line;
    return false;
  });
  if (found || name_known || by_line.name.empty()) return logged;
  line_text = text_by_line;
  return by_line;
}

}  // namespace

std::string join_sources(const ProgramDescription &description) {
  Joiner joiner(description.headers);
  for (const SourceText &header : description.headers)
    if (header.name.empty()) fail(Status::invalid_argument, "a header has no name; sources include it by name");
  for (const auto &[name, value] : description.defines) {
    if (!is_macro_name(name)) fail(Status::invalid_argument, "define '", one_line(name), "' is not a macro name");
    // A backslash at the end would join the next line to it.
    if (value.find_first_of("\n\r") != std::string::npos || (!value.empty() && value.back() == '\\'))
      fail(Status::invalid_argument, "the value of define '", name, "' has a line break");
    joiner.define(name, value);
  }
  for (const SourceText &source : description.sources) joiner.add(source);
  return joiner.take();
}

std::string without_line_marks(const std::string &joined) {
  std::string plain;
  plain.reserve(joined.size());
  each_line(joined, [&](const std::string &line) {
    if (line.compare(0, 6, "#line ") != 0) plain += line;
    plain += "\n";
    return false;
  });
  return plain;
}

bool includes_files(const std::string &joined) {
  bool found = false;
  each_line(joined, [&](const std::string &line) { return found = !after_directive(line, "include").empty(); });
  return found;
}

std::string first_error(const std::string &log, const std::string &joined) {
  // clang and its children: "name:line:column: error: text" (or "fatal error"); PoCL: "error: name:line:column: text".
  static const std::regex clang(R"(\s*([^:]*):(\d+):(?:\d+:)?\s*(?:fatal )?error: (.*))");
  static const std::regex pocl(R"(\s*(?:fatal )?error: ([^: ]*):(\d+):(?:\d+:)?\s*(.*))");
  std::smatch match;
  std::string error_line;
  each_line(log, [&](const std::string &whole) {
    // std::regex recurses with the length of a line, so a line is cut before it is looked at.
    const std::string cut = whole.substr(0, 1000);
    if (cut.find("error") == std::string::npos) return false;
    if (error_line.empty()) error_line = cut;
    if (!std::regex_match(cut, match, pocl) && !std::regex_match(cut, match, clang)) return false;
    error_line = cut;
    return true;
  });
  if (!std::regex_match(error_line, match, pocl) && !std::regex_match(error_line, match, clang)) return error_line;
  std::string line;
  const Place place = find_place(joined, {match[1].str(), std::strtoul(match[2].str().c_str(), nullptr, 10)}, line);
  const std::size_t first = line.find_first_not_of(" \t");
  line = first == std::string::npos ? std::string() : line.substr(first, 200);
  return place.name + ":" + std::to_string(place.line) + ": error: " + match[3].str() +
         (line.empty() ? "" : " | " + line);
}

}  // namespace gpucompute
