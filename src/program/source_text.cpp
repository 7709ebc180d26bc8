#include "program/source_text.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "support/fail.hpp"
#include "support/text.hpp"

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
std::string_view after_directive(std::string_view line, std::string_view directive) {
  std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string::npos || line[at] != '#') return {};
  at = line.find_first_not_of(" \t", at + 1);
  if (at == std::string::npos || line.compare(at, directive.size(), directive) != 0) return {};
  at = line.find_first_not_of(" \t", at + directive.size());
  const std::size_t end = length_without(line, " \t\r");
  return at == std::string::npos || at >= end ? std::string_view() : line.substr(at, end - at);
}

// The name in a line that is: # include "name"; "" for any other line.
std::string_view included_name(std::string_view line) {
  const std::string_view rest = after_directive(line, "include");
  if (rest.empty() || rest[0] != '"') return {};
  const std::size_t end = rest.find('"', 1);
  return end == std::string::npos ? std::string_view() : rest.substr(1, end - 1);
}

bool is_pragma_once(std::string_view line) { return after_directive(line, "pragma") == "once"; }

// Calls with each line, without its line break, until the function returns true.
template <class Function>
void each_line(std::string_view text, Function &&function) {
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
    // As many as gcc follows; each is a call of this function within the last.
    if (open_.size() > 200)
      fail(Status::invalid_argument, "headers include each other more than 200 deep, at header '", source.name, "'");
    out_ += "#line 1 " + quoted(source.name) + "\n";
    open_.push_back(&source);
    std::size_t number = 0;
    each_line(source.text, [&](std::string_view line) {
      if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
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
  const SourceText *find(std::string_view name) const {
    if (name.empty()) return nullptr;
    const auto found =
        std::find_if(headers_.begin(), headers_.end(), [&](const SourceText &header) { return header.name == name; });
    return found == headers_.end() ? nullptr : &*found;
  }

  static bool has_pragma_once(const SourceText &header) {
    bool found = false;
    each_line(header.text, [&](std::string_view line) { return found = is_pragma_once(line); });
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
  each_line(joined, [&](std::string_view line) {
    ++physical;
    if (line.compare(0, 6, "#line ") == 0) {
      const std::string mark(line.substr(6));
      char *rest = nullptr;
      current.line = std::min(std::strtoul(mark.c_str(), &rest, 10), 1ul << 31);  // where compilers end, too
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

// Parts of a line of a build log.
struct LoggedError {
  std::string_view name, line, text;
};

bool take(std::string_view &rest, std::string_view word) {
  if (rest.substr(0, word.size()) != word) return false;
  rest.remove_prefix(word.size());
  return true;
}

void skip_spaces(std::string_view &rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\v\f"), rest.size()));
}

// The number before a colon; "" where there is none.
std::string_view take_number(std::string_view &rest) {
  const std::size_t length = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (length == 0 || length == rest.size() || rest[length] != ':') return {};
  const std::string_view number = rest.substr(0, length);
  rest.remove_prefix(length + 1);
  return number;
}

// "name:line:column: ", the column or not.
bool take_place(std::string_view &rest, LoggedError &error) {
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return false;
  error.name = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  error.line = take_number(rest);
  if (error.line.empty()) return false;
  take_number(rest);
  skip_spaces(rest);
  return true;
}

bool take_error(std::string_view &rest) {
  take(rest, "fatal ");
  return take(rest, "error: ");
}

// clang and its children: "name:line:column: error: text" (or "fatal error"); PoCL: "error: name:line:column: text".
std::optional<LoggedError> logged_error(std::string_view line) {
  skip_spaces(line);
  LoggedError error;
  error.text = line;
  if (take_error(error.text) && take_place(error.text, error) && error.name.find(' ') == std::string_view::npos)
    return error;
  error.text = line;
  if (take_place(error.text, error) && take_error(error.text)) return error;
  return {};
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
  each_line(joined, [&](std::string_view line) {
    if (line.compare(0, 6, "#line ") != 0) plain += line;
    plain += "\n";
    return false;
  });
  return plain;
}

bool includes_files(const std::string &joined) {
  bool found = false;
  each_line(joined, [&](std::string_view line) { return found = !after_directive(line, "include").empty(); });
  return found;
}

std::string first_error(const std::string &log, const std::string &joined) {
  std::string_view error_line;
  std::optional<LoggedError> error;
  each_line(log, [&](std::string_view whole) {
    const std::string_view cut = whole.substr(0, 1000);  // it becomes a message
    if (cut.find("error") == std::string_view::npos) return false;
    if (error_line.empty()) error_line = cut;
    error = logged_error(cut);
    return error.has_value();
  });
  if (!error) return std::string(error_line);
  std::string line;
  const Place place =
      find_place(joined, {std::string(error->name), std::strtoul(std::string(error->line).c_str(), nullptr, 10)}, line);
  const std::size_t first = line.find_first_not_of(" \t");
  line = first == std::string::npos ? std::string() : line.substr(first, 200);
  return place.name + ":" + std::to_string(place.line) + ": error: " + std::string(error->text) +
         (line.empty() ? "" : " | " + line);
}

}  // namespace gpucompute
