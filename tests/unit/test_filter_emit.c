/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/arena.h"
#include "src/security/filter_parts.h"
#include "tests/lib/check.h"

#include <string.h>

static struct arena arena;

static struct filter_emit new_program(void)
{
	return (struct filter_emit){
		.code = arena_array(&arena, FILTER_EMIT_MAX, sizeof(struct sock_filter)),
	};
}

/* From a place on, with words[i] at offset 4 * i. */
static uint32_t run(const struct filter_emit *e, unsigned int place, const uint32_t *words)
{
	const struct sock_filter *code = filter_emit_program(e);
	uint32_t acc = words[0];

	for (size_t pc = e->n - place; pc < e->n; pc++) {
		uint32_t k = code[pc].k;

		if (code[pc].code == (BPF_RET | BPF_K))
			return k;
		if (code[pc].code == (BPF_LD | BPF_W | BPF_ABS))
			acc = words[k / 4];
		else if (code[pc].code == (BPF_ALU | BPF_AND | BPF_K))
			acc &= k;
		else if (code[pc].code == (BPF_JMP | BPF_JA))
			pc += k;
		else
			pc += acc == k ? code[pc].jt : code[pc].jf;
	}
	CHECK(!"an end of the program");
	return 0;
}

/* So many instructions between a jump and its targets. */
static void fill(struct filter_emit *e, unsigned int n)
{
	for (unsigned int end = e->n + n; e->n < end;)
		(void)filter_emit_load(e, 0, e->n);
}

static void branch_to(unsigned int first, unsigned int second, bool far_is_yes)
{
	struct filter_emit e = new_program();
	unsigned int far, near, place;

	far = filter_emit_load(&e, 4, filter_emit_return(&e, 7));
	fill(&e, second);
	near = filter_emit_load(&e, 8, filter_emit_return(&e, 9));
	fill(&e, first);
	place = filter_emit_branch(&e, BPF_JEQ, 5, far_is_yes ? far : near,
				   far_is_yes ? near : far);
	CHECK_INT(run(&e, place, (uint32_t[]){ 5, 0, 0 }), far_is_yes ? 7 : 9);
	CHECK_INT(run(&e, place, (uint32_t[]){ 6, 0, 0 }), far_is_yes ? 9 : 7);
}

TEST(reach_of_both_targets)
{
	for (unsigned int first = 250; first < 260; first++) {
		for (unsigned int second = 0; second < 260; second++) {
			branch_to(first, second, true);
			branch_to(first, second, false);
		}
		arena_free(&arena);
	}
}

TEST(loads_reach_their_successor)
{
	struct filter_emit e = new_program();
	unsigned int one = filter_emit_return(&e, 1);

	(void)filter_emit_return(&e, 2);
	CHECK_INT(run(&e, filter_emit_load(&e, 0, one), (uint32_t[]){ 0 }), 1);
}

static struct filter_test nth_test(uint32_t i)
{
	return (struct filter_test){ 4 + 4 * (i % 2), i % 3 ? UINT32_MAX : 0xffff, BPF_JEQ, i / 2 };
}

/* Many more of them than there are slots to remember them in. */
TEST(tests_that_look_alike)
{
	enum { COUNT = 1000 };
	struct filter_emit e = new_program();
	unsigned int places[COUNT];

	for (uint32_t i = 0; i < COUNT; i++) {
		struct filter_test test = nth_test(i);

		places[i] = filter_emit_test(&e, &test, filter_emit_return(&e, 7),
					     filter_emit_return(&e, 9));
	}
	CHECK(!e.full);
	for (uint32_t i = 0; i < COUNT; i++) {
		struct filter_test test = nth_test(i);
		uint32_t words[3] = { 0, 5000, 5000 }, *word = &words[test.offset / 4];

		CHECK_INT(run(&e, places[i], words), 9);
		*word = test.value;
		CHECK_INT(run(&e, places[i], words), 7);
		*word |= 0x10000;
		CHECK_INT(run(&e, places[i], words), test.mask == UINT32_MAX ? 9 : 7);
	}
}

TEST(equal_tests_are_shared)
{
	struct filter_emit e = new_program();
	struct filter_test test = { 16, UINT32_MAX, BPF_JEQ, 1 };
	unsigned int yes = filter_emit_return(&e, 7), no = filter_emit_return(&e, 9);
	unsigned int place = filter_emit_test(&e, &test, yes, no);

	CHECK_INT(filter_emit_test(&e, &test, yes, no), place);
	CHECK(filter_emit_test(&e, &test, no, yes) != place);
	CHECK_INT(filter_emit_test(&e, &test, yes, yes), yes);
	CHECK_INT(filter_emit_branch(&e, BPF_JEQ, 1, no, no), no);
}

TEST(full)
{
	struct filter_emit e = new_program();

	(void)filter_emit_return(&e, 1);
	fill(&e, FILTER_EMIT_MAX - 1);
	CHECK(!e.full);
	(void)filter_emit_load(&e, 0, e.n);
	CHECK(e.full);
	CHECK_INT(e.n, FILTER_EMIT_MAX);
}
