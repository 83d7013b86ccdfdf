/* SPDX-License-Identifier: Apache-2.0 */
/* Random changes of good configurations, each taken the whole way from text to plan on the hosts of
 * saved facts: a start, and an exec into the container. Each must give a plan or one error that
 * says where.
 *
 *     mutate [--count N] [--seed S] [--save FILE] FACTS.json... -- CONFIG.json...
 *
 * Each input is in the file before it is tried, so that it survives a crash; the same seed makes
 * the same inputs. To see one again: mutate --count 0 FACTS.json... -- INPUT */
#include "src/base/io.h"
#include "src/base/json_text.h"
#include "src/base/parse.h"
#include "src/plan/plan.h"
#include "tests/fuzz/json_mutate.h"
#include "tests/lib/decide.h"
#include "tests/lib/order.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_SECONDS = 20, HOSTS_MAX = 16, CONFIGS_MAX = 64 };

struct session {
	uint64_t seed, count;
	const char *save;
	int fd; /* of the file save; -1: what is tried is in a file already */
	struct facts hosts[HOSTS_MAX];
	const char *host_names[HOSTS_MAX];
	size_t n_hosts;
	struct {
		char *text;
		size_t len;
	} configs[CONFIGS_MAX];
	size_t n_configs;
	uint64_t number; /* of the input */
	uint64_t valid, plans, execs, refused, exec_refused;
};

static void fail(const struct session *s, size_t host, const char *what, const char *text)
{
	(void)fprintf(stderr, "input %" PRIu64 " of seed %" PRIu64 ", %s: %s: %s\n", s->number,
		      s->seed, s->host_names[host], what, text);
	if (s->fd >= 0)
		(void)fprintf(stderr, "saved as %s\n", s->save);
	_exit(1);
}

static bool is_printable(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 && text[i] != '\n')
			return false;
	return json_text_find_bad_utf8(text, len) == len;
}

static void check_error(const struct session *s, size_t host, int r, const struct err *err)
{
	static const char file[] = "config.json:";

	if (r != -err->code || err->code <= 0)
		fail(s, host, "the result is not the error's", err->text);
	if (!*err->text || strchr(err->text, '\n') || !is_printable(err->text))
		fail(s, host, "no line of text", err->text);
	if (!is_printable(err->path))
		fail(s, host, "a path that is no text", err->path);
	if (!*err->path && !str_starts(err->text, file))
		fail(s, host, "the error does not say where", err->text);
	if (strstr(err->text + 1, file))
		fail(s, host, "two errors in one", err->text);
}

static void check_plan(const struct session *s, size_t host, const struct plan *plan)
{
	_cleanup_str_ struct str out = { 0 };

	plan_print(&out, plan);
	if (out.len == 0 || !is_printable(str_text(&out)))
		fail(s, host, "the plan cannot be shown", str_text(&out));
}

static void try_host(struct session *s, struct arena *arena, size_t host, const char *text,
		     size_t len)
{
	const struct plan *plan, *exec;
	struct err err = { 0 };
	int r = decide_create(arena, &s->hosts[host], text, len, &plan, &err);

	if (r < 0) {
		s->refused++;
		check_error(s, host, r, &err);
		return;
	}
	s->plans++;
	if (!order_has_flags(plan->flags))
		fail(s, host, "flags that no plan has", "");
	check_plan(s, host, plan);
	if (!plan->config->process)
		return;
	r = decide_exec(arena, plan, &exec, &err);
	if (r < 0) {
		s->exec_refused++;
		check_error(s, host, r, &err);
		return;
	}
	s->execs++;
}

static void try_text(struct session *s, const char *text, size_t len)
{
	uint64_t before = s->plans;

	if (s->fd >= 0 &&
	    (ftruncate(s->fd, 0) < 0 || pwrite(s->fd, text, len, 0) != (ssize_t)len)) {
		perror(s->save);
		exit(2);
	}
	(void)alarm(HANG_SECONDS);
	for (size_t host = 0; host < s->n_hosts; host++) {
		struct arena arena = { 0 };

		try_host(s, &arena, host, text, len);
		arena_free(&arena);
	}
	s->valid += s->plans > before;
}

static void try_mutant(struct session *s, struct random *random)
{
	const char *base = s->configs[random_below(random, (uint32_t)s->n_configs)].text;
	const char *donor = s->configs[random_below(random, (uint32_t)s->n_configs)].text;
	_cleanup_str_ struct str text = { 0 };
	struct arena arena = { 0 };
	struct json_node *root = json_tree_parse(&arena, base);
	size_t len;
	char *exact;

	json_mutate_tree(&arena, random, root, json_tree_parse(&arena, donor));
	json_tree_print(&text, root);
	len = text.len;
	if (random_below(random, 16) == 0)
		len = json_mutate_bytes(random, text.s, len);
	/* No byte longer, so that a sanitizer sees what is read beyond. */
	exact = malloc(len ? len : 1);
	if (!exact)
		abort();
	memcpy(exact, str_text(&text), len);
	try_text(s, exact, len);
	free(exact);
	arena_free(&arena);
}

static int read_options(struct session *s, int argc, char **argv)
{
	int i = 1;

	for (; i + 1 < argc && str_starts(argv[i], "--"); i += 2) {
		if (str_equal(argv[i], "--count") && parse_u64(argv[i + 1], &s->count) == 0)
			continue;
		if (str_equal(argv[i], "--seed") && parse_u64(argv[i + 1], &s->seed) == 0)
			continue;
		if (!str_equal(argv[i], "--save"))
			return -1;
		s->save = argv[i + 1];
	}
	return i;
}

static void read_files(struct session *s, struct arena *arena, int argc, char **argv, int i)
{
	struct err err;

	for (; i < argc && !str_equal(argv[i], "--") && s->n_hosts < HOSTS_MAX; i++) {
		s->host_names[s->n_hosts] = argv[i];
		decide_read_facts(arena, argv[i], &s->hosts[s->n_hosts++]);
	}
	for (i++; i < argc && s->n_configs < CONFIGS_MAX; i++) {
		char **text = &s->configs[s->n_configs].text;
		size_t *len = &s->configs[s->n_configs++].len;

		if (io_read_file(AT_FDCWD, argv[i], 1 << 24, arena, text, len, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			exit(2);
		}
		if (s->count && !json_tree_parse(arena, *text)) {
			(void)fprintf(stderr, "%s: not JSON\n", argv[i]);
			exit(2);
		}
	}
	if (!s->n_hosts || !s->n_configs) {
		(void)fprintf(stderr, "usage: mutate [--count N] [--seed S] [--save FILE] "
				      "FACTS.json... -- CONFIG.json...\n");
		exit(2);
	}
}

static void report(const struct session *s)
{
	(void)printf("%" PRIu64 " inputs, %" PRIu64 " of them planned on some host: %" PRIu64
		     " plans and %" PRIu64 " refusals to start, %" PRIu64 " plans and %" PRIu64
		     " refusals to exec\n",
		     s->number, s->valid, s->plans, s->refused, s->execs, s->exec_refused);
}

int main(int argc, char **argv)
{
	static struct session s = { .seed = 1, .count = 3000, .save = "mutate-input.json" };
	struct arena arena = { 0 };
	struct random random;
	int first;

	first = read_options(&s, argc, argv);
	read_files(&s, &arena, argc, argv, first < 0 ? argc : first);
	s.fd = -1;
	if (s.count) {
		s.fd = open(s.save, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (s.fd < 0) {
			perror(s.save);
			return 2;
		}
	}
	(void)printf("seed %" PRIu64 "\n", s.seed);
	(void)fflush(stdout);
	random.state = s.seed;
	for (size_t i = 0; i < s.n_configs; i++)
		try_text(&s, s.configs[i].text, s.configs[i].len);
	for (; s.number < s.count; s.number++)
		try_mutant(&s, &random);
	report(&s);
	if (s.count)
		(void)unlink(s.save);
	arena_free(&arena);
	return s.plans == 0 && s.count > 0; /* what never gets so far tests nothing */
}
