/* SPDX-License-Identifier: Apache-2.0 */
/* Proves that the compiled filters mean what the profiles say, and what libseccomp makes of them:
 * all three answers are compared over a grid of architectures, numbers and arguments.
 *
 *     filter_equal [--profiles N] [--seed S] [--verbose] [PROFILE.json ...]
 *
 * Where rules with different actions match the same call, the specification says nothing; there the
 * answer must be one of them, and how often it is libseccomp's is counted. */
#include "src/base/io.h"
#include "src/security/filter_compile.h"
#include "tests/conformance/filter_random.h"
#include "tests/conformance/filter_reference.h"
#include "tests/lib/profile.h"

#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { GRID_NUMBERS = 600, RANDOM_NUMBERS = 40, VALUES_MAX = 2048, VECTORS = 100, TIMED = 50 };

struct tally {
	uint64_t points, ambiguous, ambiguous_equal, newer;
	uint64_t wrong;        /* ours is not what the profile says */
	uint64_t theirs_wrong; /* libseccomp's is not, where it is known to err */
	uint64_t blind;        /* libseccomp's never looked at the number */
	uint64_t unexplained;  /* libseccomp's is not, elsewhere */
	uint64_t profiles, refused_by_us, refused_by_them, endless, insns, their_insns;
	uint64_t steps, their_steps;
};

struct subject {
	const char *name;
	const struct oci_seccomp *seccomp;
	struct reference ref;
	struct bpf ours, theirs;
	bool has_theirs;
	struct random random;
	bool verbose;
	/* Of the number that is being compared. */
	uint64_t values[VALUES_MAX]; /* what its rules compare with, and the neighbours of that */
	size_t n_values, n_rules;    /* only rules with conditions */
	bool is_tangled;             /* one has several conditions, or asks for more or less */
};

static void show(const struct subject *s, const char *what, const struct seccomp_data *data,
		 uint32_t ours, uint32_t theirs, const struct reference_answer *answer)
{
	(void)printf("%s: %s: arch %#x nr %#x args", s->name, what, data->arch,
		     (unsigned int)data->nr);
	for (size_t i = 0; i < 6; i++)
		(void)printf(" %#llx", (unsigned long long)data->args[i]);
	(void)printf(": %#x, libseccomp %#x, profile", ours, theirs);
	for (size_t i = 0; i < answer->n; i++)
		(void)printf(" %#x", answer->v[i]);
	(void)puts(answer->newer ? " (newer)" : "");
}

static bool contains(const struct reference_answer *answer, uint32_t action)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->v[i] == action)
			return true;
	return false;
}

static void compare(struct subject *s, const struct seccomp_data *data, struct tally *t)
{
	struct reference_answer answer;
	struct trace trace = { 0 }, their_trace = { 0 };
	uint32_t ours = reference_run(&s->ours, data, &trace), theirs = ours;
	bool right;

	if (s->has_theirs)
		theirs = reference_run(&s->theirs, data, &their_trace);
	reference_ask(&s->ref, data, &answer);
	t->points++;
	t->newer += answer.newer;
	right = answer.newer ? ours == SCMP_ACT_ERRNO(ENOSYS) : contains(&answer, ours);
	if (!right) {
		if (t->wrong++ < 10)
			show(s, "WRONG", data, ours, theirs, &answer);
		return;
	}
	if (!s->has_theirs)
		return;
	t->steps += trace.steps;
	t->their_steps += their_trace.steps;
	if (answer.n > 1) {
		t->ambiguous++;
		t->ambiguous_equal += ours == theirs;
		if (ours != theirs && s->verbose)
			show(s, "ambiguous", data, ours, theirs, &answer);
	} else if (!contains(&answer, theirs)) {
		/* libseccomp 2.5 has three mistakes. It merges rules by the upper words of their
		 * values, and takes wrong turns; after the second condition of a rule it goes on to
		 * the next rule with the wrong argument in the accumulator; and where the first
		 * rule of an architecture is for a call that does not exist there, it forgets to
		 * load the number, and compares the architecture with all of them. */
		if (!their_trace.saw_number)
			t->blind++;
		else if (s->n_rules > 1 && s->is_tangled)
			t->theirs_wrong++;
		else
			t->unexplained++;
		if (s->verbose)
			show(s, "libseccomp differs", data, ours, theirs, &answer);
	}
}

static void add_value(struct subject *s, uint64_t value)
{
	for (size_t i = 0; i < s->n_values; i++)
		if (s->values[i] == value)
			return;
	if (s->n_values < VALUES_MAX)
		s->values[s->n_values++] = value;
}

static void add_edges(struct subject *s, uint64_t value)
{
	const uint64_t high = value & 0xffffffff00000000u, low = value & 0xffffffffu;

	for (uint64_t i = 0; i < 3; i++) {
		add_value(s, value + i - 1);
		add_value(s, high | (uint32_t)(low + i - 1)); /* only the low word */
		add_value(s, value + ((i - 1) << 32));        /* only the high word */
	}
	add_value(s, low);
	add_value(s, high);
	add_value(s, low << 32 | high >> 32);
	add_value(s, ~value);
}

static void collect_rule(struct subject *s, const struct reference_rule *rule)
{
	size_t n = rule->n_args + (rule->mux_call >= 0);

	s->n_rules += n > 0;
	s->is_tangled |= n > 1;
	if (rule->mux_call >= 0)
		add_edges(s, (uint64_t)rule->mux_call);
	for (size_t i = rule->first_arg; i < rule->first_arg + rule->n_args; i++) {
		const struct oci_seccomp_arg *arg = &rule->call->args.v[i];

		add_edges(s, arg->value.v);
		if (arg->op == OCI_SECCOMP_MASKED_EQ)
			add_edges(s, arg->value_two.v);
		else
			s->is_tangled |= arg->op != OCI_SECCOMP_EQ && arg->op != OCI_SECCOMP_NE;
	}
}

static void collect_values(struct subject *s, uint32_t arch, uint32_t nr)
{
	s->n_values = s->n_rules = 0;
	s->is_tangled = false;
	for (size_t i = 0; i < s->ref.n_archs; i++) {
		const struct reference_arch *a = &s->ref.archs[i];

		for (size_t k = 0; a->audit == arch && k < a->n_rules; k++)
			if (a->rules[k].nr == nr)
				collect_rule(s, &a->rules[k]);
	}
	if (s->n_values)
		add_edges(s, 0);
}

/* Each edge in each argument alone, then all in random company. */
static void compare_number(struct subject *s, uint32_t arch, uint32_t nr, struct tally *t)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = arch };

	collect_values(s, arch, nr);
	compare(s, &data, t);
	for (size_t v = 0; v < s->n_values; v++) {
		for (size_t arg = 0; arg < 6; arg++) {
			memset(data.args, 0, sizeof(data.args));
			data.args[arg] = s->values[v];
			compare(s, &data, t);
		}
	}
	for (size_t v = 0; v < VECTORS && s->n_values; v++) {
		for (size_t arg = 0; arg < 6; arg++)
			data.args[arg] = s->values[random_below(&s->random, (uint32_t)s->n_values)];
		compare(s, &data, t);
	}
}

static void compare_arch(struct subject *s, uint32_t arch, struct tally *t)
{
	static const uint32_t corners[] = { 0x3fffffff, 0x40000000 + 1023, 0x7fffffff, 0x80000000,
					    0xbfffffff, 0xc0000000,        0xfffffffe, 0xffffffff };

	for (uint32_t nr = 0; nr < GRID_NUMBERS; nr++) {
		compare_number(s, arch, nr, t);
		compare_number(s, arch, nr | 0x40000000, t);
	}
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
		compare_number(s, arch, corners[i], t);
	for (size_t i = 0; i < RANDOM_NUMBERS; i++)
		compare_number(s, arch, (uint32_t)random_next(&s->random), t);
	/* Those that count from a base, and the private ones of ARM. */
	for (size_t i = 0; i < s->ref.n_archs; i++) {
		const struct reference_arch *a = &s->ref.archs[i];

		for (size_t k = 0; a->audit == arch && k < a->n_rules; k++) {
			uint32_t nr = a->rules[k].nr;
			bool seen = k && a->rules[k - 1].nr == nr;

			if (!seen && (nr & ~0x40000000u) >= GRID_NUMBERS)
				compare_number(s, arch, nr, t);
		}
	}
}

static void compare_all(struct subject *s, struct tally *t)
{
	const uint32_t foreign = SCMP_ARCH_S390X;

	for (size_t i = 0; i < s->ref.n_archs; i++) {
		bool seen = false;

		for (size_t k = 0; k < i; k++)
			seen |= s->ref.archs[k].audit == s->ref.archs[i].audit;
		if (!seen)
			compare_arch(s, s->ref.archs[i].audit, t);
	}
	compare_arch(s, foreign, t);
}

static int compare_profile(struct arena *arena, const char *name, const struct oci_seccomp *seccomp,
			   bool verbose, uint64_t seed, struct tally *t)
{
	struct subject s = {
		.name = name, .seccomp = seccomp, .random = { seed }, .verbose = verbose
	};
	struct filter_program program;
	struct err err = { 0 };
	int r = filter_compile(arena, seccomp, &program, &err);

	t->profiles++;
	if (r < 0) {
		t->refused_by_us++;
		if (verbose)
			(void)printf("%s: %s\n", name, err.text);
		return r;
	}
	s.ours = (struct bpf){ malloc(program.n * sizeof(struct sock_filter)), program.n };
	memcpy(s.ours.code, program.insns, program.n * sizeof(struct sock_filter));
	r = reference_libseccomp_guarded(seccomp, &s.theirs);
	s.has_theirs = r == 0;
	t->refused_by_them += r < 0 && r != -ETIMEDOUT;
	t->endless += r == -ETIMEDOUT;
	if (s.has_theirs) {
		t->insns += s.ours.n;
		t->their_insns += s.theirs.n;
	}
	reference_init(&s.ref, seccomp);
	compare_all(&s, t);
	reference_done(&s.ref);
	free(s.ours.code);
	free(s.theirs.code);
	return 0;
}

static double now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* Building time of both, best of many, and how it is the first time. */
static void report_times(const struct oci_seccomp *seccomp)
{
	double first = 0, best = 1e9, theirs[3] = { 0, 1e9, 1e9 };
	size_t their_n[3] = { 0 };
	struct filter_program program = { 0 };

	for (int i = 0; i < TIMED; i++) {
		struct arena arena = { 0 };
		struct err err;
		double start = now_us(), took;

		if (filter_compile(&arena, seccomp, &program, &err) < 0)
			return;
		took = now_us() - start;
		first = i ? first : took;
		best = took < best ? took : best;
		arena_free(&arena);
	}
	for (unsigned int optimize = 1; optimize <= 2; optimize++) {
		for (int i = 0; i < TIMED / 10; i++) {
			struct bpf bpf = { 0 };
			double start = now_us(), took;

			(void)reference_libseccomp(seccomp, optimize, &bpf);
			took = now_us() - start;
			theirs[optimize] = took < theirs[optimize] ? took : theirs[optimize];
			their_n[optimize] = bpf.n;
			free(bpf.code);
		}
	}
	(void)printf("  build: %.0f us (first %.0f), libseccomp %.0f, as a tree %.0f\n", best,
		     first, theirs[1], theirs[2]);
	(void)printf("  size: %u instructions, libseccomp %zu, as a tree %zu\n", program.n,
		     their_n[1], their_n[2]);
}

/* Steps of one call of each number that the profile allows whatever the arguments. */
static void report_steps(const struct oci_seccomp *seccomp, struct arena *arena)
{
	struct filter_program program;
	struct bpf bpf[3] = { 0 };
	struct reference ref;
	struct err err;
	struct trace trace[3] = { 0 };
	uint64_t n = 0;

	if (filter_compile(arena, seccomp, &program, &err) < 0)
		return;
	bpf[0] = (struct bpf){ (struct sock_filter *)(uintptr_t)program.insns, program.n };
	(void)reference_libseccomp(seccomp, 1, &bpf[1]);
	(void)reference_libseccomp(seccomp, 2, &bpf[2]);
	reference_init(&ref, seccomp);
	for (int nr = 0; nr < GRID_NUMBERS; nr++) {
		struct seccomp_data data = { .nr = nr, .arch = ref.archs[0].audit };
		struct trace ours = { 0 };

		if (reference_run(&bpf[0], &data, &ours) != SCMP_ACT_ALLOW || !bpf[1].n ||
		    !bpf[2].n)
			continue;
		n++;
		trace[0].steps += ours.steps;
		for (int i = 1; i < 3; i++)
			(void)reference_run(&bpf[i], &data, &trace[i]);
	}
	if (n) {
		(void)printf("  steps of an allowed call: %.1f, libseccomp %.1f, as a tree %.1f\n",
			     (double)trace[0].steps / (double)n, (double)trace[1].steps / (double)n,
			     (double)trace[2].steps / (double)n);
	}
	reference_done(&ref);
	free(bpf[1].code);
	free(bpf[2].code);
}

static int compare_file(const char *path, bool verbose, struct tally *t)
{
	struct arena arena = { 0 };
	const struct oci_seccomp *seccomp = NULL;
	struct tally own = { 0 };
	struct err err;
	size_t len;
	char *text;
	int r = io_read_file(AT_FDCWD, path, DECODE_MAX_FILE, &arena, &text, &len, &err);

	if (r == 0)
		r = profile_decode(&arena, text, &seccomp, &err);
	if (r < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return r;
	}
	r = compare_profile(&arena, path, seccomp, verbose, 1, &own);
	(void)printf("%s: %" PRIu64 " points, %" PRIu64 " wrong, libseccomp differs in %" PRIu64
		     " (+ %" PRIu64 " of %" PRIu64 " ambiguous ones)\n",
		     path, own.points, own.wrong, own.theirs_wrong + own.blind + own.unexplained,
		     own.ambiguous - own.ambiguous_equal, own.ambiguous);
	if (r == 0) {
		report_times(seccomp);
		report_steps(seccomp, &arena);
	}
	arena_free(&arena);
	t->wrong += own.wrong + own.theirs_wrong + own.blind + own.unexplained + own.refused_by_us;
	return r;
}

static void compare_random(uint64_t n, uint64_t seed, bool verbose, struct tally *t)
{
	for (uint64_t i = 0; i < n; i++) {
		struct random random = { seed + i };
		struct arena arena = { 0 };
		char name[64];

		(void)snprintf(name, sizeof(name), "random profile %" PRIu64, seed + i);
		(void)compare_profile(&arena, name, random_profile(&random, &arena), verbose,
				      seed + i, t);
		arena_free(&arena);
	}
	(void)printf("%" PRIu64 " random profiles (refused: %" PRIu64 ", by libseccomp: %" PRIu64
		     ", endless in it: %" PRIu64 "): %" PRIu64 " points, %" PRIu64 " wrong\n",
		     t->profiles, t->refused_by_us, t->refused_by_them, t->endless, t->points,
		     t->wrong);
	(void)printf("  libseccomp differs in %" PRIu64 " (tangled rules on one call), %" PRIu64
		     " (number not loaded) and %" PRIu64 " others\n",
		     t->theirs_wrong, t->blind, t->unexplained);
	(void)printf("  ambiguous: %" PRIu64 ", the same answer in %" PRIu64
		     "; newer than the profile: %" PRIu64 "\n",
		     t->ambiguous, t->ambiguous_equal, t->newer);
	(void)printf("  instructions: %" PRIu64 ", libseccomp %" PRIu64 "; steps: %" PRIu64
		     ", libseccomp %" PRIu64 "\n",
		     t->insns, t->their_insns, t->steps, t->their_steps);
}

int main(int argc, char **argv)
{
	uint64_t profiles = 500, seed = 1;
	struct tally files = { 0 }, random = { 0 };
	bool verbose = false;
	int failed = 0;

	for (int i = 1; i < argc && argv[i]; i++) {
		if (strcmp(argv[i], "--verbose") == 0)
			verbose = true;
		else if (strcmp(argv[i], "--profiles") == 0 && argv[i + 1])
			profiles = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && argv[i + 1])
			seed = strtoull(argv[++i], NULL, 10);
		else
			failed |= compare_file(argv[i], verbose, &files) < 0;
	}
	compare_random(profiles, seed, verbose, &random);
	return failed || files.wrong || random.wrong || random.unexplained;
}
