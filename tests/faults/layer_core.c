// The rules, the counts, the report and the entry points of the fault layer.
#include "layer_core.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

#define EXPORT __attribute__((visibility("default")))

enum { MAX_RULES = 64, RULE_ANY = -1, RULE_EVENT = -2 };

// Fail call `nth` (counted from 1) of a function, or this call and all later ones.
struct rule {
  int function;  // an index of layer_functions, RULE_ANY or RULE_EVENT
  long nth;
  int from_then_on;
  cl_int code;
};

cl_icd_dispatch layer_target;
static cl_icd_dispatch layer_dispatch;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[MAX_RULES];
static int rule_count;
static long fallible_calls;
static long events_observed;
static long fired;
static int active;
static int verbose;
static char *report_path;
static pid_t report_pid;

void layer_lock(void) { pthread_mutex_lock(&lock); }
void layer_unlock(void) { pthread_mutex_unlock(&lock); }

static cl_int match_rules(int function, long calls, long calls_of_any) {
  for (int i = 0; i < rule_count; i++) {
    const struct rule *rule = &rules[i];
    long ordinal = rule->function == function ? calls : rule->function == RULE_ANY ? calls_of_any : 0;
    if (ordinal == rule->nth || (rule->from_then_on && ordinal > rule->nth)) return rule->code;
  }
  return CL_SUCCESS;
}

cl_int layer_enter(int function) {
  struct layer_function *entry = &layer_functions[function];
  layer_lock();
  entry->calls++;
  if (entry->fallible) fallible_calls++;
  long calls_of_any = entry->fallible ? fallible_calls : 0;
  cl_int code = match_rules(function, entry->calls, calls_of_any);
  if (code != CL_SUCCESS) {
    entry->failed++;
    fired++;
    if (verbose) {
      fprintf(stderr, "faults: %s call %ld (fallible call %ld) fails with %d\n", entry->name, entry->calls,
              calls_of_any, code);
    }
  }
  layer_unlock();
  return code;
}

cl_int layer_event_observed(void) {
  events_observed++;
  return match_rules(RULE_EVENT, events_observed, 0);
}

void layer_event_failed(cl_int code) {
  fired++;
  if (verbose) fprintf(stderr, "faults: an event reports %d\n", code);
}

// ---- rules ----

static int find_function(const char *name) {
  for (int i = 0; i < layer_function_count; i++) {
    if (!strcmp(layer_functions[i].name, name)) return i;
  }
  return layer_function_count;
}

// Reads "name:n:code" or "name:n+:code"; gives whether it is well formed.
static int parse_rule(const char *text, struct rule *rule) {
  char name[96];
  const char *colon = strchr(text, ':');
  if (!colon || (size_t)(colon - text) >= sizeof name) return 0;
  memcpy(name, text, (size_t)(colon - text));
  name[colon - text] = '\0';
  if (!strcmp(name, "any") || !strcmp(name, "*")) {
    rule->function = RULE_ANY;
  } else if (!strcmp(name, "event")) {
    rule->function = RULE_EVENT;
  } else {
    rule->function = find_function(name);
    if (rule->function == layer_function_count) return 0;
  }
  char *end;
  rule->nth = strtol(colon + 1, &end, 10);
  rule->from_then_on = *end == '+';
  if (rule->from_then_on) end++;
  if (end == colon + 1 || *end != ':' || rule->nth < 1) return 0;
  const char *code = end + 1;
  rule->code = (cl_int)strtol(code, &end, 10);
  return end != code && *end == '\0' && rule->code < 0;
}

static void reset_counts(void) {
  for (int i = 0; i < layer_function_count; i++) layer_functions[i].calls = layer_functions[i].failed = 0;
  fallible_calls = events_observed = fired = 0;
}

EXPORT int gpuc_faults_arm(const char *text) {
  struct rule parsed[MAX_RULES];
  int count = 0;
  int well_formed = 1;
  char *copy = strdup(text ? text : "");
  if (!copy) return -1;
  char *position = NULL;
  for (char *part = strtok_r(copy, ",", &position); part && well_formed; part = strtok_r(NULL, ",", &position)) {
    well_formed = count < MAX_RULES && parse_rule(part, &parsed[count]);
    count++;
  }
  free(copy);
  if (!well_formed) return -1;
  layer_lock();
  if (count) memcpy(rules, parsed, (size_t)count * sizeof *rules);
  rule_count = count;
  reset_counts();
  layer_unlock();
  return count;
}

EXPORT int gpuc_faults_active(void) { return active; }

EXPORT long gpuc_faults_calls(const char *function) {
  layer_lock();
  long calls = -1;
  if (!function) {
    calls = fallible_calls;
  } else if (!strcmp(function, "event")) {
    calls = events_observed;
  } else {
    int index = find_function(function);
    if (index < layer_function_count) calls = layer_functions[index].calls;
  }
  layer_unlock();
  return calls;
}

EXPORT long gpuc_faults_fired(void) {
  layer_lock();
  long count = fired;
  layer_unlock();
  return count;
}

EXPORT long gpuc_faults_live(const char *kind) {
  int index = 0;
  if (kind) {
    while (index < KIND_COUNT && strcmp(kind, object_kind_names[index])) index++;
    if (index == KIND_COUNT) return -1;
  }
  layer_lock();
  long count = objects_live(kind ? index : KIND_COUNT);
  layer_unlock();
  return count;
}

EXPORT long gpuc_faults_misuse(void) {
  layer_lock();
  long count = objects_misuse();
  layer_unlock();
  return count;
}

EXPORT void gpuc_faults_reset(void) {
  layer_lock();
  rule_count = 0;
  reset_counts();
  objects_reset();
  layer_unlock();
}

// ---- the report at exit ----

// "%p" in the path becomes the process id, so that child processes can write reports of their own.
static FILE *open_report(const char *path) {
  const char *mark = strstr(path, "%p");
  if (!mark) return fopen(path, "w");
  char name[4096];
  int length = snprintf(name, sizeof name, "%.*s%ld%s", (int)(mark - path), path, (long)getpid(), mark + 2);
  return length > 0 && (size_t)length < sizeof name ? fopen(name, "w") : NULL;
}

__attribute__((destructor)) static void write_report(void) {
  if (!report_path || getpid() != report_pid) return;  // a forked child leaves its parent's report alone
  FILE *file = open_report(report_path);
  if (!file) {
    fprintf(stderr, "faults: cannot write the report %s\n", report_path);
    return;
  }
  layer_lock();
  for (int i = 0; i < layer_function_count; i++) {
    const struct layer_function *function = &layer_functions[i];
    if (function->calls) fprintf(file, "calls %s %ld failed %ld\n", function->name, function->calls, function->failed);
  }
  for (int i = 0; i < KIND_COUNT; i++) fprintf(file, "live %s %ld\n", object_kind_names[i], objects_live(i));
  fprintf(file, "fallible %ld\nevents %ld\nfired %ld\nmisuse %ld\n", fallible_calls, events_observed, fired,
          objects_misuse());
  layer_unlock();
  fclose(file);
  free(report_path);
  report_path = NULL;
}

// ---- what the loader calls ----

EXPORT CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info param_name, size_t param_value_size,
                                                      void *param_value, size_t *param_value_size_ret) {
  static const char name[] = "gpuc fault layer";
  static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
  const void *value;
  size_t size;
  switch (param_name) {
    case CL_LAYER_API_VERSION:
      value = &version;
      size = sizeof version;
      break;
    case CL_LAYER_NAME:
      value = name;
      size = sizeof name;
      break;
    default:
      return CL_INVALID_VALUE;
  }
  if (param_value) {
    if (param_value_size < size) return CL_INVALID_VALUE;
    memcpy(param_value, value, size);
  }
  if (param_value_size_ret) *param_value_size_ret = size;
  return CL_SUCCESS;
}

EXPORT CL_API_ENTRY cl_int CL_API_CALL clInitLayer(cl_uint num_entries, const cl_icd_dispatch *target_dispatch,
                                                   cl_uint *num_entries_ret,
                                                   const cl_icd_dispatch **layer_dispatch_ret) {
  if (!target_dispatch || !num_entries_ret || !layer_dispatch_ret) return CL_INVALID_VALUE;
  // The loader's table may be shorter or longer than the one of our headers.
  const cl_uint own_entries = (cl_uint)(sizeof layer_dispatch / sizeof(void *));
  const cl_uint entries = num_entries < own_entries ? num_entries : own_entries;
  memcpy(&layer_target, target_dispatch, entries * sizeof(void *));
  layer_fill_dispatch(&layer_dispatch);

  const char *text = getenv("GPUC_FAULTS");
  if (gpuc_faults_arm(text) < 0) {
    fprintf(stderr, "faults: GPUC_FAULTS is not a list of name:n:code or name:n+:code: %s\n", text);
    return CL_INVALID_VALUE;  // the loader leaves the layer out, and a test that asks for it stops
  }
  const char *path = getenv("GPUC_FAULTS_REPORT");
  if (path && *path) {
    report_path = strdup(path);
    report_pid = getpid();
  }
  verbose = getenv("GPUC_FAULTS_VERBOSE") != NULL;
  active = 1;
  *num_entries_ret = entries;
  *layer_dispatch_ret = &layer_dispatch;
  return CL_SUCCESS;
}
