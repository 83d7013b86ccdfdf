/* SPDX-License-Identifier: Apache-2.0 */
#include "src/plan/plan_cgroup.h"

#include "src/base/path.h"
#include "src/base/str.h"

#include <string.h>

static bool lifts(const char *value)
{
	return str_equal(value, "max") || str_equal(value, "-1") || str_starts(value, "max ");
}

struct cgroup_write *plan_writes_add(struct plan_writes *w, const char *controller,
				     const char *file, const char *value, const char *path)
{
	w->v = arena_room(w->arena, w->v, w->n, &w->cap, sizeof(*w->v));
	w->v[w->n] = (struct cgroup_write){
		.controller = controller,
		.file = file,
		.value = value,
		.required = true,
		.may_miss = lifts(value),
		.json_path = arena_strf(w->arena, "linux.resources.%s", path),
	};
	return &w->v[w->n++];
}

const char *plan_writes_uint(struct plan_writes *w, uint64_t value)
{
	return arena_strf(w->arena, "%llu", (unsigned long long)value);
}

const char *plan_writes_limit(struct plan_writes *w, int64_t value)
{
	if (value < 0)
		return w->v2 ? "max" : "-1";
	return plan_writes_uint(w, (uint64_t)value);
}

int plan_writes_v1_only(struct err *err, const char *path)
{
	(void)err_set(err, EINVAL, ERR_AT "linux.resources.%s: cgroup v2 has no equivalent", path);
	return err_hint(err, "remove %s from the config; this host has cgroup v2 only", path);
}

/* a * b >> shift with the full 128-bit product, for which 32-bit compilers have no type. */
static uint64_t multiply(uint64_t a, uint64_t b, unsigned int shift)
{
	uint64_t a_high = a >> 32, a_low = (uint32_t)a, b_high = b >> 32, b_low = (uint32_t)b;
	uint64_t low = a_low * b_low, left = a_high * b_low + (low >> 32);
	uint64_t right = a_low * b_high + (uint32_t)left;
	uint64_t high = a_high * b_high + (left >> 32) + (right >> 32);

	return high << (64 - shift) | (right << 32 | (uint32_t)low) >> shift;
}

/* log2 of x >= 1 as a fixed-point number with 44 fraction bits: the planner is pure, and has no
 * libm. */
static uint64_t log2_fixed(uint64_t x)
{
	int whole = 63 - __builtin_clzll(x);
	uint64_t y = x << (62 - whole), result = (uint64_t)whole << 44;

	for (uint64_t bit = 1ULL << 43; bit; bit >>= 1) {
		y = multiply(y, y, 62);
		if (y >> 63) {
			y >>= 1;
			result |= bit;
		}
	}
	return result;
}

/* The weight is 10^((l^2 + 125 l) / 612 - 7/34), rounded up, with l = log2(shares): 2 gives 1, 1024
 * gives 100, 262144 gives 10000. It is the smallest w with 612 log2(w) >= (l^2 + 125 l - 126)
 * log2(10). */
uint64_t plan_writes_weight(uint64_t shares)
{
	const uint64_t log2_10 = 58439977071430; /* 44 fraction bits */
	const uint64_t error = 1ULL
			       << 16; /* of the rounded logarithms: the three above are exact */
	uint64_t low = 1, high = 10000, l, power;

	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2_fixed(shares);
	power = multiply(l, l, 44) + 125 * l - (126ULL << 44);
	power = multiply(power, log2_10, 44);
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (612 * log2_fixed(middle) + error >= power)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t plan_writes_io_weight(uint64_t weight)
{
	if (weight <= 10)
		return 1;
	return weight >= 1000 ? 10000 : 1 + (weight - 10) * 9999 / 990;
}

/* The line that begins with the same word as a write, in a file that lists devices. */
static const char *line_of(struct arena *arena, const char *text, const char *word, size_t len)
{
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, word, len) == 0 && at[len] == ' ')
			return arena_strndup(arena, at, strcspn(at, "\n"));
	return NULL;
}

const char *plan_writes_old(struct arena *arena, const char *file, const char *value,
			    const char *text)
{
	size_t word = strcspn(value, " ");
	const char *line;

	if (str_equal(file, "memory.oom_control")) /* "oom_kill_disable 0", then counters */
		return str_starts(text, "oom_kill_disable 1") ? "1" : "0";
	if (!value[word] || str_equal(file, "cpu.max"))
		return *text ? arena_strndup(arena, text, strcspn(text, "\n")) : NULL;
	line = line_of(arena, text, value, word);
	if (line)
		return line;
	if (str_equal(file, "io.max"))
		return arena_strf(arena, "%.*s rbps=max wbps=max riops=max wiops=max", (int)word,
				  value);
	if (str_equal(file, "rdma.max"))
		return arena_strf(arena, "%.*s hca_handle=max hca_object=max", (int)word, value);
	if (str_starts(file, "blkio.throttle."))
		return arena_strf(arena, "%.*s 0", (int)word, value);
	return NULL;
}

bool plan_writes_have_hierarchy(const struct facts_cgroup *host, const char *controller)
{
	for (size_t i = 0; i < host->n; i++)
		if (str_has_word(host->v[i].controllers, controller, ','))
			return true;
	return false;
}

static const char *mounted(struct arena *arena, const struct facts_cgroup *host)
{
	const char *list = NULL;

	for (size_t i = 0; i < host->n; i++) {
		const char *one = host->v[i].controllers;

		if (*one && !str_starts(one, "name="))
			list = list ? arena_strf(arena, "%s, %s", list, one) : one;
	}
	return list;
}

static int no_controller(const struct cgroup_write *w, bool v2, const char *words, bool may_own,
			 struct err *err)
{
	(void)err_set(err, ENODEV,
		      ERR_AT "%s: the requested cgroup controller `%s` is not available (%s: %s)",
		      w->json_path, w->controller, v2 ? "available" : "mounted",
		      words && *words ? words : "none");
	if (!v2)
		err_hint(err, "mount it below /sys/fs/cgroup, or leave the limit out");
	else if (may_own)
		err_hint(err, "the kernel was built or started without it, or an outer container "
			      "keeps it");
	else
		err_hint(err, "the administrator can delegate it: add a drop-in to user@.service "
			      "with [Service] Delegate=cpu cpuset io memory pids");
	return -ENODEV;
}

/* v2: the facts tell what the caller's own cgroup can pass on, but nothing about other places (a
 * root user's session often has less than the root of the tree): there driver_create() finds
 * out. */
int plan_writes_check(struct arena *arena, const struct facts_cgroup *host, bool may_own,
		      const struct cgroup_plan *plan, struct err *err)
{
	bool v2 = plan->place.kind == CGROUP_DRIVER_V2;

	if (v2 && plan->unit)
		return 0;
	if (v2 && !path_is_below(plan->place.dirs.v[0].path, host->v[0].own ? host->v[0].own : "/"))
		return 0;
	for (size_t i = 0; i < plan->n_writes; i++) {
		const struct cgroup_write *w = &plan->writes[i];

		if (!w->required || w->may_miss || w->unified || str_equal(w->controller, "cgroup"))
			continue;
		if (!(v2 ? str_has_word(host->controllers, w->controller, ' ')
			 : plan_writes_have_hierarchy(host, w->controller)))
			return no_controller(w, v2, v2 ? host->controllers : mounted(arena, host),
					     may_own, err);
	}
	return 0;
}
