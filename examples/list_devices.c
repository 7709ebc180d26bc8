/* Lists every OpenCL device: what it reports and what it was found to be able to do. */
#include <gpucompute/gpucompute.h>
#include <stdio.h>

static const char *text_of(gpuc_device *device, gpuc_device_string key) {
  static char text[4096];
  if (gpuc_device_get_string(device, key, text, sizeof text, NULL)) return gpuc_last_error_message();
  return text;
}

static unsigned long long number_of(gpuc_device *device, gpuc_device_number key) {
  uint64_t value = 0;
  gpuc_device_get_number(device, key, &value);
  return value;
}

int main(void) {
  gpuc_device *devices[64];
  size_t count = 0;
  if (gpuc_device_list(NULL, devices, 64, &count)) {
    printf("%s\n", gpuc_last_error_message());
    return 1;
  }
  for (size_t i = 0; i < count && i < 64; ++i) {
    static const char *const types[] = {"?", "CPU", "GPU", "accelerator", "custom"};
    static const char *const fp16[] = {"none", "storage", "arithmetic", "math"};
    uint64_t half = 0, fp64 = 0;
    gpuc_device *device = devices[i];
    gpuc_device_get_capability(device, GPUC_CAPABILITY_FP16, &half);
    gpuc_device_get_capability(device, GPUC_CAPABILITY_FP64, &fp64);
    printf("%s\n", text_of(device, GPUC_DEVICE_NAME));
    printf("  filter    %s\n", text_of(device, GPUC_DEVICE_FILTER));
    printf("  type      %s, %llu units at %llu MHz\n", types[number_of(device, GPUC_DEVICE_TYPE)],
           number_of(device, GPUC_DEVICE_COMPUTE_UNITS), number_of(device, GPUC_DEVICE_CLOCK_MHZ));
    printf("  version   %s\n", text_of(device, GPUC_DEVICE_VERSION));
    printf("  driver    %s\n", text_of(device, GPUC_DEVICE_DRIVER_VERSION));
    printf("  memory    %llu MiB, one buffer up to %llu MiB%s\n",
           number_of(device, GPUC_DEVICE_GLOBAL_MEMORY_BYTES) >> 20,
           number_of(device, GPUC_DEVICE_MAX_ALLOCATION_BYTES) >> 20,
           number_of(device, GPUC_DEVICE_UNIFIED_MEMORY) ? ", shared with the host" : "");
    printf("  fp16      %s\n  fp64      %s\n", half < 4 ? fp16[half] : "?", fp64 ? "yes" : "no");
    gpuc_device_release(device);
  }
  return 0;
}
