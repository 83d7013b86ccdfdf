/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_tree.h"

#include <linux/seccomp.h>
#include <stddef.h>

/* Single numbers that differ from all around them cost one JEQ each in a row, two comparisons each in
 * the tree. A longer row makes the way through it longer. */
enum { ROW_MAX = 3 };

static uint32_t word_offset(unsigned int arg, bool high)
{
	const bool big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

	return (uint32_t)(offsetof(struct seccomp_data, args) + 8 * arg + (high != big_endian ? 4 : 0));
}

/* One word: (word & mask) == value. */
static unsigned int write_equal(struct filter_emit *e, uint32_t offset, uint32_t mask, uint32_t value,
				unsigned int yes, unsigned int no)
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

/* arg >= value (BPF_JGE) or arg > value (BPF_JGT): the high words decide unless they are equal. */
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
	/* The word is in the accumulator when the second comparison is reached. */
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

/* Rules that compare the same argument with values whose high words are equal. */
static bool is_alike(const struct filter_rule *a, const struct filter_rule *b)
{
	return is_value(a) && is_value(b) && a->args[0].index == b->args[0].index &&
	       a->args[0].value >> 32 == b->args[0].value >> 32;
}

/* Rules n - 1 to 0 of a list, where n is > 0, as long as they are alike: the words are loaded once.
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

/* What happens to the numbers of one range. The accumulator is lost on the way. */
static unsigned int write_range(struct filter_emit *e, const struct filter_range *range)
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

/* Whether the ranges are single numbers in an environment of one action: x in A x A, x and y in A x A y. */
static bool is_row(const struct filter_range *ranges, size_t n)
{
	if (n < 2 || n > 2 * ROW_MAX + 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i % 2 == 0 && (ranges[i].n_rules || ranges[i].action != ranges[0].action))
			return false;
		if (i % 2 == 1 && i + 1 < n && ranges[i + 1].first != ranges[i].first + 1)
			return false;
	}
	/* The end of the last one is not known here. */
	return n % 2 == 1;
}

static unsigned int write_row(struct filter_emit *e, const struct filter_range *ranges, size_t n)
{
	unsigned int place = write_range(e, &ranges[0]);

	for (size_t i = 1; i < n; i += 2)
		place = filter_emit_branch(e, BPF_JEQ, ranges[i].first, write_range(e, &ranges[i]),
					   place);
	return place;
}

unsigned int filter_tree_write(struct filter_emit *e, const struct filter_range *ranges, size_t n)
{
	size_t half = n / 2;
	unsigned int upper, lower;

	if (n == 1)
		return write_range(e, ranges);
	if (is_row(ranges, n))
		return write_row(e, ranges, n);
	upper = filter_tree_write(e, ranges + half, n - half);
	lower = filter_tree_write(e, ranges, half);
	return filter_emit_branch(e, BPF_JGE, ranges[half].first, upper, lower);
}
