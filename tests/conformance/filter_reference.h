/* SPDX-License-Identifier: Apache-2.0 */
/* What a seccomp profile means, said twice and without the compiler under test: by reading the
 * rules one after the other, and by the program that libseccomp makes of them. */
#pragma once

#include "src/oci/config.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

enum { REFERENCE_ARCHS = 24, REFERENCE_MATCHES = 8 };

struct bpf {
	struct sock_filter *code;
	size_t n;
};

struct trace {
	uint64_t steps;
	bool saw_number; /* of the system call */
};

/* Runs a classic program and adds to the trace. An instruction that the kernel's allow bitmap does
 * not follow, or a jump out of the program, ends the test. */
uint32_t reference_run(const struct bpf *program, const struct seccomp_data *data,
		       struct trace *trace);

/* The profile's program as crun and runc have it built. Returns -errno when libseccomp refuses. */
int reference_libseccomp(const struct oci_seccomp *seccomp, unsigned int optimize, struct bpf *ret);

/* The same in a process of its own, for at most a few seconds: libseccomp 2.5 never returns from
 * some profiles. -ETIMEDOUT then. */
int reference_libseccomp_guarded(const struct oci_seccomp *seccomp, struct bpf *ret);

struct reference_rule {
	uint32_t nr;
	uint32_t action;
	const struct oci_syscall *call;
	size_t first_arg, n_args; /* of call->args */
	int mux_call;             /* >= 0: argument 0 is this, and has no other condition */
};

struct reference_arch {
	uint32_t token, audit;
	bool wide;
	struct reference_rule *rules; /* sorted by number, then as in the profile */
	size_t n_rules, cap_rules;
	int64_t newest; /* largest number that the profile names */
};

struct reference {
	uint32_t standard;
	bool newer_is_enosys;
	struct reference_arch archs[REFERENCE_ARCHS];
	size_t n_archs;
};

void reference_init(struct reference *ref, const struct oci_seccomp *seccomp);
void reference_done(struct reference *ref);

/* All answers that the profile gives. Several when rules with different actions match: then the
 * order of the rules decides, which the specification leaves open. */
struct reference_answer {
	uint32_t v[REFERENCE_MATCHES];
	size_t n;
	bool newer; /* the number is larger than any that the profile names */
};

void reference_ask(const struct reference *ref, const struct seccomp_data *data,
		   struct reference_answer *ret);
