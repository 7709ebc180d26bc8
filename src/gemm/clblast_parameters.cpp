#include "gemm/clblast_parameters.hpp"

#include "support/text.hpp"

namespace gpucompute {
namespace {

// A tile of MWG x NWG elements by MDIMC x NDIMC items, KWG deep; VWM and VWN: widths of vectors; SA, SB: through local
// memory. MDIMA and NDIMB are how the items share out its loads.
TuningValues packed(int mwg, int nwg, int kwg, int mdimc, int ndimc, int kwi, int vwm, int vwn, int sa, int sb) {
  return {{"GEMMK", 0},     {"KREG", 1},      {"MWG", mwg},     {"NWG", nwg}, {"KWG", kwg}, {"MDIMC", mdimc},
          {"NDIMC", ndimc}, {"MDIMA", mdimc}, {"NDIMB", ndimc}, {"KWI", kwi}, {"VWM", vwm}, {"VWN", vwn},
          {"STRM", 0},      {"STRN", 0},      {"SA", sa},       {"SB", sb}};
}

TuningValues direct(int wgd, int mdimcd, int ndimcd, int kwid, int vwmd, int vwnd) {
  return {{"WGD", wgd},   {"MDIMCD", mdimcd}, {"NDIMCD", ndimcd}, {"MDIMAD", mdimcd}, {"NDIMBD", ndimcd},
          {"KWID", kwid}, {"VWMD", vwmd},     {"VWND", vwnd},     {"PADA", 1},        {"PADB", 1}};
}

class Rules {
 public:
  Rules(const TuningValues &values, std::string &why) : values_(values), why_(why) {}

  std::int64_t operator()(const char *name) const { return value_of(values_, name, 0); }
  void within(const char *name, std::int64_t least, std::int64_t most) {
    const std::int64_t value = (*this)(name);
    if (value < least || value > most) refuse(text(name, " is ", value, ", must be ", least, " to ", most));
  }
  void multiple(const char *what, std::int64_t value, const char *of, std::int64_t divisor) {
    if (why_.empty() && (divisor == 0 || value % divisor))
      refuse(text(what, " is ", value, ", no multiple of ", of, ", ", divisor));
  }
  void refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
  }

 private:
  const TuningValues &values_;
  std::string &why_;
};

}  // namespace

const std::vector<ClblastKernel> &clblast_kernels() {
  // Never destroyed: threads that outlive main() may still be in here.
  static const auto *const kernels = new std::vector<ClblastKernel>{
      {"Xgemm",
       {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM", "STRN",
        "VWM", "VWN"}},
      {"XgemmDirect", {"KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD", "PADA", "PADB", "VWMD", "VWND", "WGD"}},
      {"GemmRoutine", {"XGEMM_MIN_INDIRECT_SIZE"}}};
  return *kernels;
}

std::vector<TuningAxis> clblast_axes(std::size_t element, std::uint64_t local, std::uint64_t most_items) {
  TuningAxis large{"packed kernel", {1024, 2048}, {}}, small{"direct kernel", {128, 256}, {}};
  const TuningValues other_large = packed(32, 32, 16, 8, 8, 2, 1, 1, 0, 0), other_small = direct(16, 8, 8, 2, 1, 1);
  const auto add = [&](TuningAxis &axis, const TuningValues &one, const TuningValues &other) {
    TuningValues both = other;
    both.insert(one.begin(), one.end());
    if (clblast_refusal(both, element, local, most_items).empty()) axis.settings.push_back(one);
  };
  for (const TuningValues &values :
       {packed(64, 64, 16, 16, 16, 2, 2, 2, 1, 1), packed(64, 64, 16, 8, 8, 2, 4, 4, 1, 1),
        packed(64, 64, 32, 16, 16, 2, 4, 4, 1, 1), packed(128, 64, 16, 16, 8, 2, 4, 2, 1, 1),
        packed(64, 128, 16, 8, 16, 2, 2, 4, 1, 1), packed(128, 128, 16, 16, 16, 2, 4, 4, 1, 1),
        packed(128, 128, 32, 16, 16, 2, 4, 4, 1, 1), packed(128, 128, 16, 32, 8, 2, 2, 4, 1, 1),
        packed(64, 64, 32, 8, 8, 8, 4, 4, 0, 0), packed(128, 64, 32, 16, 16, 2, 4, 2, 0, 1),
        packed(32, 64, 32, 8, 8, 2, 2, 4, 0, 0), packed(32, 32, 16, 8, 8, 2, 2, 2, 0, 0)})
    add(large, values, other_small);
  for (const TuningValues &values :
       {direct(8, 8, 8, 1, 1, 1), direct(16, 8, 8, 2, 1, 1), direct(16, 8, 8, 2, 2, 2), direct(32, 8, 8, 2, 2, 2),
        direct(32, 16, 16, 2, 1, 1), direct(32, 16, 8, 2, 2, 2), direct(32, 8, 16, 8, 4, 2),
        direct(64, 16, 16, 2, 2, 2), direct(64, 8, 8, 2, 4, 4), direct(64, 16, 16, 8, 4, 4)})
    add(small, values, other_large);
  return {large,
          small,
          {"smallest packed product",
           {256, 512},
           {{{"XGEMM_MIN_INDIRECT_SIZE", 0}},
            {{"XGEMM_MIN_INDIRECT_SIZE", 256}},
            {{"XGEMM_MIN_INDIRECT_SIZE", 448}},
            {{"XGEMM_MIN_INDIRECT_SIZE", 768}},
            {{"XGEMM_MIN_INDIRECT_SIZE", 1152}}}}};
}

// The conditions that CLBlast's kernels state for their parameters.
std::string clblast_refusal(const TuningValues &values, std::size_t element, std::uint64_t local,
                            std::uint64_t most_items) {
  std::string why;
  Rules rule(values, why);
  for (const char *name : {"MWG", "NWG", "KWG", "WGD"}) rule.within(name, 1, 256);
  for (const char *name : {"MDIMC", "NDIMC", "MDIMA", "NDIMB", "MDIMCD", "NDIMCD", "MDIMAD", "NDIMBD"})
    rule.within(name, 1, 64);
  for (const char *name : {"VWM", "VWN", "VWMD", "VWND"}) {
    rule.within(name, 1, 8);
    if (rule(name) & (rule(name) - 1)) rule.refuse(text(name, " is ", rule(name), ", must be a power of two"));
  }
  for (const char *name : {"KWI", "KWID"}) rule.within(name, 1, 64);
  for (const char *name : {"STRM", "STRN", "SA", "SB", "PADA", "PADB"}) rule.within(name, 0, 1);
  rule.within("GEMMK", 0, 0);  // the other kernel has conditions of its own
  rule.within("KREG", 1, 1);
  rule.within("XGEMM_MIN_INDIRECT_SIZE", 0, 1 << 20);
  if (!why.empty()) return why;
  const std::int64_t items = rule("MDIMC") * rule("NDIMC"), items_direct = rule("MDIMCD") * rule("NDIMCD");
  rule.multiple("KWG", rule("KWG"), "KWI", rule("KWI"));
  rule.multiple("MWG", rule("MWG"), "MDIMC * VWM", rule("MDIMC") * rule("VWM"));
  rule.multiple("NWG", rule("NWG"), "NDIMC * VWN", rule("NDIMC") * rule("VWN"));
  rule.multiple("MWG", rule("MWG"), "MDIMA * VWM", rule("MDIMA") * rule("VWM"));
  rule.multiple("NWG", rule("NWG"), "NDIMB * VWN", rule("NDIMB") * rule("VWN"));
  rule.multiple("MDIMC * NDIMC", items, "MDIMA", rule("MDIMA"));
  rule.multiple("MDIMC * NDIMC", items, "NDIMB", rule("NDIMB"));
  rule.multiple("KWG", rule("KWG"), "MDIMC * NDIMC / MDIMA", items / rule("MDIMA"));
  rule.multiple("KWG", rule("KWG"), "MDIMC * NDIMC / NDIMB", items / rule("NDIMB"));
  const std::int64_t wgd = rule("WGD");
  rule.multiple("WGD", wgd, "KWID", rule("KWID"));
  rule.multiple("WGD", wgd, "MDIMCD * VWMD", rule("MDIMCD") * rule("VWMD"));
  rule.multiple("WGD", wgd, "NDIMCD * VWND", rule("NDIMCD") * rule("VWND"));
  rule.multiple("WGD", wgd, "MDIMAD * VWMD", rule("MDIMAD") * rule("VWMD"));
  rule.multiple("WGD", wgd, "NDIMBD * VWND", rule("NDIMBD") * rule("VWND"));
  rule.multiple("MDIMCD * NDIMCD", items_direct, "MDIMAD", rule("MDIMAD"));
  rule.multiple("MDIMCD * NDIMCD", items_direct, "NDIMBD", rule("NDIMBD"));
  rule.multiple("WGD", wgd, "MDIMCD * NDIMCD / MDIMAD", items_direct / rule("MDIMAD"));
  rule.multiple("WGD", wgd, "MDIMCD * NDIMCD / NDIMBD", items_direct / rule("NDIMBD"));
  for (const std::int64_t count : {items, items_direct})
    if (static_cast<std::uint64_t>(count) > most_items)
      rule.refuse(text("it needs work-groups of ", count, ", the device allows ", most_items));
  const std::int64_t bytes =
      static_cast<std::int64_t>(element) * std::max(rule("KWG") * (rule("SA") * rule("MWG") + rule("SB") * rule("NWG")),
                                                    wgd * (2 * wgd + rule("PADA") + rule("PADB")));
  if (static_cast<std::uint64_t>(bytes) > local)
    rule.refuse(text("it needs ", bytes, " bytes of local memory, the device has ", local));
  return why;
}

}  // namespace gpucompute
