// Writes JSON as text, field after field. Not a tree of nlohmann's that is dumped: the destructor of such a tree needs
// memory (seen in 3.11), and without any the process ends.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace gpucompute {

// A JSON string with its quotes; what is not UTF-8 becomes U+FFFD.
std::string json_quoted(const std::string &text);

class JsonWriter {
 public:
  std::string take() noexcept { return std::move(out_); }

  // A value: text, a truth value, an integer, nullptr; or a function that writes one, such as an object.
  template <class T>
  void value(const T &value) {
    if constexpr (std::is_invocable_v<T>)
      value();
    else if constexpr (std::is_same_v<T, std::nullptr_t>)
      out_ += "null";
    else if constexpr (std::is_same_v<T, bool>)
      out_ += value ? "true" : "false";
    else if constexpr (std::is_integral_v<T>)
      out_ += std::to_string(value);
    else
      out_ += json_quoted(value);
  }

  // write() makes the fields.
  template <class Write>
  void object(const Write &write) {
    open('{');
    write();
    close('}');
  }
  template <class T>
  void field(const std::string &name, const T &what) {
    item();
    out_ += json_quoted(name);
    out_ += ": ";
    value(what);
  }
  template <class Write>
  void object_field(const std::string &name, const Write &write) {
    field(name, [&] { object(write); });
  }
  // write(item) makes the value of one.
  template <class Items, class Write>
  void list_field(const std::string &name, const Items &items, const Write &write) {
    field(name, [&] {
      open('[');
      for (const auto &one : items) {
        item();
        write(one);
      }
      close(']');
    });
  }

 private:
  void open(char bracket);
  void close(char bracket);
  void item();  // what goes before an element or a name
  void line();

  std::string out_;
  unsigned depth_ = 0;
  bool empty_ = true;  // what was opened last has nothing in it yet
};

}  // namespace gpucompute
