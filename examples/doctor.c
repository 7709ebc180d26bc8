/* What is wrong with this machine's OpenCL, and what to do about it.
 *   doctor [--json] */
#include <gpucompute/gpucompute.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  gpuc_doctor_format format = GPUC_DOCTOR_TEXT;
  if (argc == 2 && strcmp(argv[1], "--json") == 0) {
    format = GPUC_DOCTOR_JSON;
  } else if (argc > 1) {
    fprintf(stderr, "usage: doctor [--json]\n");
    return 1;
  }

  /* Each call examines the machine anew, and the next report may be longer: ask with room to spare, again if need be.
   */
  size_t capacity = 65536;
  for (;;) {
    char *text = malloc(capacity);
    if (!text) {
      fprintf(stderr, "no memory for %zu bytes\n", capacity);
      return 1;
    }
    size_t needed = 0;
    gpuc_status status = gpuc_doctor(format, text, capacity, &needed);
    if (status == GPUC_OK) {
      size_t length = strlen(text);
      printf("%s%s", text, length > 0 && text[length - 1] == '\n' ? "" : "\n");
      free(text);
      return 0;
    }
    free(text);
    if (status != GPUC_ERROR_BUFFER_TOO_SMALL) {
      fprintf(stderr, "%s: %s\n", gpuc_status_name(status), gpuc_last_error_message());
      return 1;
    }
    capacity = 2 * needed;
  }
}
