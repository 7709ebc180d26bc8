// Finds the kernels and their arguments in a preprocessed source.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

struct token {
  const char *text;
  size_t length;
  int line;
};

struct scanner {
  const char *p;
  int line;
};

static int is(const struct token *token, const char *word) {
  return token->length == strlen(word) && !memcmp(token->text, word, token->length);
}

// The next word, number, literal or sign; length 0 at the end.
static struct token next(struct scanner *scanner) {
  while (isspace((unsigned char)*scanner->p)) scanner->line += *scanner->p++ == '\n';
  const char *start = scanner->p;
  const char *p = start;
  if (isalnum((unsigned char)*p) || *p == '_') {
    while (isalnum((unsigned char)*p) || *p == '_') p++;
  } else if (*p == '"' || *p == '\'') {
    for (p++; *p && *p != *start && *p != '\n'; p++) {
      if (*p == '\\' && p[1]) p++;
    }
    if (*p == *start) p++;
  } else if (*p) {
    p++;
  }
  scanner->p = p;
  return (struct token){start, (size_t)(p - start), scanner->line};
}

static struct token peek(const struct scanner *scanner) {
  struct scanner ahead = *scanner;
  return next(&ahead);
}

// ---- types ----

// The size of a scalar or vector type of OpenCL C; 0: not one of these.
static size_t value_size(const char *type) {
  static const struct {
    const char *name;
    size_t size;
  } scalars[] = {{"char", 1}, {"uchar", 1}, {"short", 2}, {"ushort", 2}, {"half", 2},  {"int", 4},
                 {"uint", 4}, {"float", 4}, {"long", 8},  {"ulong", 8},  {"double", 8}};
  for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
    const size_t length = strlen(scalars[i].name);
    if (strncmp(type, scalars[i].name, length)) continue;
    if (!type[length]) return scalars[i].size;
    const long width = strtol(type + length, NULL, 10);
    if (width == 2 || width == 4 || width == 8 || width == 16) return scalars[i].size * (size_t)width;
    if (width == 3) return scalars[i].size * 4;
  }
  return 0;
}

static void append_word(char *text, size_t capacity, const char *word) {
  const size_t used = strlen(text);
  snprintf(text + used, capacity - used, "%s%s", used ? " " : "", word);
}

// What one word of an argument means; the words that are left make up the type.
static int take_qualifier(const struct token *token, struct fake_argument_info *argument) {
  static const struct {
    const char *word;
    cl_uint address, access, type;
  } qualifiers[] = {{"global", CL_KERNEL_ARG_ADDRESS_GLOBAL, 0, 0},
                    {"constant", CL_KERNEL_ARG_ADDRESS_CONSTANT, 0, CL_KERNEL_ARG_TYPE_CONST},
                    {"local", CL_KERNEL_ARG_ADDRESS_LOCAL, 0, 0},
                    {"private", CL_KERNEL_ARG_ADDRESS_PRIVATE, 0, 0},
                    {"read_only", 0, CL_KERNEL_ARG_ACCESS_READ_ONLY, 0},
                    {"write_only", 0, CL_KERNEL_ARG_ACCESS_WRITE_ONLY, 0},
                    {"read_write", 0, CL_KERNEL_ARG_ACCESS_READ_WRITE, 0},
                    {"const", 0, 0, CL_KERNEL_ARG_TYPE_CONST},
                    {"restrict", 0, 0, CL_KERNEL_ARG_TYPE_RESTRICT},
                    {"volatile", 0, 0, CL_KERNEL_ARG_TYPE_VOLATILE}};
  struct token plain = *token;
  if (plain.length > 2 && !memcmp(plain.text, "__", 2)) {
    plain.text += 2;
    plain.length -= 2;
  }
  for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++) {
    if (!is(&plain, qualifiers[i].word)) continue;
    if (qualifiers[i].address) argument->address = qualifiers[i].address;
    if (qualifiers[i].access) argument->access = qualifiers[i].access;
    argument->qualifiers |= qualifiers[i].type;
    return 1;
  }
  return 0;
}

// The words of one argument without commas, such as: __global const float * restrict x
static void parse_argument(const struct token *tokens, size_t count, struct fake_argument_info *argument) {
  char words[4][64];  // of the type and the name
  size_t word_count = 0;
  size_t stars = 0;
  int is_unsigned = 0;
  memset(argument, 0, sizeof *argument);
  argument->address = CL_KERNEL_ARG_ADDRESS_PRIVATE;
  argument->access = CL_KERNEL_ARG_ACCESS_NONE;
  for (size_t i = 0; i < count; i++) {
    const struct token *token = &tokens[i];
    if (is(token, "*") || is(token, "[")) {
      stars++;
    } else if (is(token, "unsigned")) {
      is_unsigned = 1;
    } else if (!isalpha((unsigned char)*token->text) && *token->text != '_') {
      continue;
    } else if (!take_qualifier(token, argument) && !is(token, "signed") && !is(token, "struct") && word_count < 4) {
      snprintf(words[word_count++], sizeof words[0], "%.*s", (int)token->length, token->text);
    }
  }
  // The last word is the name, unless it is the only one: `unsigned n` or an unnamed argument.
  if (word_count && (word_count > 1 || is_unsigned)) strcpy(argument->name, words[--word_count]);
  if (is_unsigned) {  // the standard names `unsigned int` uint
    snprintf(argument->type, sizeof argument->type, "u%.60s", word_count ? words[0] : "int");
  } else {
    for (size_t i = 0; i < word_count; i++) append_word(argument->type, sizeof argument->type, words[i]);
  }
  const size_t size = value_size(argument->type);
  for (size_t i = 0; i < stars && strlen(argument->type) + 1 < sizeof argument->type; i++) strcat(argument->type, "*");

  if (stars) {
    argument->kind = argument->address == CL_KERNEL_ARG_ADDRESS_LOCAL ? FAKE_LOCAL : FAKE_BUFFER;
  } else if (!strncmp(argument->type, "image", 5) || !strcmp(argument->type, "sampler_t")) {
    argument->kind = FAKE_OTHER;
    if (argument->type[0] == 'i') {
      argument->address = CL_KERNEL_ARG_ADDRESS_GLOBAL;
      if (argument->access == CL_KERNEL_ARG_ACCESS_NONE) argument->access = CL_KERNEL_ARG_ACCESS_READ_ONLY;
    }
  } else {
    argument->kind = FAKE_VALUE;
    argument->size = size;
  }
  if (!stars) argument->qualifiers = 0;  // by definition, qualifiers are those of what a pointer points to
}

// ---- kernels ----

// Behind `__attribute__`: takes ((...)) and notes a required work-group size.
static void parse_attribute(struct scanner *scanner, struct fake_kernel_info *kernel) {
  int depth = 0;
  do {
    struct token token = next(scanner);
    if (!token.length) return;
    depth += is(&token, "(") - is(&token, ")");
    if (!is(&token, "reqd_work_group_size") && !is(&token, "__reqd_work_group_size__")) continue;
    unsigned long x, y, z;
    if (sscanf(scanner->p, " ( %lu , %lu , %lu", &x, &y, &z) == 3) {
      kernel->required_group[0] = x;
      kernel->required_group[1] = y;
      kernel->required_group[2] = z;
      snprintf(kernel->attributes, sizeof kernel->attributes, "reqd_work_group_size(%lu,%lu,%lu)", x, y, z);
    }
  } while (depth > 0);
}

enum { MAX_ARGUMENT_TOKENS = 64 };

// Behind the opening parenthesis: takes everything up to the closing one. Gives 0 when out of memory.
static int parse_arguments(struct scanner *scanner, struct fake_kernel_info *kernel) {
  struct token tokens[MAX_ARGUMENT_TOKENS];
  size_t count = 0;
  int depth = 0;
  for (;;) {
    struct token token = next(scanner);
    const int ends = !token.length || (depth == 0 && (is(&token, ")") || is(&token, ",")));
    if (!ends) {
      depth += is(&token, "(") - is(&token, ")");
      if (count < MAX_ARGUMENT_TOKENS) tokens[count++] = token;
      continue;
    }
    if (count && !(count == 1 && is(&tokens[0], "void"))) {
      struct fake_argument_info *grown =
          realloc(kernel->arguments, (kernel->argument_count + 1) * sizeof *kernel->arguments);
      if (!grown) return 0;
      kernel->arguments = grown;
      parse_argument(tokens, count, &kernel->arguments[kernel->argument_count++]);
    }
    count = 0;
    if (!is(&token, ",")) return 1;
  }
}

// Behind `__kernel`: 1 and a kernel, 0 for something else, -1 when out of memory.
static int parse_kernel(struct scanner *scanner, struct fake_kernel_info *kernel) {
  struct token name = {"", 0, 0};
  memset(kernel, 0, sizeof *kernel);
  for (;;) {
    struct token token = next(scanner);
    if (is(&token, "__attribute__") || is(&token, "__attribute")) {
      parse_attribute(scanner, kernel);
    } else if (is(&token, "(") && name.length) {
      break;
    } else if (isalpha((unsigned char)*token.text) || *token.text == '_') {
      name = token;  // void, and then the name
    } else {
      return 0;
    }
  }
  if (name.length >= sizeof kernel->name) return 0;
  memcpy(kernel->name, name.text, name.length);
  if (!parse_arguments(scanner, kernel)) return -1;
  return 1;
}

// A reason why this device's compiler would refuse the word, or NULL.
static const char *refuse(const struct token *token, const struct scanner *behind) {
  const struct token after = peek(behind);
  if (is(token, "SYNTAX_ERROR")) return "use of undeclared identifier 'SYNTAX_ERROR'";
  if (!fake_profile.fp64 && (is(token, "double") || is(token, "double2") || is(token, "double4"))) {
    return "use of type 'double' requires cl_khr_fp64 support";
  }
  // Pointers to half are allowed everywhere: vload_half and vstore_half need no extension.
  if (!fake_profile.fp16 && ((is(token, "half") && !is(&after, "*")) || is(token, "half2") || is(token, "half4"))) {
    return "declaring variable of type 'half' requires cl_khr_fp16 support";
  }
  return NULL;
}

void fake_free_kernels(struct fake_kernel_info *kernels, cl_uint count) {
  for (cl_uint i = 0; i < count; i++) free(kernels[i].arguments);
  free(kernels);
}

cl_int fake_scan_kernels(const char *text, struct fake_kernel_info **out_kernels, cl_uint *out_count, char **out_log) {
  struct fake_kernel_info *kernels = NULL;
  cl_uint count = 0;
  cl_int result = CL_SUCCESS;
  *out_log = NULL;

  struct scanner scanner = {text, 1};
  for (struct token token = next(&scanner); token.length && result == CL_SUCCESS; token = next(&scanner)) {
    const char *reason = refuse(&token, &scanner);
    if (reason) {
      *out_log = fake_error_log(token.line, reason, strlen(reason));
      result = *out_log ? CL_BUILD_PROGRAM_FAILURE : CL_OUT_OF_HOST_MEMORY;
    } else if (is(&token, "__kernel") || is(&token, "kernel")) {
      struct fake_kernel_info kernel;
      // A scanner of its own: the words of the argument list are looked at once more by the loop.
      struct scanner ahead = scanner;
      const int found = parse_kernel(&ahead, &kernel);
      struct fake_kernel_info *grown = found == 1 ? realloc(kernels, (count + 1) * sizeof *kernels) : NULL;
      if (grown) {
        kernels = grown;
        kernels[count++] = kernel;
        // A definition after its declaration replaces it.
        for (cl_uint i = 0; i + 1 < count; i++) {
          if (strcmp(kernels[i].name, kernel.name)) continue;
          free(kernels[i].arguments);
          kernels[i] = kernel;
          count--;
          break;
        }
      } else {
        free(kernel.arguments);
        if (found) result = CL_OUT_OF_HOST_MEMORY;
      }
    }
  }
  if (result != CL_SUCCESS) {
    fake_free_kernels(kernels, count);
    kernels = NULL;
    count = 0;
  }
  *out_kernels = kernels;
  *out_count = count;
  return result;
}
