// .icd files, the loaders and their variables.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "doctor_support.hpp"

using namespace doctor_test;

TEST_SUITE_BEGIN("doctor");

TEST_CASE("doctor: no vendors folder, and an empty one") {
  const Tree tree;
  const DoctorProblem missing = the(tree.diagnose(), "vendors_missing");
  CHECK(missing.severity == DoctorSeverity::error);
  CHECK_HAS(missing.what, "/etc/OpenCL/vendors does not exist");
  CHECK(!has(missing.what, tree.root));
  CHECK_HAS(missing.fix, "sudo apt install pocl-opencl-icd");

  tree.folder("/etc/OpenCL/vendors");
  tree.file("/etc/OpenCL/vendors/README", "not a driver\n");
  const DoctorReport report = tree.diagnose();
  CHECK(find(report, "vendors_missing") == nullptr);
  CHECK_HAS(the(report, "vendors_empty").what, "/etc/OpenCL/vendors has no .icd file");

  fs::remove_all(tree.root + "/etc/OpenCL/vendors");
  tree.file("/etc/OpenCL/vendors", "a file");
  CHECK_HAS(the(tree.diagnose(), "vendors_unreadable").what, "Not a directory");
}

TEST_CASE("doctor: an .icd file of a library that does not load") {
  const Tree tree;
  const auto fix_for = [&](const std::string &library) {
    tree.file("/etc/OpenCL/vendors/a.icd", library + "\nsecond line\n");
    const DoctorReport report = tree.diagnose();
    REQUIRE(report.icds.size() == 1);
    CHECK(report.icds[0].library == library);
    CHECK(report.icds[0].file == "/etc/OpenCL/vendors/a.icd");
    const DoctorProblem problem = the(report, "icd_library");
    CHECK_HAS(problem.what, "a.icd names " + library + ", which does not load: cannot open shared object file");
    CHECK_HAS(problem.fix, "$ sudo rm /etc/OpenCL/vendors/a.icd");
    return problem.fix;
  };
  CHECK_HAS(fix_for("libpocl.so.2.10.0"), "pocl-opencl-icd");
  CHECK_HAS(fix_for("libnvidia-opencl.so.1"), "nvidia-opencl-icd");
  CHECK_HAS(fix_for("/usr/lib/intel-opencl/libigdrcl.so"), " intel-opencl-icd");
  CHECK_HAS(fix_for("/opt/intel/lib/libintelocl.so"), "intel-oneapi-runtime-opencl");
  CHECK_HAS(fix_for("libamdocl64.so"), "rocm-opencl-icd");
  CHECK_HAS(fix_for("libRusticlOpenCL.so.1"), "mesa-opencl-icd");
  CHECK_HAS(fix_for("libRusticlOpenCL.so.1"), "RUSTICL_ENABLE");
  CHECK_HAS(fix_for("libMesaOpenCL.so.1"), "mesa-opencl-icd");
  CHECK_HAS(fix_for("/usr/lib/oclgrind/liboclgrind-rt-icd.so"), "install --reinstall oclgrind");
  CHECK_HAS(fix_for("/opt/strange/libstrange.so"), "reinstall the package that has libstrange.so");
  CHECK_HAS(fix_for("libpocl.so.2\r"), "white space");
  CHECK_HAS(fix_for("libpocl.so.2 "), "sed -i");
}

TEST_CASE("doctor: a driver that lacks a library it needs") {
  DoctorReport report = healthy();
  DoctorIcd icd = report.icds[0];
  icd.loaded = {};
  icd.loaded.name = icd.library;
  icd.loaded.error = "libLLVM-15.so.1: cannot open shared object file: No such file or directory";
  report.icds.push_back(icd);
  const DoctorProblem problem = the(examined(report), "icd_library");
  CHECK(problem.severity == DoctorSeverity::warning);  // another driver works
  CHECK_HAS(problem.fix, "install the package that has libLLVM-15.so.1");
}

TEST_CASE("doctor: .icd files that name nothing, no driver, the loader, or the same driver") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/1.icd", "");
  tree.file("/etc/OpenCL/vendors/2.icd", "libm.so.6\n");
  tree.file("/etc/OpenCL/vendors/3.icd", "libpocl.so.2");
  tree.file("/etc/OpenCL/vendors/4 ' $(x).icd", "\n");
  tree.file("/etc/OpenCL/vendors/5.icd", "/usr/lib/libpocl.so.2\n");
  tree.folder("/etc/OpenCL/vendors/6.icd");
  const DoctorReport report = tree.diagnose({}, {"libpocl.so.2", "/usr/lib/libpocl.so.2"}, {"libm.so.6"});
  REQUIRE(report.icds.size() == 6);
  CHECK(report.icds[2].loaded.exports_icd);
  CHECK_HAS(the(report, "icd_empty").what, "1.icd names no library");
  CHECK_HAS(the(report, "icd_entry").what, "2.icd names libm.so.6, which loads but is no OpenCL driver");
  CHECK_HAS(the(report, "icd_twice").what, "5.icd and /etc/OpenCL/vendors/3.icd name the same library");
  CHECK_HAS(the(report, "icd_unreadable").what, "6.icd cannot be read: Is a directory");
  CHECK_HAS(to_text(report), "sudo rm '/etc/OpenCL/vendors/4 '\\'' $(x).icd'");

  DoctorReport loader = healthy();
  loader.icds[0].loaded.path = loader.loader.path;
  CHECK_HAS(the(examined(loader), "icd_is_loader").what, "names the loader itself");
}

TEST_CASE("doctor: real loading in a made-up tree") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/a.icd", "/usr/lib/libpocl.so.2\n");
  tree.file("/etc/OpenCL/vendors/b.icd", "libm.so.6\n");
  tree.file("/usr/lib/libpocl.so.2", "not an ELF file");
  DoctorProbe probe;
  probe.root = tree.root + "/";
  probe.environment = Variables{};
  probe.query_opencl = false;
  const DoctorReport report = diagnose(probe);
  REQUIRE(report.icds.size() == 2);
  CHECK(!report.icds[0].loaded.loads);
  CHECK(!has(report.icds[0].loaded.error, tree.root));
  CHECK_HAS(report.icds[0].loaded.error, "/usr/lib/libpocl.so.2: ");
  CHECK(report.icds[1].loaded.loads);
  CHECK(report.icds[1].loaded.already_loaded);
  CHECK_HAS(report.icds[1].loaded.path, "libm.so.6");
  CHECK(!report.opencl_queried);
  CHECK(report.platforms.empty());
  CHECK(find(report, "no_platform") == nullptr);
  CHECK_HAS(the(report, "cache_nowhere").what, "none of GPUC_CACHE_DIR");
}

TEST_CASE("doctor: the variables of the loader") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  tree.file("/opt/v/x.icd", "libx.so\n");
  tree.folder("/opt/empty");

  DoctorReport report = tree.diagnose({{"OCL_ICD_VENDORS", "/nonexistent"}}, {"libpocl.so.2"});
  CHECK(report.icds.empty());
  CHECK_HAS(the(report, "vendors_variable").what, "OCL_ICD_VENDORS is \"/nonexistent\", which does not exist");
  CHECK_HAS(the(report, "vendors_variable").fix, "$ unset OCL_ICD_VENDORS");
  CHECK(find(report, "vendors_missing") == nullptr);

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/v"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/opt/v/x.icd");
  CHECK(report.icds[0].origin == "OCL_ICD_VENDORS");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/empty"}});
  CHECK_HAS(the(report, "vendors_empty").what, "/opt/empty (OCL_ICD_VENDORS) has no .icd file");
  CHECK_HAS(the(report, "vendors_empty").fix, "unset OCL_ICD_VENDORS");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "/opt/v/x.icd"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].library == "libx.so");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "pocl.icd"}}, {"libpocl.so.2"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/etc/OpenCL/vendors/pocl.icd");

  report = tree.diagnose({{"OCL_ICD_VENDORS", "libother.so"}}, {"libother.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file.empty());
  CHECK(report.icds[0].library == "libother.so");

  report = tree.diagnose({{"OPENCL_VENDOR_PATH", "/opt/v"}}, {"libx.so"});
  REQUIRE(report.icds.size() == 1);
  CHECK(report.icds[0].file == "/opt/v/x.icd");
  CHECK(report.problems.empty());

  report = tree.diagnose({{"OCL_ICD_FILENAMES", "libx.so::/opt/gone.so"}}, {"libx.so", "libpocl.so.2"});
  CHECK(report.icds.size() == 2);
  CHECK_HAS(the(report, "vendors_variable").what, "OCL_ICD_FILENAMES is \"/opt/gone.so\", which does not exist");

  report = tree.diagnose({{"OCL_ICD_VENDORS", ""}}, {"libpocl.so.2"});
  CHECK(report.icds.size() == 1);
}

TEST_CASE("doctor: the two loaders obey different variables") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  tree.file("/opt/v/x.icd", "libx.so\n");
  DoctorProbe probe;
  probe.root = tree.root;
  DoctorReport report = healthy();

  report.places = doctor::find_places(probe, {{"OPENCL_VENDOR_PATH", "/opt/v"}}, "khronos");
  report.loader.kind = "khronos";
  const std::vector<DoctorIcd> icds = doctor::read_icds(probe, report.places);
  REQUIRE(icds.size() == 1);
  CHECK(icds[0].file == "/etc/OpenCL/vendors/pocl.icd");
  CHECK_HAS(the(examined(report), "variable_ignored").what,
            "OPENCL_VENDOR_PATH is set, but the loader in use (khronos)");

  report.places = doctor::find_places(probe, {{"OCL_ICD_VENDORS", "/opt/v/x.icd"}}, "khronos");
  CHECK_HAS(the(examined(report), "vendors_variable").what, "cannot be read: Not a directory");

  report.places = doctor::find_places(probe, {{"OCL_ICD_FILENAMES", "libx.so:liby.so"}}, "ocl-icd");
  report.loader.kind = "ocl-icd";
  CHECK(doctor::read_icds(probe, report.places).size() == 1);
  CHECK_HAS(the(examined(report), "variable_ignored").what,
            "OCL_ICD_FILENAMES is set, but the loader in use (ocl-icd)");
  CHECK(examined(report).problems.size() == 1);  // once, however many libraries it names
}

TEST_CASE("doctor: layers that the loader ignores in silence") {
  const Tree tree;
  tree.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
  const DoctorReport report =
      tree.diagnose({{"OPENCL_LAYERS", "/gone/layer.so:libm.so.6"}}, {"libpocl.so.2"}, {"libm.so.6"});
  REQUIRE(report.layers.size() == 2);
  CHECK_HAS(the(report, "layer_missing").what, "OPENCL_LAYERS names /gone/layer.so, which does not load");
  CHECK_HAS(report.problems[1].what, "libm.so.6, which is no OpenCL layer");
  CHECK_HAS(report.problems[1].what, "ignores it without a word");
}

TEST_SUITE_END();
