/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/filter_random.h"

#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 1200 };

uint64_t random_value(struct random *random)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		8,
		16,
		17,
		40,
		0x20000,
		0x7e020000,
		0x10000000,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		0x100000000,
		0x100000028,
		0x28ffffffff,
		0x7fffffffffffffff,
		0x8000000000000000,
		0xffffffff00000000,
		0xffffffffffffffff,
	};
	uint64_t value = values[random_below(random, sizeof(values) / sizeof(values[0]))];

	switch (random_below(random, 8)) {
	case 0:
		return value - 1;
	case 1:
		return value + 1;
	case 2:
		return random_next(random);
	default:
		return value;
	}
}

/* Every name of x86-64 and i386, and a few of others. */
static const char *random_name(struct random *random)
{
	static const char *crowded[] = {
		"clone", "socket", "personality", "semget", "ioctl", "send"
	};
	static char *names[NAMES_MAX];
	static uint32_t n;

	if (!n) {
		for (int nr = 0; nr < NAMES_MAX / 2; nr++) {
			names[n] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);
			n += names[n] != NULL;
			names[n] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86, nr);
			n += names[n] != NULL;
		}
	}
	if (random_below(random, 4) == 0)
		return crowded[random_below(random, sizeof(crowded) / sizeof(crowded[0]))];
	return random_below(random, 50) ? names[random_below(random, n)] : "no_such_call";
}

static void set_args(struct random *random, struct arena *arena, struct oci_syscall *call)
{
	call->args.n = random_below(random, 2) ? 0 : random_below(random, 4);
	call->args.v = arena_array(arena, call->args.n, sizeof(*call->args.v));
	for (size_t i = 0; i < call->args.n; i++) {
		struct oci_seccomp_arg *arg = &call->args.v[i];

		arg->index = (struct json_uint){ true, random_below(random, 4)
							       ? random_below(random, 3)
							       : random_below(random, 6) };
		arg->op =
			random_below(random, 3) ? (int)random_below(random, 7) + 1 : OCI_SECCOMP_EQ;
		arg->value = (struct json_uint){ true, random_value(random) };
		arg->value_two =
			(struct json_uint){ random_below(random, 2), random_value(random) };
		if (!arg->value_two.set)
			arg->value_two.v = 0;
	}
}

static int random_action(struct random *random, struct json_uint *ret_errno)
{
	int action = (int)random_below(random, OCI_SECCOMP_NOTIFY) + 1;

	if (random_below(random, 2)) /* what profiles are made of */
		action = random_below(random, 2) ? OCI_SECCOMP_ALLOW : OCI_SECCOMP_ERRNO;
	if ((action == OCI_SECCOMP_ERRNO || action == OCI_SECCOMP_TRACE) && random_below(random, 2))
		*ret_errno = (struct json_uint){ true, random_below(random, 100) };
	return action;
}

static void set_call(struct random *random, struct arena *arena, struct oci_syscall *call)
{
	call->action = random_action(random, &call->errno_ret);
	call->names.n =
		random_below(random, 3) ? 1 + random_below(random, 3) : random_below(random, 60);
	call->names.v = arena_array(arena, call->names.n, sizeof(*call->names.v));
	for (size_t i = 0; i < call->names.n; i++) {
		call->names.v[i] = random_name(random);
		if (call->action == OCI_SECCOMP_NOTIFY && strcmp(call->names.v[i], "write") == 0)
			call->names.v[i] = "read";
	}
	set_args(random, arena, call);
}

/* A listener's descriptor needs one of two calls: without a word about it, most profiles with
 * SCMP_ACT_NOTIFY would be refused. */
static void allow_sendmmsg(struct arena *arena, struct oci_syscall *call, int standard)
{
	call->action = standard == OCI_SECCOMP_ALLOW ? OCI_SECCOMP_LOG : OCI_SECCOMP_ALLOW;
	call->names.n = 1;
	call->names.v = arena_array(arena, 1, sizeof(*call->names.v));
	call->names.v[0] = "sendmmsg";
}

/* Reached through socketcall or ipc on some architectures, so by a condition in any case. */
static bool is_multiplexed(const struct oci_syscall *call)
{
	for (size_t i = 0; i < call->names.n; i++) {
		int nr = seccomp_syscall_resolve_name_arch(SCMP_ARCH_X86, call->names.v[i]);

		if (nr <= -100 && nr >= -299)
			return true;
	}
	return false;
}

/* libseccomp refuses a profile that has several actions for the same call and arguments: one action
 * for all calls with conditions. */
static void calm(struct oci_seccomp *seccomp)
{
	for (size_t i = 1; i < seccomp->syscalls.n; i++) {
		struct oci_syscall *call = &seccomp->syscalls.v[i];

		if (!call->args.n && !is_multiplexed(call))
			continue;
		call->action = seccomp->syscalls.v[0].action;
		call->errno_ret = (struct json_uint){ 0 };
	}
}

static bool has_notify(const struct oci_seccomp *seccomp)
{
	for (size_t i = 0; i < seccomp->syscalls.n; i++)
		if (seccomp->syscalls.v[i].action == OCI_SECCOMP_NOTIFY)
			return true;
	return false;
}

const struct oci_seccomp *random_profile(struct random *random, struct arena *arena)
{
	static const char *const archs[] = {
		"SCMP_ARCH_X86_64",  "SCMP_ARCH_X86",     "SCMP_ARCH_X32",
		"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM",     "SCMP_ARCH_RISCV64",
		"SCMP_ARCH_MIPSEL",  "SCMP_ARCH_PPC64LE", "SCMP_ARCH_MIPSEL64N32",
		"SCMP_ARCH_S390X",   "SCMP_ARCH_S390",    "SCMP_ARCH_PPC64",
		"SCMP_ARCH_PPC",     "SCMP_ARCH_MIPS",    "SCMP_ARCH_MIPS64N32",
	};
	const uint32_t n_archs = sizeof(archs) / sizeof(archs[0]);
	struct oci_seccomp *seccomp = arena_new(arena, struct oci_seccomp);

	do
		seccomp->default_action = random_action(random, &seccomp->default_errno_ret);
	while (seccomp->default_action == OCI_SECCOMP_NOTIFY);
	seccomp->architectures.v = arena_array(arena, n_archs, sizeof(*seccomp->architectures.v));
	for (uint32_t i = 0; i < n_archs; i++)
		if (random_below(random, i < 3 ? 2 : 8) == 0)
			seccomp->architectures.v[seccomp->architectures.n++] = archs[i];
	seccomp->syscalls.n = 1 + random_below(random, random_below(random, 4) ? 30 : 3);
	seccomp->syscalls.v = arena_array(arena, seccomp->syscalls.n, sizeof(*seccomp->syscalls.v));
	allow_sendmmsg(arena, &seccomp->syscalls.v[0], seccomp->default_action);
	for (size_t i = 1; i < seccomp->syscalls.n; i++)
		set_call(random, arena, &seccomp->syscalls.v[i]);
	if (random_below(random, 4))
		calm(seccomp);
	if (random_below(random, 2) && !has_notify(seccomp)) {
		seccomp->syscalls.v++;
		seccomp->syscalls.n--;
	}
	return seccomp;
}
