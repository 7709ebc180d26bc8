/* Measures which parameters and which backend multiply f32 matrices fastest on this device, and shows what the user's
 * table has then. tuning [SECONDS]  for more than 3 of them; the more, the more is tried */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>

static void check(gpuc_status status, const char *call) {
  if (status == GPUC_OK) return;
  fprintf(stderr, "%s\n  %s: %s\n", call, gpuc_status_name(status), gpuc_last_error_message());
  exit(1);
}
#define CHECK(call) check(call, #call)

static void tell(void *user_data, gpuc_log_level level, const char *message) {
  (void)user_data, (void)level;
  printf("  %s\n", message);
}

int main(int argc, char **argv) {
  char directory[4096];
  CHECK(gpuc_tuning_get_directory(directory, sizeof directory, NULL));
  if (!*directory) {
    printf("GPUC_TUNING is 0, so there is no table to store anything in\n");
    return 0;
  }
  gpuc_device *device;
  gpuc_context *context;
  gpuc_queue *queue;
  CHECK(gpuc_device_select(NULL, &device));
  CHECK(gpuc_context_create(&device, 1, &context));
  CHECK(gpuc_queue_create(context, device, 0, &queue));
  CHECK(gpuc_log_set(tell, NULL, GPUC_LOG_INFO));

  gpuc_tune_options options;
  CHECK(gpuc_tune_options_init(&options, sizeof options));
  options.type = GPUC_TYPE_F32;
  options.max_size = 512;
  options.seconds = argc > 1 ? atof(argv[1]) : 3;
  CHECK(gpuc_tune(queue, &options));

  size_t size = 0;
  CHECK(gpuc_tuning_get_json(device, NULL, 0, &size));
  char *json = malloc(size);
  if (!json) return 1;
  CHECK(gpuc_tuning_get_json(device, json, size, NULL));
  printf("in %s:\n%s\n", directory, json);
  free(json);
  gpuc_queue_release(queue);
  gpuc_context_release(context);
  gpuc_device_release(device);
  return 0;
}
