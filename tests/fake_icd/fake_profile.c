// Which odd device GPUC_FAKE asks for.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

struct fake_profile fake_profile;

enum { KIB = 1024, MIB = 1024 * KIB };

static void set_defaults(void) {
  fake_profile = (struct fake_profile){
      .version = 300,
      .fp64 = 1,
      .fp16 = 1,
      .arg_info = 1,
      .platforms = 1,
      .devices = 1,
      .little = CL_TRUE,
      .address_bits = 64,
      .max_work_group = 256,
      .global_memory = 1024ul * MIB,
      .max_allocation = 256ul * MIB,
      .local_memory = 32 * KIB,
      .timer_resolution = 1,
      .lost_after = -1,
      .type = CL_DEVICE_TYPE_GPU,
      .available = CL_TRUE,
      .compiler_available = CL_TRUE,
      .name = "Fake OpenCL",
  };
}

// Applies one word of GPUC_FAKE; gives whether it is known.
static int apply(const char *word) {
  struct fake_profile *p = &fake_profile;
  char *end;
  if (!strcmp(word, "nofp64")) {
    p->fp64 = 0;
  } else if (!strcmp(word, "nofp16")) {
    p->fp16 = 0;
  } else if (!strcmp(word, "tiny")) {
    p->global_memory = 1 * MIB;
    p->max_allocation = 256 * KIB;
  } else if (!strcmp(word, "wg1")) {
    p->max_work_group = 1;
  } else if (!strcmp(word, "bits32")) {
    p->address_bits = 32;
  } else if (!strcmp(word, "cl11")) {
    p->version = 110;
  } else if (!strcmp(word, "cl12")) {
    p->version = 120;
  } else if (!strcmp(word, "cl30")) {
    p->version = 300;
  } else if (!strcmp(word, "noargs")) {
    p->arg_info = 0;
  } else if (!strcmp(word, "big")) {
    p->little = CL_FALSE;
  } else if (!strcmp(word, "ticks0")) {
    p->timer_resolution = 0;
  } else if (!strncmp(word, "lost:", 5)) {
    p->lost_after = strtol(word + 5, &end, 10);
    return end != word + 5 && *end == '\0' && p->lost_after >= 0;
  } else if (!strcmp(word, "nodevices")) {
    p->devices = 0;
  } else if (!strcmp(word, "noplatform")) {
    p->platforms = 0;
  } else if (!strcmp(word, "two")) {
    p->devices = 2;
  } else if (!strcmp(word, "unified")) {
    p->unified = 1;
  } else if (!strcmp(word, "cpu")) {
    p->type = CL_DEVICE_TYPE_CPU;
  } else if (!strcmp(word, "accelerator")) {
    p->type = CL_DEVICE_TYPE_ACCELERATOR;
  } else if (!strcmp(word, "custom")) {
    p->type = CL_DEVICE_TYPE_CUSTOM;
  } else if (!strcmp(word, "unavailable")) {
    p->available = CL_FALSE;
  } else if (!strcmp(word, "nocompiler")) {
    p->compiler_available = CL_FALSE;
  } else if (!strcmp(word, "ids")) {
    p->ids = 1;
  } else if (!strcmp(word, "nvids")) {
    p->nv_ids = 1;
  } else if (!strncmp(word, "as:", 3) && word[3]) {
    return snprintf(p->name, sizeof p->name, "%s", word + 3) < (int)sizeof p->name;
  } else {
    return 0;
  }
  return 1;
}

static void set_up_once(void) {
  set_defaults();
  const char *list = getenv("GPUC_FAKE");
  char *copy = strdup(list ? list : "");
  char *position = NULL;
  for (char *word = copy ? strtok_r(copy, ",", &position) : NULL; word; word = strtok_r(NULL, ",", &position)) {
    if (apply(word)) continue;
    // A test of a profile that is misspelt must not pass on the plain device.
    fprintf(stderr, "fake ICD: unknown word '%s' in GPUC_FAKE; there is no platform\n", word);
    fake_profile.platforms = 0;
  }
  free(copy);

  fake_platform.object = (struct fake_object){.dispatch = &fake_dispatch, .kind = FAKE_PLATFORM, .references = 1};
  for (cl_uint i = 0; i < FAKE_MAX_DEVICES; i++) {
    fake_devices[i].object = (struct fake_object){.dispatch = &fake_dispatch, .kind = FAKE_DEVICE, .references = 1};
    fake_devices[i].index = i;
  }
}

void fake_setup(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up_once);
}

const char *fake_version_text(void) {
  return fake_profile.version == 110   ? "OpenCL 1.1 fake"
         : fake_profile.version == 120 ? "OpenCL 1.2 fake"
                                       : "OpenCL 3.0 fake";
}

cl_version fake_version_number(void) {
  return CL_MAKE_VERSION((cl_version)fake_profile.version / 100, (cl_version)fake_profile.version / 10 % 10, 0);
}

#define BASIC_EXTENSIONS                                                       \
  "cl_khr_icd cl_khr_byte_addressable_store cl_khr_global_int32_base_atomics " \
  "cl_khr_global_int32_extended_atomics cl_khr_local_int32_base_atomics cl_khr_local_int32_extended_atomics"
#define EXTENSIONS_OF_3_0 " cl_khr_extended_versioning cl_khr_subgroups"

const char *fake_extensions_text(void) {
  static const char *const texts[2][2][2] = {
      {{BASIC_EXTENSIONS, BASIC_EXTENSIONS " cl_khr_fp16"},
       {BASIC_EXTENSIONS " cl_khr_fp64", BASIC_EXTENSIONS " cl_khr_fp64 cl_khr_fp16"}},
      {{BASIC_EXTENSIONS EXTENSIONS_OF_3_0, BASIC_EXTENSIONS EXTENSIONS_OF_3_0 " cl_khr_fp16"},
       {BASIC_EXTENSIONS EXTENSIONS_OF_3_0 " cl_khr_fp64",
        BASIC_EXTENSIONS EXTENSIONS_OF_3_0 " cl_khr_fp64 cl_khr_fp16"}},
  };
  const char *text = texts[fake_profile.version >= 300][fake_profile.fp64][fake_profile.fp16];
  if (!fake_profile.nv_ids) return text;
  static _Thread_local char with_query[512];
  snprintf(with_query, sizeof with_query, "%s cl_nv_device_attribute_query", text);
  return with_query;
}
