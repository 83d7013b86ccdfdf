/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/trace.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/log.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SPANS = 512, NONE = MAX_SPANS };

/* Any process that can trace init can write here, so it contains only numbers, and each is
 * checked. */
struct span {
	uint32_t actor, row;
	int32_t result;
	uint32_t pid;
	uint64_t begin, end; /* 0: not ended */
};

struct shared {
	unsigned int n; /* accessed only atomically */
	struct span spans[MAX_SPANS];
};

static struct shared *shared;
static const char *file;

/* O_NONBLOCK: the file may be a FIFO that nobody reads. */
static int open_file(const char *path, int flags)
{
	return openat(AT_FDCWD, path,
		      O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags, 0644);
}

int trace_open(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open_file(path, O_CREAT);
	void *memory;

	if (fd < 0)
		return err_errno(err, errno, "--trace: open %s", path);
	memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (memory == MAP_FAILED)
		return err_errno(err, errno, "--trace: create shared memory");
	shared = memory;
	file = path;
	return 0;
}

/* Time namespaces offset the monotonic clocks, but not this one. */
static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Whether the process takes part in the row. */
static bool is_mine(const struct start *start, const struct row *row)
{
	enum actor who = sequence_actor(row->who, start->plan->flags);
	enum actor to = sequence_actor(row->to, start->plan->flags);

	if (row->kind == ROW_ACT || row->kind == ROW_SPAWN)
		return start->me == who;
	return who != to && (start->me == who || start->me == to);
}

size_t trace_begin(const struct start *start, const struct row *row, size_t index)
{
	unsigned int n;

	if (!shared || !is_mine(start, row))
		return NONE;
	n = __atomic_fetch_add(&shared->n, 1, __ATOMIC_SEQ_CST);
	if (n >= MAX_SPANS)
		return NONE;
	shared->spans[n] = (struct span){ .actor = (uint32_t)start->me,
					  .row = (uint32_t)index,
					  .pid = (uint32_t)getpid(),
					  .begin = now() };
	return n;
}

void trace_end(size_t span, int result)
{
	if (span == NONE || !shared)
		return;
	shared->spans[span].result = result < 0 ? result : 0;
	shared->spans[span].end = now();
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* Copies the valid spans, in starting order. */
static size_t collect(const struct sequence *sequence, struct span *spans)
{
	unsigned int n = __atomic_load_n(&shared->n, __ATOMIC_SEQ_CST);
	uint64_t latest = now();
	size_t good = 0;

	for (unsigned int i = 0; i < n && i < MAX_SPANS; i++) {
		struct span s = shared->spans[i];

		if (s.actor >= ACTOR_COUNT || s.row >= sequence->n || s.begin > latest)
			continue;
		if (s.end && (s.end < s.begin || s.end > latest))
			s.end = s.begin;
		spans[good++] = s;
	}
	qsort(spans, good, sizeof(*spans), compare_spans);
	return good;
}

/* Nanoseconds as microseconds with three digits. */
static void write_us(struct json_write *w, const char *key, uint64_t ns)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu.%03llu", (unsigned long long)(ns / 1000),
		       (unsigned long long)(ns % 1000));
	json_write_decimal(w, key, text);
}

static void write_span(struct json_write *w, const struct sequence *sequence, const struct span *s,
		       uint64_t first, uint64_t last)
{
	static const char kinds[][8] = { [ROW_ACT] = "act",
					 [ROW_SYNC] = "message",
					 [ROW_SPAWN] = "clone",
					 [ROW_LEAVE] = "end",
					 [ROW_ENDS] = "exec" };
	const struct row *row = &sequence->rows[s->row];

	json_write_object(w, NULL);
	json_write_string(w, "name", row->name);
	json_write_string(w, "cat", kinds[row->kind]);
	json_write_string(w, "ph", "X");
	write_us(w, "ts", s->begin - first);
	write_us(w, "dur", (s->end ? s->end : last) - s->begin);
	json_write_int(w, "pid", (int64_t)s->actor + 1);
	json_write_int(w, "tid", s->pid);
	json_write_object(w, "args");
	json_write_string(w, "process", sequence_actor_name((enum actor)s->actor));
	json_write_uint(w, "beginNs", s->begin - first);
	json_write_uint(w, "lengthNs", (s->end ? s->end : last) - s->begin);
	if (!s->end)
		json_write_bool(w, "unfinished", true);
	if (s->result < 0)
		json_write_string(w, "error", err_why(-s->result));
	json_write_end(w);
	json_write_end(w);
}

/* The names that a viewer shows for the tracks. */
static void write_names(struct json_write *w)
{
	for (int actor = 0; actor < ACTOR_COUNT; actor++) {
		json_write_object(w, NULL);
		json_write_string(w, "name", "process_name");
		json_write_string(w, "ph", "M");
		json_write_int(w, "pid", actor + 1);
		json_write_object(w, "args");
		json_write_string(w, "name", sequence_actor_name((enum actor)actor));
		json_write_end(w);
		json_write_end(w);
	}
}

static struct json_write *document(const struct sequence *sequence, const struct start *start,
				   const struct err *error)
{
	struct span *spans = arena_array(start->arena, MAX_SPANS, sizeof(*spans));
	struct json_write *w = json_write_new(true);
	size_t n = collect(sequence, spans);
	uint64_t last = now();

	json_write_object(w, NULL);
	json_write_string(w, "displayTimeUnit", "ms");
	json_write_object(w, "otherData");
	json_write_string(w, "version", "usrun " USRUN_VERSION);
	json_write_string(w, "id", start->plan->options->id);
	if (error) {
		json_write_string(w, "failed", error->step);
		json_write_message(w, "error", error->text);
	}
	json_write_end(w);
	json_write_array(w, "traceEvents");
	write_names(w);
	for (size_t i = 0; i < n; i++)
		write_span(w, sequence, &spans[i], spans[0].begin, last);
	json_write_end(w);
	json_write_end(w);
	return w;
}

void trace_write(const struct sequence *sequence, const struct start *start,
		 const struct err *error)
{
	_cleanup_json_write_ struct json_write *w = NULL;
	_cleanup_close_ int fd = -1;
	struct err err;
	const char *text;
	size_t len;
	int r = 0;

	if (!shared)
		return;
	w = document(sequence, start, error);
	text = json_write_text(w, &len, &err);
	if (text)
		fd = open_file(file, 0);
	if (text && (fd < 0 || (r = io_write_all(fd, text, len)) < 0))
		(void)err_errno(&err, fd < 0 ? errno : -r, "--trace: write %s", file);
	if (!text || fd < 0 || r < 0)
		log_notice("%s", err.text);
	/* An exec does not own the directory. */
	if (text && !error && sequence == &sequence_create && start->state_dir >= 0 &&
	    io_replace_file(start->state_dir, TRACE_STATE_FILE, text, len, 0600, &err) < 0)
		log_notice("%s", err.text);
}

/* What the bars need of it. */
struct trace_args {
	const char *process, *error;
	struct json_uint begin, length;
	struct json_bool unfinished;
};

struct trace_event {
	const char *name;
	const struct trace_args *args;
};

struct trace_document {
	JSON_LIST(struct trace_event) events;
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct json_field args_fields[] = {
	{ "process", JSON_STRING, AT(trace_args, process) },
	{ "beginNs", JSON_UINT, AT(trace_args, begin), JSON_RANGE(.umax = INT64_MAX) },
	{ "lengthNs", JSON_UINT, AT(trace_args, length), JSON_RANGE(.umax = INT64_MAX) },
	{ "unfinished", JSON_BOOL, AT(trace_args, unfinished) },
	{ "error", JSON_STRING, AT(trace_args, error) },
};
static const struct json_type args_type = { args_fields,
					    sizeof(args_fields) / sizeof(args_fields[0]),
					    sizeof(struct trace_args) };
static const struct json_field event_fields[] = {
	{ "name", JSON_STRING, AT(trace_event, name) },
	{ "args", JSON_OBJECT, AT(trace_event, args), .type = &args_type },
};
static const struct json_type event_type = { event_fields, 2, sizeof(struct trace_event) };
static const struct json_field document_fields[] = {
	{ "traceEvents", JSON_OBJECTS, JSON_REQUIRED, AT(trace_document, events),
	  .type = &event_type },
};
static const struct json_type document_type = { document_fields, 1, sizeof(struct trace_document) };

static bool is_span(const struct trace_event *e)
{
	return e->name && e->args && e->args->process && e->args->length.set;
}

static void add_bar(struct str *out, const struct trace_event *e, uint64_t all, size_t columns)
{
	uint64_t begin = e->args->begin.v, length = e->args->length.v;
	size_t from = (size_t)(begin * columns / all);
	size_t to = (size_t)((begin + length) * columns / all);

	if (from >= columns)
		from = columns - 1;
	if (to > columns)
		to = columns;
	str_addf(out, "%-6s %-17s %7llu.%03llu |", e->args->process, e->name,
		 (unsigned long long)(length / 1000000),
		 (unsigned long long)(length / 1000 % 1000));
	for (size_t i = 0; i < from; i++)
		str_add(out, " ");
	for (size_t i = from; i < to || i == from; i++)
		str_add(out, e->args->unfinished.v ? "." : "#");
	str_addf(out, "%s\n", e->args->error ? " failed" : "");
}

int trace_bars(struct arena *arena, const char *name, const char *text, size_t len, size_t width,
	       struct str *out, struct err *err)
{
	enum { HEAD = 38, FEWEST = 20 };
	const struct json_limits limits = { .depth = 8, .string = 4096 };
	struct trace_document d = { 0 };
	size_t columns = width > HEAD + FEWEST ? width - HEAD : FEWEST;
	uint64_t all = 1;
	int r = json_read(arena, name, text, len, &document_type, &limits, &d, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < d.events.n; i++)
		if (is_span(&d.events.v[i]) &&
		    d.events.v[i].args->begin.v + d.events.v[i].args->length.v > all)
			all = d.events.v[i].args->begin.v + d.events.v[i].args->length.v;
	str_addf(out, "%-24s %11s  %llu.%03llu in all\n", "process and step", "ms",
		 (unsigned long long)(all / 1000000), (unsigned long long)(all / 1000 % 1000));
	for (size_t i = 0; i < d.events.n; i++)
		if (is_span(&d.events.v[i]))
			add_bar(out, &d.events.v[i], all, columns);
	return 0;
}
