#include "gemm/tuning_table.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>

#include "support/json_writer.hpp"
#include "support/text.hpp"

namespace gpucompute {
namespace {

constexpr int format = 1;
// More than any tuner writes.
constexpr std::size_t most_entries = 4096, most_values = 64, longest_text = 256;
constexpr std::uint64_t shortest_side = 16, longest_to_shortest = 8;

constexpr DataType multiplied[] = {DataType::f16,  DataType::bf16,   DataType::f32,    DataType::f64, DataType::c64,
                                   DataType::c128, DataType::f8e4m3, DataType::f8e5m2, DataType::i8,  DataType::i32};
constexpr const char *modes[] = {"standard", "tf32", "f32_split"};

DataType type_named(const std::string &name) {
  for (DataType type : multiplied)
    if (name == name_of(type)) return type;
  return DataType::none;
}

// Takes the events of nlohmann's parser, which makes no tree: the destructor of one needs memory (support/json_writer).
// The first thing that does not fit ends it.
class TableReader {
 public:
  explicit TableReader(std::string &why) : why_(why) {}
  DeviceTuning take() { return std::move(tuning_); }

  // What the parser calls, by its names.
  bool null() { return refuse("there is a null"); }
  bool boolean(bool) { return refuse("there is a truth value"); }
  bool number_integer(std::int64_t value) { return refuse(text(value, " is no whole number, 0 or more")); }
  bool number_float(double, const std::string &number) { return refuse(number + " is no whole number"); }
  bool binary(std::vector<std::uint8_t> &) { return refuse("there is binary data"); }

  bool number_unsigned(std::uint64_t value) {
    // 53 bits, so that every reader of JSON sees the same.
    if (value >> 53) return refuse(text(value, " is too large"));
    const auto number = static_cast<std::int64_t>(value);
    switch (place_) {
      case Place::parameters:
        if (tuning_.values.back().values.size() >= most_values) return refuse("there are too many parameters");
        return tuning_.values.back().values.emplace(key_, number).second || refuse("'" + key_ + "' is there twice");
      case Place::whole:
        if (key_ != "format") break;
        if (number != format) return refuse(text("its format is ", number, ", not ", format));
        return has_format_ = true;
      case Place::value:
      case Place::choice:
        if (key_ == "gain_percent" && number > 0 && number < 1000000) {
          (place_ == Place::value ? tuning_.values.back().gain_percent : tuning_.choices.back().gain_percent) =
              static_cast<int>(number);
          return true;
        }
        if (place_ == Place::choice && key_ == "size_log2" && number <= 40) {
          tuning_.choices.back().products.size_log2 = static_cast<int>(number);
          return true;
        }
        break;
      default:
        break;
    }
    return refuse(text("the number ", number, " for '", key_, "' is out of place"));
  }

  bool string(std::string &value) {
    if (value.size() > longest_text) return refuse("there is a long text");
    if (place_ == Place::whole && key_ == "device") return put(tuning_.device, value);
    if (place_ == Place::whole && key_ == "date") return put(tuning_.date, value);
    if (place_ == Place::value && key_ == "backend") return put(tuning_.values.back().backend, value);
    if (place_ == Place::value && key_ == "type") return put_type(tuning_.values.back().type, value);
    if (place_ == Place::choice) {
      TunedChoice &choice = tuning_.choices.back();
      if (key_ == "backend") return put(choice.backend, value);
      if (key_ == "a") return put_type(choice.products.a, value);
      if (key_ == "b") return put_type(choice.products.b, value);
      if (key_ == "c") return put_type(choice.products.c, value);
      if (key_ == "compute") {
        const auto found = std::find(std::begin(modes), std::end(modes), value);
        if (found == std::end(modes)) return refuse("'" + value + "' is no way to compute");
        choice.products.compute = static_cast<Compute>(found - std::begin(modes));
        return true;
      }
      if (key_ == "ops") {
        if (value != "nn" && value != "nt" && value != "tn" && value != "tt")
          return refuse("ops is '" + value + "', must be nn, nt, tn or tt");
        choice.products.a_transposed = value[0] == 't';
        choice.products.b_transposed = value[1] == 't';
        return true;
      }
    }
    return refuse("the text for '" + key_ + "' is out of place");
  }

  bool key(std::string &name) {
    if (name.size() > longest_text) return refuse("there is a long name");
    return put(key_, name);
  }

  bool start_object(std::size_t) {
    switch (place_) {
      case Place::start:
        place_ = Place::whole;
        return true;
      case Place::values:
        if (tuning_.values.size() >= most_entries) return refuse("there are too many entries");
        tuning_.values.emplace_back();
        place_ = Place::value;
        return true;
      case Place::choices:
        if (tuning_.choices.size() >= most_entries) return refuse("there are too many entries");
        tuning_.choices.emplace_back();
        place_ = Place::choice;
        return true;
      case Place::value:
        if (key_ != "values") break;
        place_ = Place::parameters;
        return true;
      default:
        break;
    }
    return refuse("there is an object out of place");
  }

  bool end_object() {
    switch (place_) {
      case Place::parameters:
        place_ = Place::value;
        return true;
      case Place::value: {
        const TunedValues &tuned = tuning_.values.back();
        place_ = Place::values;
        return (tuned.type != DataType::none && !tuned.backend.empty()) || refuse("an entry lacks backend or type");
      }
      case Place::choice: {
        const TunedChoice &choice = tuning_.choices.back();
        place_ = Place::choices;
        return (choice.products.a != DataType::none && choice.products.b != DataType::none &&
                choice.products.c != DataType::none && !choice.backend.empty()) ||
               refuse("a choice lacks backend or types");
      }
      default:
        place_ = Place::end;
        return has_format_ || refuse("'format' is missing");
    }
  }

  bool start_array(std::size_t) {
    if (place_ == Place::whole && key_ == "values")
      place_ = Place::values;
    else if (place_ == Place::whole && key_ == "choices")
      place_ = Place::choices;
    else
      return refuse("there is a list out of place");
    return true;
  }
  bool end_array() {
    place_ = Place::whole;
    return true;
  }

  bool parse_error(std::size_t at, const std::string &, const nlohmann::detail::exception &) {
    return refuse(text("it is no JSON at byte ", at));
  }

 private:
  enum class Place { start, whole, values, value, parameters, choices, choice, end };

  bool refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }
  static bool put(std::string &into, const std::string &value) {
    into = value;
    return true;
  }
  bool put_type(DataType &into, const std::string &value) {
    into = type_named(value);
    return into != DataType::none || refuse("'" + value + "' is no type that is multiplied");
  }

  std::string &why_;
  DeviceTuning tuning_;
  Place place_ = Place::start;
  std::string key_;
  bool has_format_ = false;
};

}  // namespace

std::optional<ProductClass> ProductClass::of(const GemmTask &task) noexcept {
  if (task.batch_count != 1 || !task.group_rows.empty()) return std::nullopt;
  const std::uint64_t shortest = std::min({task.m, task.n, task.k});
  if (shortest < shortest_side || std::max({task.m, task.n, task.k}) / shortest >= longest_to_shortest)
    return std::nullopt;
  ProductClass products;
  products.a = task.a.type;
  products.b = task.b.type;
  products.c = task.type;
  products.compute = task.mode;
  products.a_transposed = task.a.transpose != Transpose::none;
  products.b_transposed = task.b.transpose != Transpose::none;
  const double work = static_cast<double>(task.m) * static_cast<double>(task.n) * static_cast<double>(task.k);
  products.size_log2 = static_cast<int>(std::lround(std::log2(work) / 3));
  return products;
}

bool operator<(const ProductClass &x, const ProductClass &y) noexcept {
  return std::tie(x.a, x.b, x.c, x.compute, x.a_transposed, x.b_transposed, x.size_log2) <
         std::tie(y.a, y.b, y.c, y.compute, y.a_transposed, y.b_transposed, y.size_log2);
}

const TunedValues *DeviceTuning::find(const std::string &backend, DataType type) const noexcept {
  for (const TunedValues &tuned : values)
    if (tuned.backend == backend && tuned.type == type) return &tuned;
  return nullptr;
}

const TunedChoice *DeviceTuning::find(const ProductClass &products) const noexcept {
  for (const TunedChoice &choice : choices)
    if (choice.products == products) return &choice;
  return nullptr;
}

void DeviceTuning::put(TunedValues tuned) {
  forget(tuned.backend, tuned.type);
  values.push_back(std::move(tuned));
}

void DeviceTuning::put(TunedChoice choice) {
  drop(choice.products);
  choices.push_back(std::move(choice));
}

void DeviceTuning::drop(const ProductClass &products) {
  choices.erase(std::remove_if(choices.begin(), choices.end(),
                               [&](const TunedChoice &known) { return known.products == products; }),
                choices.end());
}

void DeviceTuning::forget(const std::string &backend, DataType type) {
  const auto goes = [&](const std::string &its_backend, DataType its_type) {
    return (backend.empty() || backend == its_backend) && (type == DataType::none || type == its_type);
  };
  values.erase(std::remove_if(values.begin(), values.end(),
                              [&](const TunedValues &known) { return goes(known.backend, known.type); }),
               values.end());
  if (!backend.empty()) return;
  choices.erase(std::remove_if(choices.begin(), choices.end(),
                               [&](const TunedChoice &known) { return goes("", known.products.a); }),
                choices.end());
}

void DeviceTuning::replace_types(const DeviceTuning &other) {
  for (const TunedValues &tuned : other.values) forget("", tuned.type);
  for (const TunedChoice &choice : other.choices) forget("", choice.products.a);
  values.insert(values.end(), other.values.begin(), other.values.end());
  choices.insert(choices.end(), other.choices.begin(), other.choices.end());
}

std::string to_json(const DeviceTuning &tuning) {
  JsonWriter json;
  json.object([&] {
    json.field("format", format);
    json.field("device", tuning.device);
    json.field("date", tuning.date);
    json.list_field("values", tuning.values, [&](const TunedValues &tuned) {
      json.object([&] {
        json.field("backend", tuned.backend);
        json.field("type", name_of(tuned.type));
        json.field("gain_percent", tuned.gain_percent);
        json.object_field("values", [&] {
          for (const auto &[name, value] : tuned.values) json.field(name, value);
        });
      });
    });
    json.list_field("choices", tuning.choices, [&](const TunedChoice &choice) {
      const ProductClass &p = choice.products;
      json.object([&] {
        json.field("a", name_of(p.a));
        json.field("b", name_of(p.b));
        json.field("c", name_of(p.c));
        json.field("compute", modes[static_cast<int>(p.compute)]);
        json.field("ops", text(p.a_transposed ? "t" : "n", p.b_transposed ? "t" : "n"));
        json.field("size_log2", p.size_log2);
        json.field("backend", choice.backend);
        json.field("gain_percent", choice.gain_percent);
      });
    });
  });
  return json.take();
}

std::optional<DeviceTuning> parse_tuning(std::string_view json, std::string &why) {
  why.clear();
  TableReader reader(why);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &reader) || !why.empty()) {
    if (why.empty()) why = "it is no JSON";
    return std::nullopt;
  }
  return reader.take();
}

}  // namespace gpucompute
