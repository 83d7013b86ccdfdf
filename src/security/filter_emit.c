/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_parts.h"

enum { REACH = UINT8_MAX };

static struct sock_filter *at(const struct filter_emit *e, unsigned int place)
{
	return &e->code[FILTER_EMIT_MAX - place];
}

static unsigned int put(struct filter_emit *e, struct sock_filter insn)
{
	if (e->n == FILTER_EMIT_MAX) {
		e->full = true;
		return e->n;
	}
	e->n++;
	*at(e, e->n) = insn;
	return e->n;
}

/* The number of instructions that a jump written next would skip. */
static unsigned int distance(const struct filter_emit *e, unsigned int place)
{
	return e->n - place;
}

unsigned int filter_emit_return(struct filter_emit *e, uint32_t action)
{
	unsigned int slot = (action ^ action >> 16) % FILTER_EMIT_RETURNS;

	/* One less than a jump can reach, because the other branch may need a bridge first. */
	if (e->returns[slot].at && e->returns[slot].action == action &&
	    distance(e, e->returns[slot].at) < REACH)
		return e->returns[slot].at;
	e->returns[slot].action = action;
	e->returns[slot].at = put(e, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
	return e->returns[slot].at;
}

/* Returns `place`, or an equivalent place within reach. */
static unsigned int bridge(struct filter_emit *e, unsigned int place, unsigned int reach)
{
	const struct sock_filter *insn = at(e, place);
	unsigned int slot = place % FILTER_EMIT_BRIDGES;

	if (distance(e, place) <= reach)
		return place;
	if (insn->code == (BPF_RET | BPF_K))
		return filter_emit_return(e, insn->k);
	if (e->bridges[slot].target == place && distance(e, e->bridges[slot].at) <= reach)
		return e->bridges[slot].at;
	e->bridges[slot].target = place;
	e->bridges[slot].at =
		put(e, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, distance(e, place)));
	return e->bridges[slot].at;
}

unsigned int filter_emit_branch(struct filter_emit *e, uint16_t jump, uint32_t value,
				unsigned int yes, unsigned int no)
{
	if (yes == no)
		return yes;
	/* A bridge for one branch moves the other one further away by an instruction. */
	yes = bridge(e, yes, REACH - 1);
	no = bridge(e, no, REACH);
	return put(e, (struct sock_filter){ .code = (uint16_t)(BPF_JMP | BPF_K | jump),
					    .jt = (uint8_t)distance(e, yes),
					    .jf = (uint8_t)distance(e, no),
					    .k = value });
}

unsigned int filter_emit_load(struct filter_emit *e, uint32_t offset, unsigned int next)
{
	if (next != e->n)
		put(e, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, distance(e, next)));
	return put(e, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset));
}

/* Whether the test at `place` is this one, with these targets. */
static bool is_test(const struct filter_emit *e, unsigned int place, const struct filter_test *t,
		    unsigned int yes, unsigned int no)
{
	const struct sock_filter *insn = at(e, place);
	unsigned int words = t->mask == UINT32_MAX ? 2 : 3;

	if (place < words || insn->code != (BPF_LD | BPF_W | BPF_ABS) || insn->k != t->offset)
		return false;
	insn++;
	if (words == 3) {
		if (insn->code != (BPF_ALU | BPF_AND | BPF_K) || insn->k != t->mask)
			return false;
		insn++;
	}
	place -= words;
	return insn->code == (BPF_JMP | BPF_K | t->jump) && insn->k == t->value &&
	       place - insn->jt == yes && place - insn->jf == no;
}

static unsigned int hash(const struct filter_test *t, unsigned int yes, unsigned int no)
{
	uint32_t h = t->offset * 31 + t->jump;

	h = (h ^ t->mask) * 0x9e3779b1u;
	h = (h ^ t->value) * 0x9e3779b1u;
	h = (h ^ yes ^ no << 12) * 0x9e3779b1u;
	return h >> 24;
}

unsigned int filter_emit_test(struct filter_emit *e, const struct filter_test *test,
			      unsigned int yes, unsigned int no)
{
	unsigned int slot = hash(test, yes, no) % FILTER_EMIT_TESTS;
	unsigned int place;

	if (yes == no)
		return yes;
	place = e->tests[slot];
	if (place && distance(e, place) < REACH && is_test(e, place, test, yes, no))
		return place;
	(void)filter_emit_branch(e, test->jump, test->value, yes, no);
	if (test->mask != UINT32_MAX)
		put(e, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, test->mask));
	place = put(e, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, test->offset));
	e->tests[slot] = (unsigned short)place;
	return place;
}

const struct sock_filter *filter_emit_program(const struct filter_emit *e)
{
	return at(e, e->n);
}
