// Finds the fault layer from inside a test program.
#define _GNU_SOURCE
#include "faults.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char library_name[] = "libgpuc_fault_layer.so";

// dl_iterate_phdr: the path under which the loader has the layer. OPENCL_LAYERS would not do: the loader cuts that
// variable at the first colon.
static int find_layer_path(struct dl_phdr_info *info, size_t size, void *out_path) {
  (void)size;
  const char *slash = info->dlpi_name ? strrchr(info->dlpi_name, '/') : NULL;
  if (!slash || strcmp(slash + 1, library_name) || strlen(info->dlpi_name) >= PATH_MAX) return 0;
  strcpy(out_path, info->dlpi_name);
  return 1;
}

// A function of the layer through its name. memcpy, because C has no cast from an object to a function pointer.
static int find(void *layer, const char *name, void *out_function) {
  void *address = dlsym(RTLD_DEFAULT, name);
  if (!address && layer) address = dlsym(layer, name);
  memcpy(out_function, &address, sizeof address);
  return address != NULL;
}

static void initialise_loader(void) {
  int (*get_platform_ids)(unsigned count, void *platforms, unsigned *out_count);
  unsigned count = 0;
  if (find(NULL, "clGetPlatformIDs", &get_platform_ids)) (void)get_platform_ids(0, NULL, &count);
}

static int look_up(gpuc_faults *out_faults) {
  int (*is_active)(void);
  char path[PATH_MAX];
  // The handle stays open: the layer lives as long as the process.
  void *layer = dl_iterate_phdr(find_layer_path, path) ? dlopen(path, RTLD_LAZY | RTLD_NOLOAD) : NULL;
  return find(layer, "gpuc_faults_active", &is_active) && is_active() &&
         find(layer, "gpuc_faults_arm", &out_faults->arm) && find(layer, "gpuc_faults_calls", &out_faults->calls) &&
         find(layer, "gpuc_faults_fired", &out_faults->fired) && find(layer, "gpuc_faults_live", &out_faults->live) &&
         find(layer, "gpuc_faults_misuse", &out_faults->misuse) && find(layer, "gpuc_faults_reset", &out_faults->reset);
}

int gpuc_faults_load(gpuc_faults *out_faults) {
  if (look_up(out_faults)) return 1;
  initialise_loader();
  if (look_up(out_faults)) return 1;
  memset(out_faults, 0, sizeof *out_faults);
  return 0;
}

void gpuc_faults_require(gpuc_faults *out_faults) {
  if (gpuc_faults_load(out_faults)) return;
  const char *layers = getenv("OPENCL_LAYERS");
  fprintf(stderr,
          "faults: the fault layer is not active. OPENCL_LAYERS is '%s' and must name %s; the OpenCL loader must be "
          "linked and find at least one platform.\n",
          layers ? layers : "", library_name);
  exit(2);
}
