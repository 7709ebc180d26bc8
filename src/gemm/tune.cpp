// The tuner: one parameter after the other, each setting against the best so far; then which backend is the fastest for
// which products.
#include <gpucompute/context.hpp>
#include <gpucompute/platform.hpp>
#include <gpucompute/tuning.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <memory>
#include <set>
#include <vector>

#include "gemm/gemm_backend.hpp"
#include "gemm/tune_trial.hpp"
#include "gemm/tuning_store.hpp"
#include "gemm/tunings.hpp"
#include "support/fail.hpp"
#include "support/log.hpp"

namespace gpucompute {
namespace {

constexpr std::int64_t smallest = 32, largest = 16384;
constexpr int samples = 5;
// What is less than this faster is noise, or not worth an entry.
constexpr double worth_it = 1.03;

bool is_tuned(DataType type) {
  return type == DataType::f16 || type == DataType::bf16 || type == DataType::f32 || type == DataType::f64 ||
         type == DataType::c64 || type == DataType::c128;
}

int percent(double gain) { return static_cast<int>(std::lround(std::min(gain, 1000.0) * 100)); }

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char date[16];
  std::strftime(date, sizeof date, "%Y-%m-%d", &parts);
  return date;
}

class Tuner {
 public:
  Tuner(const Device &device, const TuneOptions &options)
      : options_(options),
        end_(Clock::now() +
             std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds))) {
    // A context of its own: nobody else's products are served by candidates.
    for (const auto &known : device.platform().devices())
      if (known.get() == &device) context_ = Context::create({known});
    if (!context_) fail(Status::unsupported, "a part of a device is not tuned: tune the whole");
    Tunings::keep_out(*context_);
    queue_ = Queue::create(*context_, nullptr, 0);
  }

  bool computes(DataType type) {
    GemmProblem problem;
    problem.type = type;
    problem.m = problem.n = problem.k = 64;
    return serves(problem, "");
  }

  void tune_values(DeviceTuning &tuning, DataType type) {
    for (const GemmBackend *backend : gemm_backends()) {
      if (late()) return;
      const Tunable *tunable = backend->tunable();
      if (!tunable || (!options_.backend.empty() && options_.backend != backend->name())) continue;
      // Parameters of a type serve the narrow ones that are summed in it, too: they are measured with the type itself.
      if (!tunable->tunes(type, device()) || !serves(square(type, 64), backend->name())) continue;
      // What will hardly be chosen is not worth the time: CLBlast takes minutes to build for a CPU.
      if (options_.backend.empty() && is_far_behind(type, *backend)) continue;
      tune_backend(tuning, *backend, *tunable, type);
    }
  }

  void choose_backends(DeviceTuning &tuning, DataType type) {
    std::vector<const GemmBackend *> dropped;
    for (std::int64_t n = smallest; n <= options_.max_size; n *= 2)
      for (int ops = 0; ops < 4; ++ops) {
        if (late()) return;
        choose_backend(tuning, type, ops & 2, ops & 1, n, dropped);
      }
  }

 private:
  using Clock = std::chrono::steady_clock;

  const Device &device() const { return queue_->device(); }
  bool late() const { return Clock::now() >= end_; }

  static GemmProblem square(DataType type, std::int64_t n) {
    GemmProblem problem;
    problem.type = type;
    problem.m = problem.n = problem.k = n;
    return problem;
  }

  bool serves(GemmProblem problem, const std::string &backend) {
    problem.backend = backend;
    try {
      explain_gemm(*queue_, problem);
      return true;
    } catch (const Error &error) {
      if (error.status() != Status::unsupported) throw;
      return false;
    }
  }

  // Seconds for a product, or 0: it cannot be served, or wrongly.
  double measure(TuneTrial &trial, const std::string &backend, int count) {
    try {
      if (!serves(trial.problem(), backend) || !trial.is_right(backend)) return 0;
      return trial.seconds(backend, count);
    } catch (const Error &error) {
      if (!another_may_succeed(error)) throw;
      log(LogLevel::info, "tune: '", backend, "': ", error.message());
      return 0;
    }
  }

  std::string first_choice(const GemmProblem &problem) {
    const std::string told = explain_gemm(*queue_, problem);
    return told.substr(0, told.find(':'));
  }

  bool is_far_behind(DataType type, const GemmBackend &backend) {
    const std::string first = first_choice(square(type, 512));
    if (first == backend.name()) return false;
    TuneTrial trial(*queue_, type, false, false, std::min<std::int64_t>(options_.max_size, 512));
    const double best = measure(trial, first, 1), its = measure(trial, backend.name(), 1);
    return its == 0 || (best > 0 && its > 4 * best);
  }

  // The mean over the sizes, each against what the start took, so that all count alike; 0: one cannot be computed.
  double score(std::vector<TuneTrial> &trials, const std::vector<double> &start, const std::string &backend) {
    double sum = 0;
    for (std::size_t i = 0; i < trials.size(); ++i) {
      const double seconds = measure(trials[i], backend, samples);
      if (seconds == 0) return 0;
      sum += seconds / start[i];
    }
    return sum / static_cast<double>(trials.size());
  }

  void tune_backend(DeviceTuning &tuning, const GemmBackend &backend, const Tunable &tunable, DataType type) {
    const TuningValues before = tunable.current(*context_, device(), type);
    if (before.empty()) return;
    TuningValues best = before;
    try {
      std::set<std::int64_t> sizes{512};  // where a setting was taken, and one more
      for (const TuningAxis &axis : tunable.axes(type, device()))
        if (!late() && walk(axis, backend, tunable, type, best)) sizes.insert(axis.sizes.begin(), axis.sizes.end());
      const double gain = best == before ? 1 : final_gain(backend, tunable, type, before, best, sizes);
      if (gain >= worth_it)
        tuning.put(TunedValues{backend.name(), type, best, percent(gain)});
      else
        best = before;
    } catch (...) {
      tunable.use(before, type, *context_, device());  // CLBlast's parameters outlive this context
      throw;
    }
    tunable.use(best, type, *context_, device());
    // An earlier entry stays where it is in force already, and where there was no time to look at everything.
    const TunedValues *known = tuning.find(backend.name(), type);
    if (known && known->values != best && !late()) tuning.forget(backend.name(), type);
  }

  // Takes the settings of one axis that are faster than the best so far; whether there was any.
  bool walk(const TuningAxis &axis, const GemmBackend &backend, const Tunable &tunable, DataType type,
            TuningValues &best) {
    std::vector<TuneTrial> trials;
    std::vector<double> start;
    for (std::uint64_t n : axis.sizes)
      if (static_cast<std::int64_t>(n) <= options_.max_size) {
        trials.emplace_back(*queue_, type, false, false, static_cast<std::int64_t>(n));
        start.push_back(measure(trials.back(), backend.name(), samples));
        if (start.back() == 0) trials.pop_back(), start.pop_back();
      }
    const auto score_of = [&](const TuningValues &values) {
      tunable.use(values, type, *context_, device());
      return score(trials, start, backend.name());
    };
    double lowest = 1;
    bool any = false;
    for (const TuningValues &setting : axis.settings) {
      if (trials.empty() || late()) break;
      TuningValues candidate = best;
      for (const auto &value : setting) candidate[value.first] = value.second;
      if (candidate == best || !tunable.refusal(candidate, type, device()).empty()) continue;
      const double relative = score_of(candidate);
      if (relative == 0 || relative * worth_it > lowest) continue;
      // Twice, for what looked good may have been lucky.
      const double again = score_of(best), confirmed = score_of(candidate);
      if (confirmed == 0 || confirmed * worth_it > again) continue;
      best = candidate;
      lowest = relative;
      any = true;
      log(LogLevel::info, "tune: '", backend.name(), "' ", name_of(type), ", ", axis.what, ": ", again / confirmed,
          " times as fast");
    }
    tunable.use(best, type, *context_, device());
    return any;
  }

  // Of all settings together, before and after in turns.
  double final_gain(const GemmBackend &backend, const Tunable &tunable, DataType type, const TuningValues &before,
                    const TuningValues &after, const std::set<std::int64_t> &sizes) {
    std::vector<TuneTrial> trials;
    for (std::int64_t n : sizes)
      if (n <= options_.max_size) trials.emplace_back(*queue_, type, false, false, n);
    std::vector<double> gains;
    for (int round = 0; round < 3; ++round) {
      double sums[2] = {0, 0};
      std::vector<double> start(trials.size(), 0);
      for (int side : {0, 1}) {
        tunable.use(side ? after : before, type, *context_, device());
        for (std::size_t i = 0; i < trials.size(); ++i) {
          const double seconds = measure(trials[i], backend.name(), samples);
          if (seconds == 0) return 0;
          if (side == 0) start[i] = seconds;
          sums[side] += seconds / start[i];
        }
      }
      gains.push_back(sums[0] / sums[1]);
    }
    std::sort(gains.begin(), gains.end());
    return gains.empty() ? 0 : gains[gains.size() / 2];
  }

  void choose_backend(DeviceTuning &tuning, DataType type, bool a_transposed, bool b_transposed, std::int64_t n,
                      std::vector<const GemmBackend *> &dropped) {
    GemmProblem problem = square(type, n);
    problem.transpose_a = a_transposed ? Transpose::trans : Transpose::none;
    problem.transpose_b = b_transposed ? Transpose::trans : Transpose::none;
    const std::string first = first_choice(problem);
    TuneTrial trial(*queue_, type, a_transposed, b_transposed, n);
    // The first against each other one in turns; the median of the ratios of neighbours in time.
    const double once = measure(trial, first, 1);
    if (once == 0) return;
    std::string best = first;
    double best_gain = 1;
    for (const GemmBackend *backend : gemm_backends()) {
      if (first == backend->name() || std::count(dropped.begin(), dropped.end(), backend)) continue;
      if (late()) return;
      const double seconds = measure(trial, backend->name(), 1);
      if (seconds == 0) continue;
      // Who is so far behind at this size will not come first at the next, and may take for ever.
      if (seconds > 8 * once && n >= 128) dropped.push_back(backend);
      if (seconds > 1.2 * once) continue;
      std::vector<double> ratios;
      for (int round = 0; round < samples; ++round) {
        const bool turned = round % 2;
        const double one = trial.seconds(turned ? backend->name() : first, 1);
        const double two = trial.seconds(turned ? first : backend->name(), 1);
        ratios.push_back(turned ? two / one : one / two);
      }
      std::sort(ratios.begin(), ratios.end());
      const double gain = ratios[ratios.size() / 2];
      if (gain > best_gain) {
        best = backend->name();
        best_gain = gain;
      }
    }
    const auto products = ProductClass::of(make_gemm_task(problem));
    if (!products) return;
    if (best_gain >= worth_it) {
      log(LogLevel::info, "tune: ", name_of(type), " ", n, ": '", best, "' is ", best_gain, " times as fast as '",
          first, "'");
      tuning.put(TunedChoice{*products, best, percent(best_gain)});
    } else {
      tuning.drop(*products);
    }
  }

  const TuneOptions &options_;
  Clock::time_point end_;
  std::shared_ptr<Context> context_;
  std::shared_ptr<Queue> queue_;
};

void check_options(const TuneOptions &options) {
  if (options.type != DataType::none && !is_tuned(options.type))
    fail(Status::invalid_argument, "type is ", static_cast<int>(options.type),
         ", must be none, f16, bf16, f32, f64, c64 or c128");
  if (!(options.seconds > 0 && options.seconds <= 86400))
    fail(Status::invalid_argument, "seconds is ", options.seconds, ", must be above 0 and at most 86400");
  if (options.max_size < smallest || options.max_size > largest)
    fail(Status::invalid_argument, "max_size is ", options.max_size, ", must be ", smallest, " to ", largest);
  if (options.backend.empty()) return;
  std::string tunable;
  for (const GemmBackend *backend : gemm_backends()) {
    if (backend->tunable()) tunable += (tunable.empty() ? "" : ", ") + std::string(backend->name());
    if (options.backend != backend->name()) continue;
    if (backend->tunable()) return;
    fail(Status::unsupported, "backend '", options.backend, "' has no parameters to tune");
  }
  fail(Status::not_found, "backend is '", options.backend, "'; those with parameters are: ", tunable);
}

}  // namespace

void tune(Queue &queue, const TuneOptions &options) {
  check_options(options);
  std::string why;
  if (tuning_store_directory(why).empty())
    fail(Status::invalid_state, "there is no table to store what is measured in: ", why);
  const Device &device = queue.device();
  DeviceTuning tuning = load_tuning(device).value_or(DeviceTuning{});
  tuning.device = device.info().name;
  tuning.date = today();
  save_tuning(device, tuning);  // better now than after a minute of measuring: can it be written at all?
  Tuner tuner(device, options);
  std::vector<DataType> types{options.type};
  if (options.type == DataType::none) types = {DataType::f32, DataType::f64, DataType::f16, DataType::bf16};
  bool any = false;
  for (DataType type : types) {
    if (!tuner.computes(type)) continue;
    any = true;
    tuner.tune_values(tuning, type);
    if (options.backend.empty()) tuner.choose_backends(tuning, type);
    save_tuning(device, tuning);
  }
  if (!any) fail(Status::unsupported, "'", device.info().name, "' computes no product of that type");
  Tunings::of(queue.context()).adopt(queue.context(), device, tuning);
}

std::string tuning_json(const Device &device) {
  DeviceTuning tuning = load_tuning(device).value_or(DeviceTuning{});
  tuning.device = device.info().name;
  return to_json(tuning);
}

bool reset_tuning(const Device &device) {
  const auto tuning = load_tuning(device);
  if (!tuning || (tuning->empty() && tuning->date.empty())) return false;
  DeviceTuning none;
  none.device = device.info().name;
  save_tuning(device, none);
  return true;
}

std::string tuning_directory() {
  std::string why;
  return tuning_store_directory(why);
}

}  // namespace gpucompute
