// Tuning tables as data: their JSON, the directory of the user's, and what backends take of them.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <gpucompute/tuning.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "gemm/gemm_backend.hpp"
#include "gemm/shipped_tuning.hpp"
#include "gemm/tuning_store.hpp"
#include "gemm/tuning_table.hpp"
#include "support/fixture.hpp"
#include "support/random.hpp"

using namespace gpucompute;
using namespace gpucompute::test;

namespace {

DeviceTuning some_tuning() {
  DeviceTuning tuning;
  tuning.device = "a device of \"quotes\", \xC3\xA9 and \n lines";
  tuning.date = "2026-02-03";
  tuning.put(TunedValues{"simt", DataType::f32, {{"tile_rows", 64}, {"depth", 16}}, 112});
  tuning.put(TunedValues{"cpu", DataType::f64, {}, 100});
  ProductClass products;
  products.a = products.b = DataType::f16;
  products.c = DataType::f32;
  products.compute = Compute::standard;
  products.b_transposed = true;
  products.size_log2 = 9;
  tuning.put(TunedChoice{products, "simt", 150});
  products.compute = Compute::f32_split;
  products.a_transposed = true;
  tuning.put(TunedChoice{products, "reference", 101});
  return tuning;
}

std::string why_not(const std::string &json) {
  std::string why;
  const auto tuning = parse_tuning(json, why);
  CHECK_MESSAGE(tuning.has_value() == why.empty(), json);
  return why;
}

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  return text.replace(at, from.size(), to);
}

GemmTask task_of(std::int64_t m, std::int64_t n, std::int64_t k) {
  GemmProblem problem;
  problem.m = m;
  problem.n = n;
  problem.k = k;
  return make_gemm_task(problem);
}

std::string file_in(const std::string &directory) {
  std::string found;
  for (const auto &entry : std::filesystem::directory_iterator(directory)) {
    REQUIRE(found.empty());
    found = entry.path();
  }
  REQUIRE(!found.empty());
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("tuning");

TEST_CASE("a table as JSON and back") {
  const DeviceTuning tuning = some_tuning();
  const std::string json = to_json(tuning);
  std::string why;
  const auto read = parse_tuning(json, why);
  REQUIRE_MESSAGE(read.has_value(), why);
  CHECK(read->device == tuning.device);
  CHECK(read->date == tuning.date);
  REQUIRE(read->values.size() == 2);
  CHECK(read->values[0].backend == "simt");
  CHECK(read->values[0].type == DataType::f32);
  CHECK(read->values[0].values == TuningValues{{"depth", 16}, {"tile_rows", 64}});
  CHECK(read->values[0].gain_percent == 112);
  CHECK(read->values[1].values.empty());
  REQUIRE(read->choices.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(read->choices[i].products == tuning.choices[i].products);
    CHECK(read->choices[i].backend == tuning.choices[i].backend);
    CHECK(read->choices[i].gain_percent == tuning.choices[i].gain_percent);
  }
  CHECK(to_json(*read) == json);
  CHECK(to_json(*parse_tuning(to_json(DeviceTuning{}), why)) == to_json(DeviceTuning{}));
}

TEST_CASE("what is no table is refused with the reason") {
  const std::string json = to_json(some_tuning());
  CHECK(why_not(json).empty());
  CHECK(why_not("").find("no JSON") != std::string::npos);
  CHECK(why_not("{\"format\": 1").find("no JSON at byte") != std::string::npos);
  CHECK(why_not(json + "x").find("no JSON at byte") != std::string::npos);
  CHECK(why_not("[]").find("a list out of place") != std::string::npos);
  CHECK(why_not("{}").find("'format' is missing") != std::string::npos);
  CHECK(why_not("3").find("out of place") != std::string::npos);
  const struct {
    const char *from, *to, *named;
  } changes[] = {
      {"\"format\": 1", "\"format\": 2", "its format is 2, not 1"},
      {"\"format\": 1", "\"format\": -1", "-1 is no whole number"},
      {"\"format\": 1", "\"format\": 1.5", "1.5 is no whole number"},
      {"\"format\": 1", "\"format\": null", "there is a null"},
      {"\"format\": 1", "\"format\": true", "a truth value"},
      {"\"date\": \"2026-02-03\"", "\"date\": {}", "an object out of place"},
      {"\"date\": \"2026-02-03\"", "\"date\": []", "a list out of place"},
      {"\"date\"", "\"day\"", "'day' is out of place"},
      {"\"f32\"", "\"f31\"", "'f31' is no type that is multiplied"},
      {"\"f32\"", "\"u8\"", "'u8' is no type that is multiplied"},
      {"112", "0", "'gain_percent' is out of place"},
      {"112", "1000000", "'gain_percent' is out of place"},
      {": 64", ": 9007199254740992", "9007199254740992 is too large"},
      {"\"tile_rows\"", "\"depth\"", "'depth' is there twice"},
      {"\"nt\"", "\"nx\"", "ops is 'nx', must be nn, nt, tn or tt"},
      {"\"standard\"", "\"fast\"", "'fast' is no way to compute"},
      {"\"size_log2\": 9", "\"size_log2\": 41", "'size_log2' is out of place"},
      {"\"backend\": \"simt\"", "\"backend\": \"\"", "an entry lacks backend or type"},
      {"\"backend\": \"simt\"", "\"backend\": 7", "the number 7 for 'backend' is out of place"},
  };
  for (const auto &change : changes) {
    CAPTURE(change.to);
    const std::string why = why_not(replaced(json, change.from, change.to));
    CHECK_MESSAGE(why.find(change.named) != std::string::npos, why);
  }
  CHECK(why_not(replaced(json, "simt", std::string(300, 's'))).find("a long text") != std::string::npos);
  CHECK(why_not(replaced(json, "depth", std::string(300, 's'))).find("a long name") != std::string::npos);
  std::string many = "{\"a\": 1";
  for (int i = 0; i < 100; ++i) many += ", \"p" + std::to_string(i) + "\": 1";
  CHECK(why_not(replaced(json, "{\n        \"depth\"", many + ", \"depth\"")).find("too many parameters") !=
        std::string::npos);
  std::string entries;
  for (int i = 0; i < 5000; ++i) entries += "{\"backend\": \"b\", \"type\": \"f32\"}, ";
  CHECK(why_not(replaced(json, "\"values\": [", "\"values\": [" + entries)).find("too many entries") !=
        std::string::npos);
}

TEST_CASE("entries replace those for the same, and are forgotten by backend and type") {
  DeviceTuning tuning = some_tuning();
  tuning.put(TunedValues{"simt", DataType::f32, {{"depth", 8}}, 105});
  REQUIRE(tuning.values.size() == 2);
  REQUIRE(tuning.find("simt", DataType::f32));
  CHECK(tuning.find("simt", DataType::f32)->values == TuningValues{{"depth", 8}});
  CHECK(!tuning.find("simt", DataType::f64));
  const ProductClass products = tuning.choices[0].products;
  tuning.put(TunedChoice{products, "cpu", 200});
  REQUIRE(tuning.choices.size() == 2);
  REQUIRE(tuning.find(products));
  CHECK(tuning.find(products)->backend == "cpu");
  tuning.drop(products);
  CHECK(!tuning.find(products));
  tuning.forget("simt", DataType::f64);
  CHECK(tuning.values.size() == 2);
  tuning.forget("simt", DataType::none);
  CHECK(tuning.values.size() == 1);
  CHECK(tuning.choices.size() == 1);
  tuning.forget("", DataType::f16);
  CHECK(tuning.choices.empty());
  CHECK(!tuning.empty());
  tuning.forget("", DataType::none);
  CHECK(tuning.empty());
}

TEST_CASE("products are classed by types, transposes and size") {
  const auto products = ProductClass::of(task_of(512, 512, 512));
  REQUIRE(products);
  CHECK(products->size_log2 == 9);
  CHECK(products->a == DataType::f32);
  CHECK(!products->a_transposed);
  CHECK(ProductClass::of(task_of(256, 1024, 512)) == products);
  CHECK(ProductClass::of(task_of(700, 700, 700)) == products);
  CHECK(ProductClass::of(task_of(750, 750, 750))->size_log2 == 10);
  // What is not measured.
  CHECK(!ProductClass::of(task_of(8, 4096, 4096)));
  CHECK(!ProductClass::of(task_of(64, 64, 512)));
  CHECK(ProductClass::of(task_of(64, 64, 511)));
  CHECK(!ProductClass::of(task_of(4096, 4096, 1)));
  GemmTask batch = task_of(64, 64, 64);
  batch.batch_count = 2;
  CHECK(!ProductClass::of(batch));
  batch.batch_count = 1;
  batch.group_rows = {64};
  CHECK(!ProductClass::of(batch));
}

TEST_CASE("the table of the user's") {
  const TemporaryFolder folder;
  const std::string place = folder / "some/where";
  const Environment variable("GPUC_TUNING", place.c_str());
  const Device &device = *select_device("");
  CHECK(tuning_directory() == place);
  CHECK(!load_tuning(device));
  // Nothing is made by reading.
  CHECK(!std::filesystem::exists(place));
  CHECK(tuning_json(device).find("\"values\": []") != std::string::npos);
  CHECK(!reset_tuning(device));

  save_tuning(device, some_tuning());
  const auto read = load_tuning(device);
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(some_tuning()));
  CHECK(tuning_json(device).find("tile_rows") != std::string::npos);
  struct stat info {};
  REQUIRE(::stat(place.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);

  SUBCASE("is forgotten when told so") {
    CHECK(reset_tuning(device));
    CHECK(!reset_tuning(device));
    REQUIRE(load_tuning(device));
    CHECK(load_tuning(device)->empty());
    CHECK(load_tuning(device)->date == "");
  }
  SUBCASE("is for the device and driver alone") {
    for (const auto &other : list_devices(""))
      if (other.get() != &device && other->info().name != device.info().name) CHECK(!load_tuning(*other));
  }
  SUBCASE("is not believed when it is damaged, at any byte") {
    const std::string file = file_in(place);
    std::ifstream in(file, std::ios::binary);
    const std::string whole((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    Random random(77000);
    for (int i = 0; i < 60; ++i) {
      std::string damaged = whole;
      damaged[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(whole.size()) - 1))] ^=
          static_cast<char>(random.integer(1, 255));
      std::ofstream(file, std::ios::binary | std::ios::trunc) << damaged;
      CHECK_MESSAGE(!load_tuning(device), "seed ", random.seed());
      CHECK(!std::filesystem::exists(file));
    }
  }
  SUBCASE("is not read from a directory that others can write") {
    REQUIRE(::chmod(place.c_str(), 0777) == 0);
    CHECK(!load_tuning(device));
    CHECK_THROWS_WITH_AS(save_tuning(device, some_tuning()), doctest::Contains("can be written by other users"), Error);
    REQUIRE(::chmod(place.c_str(), 0700) == 0);
  }
}

TEST_CASE("tables that come with the library") {
  std::size_t count = 0;
  for (const ShippedTuning *shipped = shipped_tunings; shipped->name; ++shipped, ++count) {
    CAPTURE(shipped->name);
    std::string why;
    const auto tuning = parse_tuning(shipped->json, why);
    REQUIRE_MESSAGE(tuning, why);
    CHECK(!tuning->empty());
    CHECK(tuning->date.size() == 10);
    const auto backends = gemm_backends();
    for (const TunedChoice &choice : tuning->choices) {
      CHECK_MESSAGE(std::any_of(backends.begin(), backends.end(),
                                [&](const GemmBackend *backend) { return choice.backend == backend->name(); }),
                    choice.backend);
      CHECK(choice.gain_percent >= 103);
      CHECK(tuning->find(choice.products) == &choice);  // not there twice
    }
    const auto found = shipped_tuning(tuning->device);
    REQUIRE(found);
    CHECK(to_json(*found) == to_json(*tuning));
    CHECK(!shipped_tuning(tuning->device.substr(1)));
  }
  CHECK(count > 0);
  CHECK(!shipped_tuning(""));
}

TEST_CASE("of a type that the user's table knows, the library's has no say") {
  const auto of_size = [](DataType type, int size_log2) {
    ProductClass products;
    products.a = products.b = products.c = type;
    products.size_log2 = size_log2;
    return products;
  };
  DeviceTuning tuning, of_user;
  for (DataType type : {DataType::f16, DataType::f32, DataType::f64}) {
    tuning.put(TunedValues{"simt", type, {{"depth", 8}}, 110});
    tuning.put(TunedChoice{of_size(type, 6), "simt", 120});
  }
  const std::string before = to_json(tuning);
  tuning.replace_types(of_user);
  CHECK(to_json(tuning) == before);
  of_user.put(TunedChoice{of_size(DataType::f16, 9), "reference", 130});
  of_user.put(TunedValues{"cpu", DataType::f64, {{"columns", 4}}, 140});
  tuning.replace_types(of_user);
  CHECK(tuning.values.size() == 2);
  CHECK(tuning.find("simt", DataType::f32));
  CHECK(tuning.find("cpu", DataType::f64));
  CHECK(tuning.choices.size() == 2);
  CHECK(tuning.find(of_size(DataType::f32, 6)));
  CHECK(tuning.find(of_size(DataType::f16, 9)));
}

TEST_CASE("where the table is") {
  const Environment home("HOME", "/home/somebody"), data("XDG_DATA_HOME", nullptr), none("GPUC_TUNING", nullptr);
  std::string why;
  CHECK(tuning_store_directory(why) == "/home/somebody/.local/share/gpucompute/tuning");
  {
    const Environment set("XDG_DATA_HOME", "/data");
    CHECK(tuning_store_directory(why) == "/data/gpucompute/tuning");
    const Environment own("GPUC_TUNING", "/own");
    CHECK(tuning_store_directory(why) == "/own");
    CHECK(why.empty());
  }
  for (const char *off : {"0", "off", "OFF"}) {
    const Environment set("GPUC_TUNING", off);
    CHECK(tuning_store_directory(why).empty());
    CHECK(why.find("GPUC_TUNING=") != std::string::npos);
    CHECK(tuning_directory().empty());
    CHECK(!load_tuning(*select_device("")));
    CHECK_THROWS_WITH_AS(save_tuning(*select_device(""), some_tuning()), doctest::Contains("turns it off"), Error);
  }
  const Environment nowhere("HOME", nullptr);
  CHECK(tuning_store_directory(why).empty());
  CHECK(why.find("HOME") != std::string::npos);
  // A path from nowhere is no directory of the user's.
  const Environment relative("HOME", "here");
  CHECK(tuning_store_directory(why).empty());
  const Environment unwritable("GPUC_TUNING", "/dev/null/tuning");
  CHECK_THROWS_WITH_AS(save_tuning(*select_device(""), some_tuning()), doctest::Contains("cannot be written"), Error);
}

TEST_SUITE_END();
