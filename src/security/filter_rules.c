/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_parts.h"

#include <string.h>

struct collect {
	struct arena *arena;
	const struct filter_arch *arch;
	struct filter_ranges *ranges;
	struct filter_entries *room;
	struct filter_entry *v;
	size_t n;
	int64_t newest; /* largest number that the profile names */
};

static void add_entry(struct collect *c, int nr, const struct filter_rule *rule)
{
	struct filter_entries *room = c->room;

	room->v = arena_room(c->arena, room->v, c->n, &room->cap, sizeof(*room->v));
	room->v[c->n++] = (struct filter_entry){ (uint32_t)nr, rule };
}

/* As many again, to sort them. */
static struct filter_entry *more_room(struct collect *c)
{
	struct filter_entries *room = c->room;

	if (room->sorted_cap < c->n) {
		room->sorted = arena_array(c->arena, room->cap, sizeof(*room->sorted));
		room->sorted_cap = room->cap;
	}
	return room->sorted;
}

/* The multiplexer's first argument selects the call; the real arguments are in memory, where a
 * filter cannot look. So a condition on the first argument is lost. */
static const struct filter_rule *through_mux(struct collect *c, const struct filter_rule *rule,
					     uint32_t call)
{
	struct filter_rule *copy = arena_new(c->arena, struct filter_rule);
	size_t from = rule->n_args && rule->args[0].index == 0;

	copy->action = rule->action;
	copy->n_args = rule->n_args - from + 1;
	copy->args[0] = (struct filter_arg){ 0, OCI_SECCOMP_EQ, UINT64_MAX, call };
	if (copy->n_args > 1)
		memcpy(copy->args + 1, rule->args + from,
		       (copy->n_args - 1) * sizeof(copy->args[0]));
	return copy;
}

static void note_unknown(struct collect *c, const char *name)
{
	struct filter_ranges *ranges = c->ranges;

	ranges->unknown = arena_room(c->arena, ranges->unknown, ranges->n_unknown,
				     &ranges->cap_unknown, sizeof(*ranges->unknown));
	ranges->unknown[ranges->n_unknown++] = name;
}

static void collect_name(struct collect *c, const struct filter_call *call, const char *name)
{
	struct filter_number nr;

	if (!filter_arch_resolve(c->arch, name, &nr)) {
		note_unknown(c, name);
		return;
	}
	if (nr.direct > c->newest)
		c->newest = nr.direct;
	if (nr.mux > c->newest)
		c->newest = nr.mux;
	for (size_t i = 0; i < call->n_rules; i++) {
		if (nr.mux >= 0)
			add_entry(c, nr.mux, through_mux(c, &call->rules[i], nr.call));
		if (nr.direct >= 0)
			add_entry(c, nr.direct, &call->rules[i]);
	}
}

/* Sorts by number and keeps the profile's order within each. Radix sort: one pass if all numbers
 * are below 2048, two for ARM's private ones. */
static void sort_entries(struct collect *c)
{
	enum { BITS = 11, BUCKETS = 1 << BITS };
	struct filter_entry *from = c->room->v, *to = more_room(c);
	uint32_t all = 0;

	for (size_t i = 0; i < c->n; i++)
		all |= from[i].nr - c->arch->first;
	for (unsigned int shift = 0; shift < 32 && all >> shift; shift += BITS) {
		size_t at[BUCKETS + 1] = { 0 };
		struct filter_entry *sorted = to;

		for (size_t i = 0; i < c->n; i++)
			at[((from[i].nr - c->arch->first) >> shift) % BUCKETS + 1]++;
		for (size_t i = 1; i < BUCKETS; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < c->n; i++)
			to[at[((from[i].nr - c->arch->first) >> shift) % BUCKETS]++] = from[i];
		to = from;
		from = sorted;
	}
	c->v = from;
}

/* Whether a comparison has no effect on this architecture. */
static bool is_void(const struct filter_arg *arg, bool wide)
{
	return (wide ? arg->mask : (uint32_t)arg->mask) == 0;
}

static bool has_conditions(const struct filter_rule *rule, bool wide)
{
	for (size_t i = 0; i < rule->n_args; i++)
		if (!is_void(&rule->args[i], wide))
			return true;
	return false;
}

static int rank(enum oci_seccomp_op op)
{
	if (op == OCI_SECCOMP_EQ || op == OCI_SECCOMP_NE || op == OCI_SECCOMP_MASKED_EQ)
		return 2;
	return op == OCI_SECCOMP_LT || op == OCI_SECCOMP_LE;
}

static int order_words(enum oci_seccomp_op op, uint32_t a, uint32_t b)
{
	int sign = rank(op) == 1 ? -1 : 1;

	return a == b ? 0 : a > b ? -sign : sign;
}

/* < 0: a first; > 0: b first; 0: equal; NEITHER: in the profile's order. */
enum { NEITHER = 2 };

static int order_args(const struct filter_arg *a, const struct filter_arg *b, bool wide)
{
	int r;

	if (a->index != b->index)
		return a->index > b->index ? -1 : 1;
	if (rank(a->op) != rank(b->op))
		return rank(a->op) > rank(b->op) ? -1 : 1;
	if (wide) {
		r = order_words(a->op, (uint32_t)((a->value & a->mask) >> 32),
				(uint32_t)((b->value & b->mask) >> 32));
		if (r)
			return r;
		if (a->mask >> 32 != b->mask >> 32)
			return NEITHER;
	}
	r = order_words(a->op, (uint32_t)(a->value & a->mask), (uint32_t)(b->value & b->mask));
	if (r)
		return r;
	return (uint32_t)a->mask == (uint32_t)b->mask && a->op == b->op ? 0 : NEITHER;
}

static const struct filter_arg *next_arg(const struct filter_rule *rule, size_t *i, bool wide)
{
	while (*i < rule->n_args && is_void(&rule->args[*i], wide))
		(*i)++;
	return *i < rule->n_args ? &rule->args[(*i)++] : NULL;
}

/* If several rules match, libseccomp's result depends on the order of its tree, and profiles were
 * written and tested against that. */
static bool comes_first(const struct filter_rule *a, const struct filter_rule *b, bool wide)
{
	size_t i = 0, k = 0;

	for (;;) {
		const struct filter_arg *x = next_arg(a, &i, wide), *y = next_arg(b, &k, wide);
		int r;

		if (!x || !y)
			return false;
		r = order_args(x, y, wide);
		if (r)
			return r < 0;
	}
}

static void set_rules(struct collect *c, struct filter_range *range, const struct filter_entry *e,
		      size_t n)
{
	range->rules = arena_array(c->arena, n, sizeof(void *));
	for (size_t i = 0; i < n; i++) {
		size_t at = range->n_rules++;

		for (; at > 0 && comes_first(e[i].rule, range->rules[at - 1], range->wide); at--)
			range->rules[at] = range->rules[at - 1];
		range->rules[at] = e[i].rule;
	}
}

/* The n rules of one number. */
static struct filter_range one_number(struct collect *c, const struct filter_entry *e, size_t n,
				      uint32_t standard)
{
	struct filter_range range = { .first = e->nr, .wide = c->arch->wide, .action = standard };

	for (size_t i = 0; i < n; i++) {
		if (!has_conditions(e[i].rule, range.wide)) {
			range.action = e[i].rule->action;
			return range;
		}
	}
	set_rules(c, &range, e, n < FILTER_RULES_MAX ? n : FILTER_RULES_MAX);
	return range;
}

static void append(struct arena *arena, struct filter_ranges *ranges,
		   const struct filter_range *range)
{
	const struct filter_range *last;

	if (ranges->n && ranges->v[ranges->n - 1].first == range->first)
		ranges->n--;
	last = ranges->n ? &ranges->v[ranges->n - 1] : NULL;
	if (last && !last->n_rules && !range->n_rules && last->action == range->action)
		return;
	ranges->v = arena_room(arena, ranges->v, ranges->n, &ranges->cap, sizeof(*ranges->v));
	ranges->v[ranges->n++] = *range;
}

void filter_rules_plain(struct arena *arena, uint32_t first, uint32_t action,
			struct filter_ranges *ranges)
{
	struct filter_range range = { .first = first, .action = action };

	append(arena, ranges, &range);
}

void filter_rules_ranges(const struct filter_profile *profile, const struct filter_arch *arch,
			 struct filter_entries *room, struct filter_ranges *ranges)
{
	struct collect c = {
		.arena = profile->arena, .arch = arch, .ranges = ranges, .room = room, .newest = -1
	};
	const struct filter_call *calls = profile->calls;
	size_t n;

	for (size_t i = 0; i < profile->n_calls; i++)
		for (size_t k = 0; k < calls[i].n_names; k++)
			collect_name(&c, &calls[i], calls[i].names[k]);
	sort_entries(&c);
	filter_rules_plain(c.arena, arch->first, profile->standard, ranges);
	for (size_t i = 0; i < c.n; i += n) {
		struct filter_range range;

		for (n = 1; i + n < c.n && c.v[i + n].nr == c.v[i].nr; n++)
			;
		ranges->overflow |= n > FILTER_RULES_MAX;
		range = one_number(&c, &c.v[i], n, profile->standard);
		append(c.arena, ranges, &range);
		filter_rules_plain(c.arena, range.first + 1, profile->standard, ranges);
	}
	if (c.newest >= 0)
		filter_rules_plain(c.arena, (uint32_t)c.newest + 1, profile->newer, ranges);
}
