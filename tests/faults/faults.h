// The fault layer, seen from a test program.
//
// The loader loads the layer (OPENCL_LAYERS=<path of libgpuc_fault_layer.so>) at the first OpenCL call, and only when
// there is at least one platform. A layer that is missing is ignored in silence, so a test begins with
//
//   gpuc_faults faults;
//   gpuc_faults_require(&faults);      // prints why and ends the process with status 2 when the layer is not active
//   faults.arm("clCreateBuffer:2:-4"); // the second clCreateBuffer from here fails with
//   CL_MEM_OBJECT_ALLOCATION_FAILURE
//
// All functions may be called from any thread.
#ifndef GPUC_FAULTS_H
#define GPUC_FAULTS_H

#ifdef __cplusplus
extern "C" {
#endif

// Exported by the layer; to be found at run time. What each does:
//
// arm      Replaces the rules and sets the counts of calls to zero. Rules are separated by commas:
//            name:n:code    the n-th call (from 1) of the function fails with the code, a negative number
//            name:n+:code   the n-th and all later ones
//          name is an OpenCL function, `any` (or `*`) for the n-th of all fallible calls, or `event` for the n-th
//          event, in the order in which the program first asks for the status of events made by enqueue calls or waits
//          for them: its status is the code, and clWaitForEvents gives -14 for it. NULL or "" removes all rules.
//          Returns how many rules there are, or -1, and changes nothing, when one cannot be read.
// calls    Calls of a function since arm or reset; NULL: of all fallible functions; "event": events first looked at;
//          -1 for an unknown name. Calls that were made to fail count too.
// fired    Calls and events made to fail since arm or reset.
// live     Objects of a kind (context queue mem program kernel event sampler; NULL: all) not yet released as often
//          as they were created and retained; -1 for an unknown kind.
// misuse   Calls that named an object after its last release, since reset. They are refused with CL_INVALID_<KIND>.
// reset    Removes the rules, sets all counts to zero. Live objects stay known.
// active   Whether the loader has initialised the layer.
int gpuc_faults_arm(const char *rules);
long gpuc_faults_calls(const char *function);
long gpuc_faults_fired(void);
long gpuc_faults_live(const char *kind);
long gpuc_faults_misuse(void);
void gpuc_faults_reset(void);
int gpuc_faults_active(void);

typedef struct gpuc_faults {
  int (*arm)(const char *rules);
  long (*calls)(const char *function);
  long (*fired)(void);
  long (*live)(const char *kind);
  long (*misuse)(void);
  void (*reset)(void);
} gpuc_faults;

// Looks the functions up in the loaded layer; initialises the OpenCL loader with one clGetPlatformIDs where that was
// not done yet. Returns 1, or 0 and a table of NULLs when the layer is not active.
int gpuc_faults_load(gpuc_faults *out_faults);

// The same, for tests that make no sense without the layer: ends the process with status 2 and a message.
void gpuc_faults_require(gpuc_faults *out_faults);

#ifdef __cplusplus
}
#endif

#endif
