/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_parts.h"

#include "src/base/str.h"

#include <ctype.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>

/* Newer architectures have direct numbers for the calls that older ones reach through socketcall
 * and ipc. libseccomp keeps that table internal; a unit test compares ours with it. Column 0: x86,
 * 1: s390 and s390x, 2: PowerPC, 3: MIPS o32 (from 4000 on). 0: none. */
enum { COLUMNS = 4, X86 = 0, S390 = 1, PPC = 2, MIPS = 3 };

static const unsigned short socket_calls[][COLUMNS] = {
	[1] = { 359, 359, 326, 4183 },  /* socket */
	[2] = { 361, 361, 327, 4169 },  /* bind */
	[3] = { 362, 362, 328, 4170 },  /* connect */
	[4] = { 363, 363, 329, 4174 },  /* listen */
	[5] = { 0, 0, 330, 4168 },      /* accept */
	[6] = { 367, 367, 331, 4172 },  /* getsockname */
	[7] = { 368, 368, 332, 4171 },  /* getpeername */
	[8] = { 360, 360, 333, 4184 },  /* socketpair */
	[9] = { 0, 0, 334, 4178 },      /* send */
	[10] = { 0, 0, 336, 4175 },     /* recv */
	[11] = { 369, 369, 335, 4180 }, /* sendto */
	[12] = { 371, 371, 337, 4176 }, /* recvfrom */
	[13] = { 373, 373, 338, 4182 }, /* shutdown */
	[14] = { 366, 366, 339, 4181 }, /* setsockopt */
	[15] = { 365, 365, 340, 4173 }, /* getsockopt */
	[16] = { 370, 370, 341, 4179 }, /* sendmsg */
	[17] = { 372, 372, 342, 4177 }, /* recvmsg */
	[18] = { 364, 364, 344, 4334 }, /* accept4 */
	[19] = { 337, 357, 343, 4335 }, /* recvmmsg */
	[20] = { 345, 358, 349, 4343 }, /* sendmmsg */
};

static const unsigned short ipc_calls[][COLUMNS] = {
	[2] = { 393, 393, 393, 4393 },  /* semget */
	[3] = { 394, 394, 394, 4394 },  /* semctl */
	[4] = { 0, 0, 0, 0 },           /* semtimedop: only 64-bit ones, see direct_number() */
	[11] = { 400, 400, 400, 4400 }, /* msgsnd */
	[12] = { 401, 401, 401, 4401 }, /* msgrcv */
	[13] = { 399, 399, 399, 4399 }, /* msgget */
	[14] = { 402, 402, 402, 4402 }, /* msgctl */
	[21] = { 397, 397, 397, 4397 }, /* shmat */
	[22] = { 398, 398, 398, 4398 }, /* shmdt */
	[23] = { 395, 395, 395, 4395 }, /* shmget */
	[24] = { 396, 396, 396, 4396 }, /* shmctl */
};

enum { SEMTIMEDOP = 4, SEMTIMEDOP_64BIT = 392 };

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* The column for the EM_* of an audit value; its flags are in the upper half. */
static int column(const struct filter_arch *arch)
{
	switch (arch->audit & 0xffff) {
	case EM_386:
		return X86;
	case EM_S390:
		return S390;
	case EM_PPC:
	case EM_PPC64:
		return PPC;
	case EM_MIPS:
		return MIPS;
	default:
		return -1;
	}
}

static int direct_number(const struct filter_arch *arch, bool ipc, unsigned int call)
{
	unsigned int rows = ipc ? ROWS(ipc_calls) : ROWS(socket_calls);
	int where = column(arch);
	unsigned short nr;

	if (ipc && call == SEMTIMEDOP && (arch->audit & __AUDIT_ARCH_64BIT))
		return SEMTIMEDOP_64BIT;
	if (where < 0 || call >= rows)
		return -1;
	nr = ipc ? ipc_calls[call][where] : socket_calls[call][where];
	return nr ? nr : -1;
}

/* libseccomp's pseudo numbers: -101 to -120 are socketcall calls, -201 to -224 ipc calls, and those
 * below -10000 are names of other architectures. */
bool filter_arch_resolve(const struct filter_arch *arch, const char *name,
			 struct filter_number *ret)
{
	int nr = seccomp_syscall_resolve_name_arch(arch->token, name);
	bool ipc = nr <= -200;

	*ret = (struct filter_number){ .direct = nr, .mux = -1 };
	if (nr == __NR_SCMP_ERROR)
		return false;
	if (nr > -100 || nr < -299)
		return true;
	ret->mux = ipc ? arch->ipc : arch->socketcall;
	ret->call = (uint32_t)-nr % 100;
	ret->direct = ret->mux < 0 ? -1 : direct_number(arch, ipc, ret->call);
	return true;
}

static struct filter_arch describe(uint32_t token)
{
	const uint32_t n32 = 0x20000000; /* MIPS n32: 64-bit registers, 32-bit words */
	struct filter_arch arch = {
		.token = token,
		.audit = token == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : token,
		.wide = (token & __AUDIT_ARCH_64BIT) && !(token & n32),
		.socketcall = seccomp_syscall_resolve_name_arch(token, "socketcall"),
		.ipc = seccomp_syscall_resolve_name_arch(token, "ipc"),
	};

	if (token == SCMP_ARCH_X32)
		arch.first = FILTER_ARCH_X32_BIT;
	return arch;
}

static void add(struct filter_archs *archs, uint32_t token)
{
	for (size_t i = 0; i < archs->n; i++)
		if (archs->v[i].token == token)
			return;
	if (archs->n < FILTER_ARCH_MAX)
		archs->v[archs->n++] = describe(token);
}

const struct filter_arch *filter_arch_find(const struct filter_archs *archs, uint32_t audit,
					   uint32_t first)
{
	for (size_t i = 0; i < archs->n; i++)
		if (archs->v[i].audit == audit && archs->v[i].first == first)
			return &archs->v[i];
	return NULL;
}

bool filter_arch_is_repeated(const struct filter_archs *archs, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (archs->v[k].audit == archs->v[i].audit)
			return true;
	return false;
}

int filter_arch_list(const struct oci_seccomp *seccomp, struct filter_archs *ret, struct err *err)
{
	uint32_t native = seccomp_arch_native();

	ret->n = 0;
	add(ret, native);
	for (size_t i = 0; i < seccomp->architectures.n; i++) {
		const char *name = seccomp->architectures.v[i];
		char lower[32] = "";
		uint32_t token;

		if (!str_starts(name, "SCMP_ARCH_")) {
			return err_set(err, EINVAL,
				       ERR_AT "linux.seccomp.architectures[%zu]: unknown "
					      "architecture \"%s\"",
				       i, name);
		}
		name += strlen("SCMP_ARCH_");
		for (size_t k = 0; name[k] && k < sizeof(lower) - 1; k++)
			lower[k] = (char)tolower((unsigned char)name[k]);
		token = seccomp_arch_resolve_name(lower);
		if (token && (token & __AUDIT_ARCH_LE) == (native & __AUDIT_ARCH_LE))
			add(ret, token);
	}
	return 0;
}
