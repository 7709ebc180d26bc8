// A small OpenCL C preprocessor, enough for kernel sources with switches and for kernels made by macros: comments, line
// continuations, #define (also by -D), #undef, #if and its family, #error, # and ##. The use of a macro with arguments
// must end on the line on which it begins, and such macros are not expanded in the condition of an #if; #include,
// #pragma and #line are passed over.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

enum {
  MAX_NESTING = 64,
  MAX_EXPANSION = 8,
  MAX_PARAMETERS = 16,
  MAX_PARENTHESES = 256,
  MAX_OUTPUT = 64 << 20,
  MAX_WORK = 16 << 20
};

struct macro {
  struct macro *next;
  char *name;
  char *parameters;  // "a, b" of a function-like macro; NULL: object-like
  char *value;
};

struct slice {
  const char *start, *end;
};

// A text that grows. A failed allocation is noted once and then everything is dropped.
struct text {
  char *data;
  size_t length, capacity;
  int failed;
};

struct condition {
  int parent_active, taken, active;
};

struct preprocessor {
  struct macro *macros;
  struct condition conditions[MAX_NESTING];
  int nesting;
  struct text output;
  size_t work;  // bytes looked at for macros: bounds what macros that use each other many times may cost
  int line;
  char *log;      // of the error that ends it
  char *warning;  // the first
};

static void append(struct text *text, const char *data, size_t length) {
  if (length > MAX_OUTPUT || text->length > MAX_OUTPUT) text->failed = 1;
  if (text->failed) return;
  if (text->length + length + 1 > text->capacity) {
    const size_t capacity = (text->length + length + 1) * 2;
    char *grown = realloc(text->data, capacity);
    if (!grown) {
      text->failed = 1;
      return;
    }
    text->data = grown;
    text->capacity = capacity;
  }
  memcpy(text->data + text->length, data, length);
  text->length += length;
  text->data[text->length] = '\0';
}

static int is_name_start(char c) { return isalpha((unsigned char)c) || c == '_'; }
static int is_name_part(char c) { return isalnum((unsigned char)c) || c == '_'; }
static size_t name_length(const char *p) {
  size_t length = 0;
  while (is_name_part(p[length])) length++;
  return length;
}
static const char *skip_blanks(const char *p) {
  while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\f' || *p == '\v') p++;
  return p;
}

// The length of a string or character literal that begins at p, to its end or the end of the line.
static size_t literal_length(const char *p) {
  size_t length = 1;
  while (p[length] && p[length] != '\n' && p[length] != *p) length += p[length] == '\\' && p[length + 1] ? 2 : 1;
  return p[length] == *p ? length + 1 : length;
}

static char *log_line(int line, const char *kind, const char *message, size_t length) {
  const size_t size = length + 64;
  char *log = malloc(size);
  if (log) snprintf(log, size, "<source>:%d:1: %s: %.*s\n", line, kind, (int)length, message);
  return log;
}

char *fake_error_log(int line, const char *message, size_t length) { return log_line(line, "error", message, length); }

// ---- macros ----

static struct macro *find_macro(struct preprocessor *pre, const char *name, size_t length) {
  for (struct macro *macro = pre->macros; macro; macro = macro->next) {
    if (strlen(macro->name) == length && !memcmp(macro->name, name, length)) return macro;
  }
  return NULL;
}

static void undefine(struct preprocessor *pre, const char *name, size_t length) {
  struct macro *macro = find_macro(pre, name, length);
  if (!macro) return;
  struct macro **link = &pre->macros;
  while (*link != macro) link = &(*link)->next;
  *link = macro->next;
  free(macro->name);
  free(macro->parameters);
  free(macro->value);
  free(macro);
}

// `parameters` is empty (start NULL) for an object-like macro.
static void define_macro(struct preprocessor *pre, struct slice name, struct slice parameters, struct slice value) {
  undefine(pre, name.start, (size_t)(name.end - name.start));
  struct macro *macro = calloc(1, sizeof *macro);
  if (!macro) {
    pre->output.failed = 1;
    return;
  }
  macro->next = pre->macros;
  pre->macros = macro;
  macro->name = strndup(name.start, (size_t)(name.end - name.start));
  macro->value = strndup(value.start, (size_t)(value.end - value.start));
  if (parameters.start) macro->parameters = strndup(parameters.start, (size_t)(parameters.end - parameters.start));
  if (macro->name && macro->value && (macro->parameters || !parameters.start)) return;
  pre->output.failed = 1;
  pre->macros = macro->next;
  free(macro->name);
  free(macro->parameters);
  free(macro->value);
  free(macro);
}

static void define(struct preprocessor *pre, const char *name, size_t name_size, const char *value, size_t value_size) {
  define_macro(pre, (struct slice){name, name + name_size}, (struct slice){NULL, NULL},
               (struct slice){value, value + value_size});
}

static void define_number(struct preprocessor *pre, const char *name, int number) {
  char value[16];
  define(pre, name, strlen(name), value, (size_t)snprintf(value, sizeof value, "%d", number));
}

// The length of the name, number, literal or sign at p; 0 at the end of the text.
static size_t piece_length(const char *p) {
  if (*p == '"' || *p == '\'') return literal_length(p);
  if (is_name_start(*p)) return name_length(p);
  size_t length = *p != '\0';
  if (isdigit((unsigned char)*p)) {
    while (is_name_part(p[length]) || p[length] == '.') length++;
  }
  return length;
}

static struct slice trim(struct slice slice) {
  while (slice.start < slice.end && isspace((unsigned char)*slice.start)) slice.start++;
  while (slice.end > slice.start && isspace((unsigned char)slice.end[-1])) slice.end--;
  return slice;
}

// Splits at the commas outside of parentheses; p is behind the opening one. Gives the place of the closing one, or NULL
// where there is none before `end`.
static const char *split_arguments(const char *p, const char *end, struct slice *arguments, int *out_count) {
  int depth = 0, count = 0;
  const char *start = p;
  for (; p < end; p += piece_length(p)) {
    if (depth == 0 && (*p == ',' || *p == ')') && count < MAX_PARAMETERS) {
      arguments[count++] = trim((struct slice){start, p});
      start = p + 1;
    }
    if (depth == 0 && *p == ')') {
      *out_count = count;
      return p;
    }
    depth += (*p == '(') - (*p == ')');
  }
  return NULL;
}

// The place of a name among the parameters of a macro, or -1.
static int find_parameter(const struct macro *macro, const char *name, size_t length) {
  const char *p = macro->parameters;
  for (int index = 0; *p; index++) {
    p = skip_blanks(p);
    const size_t size = name_length(p);
    if (size == length && !memcmp(p, name, length)) return index;
    p += strcspn(p, ",");
    if (*p) p++;
  }
  return -1;
}

static void expand(struct preprocessor *pre, const char *p, const char *end, int depth, struct text *out);

// The body of a macro with its arguments in place: as they are beside ## and behind #, expanded elsewhere.
static void substitute(struct preprocessor *pre, const struct macro *macro, const struct slice *arguments, int count,
                       int depth, struct text *out) {
  int pasted = 0;  // ## stands before
  for (const char *p = macro->value; *p;) {
    const char *ahead = skip_blanks(p);
    if (ahead[0] == '#' && ahead[1] == '#') {
      pasted = 1;
      p = skip_blanks(ahead + 2);
      continue;
    }
    const int quoted = *p == '#';
    const char *name = quoted ? skip_blanks(p + 1) : p;
    const size_t length = piece_length(name);
    const int index = is_name_start(*name) ? find_parameter(macro, name, length) : -1;
    const char *behind = skip_blanks(name + length);
    if (index < 0 || index >= count) {
      append(out, p, index < 0 ? piece_length(p) : 0);
      p = index < 0 ? p + piece_length(p) : name + length;
    } else {
      const struct slice argument = arguments[index];
      const int raw = quoted || pasted || (behind[0] == '#' && behind[1] == '#');
      if (quoted) append(out, "\"", 1);
      if (raw) append(out, argument.start, (size_t)(argument.end - argument.start));
      if (!raw) expand(pre, argument.start, argument.end, depth, out);
      if (quoted) append(out, "\"", 1);
      p = name + length;
    }
    pasted = 0;
  }
}

// Puts the expansion of the macro whose name ends at p, and gives the place behind what was used; NULL where the macro
// wants arguments and there are none.
static const char *expand_macro(struct preprocessor *pre, const struct macro *macro, const char *p, const char *end,
                                int depth, struct text *out) {
  if (!macro->parameters) {
    expand(pre, macro->value, macro->value + strlen(macro->value), depth, out);
    return p;
  }
  struct slice arguments[MAX_PARAMETERS];
  int count = 0;
  const char *open = skip_blanks(p);
  const char *close = open < end && *open == '(' ? split_arguments(open + 1, end, arguments, &count) : NULL;
  if (!close) return NULL;
  struct text body = {0};
  append(&body, "", 0);
  substitute(pre, macro, arguments, count, depth, &body);
  if (body.failed) {
    out->failed = 1;
  } else {
    expand(pre, body.data, body.data + body.length, depth, out);
  }
  free(body.data);
  return close + 1;
}

// Counts work; gives whether there may be more of it.
static int spend(struct preprocessor *pre, size_t work) {
  pre->work += work;
  if (pre->work > MAX_WORK) pre->output.failed = 1;
  return pre->work <= MAX_WORK;
}

// The text with its macros replaced; macros inside macros up to `depth` deep.
static void expand(struct preprocessor *pre, const char *p, const char *end, int depth, struct text *out) {
  if (!spend(pre, (size_t)(end - p))) return;
  while (p < end && !out->failed) {
    size_t length = piece_length(p);
    if (p + length > end) length = (size_t)(end - p);
    const struct macro *macro = depth && is_name_start(*p) ? find_macro(pre, p, length) : NULL;
    const char *behind = macro ? expand_macro(pre, macro, p + length, end, depth - 1, out) : NULL;
    if (!behind) append(out, p, length);
    p = behind ? behind : p + length;
  }
}

// ---- expressions of #if ----

struct expression {
  struct preprocessor *pre;
  const char *p;
  int depth;    // of macros in macros
  int nesting;  // of parentheses and operators
};

static long long evaluate(struct expression *e, int precedence);

static long long evaluate_text(struct preprocessor *pre, const char *text, int depth) {
  struct expression e = {pre, text, depth, 0};
  return depth && spend(pre, strlen(text) + 1) ? evaluate(&e, 0) : 0;
}

static long long evaluate_name(struct expression *e) {
  const char *name = e->p;
  const size_t length = name_length(name);
  e->p = skip_blanks(name + length);
  if (length == 7 && !memcmp(name, "defined", 7)) {
    const int parenthesis = *e->p == '(';
    if (parenthesis) e->p = skip_blanks(e->p + 1);
    const size_t size = name_length(e->p);
    const int is_defined = find_macro(e->pre, e->p, size) != NULL;
    e->p = skip_blanks(e->p + size);
    if (parenthesis && *e->p == ')') e->p++;
    return is_defined;
  }
  const struct macro *macro = find_macro(e->pre, name, length);
  if (macro && !macro->parameters) return evaluate_text(e->pre, macro->value, e->depth - 1);
  if (*e->p == '(') {  // a function-like macro that is not known: 0
    int depth = 0;
    do {
      depth += (*e->p == '(') - (*e->p == ')');
      e->p++;
    } while (depth && *e->p);
  }
  return 0;
}

static long long evaluate_operand(struct expression *e);

static long long evaluate_primary(struct expression *e) {
  if (e->nesting >= MAX_PARENTHESES) {  // give up: nothing more to read
    e->p += strlen(e->p);
    return 0;
  }
  e->nesting++;
  const long long value = evaluate_operand(e);
  e->nesting--;
  return value;
}

static long long evaluate_operand(struct expression *e) {
  e->p = skip_blanks(e->p);
  const char c = *e->p;
  long long value = 0;
  if (c == '!' || c == '-' || c == '+' || c == '~') {
    e->p++;
    value = evaluate_primary(e);
    return c == '!' ? !value : c == '-' ? -value : c == '~' ? ~value : value;
  }
  if (c == '(') {
    e->p++;
    value = evaluate(e, 0);
    e->p = skip_blanks(e->p);
    if (*e->p == ')') e->p++;
    return value;
  }
  if (is_name_start(c)) return evaluate_name(e);
  if (isdigit((unsigned char)c)) {
    char *end;
    value = (long long)strtoull(e->p, &end, 0);
    e->p = end + name_length(end);  // the suffix
    return value;
  }
  if (c) e->p++;  // nothing that belongs here
  return 0;
}

static const struct operator_ {
  char text[3];
  int precedence;
} operators[] = {{"||", 1}, {"&&", 2}, {"==", 6}, {"!=", 6}, {"<=", 7}, {">=", 7}, {"<<", 8}, {">>", 8}, {"|", 3},
                 {"^", 4},  {"&", 5},  {"<", 7},  {">", 7},  {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};

static long long apply(const char *name, long long a, long long b) {
  switch (name[0]) {
    case '|':
      return name[1] ? a || b : a | b;
    case '&':
      return name[1] ? a && b : a & b;
    case '=':
      return a == b;
    case '!':
      return a != b;
    case '<':
      return name[1] == '=' ? a <= b : name[1] == '<' ? a << (b & 63) : a < b;
    case '>':
      return name[1] == '=' ? a >= b : name[1] == '>' ? a >> (b & 63) : a > b;
    case '^':
      return a ^ b;
    case '+':
      return (long long)((unsigned long long)a + (unsigned long long)b);
    case '-':
      return (long long)((unsigned long long)a - (unsigned long long)b);
    case '*':
      return (long long)((unsigned long long)a * (unsigned long long)b);
    default:
      return !b || b == -1 ? 0 : name[0] == '/' ? a / b : a % b;
  }
}

// Operators that bind at least as tightly as `precedence`; 0 also takes the conditional operator.
static long long evaluate(struct expression *e, int precedence) {
  long long value = evaluate_primary(e);
  for (;;) {
    e->p = skip_blanks(e->p);
    const struct operator_ *found = NULL;
    for (size_t i = 0; i < sizeof operators / sizeof *operators && !found; i++) {
      if (!strncmp(e->p, operators[i].text, strlen(operators[i].text))) found = &operators[i];
    }
    if (!found || found->precedence < precedence) break;
    e->p += strlen(found->text);
    value = apply(found->text, value, evaluate(e, found->precedence + 1));
  }
  if (precedence == 0 && *e->p == '?') {
    e->p++;
    e->nesting++;
    const long long yes = evaluate(e, 0);
    e->p = skip_blanks(e->p);
    if (*e->p == ':') e->p++;
    const long long no = evaluate(e, 0);
    e->nesting--;
    value = value ? yes : no;
  }
  return value;
}

// ---- directives ----

static int active(const struct preprocessor *pre) {
  return pre->nesting == 0 || pre->conditions[pre->nesting - 1].active;
}

static void fail(struct preprocessor *pre, const char *message, size_t length) {
  if (!pre->log) pre->log = fake_error_log(pre->line, message, length);
  if (!pre->log) pre->output.failed = 1;
}

static void open_condition(struct preprocessor *pre, int holds) {
  if (pre->nesting == MAX_NESTING) {
    fail(pre, "#if nested too deeply", 21);
    return;
  }
  const int parent_active = active(pre);
  pre->conditions[pre->nesting++] = (struct condition){parent_active, holds, parent_active && holds};
}

static void directive_define(struct preprocessor *pre, const char *p) {
  const size_t length = name_length(p);
  const char *value = p + length;
  if (!length) return;
  struct slice parameters = {NULL, NULL};
  if (*value == '(') {
    parameters = (struct slice){value + 1, value + strcspn(value, ")")};
    value = *parameters.end ? parameters.end + 1 : parameters.end;
  }
  const struct slice body = trim((struct slice){value, value + strlen(value)});
  define_macro(pre, (struct slice){p, p + length}, parameters, body);
}

// `p` is behind the '#', without the end of the line.
static void directive(struct preprocessor *pre, const char *p) {
  p = skip_blanks(p);
  const char *name = p;
  const size_t length = name_length(p);
  p = skip_blanks(p + length);
#define IS(word) (length == sizeof word - 1 && !memcmp(name, word, length))
  if (IS("if")) {
    open_condition(pre, active(pre) && evaluate_text(pre, p, MAX_EXPANSION) != 0);
  } else if (IS("ifdef")) {
    open_condition(pre, find_macro(pre, p, name_length(p)) != NULL);
  } else if (IS("ifndef")) {
    open_condition(pre, find_macro(pre, p, name_length(p)) == NULL);
  } else if (IS("elif") || IS("else") || IS("endif")) {
    if (!pre->nesting) {
      fail(pre, "#endif, #else or #elif without #if", 34);
      return;
    }
    struct condition *condition = &pre->conditions[pre->nesting - 1];
    if (IS("endif")) {
      pre->nesting--;
    } else {
      const int asked = condition->parent_active && !condition->taken;
      condition->active = asked && (IS("else") || evaluate_text(pre, p, MAX_EXPANSION) != 0);
      condition->taken |= condition->active;
    }
  } else if (!active(pre)) {
    return;
  } else if (IS("define")) {
    directive_define(pre, p);
  } else if (IS("undef")) {
    undefine(pre, p, name_length(p));
  } else if (IS("error")) {
    fail(pre, *p ? p : "#error", *p ? strlen(p) : 6);
  } else if (IS("warning") && !pre->warning) {
    pre->warning = log_line(pre->line, "warning", p, strlen(p));
    if (!pre->warning) pre->output.failed = 1;
  }
#undef IS
}

// Without comments, and continued lines joined; as many line ends as before.
static char *clean(const char *p) {
  struct text out = {0};
  size_t owed = 0;  // line ends to be made up for
  append(&out, "", 0);
  while (*p) {
    if (p[0] == '/' && p[1] == '/') {
      while (*p && *p != '\n') p++;
    } else if (p[0] == '/' && p[1] == '*') {
      append(&out, " ", 1);
      for (p += 2; *p && !(p[0] == '*' && p[1] == '/'); p++) owed += *p == '\n';
      if (*p) p += 2;
    } else if (p[0] == '\\' && (p[1] == '\n' || (p[1] == '\r' && p[2] == '\n'))) {
      p += p[1] == '\n' ? 2 : 3;
      owed++;
    } else if (*p == '"' || *p == '\'') {
      const size_t length = literal_length(p);
      append(&out, p, length);
      p += length;
    } else {
      append(&out, p, 1);
      for (; *p == '\n' && owed; owed--) append(&out, "\n", 1);
      p++;
    }
  }
  if (out.failed) {
    free(out.data);
    return NULL;
  }
  return out.data;
}

static void define_standard(struct preprocessor *pre, const char *options) {
  const struct fake_profile *p = &fake_profile;
  define_number(pre, "__OPENCL_VERSION__", p->version);
  define_number(pre, "CL_VERSION_1_0", 100);
  define_number(pre, "CL_VERSION_1_1", 110);
  if (p->version >= 120) define_number(pre, "CL_VERSION_1_2", 120);
  if (p->version >= 300) define_number(pre, "CL_VERSION_2_0", 200);
  if (p->version >= 300) define_number(pre, "CL_VERSION_3_0", 300);
  const int c_3_0 = p->version >= 300 && strstr(options, "-cl-std=CL3.0") != NULL;
  define_number(pre, "__OPENCL_C_VERSION__", c_3_0 ? 300 : p->version == 110 ? 110 : 120);
  if (c_3_0) define_number(pre, "__opencl_c_int64", 1);
  if (c_3_0) define_number(pre, "__opencl_c_subgroups", 1);
  if (c_3_0 && p->fp64) define_number(pre, "__opencl_c_fp64", 1);
  if (p->little) define_number(pre, "__ENDIAN_LITTLE__", 1);
  for (const char *name = fake_extensions_text(); *name;) {
    const size_t length = strcspn(name, " ");
    define(pre, name, length, "1", 1);
    name += length + strspn(name + length, " ");
  }
}

// -DNAME, -DNAME=VALUE, -D NAME; values may stand in double quotes.
static void define_options(struct preprocessor *pre, const char *p) {
  while (*p) {
    p = skip_blanks(p);
    const int defines = p[0] == '-' && p[1] == 'D';
    if (defines) p = skip_blanks(p + 2);
    const char *end = p;
    while (*end && !isspace((unsigned char)*end)) end += *end == '"' ? literal_length(end) : 1;
    if (defines) {
      const size_t length = name_length(p);
      const char *value = p[length] == '=' ? p + length + 1 : "1";
      const char *value_end = p[length] == '=' ? end : value + 1;
      if (value < value_end && *value == '"') {
        value++;
        if (value_end[-1] == '"') value_end--;
      }
      define(pre, p, length, value, (size_t)(value_end - value));
    }
    p = *end ? end + 1 : end;
  }
}

char *fake_preprocess(const char *source, const char *options, char **out_log) {
  struct preprocessor pre = {0};
  *out_log = NULL;
  char *text = clean(source);
  if (!text) return NULL;
  append(&pre.output, "", 0);
  define_standard(&pre, options);
  define_options(&pre, options);
  for (char *line = text, *end; *line && !pre.log && !pre.output.failed; line = end) {
    pre.line++;
    end = line + strcspn(line, "\n");
    const int has_end = *end == '\n';
    *end = '\0';
    const char *start = skip_blanks(line);
    if (*start == '#') {
      directive(&pre, start + 1);
    } else if (active(&pre)) {
      expand(&pre, line, end, MAX_EXPANSION, &pre.output);
    }
    append(&pre.output, "\n", 1);
    end += has_end;
  }
  if (pre.nesting) fail(&pre, "unterminated conditional directive", 34);
  free(text);
  while (pre.macros) undefine(&pre, pre.macros->name, strlen(pre.macros->name));
  if (pre.output.failed || pre.log) {
    free(pre.output.data);
    pre.output.data = NULL;
  }
  if (pre.output.failed || pre.log) {
    free(pre.warning);
    pre.warning = NULL;
  }
  if (pre.output.failed) {
    free(pre.log);
    pre.log = NULL;
  }
  *out_log = pre.log ? pre.log : pre.warning;
  return pre.output.data;
}
