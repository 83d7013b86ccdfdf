/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_parts.h"

#include <linux/seccomp.h>
#include <stddef.h>

/* An isolated number between ranges of another action costs one JEQ in a row, but two comparisons
 * in the tree. A longer row slows down the calls that pass through it. */
enum { ROW_MAX = 3 };

static uint32_t word_offset(unsigned int arg, bool high)
{
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	size_t offset = offsetof(struct seccomp_data, args) + sizeof(uint64_t) * arg;

	return (uint32_t)offset + (high != big_endian ? 4 : 0);
}

/* One word: (word & mask) == value. */
static unsigned int write_equal(struct filter_emit *e, uint32_t offset, uint32_t mask,
				uint32_t value, unsigned int yes, unsigned int no)
{
	struct filter_test test = { offset, mask, BPF_JEQ, value & mask };

	if (!mask)
		return yes;
	if (test.value == 0 && mask != UINT32_MAX) { /* saves the AND */
		test = (struct filter_test){ offset, UINT32_MAX, BPF_JSET, mask };
		return filter_emit_test(e, &test, no, yes);
	}
	return filter_emit_test(e, &test, yes, no);
}

static unsigned int write_masked(struct filter_emit *e, const struct filter_arg *arg, bool wide,
				 unsigned int yes, unsigned int no)
{
	yes = write_equal(e, word_offset(arg->index, false), (uint32_t)arg->mask,
			  (uint32_t)arg->value, yes, no);
	if (wide)
		yes = write_equal(e, word_offset(arg->index, true), (uint32_t)(arg->mask >> 32),
				  (uint32_t)(arg->value >> 32), yes, no);
	return yes;
}

/* arg >= value (BPF_JGE) or arg > value (BPF_JGT): the high words decide unless equal. */
static unsigned int write_greater(struct filter_emit *e, const struct filter_arg *arg, bool wide,
				  uint16_t jump, unsigned int yes, unsigned int no)
{
	struct filter_test low = { word_offset(arg->index, false), UINT32_MAX, jump,
				   (uint32_t)arg->value };
	struct filter_test high = { word_offset(arg->index, true), UINT32_MAX, BPF_JGT,
				    (uint32_t)(arg->value >> 32) };
	unsigned int equal = filter_emit_test(e, &low, yes, no);

	if (!wide)
		return equal;
	/* The word is in the accumulator when the second comparison runs. */
	equal = filter_emit_branch(e, BPF_JEQ, high.value, equal, no);
	return filter_emit_test(e, &high, yes, equal);
}

static unsigned int write_arg(struct filter_emit *e, const struct filter_arg *arg, bool wide,
			      unsigned int yes, unsigned int no)
{
	switch (arg->op) {
	case OCI_SECCOMP_EQ:
	case OCI_SECCOMP_MASKED_EQ:
		return write_masked(e, arg, wide, yes, no);
	case OCI_SECCOMP_NE:
		return write_masked(e, arg, wide, no, yes);
	case OCI_SECCOMP_GE:
		return write_greater(e, arg, wide, BPF_JGE, yes, no);
	case OCI_SECCOMP_GT:
		return write_greater(e, arg, wide, BPF_JGT, yes, no);
	case OCI_SECCOMP_LT:
		return write_greater(e, arg, wide, BPF_JGE, no, yes);
	case OCI_SECCOMP_LE:
		return write_greater(e, arg, wide, BPF_JGT, no, yes);
	case OCI_SECCOMP_OP_ABSENT:
		break;
	}
	return no;
}

static bool is_value(const struct filter_rule *rule)
{
	return rule->n_args == 1 && rule->args[0].op == OCI_SECCOMP_EQ;
}

/* Rules that compare the same argument with values that share their high words. */
static bool is_alike(const struct filter_rule *a, const struct filter_rule *b)
{
	return is_value(a) && is_value(b) && a->args[0].index == b->args[0].index &&
	       a->args[0].value >> 32 == b->args[0].value >> 32;
}

/* Writes rules n - 1 to 0 of a list (n > 0) as long as they are alike: their words are loaded once.
 * Returns how many. */
static size_t write_values(struct filter_emit *e, const struct filter_range *range, size_t n,
			   unsigned int *place)
{
	const struct filter_rule *last = range->rules[n - 1];
	const struct filter_arg *arg = &last->args[0];
	unsigned int next = *place, no = *place;
	size_t i = n;

	do {
		i--;
		next = filter_emit_branch(e, BPF_JEQ, (uint32_t)range->rules[i]->args[0].value,
					  filter_emit_return(e, range->rules[i]->action), next);
	} while (i > 0 && is_alike(range->rules[i - 1], last));
	next = filter_emit_load(e, word_offset(arg->index, false), next);
	if (range->wide)
		next = write_equal(e, word_offset(arg->index, true), UINT32_MAX,
				   (uint32_t)(arg->value >> 32), next, no);
	*place = next;
	return n - i;
}

static unsigned int write_rule(struct filter_emit *e, const struct filter_rule *rule, bool wide,
			       unsigned int no)
{
	unsigned int yes = filter_emit_return(e, rule->action);

	for (size_t i = rule->n_args; i > 0; i--)
		yes = write_arg(e, &rule->args[i - 1], wide, yes, no);
	return yes;
}

static unsigned int write_rules(struct filter_emit *e, const struct filter_range *range)
{
	unsigned int place = filter_emit_return(e, range->action);
	size_t i = range->n_rules;

	while (i > 0) {
		if (i > 1 && is_alike(range->rules[i - 1], range->rules[i - 2])) {
			i -= write_values(e, range, i, &place);
		} else {
			i--;
			place = write_rule(e, range->rules[i], range->wide, place);
		}
	}
	return place;
}

static bool is_same(const struct filter_range *a, const struct filter_range *b)
{
	if (a->wide != b->wide || a->action != b->action || a->n_rules != b->n_rules)
		return false;
	for (size_t i = 0; i < a->n_rules; i++)
		if (a->rules[i] != b->rules[i])
			return false;
	return true;
}

/* Hashes what the rules say, not their addresses: the same profile must always give the same
 * program. */
static uint32_t hash_rules(const struct filter_range *range)
{
	uint32_t h = range->wide;

	for (size_t i = 0; i < range->n_rules; i++) {
		const struct filter_rule *rule = range->rules[i];

		h = (h ^ rule->action ^ (uint32_t)rule->n_args) * 0x9e3779b1u;
		for (size_t k = 0; k < rule->n_args; k++)
			h = (h ^ (uint32_t)rule->args[k].value ^ rule->args[k].index) * 0x9e3779b1u;
	}
	return h >> 16;
}

/* Writes the action for one range. Overwrites the accumulator. */
static unsigned int write_range(struct filter_tree *tree, const struct filter_range *range)
{
	unsigned int slot;

	if (!range->n_rules)
		return filter_emit_return(tree->emit, range->action);
	slot = hash_rules(range) % FILTER_TREE_SEEN;
	if (!tree->seen[slot].range || !is_same(tree->seen[slot].range, range)) {
		tree->seen[slot].range = range;
		tree->seen[slot].place = write_rules(tree->emit, range);
	}
	return tree->seen[slot].place;
}

struct slice {
	const struct filter_range *ranges;
	size_t n;
	uint32_t end; /* the first number after it; 0: it extends to the largest */
};

/* Whether the ranges of this parity (0: even) have one action in common and those between them are
 * single numbers: a row, such as A x A y A. */
static bool is_row(const struct slice *s, size_t parity)
{
	if (s->n < 2 || s->n > 2 * ROW_MAX + 1)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		const struct filter_range *range = &s->ranges[i];
		uint32_t end = i + 1 < s->n ? range[1].first : s->end;

		if (i % 2 != parity && end != range->first + 1)
			return false;
		if (i % 2 == parity &&
		    (range->n_rules || range->action != s->ranges[parity].action))
			return false;
	}
	return true;
}

static unsigned int write_row(struct filter_tree *tree, const struct slice *s, size_t parity)
{
	unsigned int place = write_range(tree, &s->ranges[parity]);

	for (size_t i = 1 - parity; i < s->n; i += 2)
		place = filter_emit_branch(tree->emit, BPF_JEQ, s->ranges[i].first,
					   write_range(tree, &s->ranges[i]), place);
	return place;
}

static unsigned int write_slice(struct filter_tree *tree, const struct slice *s)
{
	size_t half = s->n / 2;
	struct slice lower = { s->ranges, half, s->ranges[half].first };
	struct slice upper = { s->ranges + half, s->n - half, s->end };
	unsigned int place;

	if (s->n == 1)
		return write_range(tree, s->ranges);
	for (size_t parity = 0; parity < 2; parity++)
		if (is_row(s, parity))
			return write_row(tree, s, parity);
	place = write_slice(tree, &upper);
	return filter_emit_branch(tree->emit, BPF_JGE, upper.ranges->first, place,
				  write_slice(tree, &lower));
}

unsigned int filter_tree_write(struct filter_tree *tree, const struct filter_range *ranges,
			       size_t n)
{
	struct slice all = { ranges, n, 0 };

	return write_slice(tree, &all);
}
