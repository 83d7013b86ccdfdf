/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of whole profiles is proved by tests/conformance/filter_equal.c; here are the edges
 * that a comparison with libseccomp does not reach. */
#include "src/base/str.h"
#include "src/security/filter_compile.h"
#include "src/security/filter_parts.h"
#include "src/security/filter_run.h"
#include "src/security/filter_spare.h"
#include "tests/lib/check.h"
#include "tests/lib/profile.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { X32 = 0x40000000 };

static struct arena arena;

static const struct oci_seccomp *parse(const char *text)
{
	const struct oci_seccomp *seccomp = NULL;
	struct err err = { 0 };

	if (profile_decode(&arena, text, &seccomp, &err) < 0)
		(void)printf("%s\n", check_said(&err));
	CHECK(seccomp != NULL);
	return seccomp;
}

static int compile(const char *text, struct filter_program *program, struct err *err)
{
	*err = (struct err){ 0 };
	return filter_compile(&arena, parse(text), program, err);
}

static uint32_t run_data(const struct filter_program *program, const struct seccomp_data *data)
{
	const struct sock_filter *code = program->insns;
	uint32_t acc = 0;

	for (size_t pc = 0; pc < program->n; pc++) {
		uint32_t k = code[pc].k;
		bool yes;

		switch (code[pc].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&acc, (const char *)data + k, sizeof(acc));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= k;
			continue;
		case BPF_JMP | BPF_JA:
			pc += k;
			continue;
		case BPF_RET | BPF_K:
			return k;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = acc == k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = acc >= k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = acc > k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = acc & k;
			break;
		default:
			CHECK(!"a known instruction");
			return 0;
		}
		pc += yes ? code[pc].jt : code[pc].jf;
	}
	CHECK(!"an end of the program");
	return 0;
}

static uint32_t run(const struct filter_program *program, uint32_t arch, const char *name,
		    uint64_t arg)
{
	struct seccomp_data data = { .arch = arch == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : arch };

	data.nr = seccomp_syscall_resolve_name_arch(arch, name);
	data.args[0] = arg;
	return run_data(program, &data);
}

static uint32_t run_number(const struct filter_program *program, uint32_t arch, uint32_t nr)
{
	struct seccomp_data data = { .arch = arch, .nr = (int)nr };

	return run_data(program, &data);
}

TEST(every_action)
{
	static const struct {
		const char *name;
		uint32_t value;
	} actions[] = {
		{ "KILL", SECCOMP_RET_KILL_THREAD },
		{ "KILL_THREAD", SECCOMP_RET_KILL_THREAD },
		{ "KILL_PROCESS", SECCOMP_RET_KILL_PROCESS },
		{ "TRAP", SECCOMP_RET_TRAP },
		{ "ERRNO", SECCOMP_RET_ERRNO | EPERM },
		{ "TRACE", SECCOMP_RET_TRACE | EPERM },
		{ "LOG", SECCOMP_RET_LOG },
		{ "NOTIFY", SECCOMP_RET_USER_NOTIF },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		struct filter_program program;
		struct err err;
		char text[256];

		(void)snprintf(text, sizeof(text),
			       "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
			       "[\"mkdirat\"],\"action\":\"SCMP_ACT_%s\"}]}",
			       actions[i].name);
		CHECK_INT(compile(text, &program, &err), 0);
		CHECK_INT(run(&program, seccomp_arch_native(), "mkdirat", 0), actions[i].value);
		CHECK_INT(run(&program, seccomp_arch_native(), "unlinkat", 0), SECCOMP_RET_ALLOW);
		CHECK(program.needs_listener == str_equal(actions[i].name, "NOTIFY"));
	}
}

TEST(errno_of_rule_and_default)
{
	struct filter_program program;
	struct err err;

	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,"
			  "\"syscalls\":[{"
			  "\"names\":[\"read\",\"openat2\"],\"action\":\"SCMP_ACT_TRACE\","
			  "\"errnoRet\":7},"
			  "{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":0}]}",
			  &program, &err),
		  0);
	CHECK_INT(run(&program, seccomp_arch_native(), "read", 0), SECCOMP_RET_TRACE | 7);
	CHECK_INT(run(&program, seccomp_arch_native(), "write", 0), SECCOMP_RET_ERRNO);
	CHECK_INT(run(&program, seccomp_arch_native(), "mkdirat", 0), SECCOMP_RET_ERRNO | 13);
}

TEST(newer_calls_look_missing)
{
	static const char *const refusing[] = { "KILL", "KILL_PROCESS", "TRAP", "ERRNO" };
	static const char *const passing[] = { "ALLOW", "LOG", "TRACE" };
	uint32_t native = seccomp_arch_native();
	uint32_t newest = (uint32_t)seccomp_syscall_resolve_name("openat2");
	struct filter_program program;
	struct err err;
	char text[256];

	for (size_t i = 0; i < 7; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"defaultAction\":\"SCMP_ACT_%s\",\"syscalls\":[{\"names\":[\"read\","
			"\"openat2\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5}]}",
			i < 4 ? refusing[i] : passing[i - 4]);
		CHECK_INT(compile(text, &program, &err), 0);
		CHECK_INT(run_number(&program, native, newest), SECCOMP_RET_ERRNO | 5);
		CHECK((run_number(&program, native, newest + 1) == (SECCOMP_RET_ERRNO | ENOSYS)) ==
		      (i < 4));
		CHECK(run_number(&program, native, newest - 1) != (SECCOMP_RET_ERRNO | ENOSYS));
	}
}

TEST(x32_and_foreign_architectures)
{
	const char *both =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X32\","
		"\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_S390X\",\"SCMP_ARCH_M68K\"],\"syscalls\":[{"
		"\"names\":[\"read\",\"openat2\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	const char *one =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
		"\"action\":\"SCMP_ACT_ALLOW\"}]}";
	struct filter_program program;
	struct err err;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64)
		return;
	CHECK_INT(compile(both, &program, &err), 0);
	CHECK_INT(run(&program, SCMP_ARCH_X32, "read", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(run(&program, SCMP_ARCH_X32, "write", 0), SECCOMP_RET_ERRNO | EPERM);
	CHECK_INT(run_number(&program, SCMP_ARCH_X86_64, X32 | 600), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(run_number(&program, SCMP_ARCH_X86, 3), SECCOMP_RET_KILL_THREAD);
	CHECK_INT(run_number(&program, SCMP_ARCH_S390X, 3), SECCOMP_RET_KILL_THREAD);
	CHECK_INT(compile(one, &program, &err), 0);
	CHECK_INT(run(&program, SCMP_ARCH_X86_64, "read", 0), SECCOMP_RET_ALLOW);
	CHECK_INT(run(&program, SCMP_ARCH_X32, "read", 0), SECCOMP_RET_KILL_THREAD);
	CHECK_INT(run_number(&program, SCMP_ARCH_X86_64, UINT32_MAX), SECCOMP_RET_ERRNO | ENOSYS);
	CHECK_INT(run_number(&program, SCMP_ARCH_X86_64, UINT32_MAX - 1), SECCOMP_RET_KILL_THREAD);
}

TEST(first_unconditional_rule_wins)
{
	struct filter_program program;
	struct err err;

	CHECK_INT(
		compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			"\"mkdirat\"]"
			","
			"\"action\":\"SCMP_ACT_KILL\",\"args\":[{\"index\":0,\"value\":1,\"op\":"
			"\"SCMP_CMP_EQ\"}]},{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_ALLOW\"}"
			","
			"{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":2},"
			"{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":3}]}",
			&program, &err),
		0);
	CHECK_INT(run(&program, seccomp_arch_native(), "mkdirat", 1), SECCOMP_RET_ERRNO | 2);
}

TEST(unknown_names)
{
	const char *text =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdirat\","
		"\"no_such_call\",\"_llseek\",\"nor_this\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
	struct filter_program program;
	struct err err;

	CHECK_INT(compile(text, &program, &err), 0);
	CHECK_INT(program.n_unknown, 2);
	CHECK_STR(program.unknown[0], "no_such_call");
	CHECK_STR(program.unknown[1], "nor_this");
}

TEST(refused_profiles)
{
	static const struct {
		const char *text, *why;
	} wrong[] = {
		{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
		  "SCMP_ACT_NOTIFY cannot be used as default action" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\","
		  "\"write\"],"
		  "\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		  "SCMP_ACT_NOTIFY cannot be used for the write syscall" },
		{ "{\"defaultAction\":\"SCMP_ACT_LOG\",\"defaultErrnoRet\":1}",
		  "linux.seccomp.defaultAction: only SCMP_ACT_ERRNO and" },
		{ "{\"defaultAction\":\"SCMP_ACT_KILL\",\"syscalls\":[{\"names\":[\"read\"],"
		  "\"action\":"
		  "\"SCMP_ACT_LOG\",\"errnoRet\":1}]}",
		  "linux.seccomp.syscalls[0]: only SCMP_ACT_ERRNO and" },
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],"
		  "\"action\":"
		  "\"SCMP_ACT_NOTIFY\"}]}",
		  "neither sendmsg nor sendmmsg is allowed" },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"X86\"]}",
		  "unknown architecture \"X86\"" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct filter_program program;
		struct err err;

		CHECK_ERR(compile(wrong[i].text, &program, &err), &err, wrong[i].why);
	}
}

TEST(handover)
{
	struct filter_program program;
	struct err err;

	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			  "\"connect\","
			  "\"close\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}",
			  &program, &err),
		  0);
	CHECK_INT(program.handover, FILTER_HANDOVER_SENDMSG);
	CHECK_INT(
		compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			"\"sendmsg\"],"
			"\"action\":\"SCMP_ACT_NOTIFY\",\"args\":[{\"index\":0,\"value\":3,\"op\":"
			"\"SCMP_CMP_EQ\"}]}]}",
			&program, &err),
		0);
	CHECK_INT(program.handover, FILTER_HANDOVER_SENDMMSG);
}

/* Who waits for an agent that has no listener yet waits for ever: what is not known asks. */
TEST(what_asks_about_calls_of_ours)
{
	static const struct {
		const char *rules;
		bool spares;
	} cases[] = {
		{ "{\"names\":[\"mkdir\",\"mount\",\"bpf\"],\"action\":\"SCMP_ACT_NOTIFY\"}",
		  true },
		{ "{\"names\":[\"clone\",\"sendmsg\"],\"action\":\"SCMP_ACT_ERRNO\"}", true },
		{ "{\"names\":[\"mkdir\",\"sendmsg\"],\"action\":\"SCMP_ACT_NOTIFY\"}", false },
		{ "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_NOTIFY\"}", false },
		{ "{\"names\":[\"openat\"],\"action\":\"SCMP_ACT_NOTIFY\"}", false },
		{ "{\"names\":[\"a_call_of_tomorrow\"],\"action\":\"SCMP_ACT_NOTIFY\"}", false },
		{ "{\"names\":[\"prctl\"],\"action\":\"SCMP_ACT_NOTIFY\",\"args\":[{\"index\":0,"
		  "\"value\":3,\"op\":\"SCMP_CMP_EQ\"}]}",
		  false },
	};
	char text[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[%s]}",
			       cases[i].rules);
		CHECK_INT(filter_spares_us(parse(text)), cases[i].spares);
	}
	CHECK(!filter_spares_us(NULL));
}

TEST(what_a_filter_says_of_a_call)
{
	static const struct sock_filter unknown[] = { BPF_STMT(BPF_MISC | BPF_TAX, 0) };
	static const struct sock_filter endless[] = { BPF_STMT(BPF_JMP | BPF_JA, 7) };
	const struct filter_question masked = { .nr = SYS_clone, .args = { 0x9000 } },
				     namespaces = { .nr = SYS_clone, .args = { 0x9000 | 0x20000 } },
				     refused = { .nr = SYS_clone3 }, logged = { .nr = SYS_ioctl };
	struct filter_program program = { 0 };
	struct err err;

	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
			  "{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
			  "\"index\":0,"
			  "\"value\":131072,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
			  "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
			  "{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_LOG\"}]}",
			  &program, &err),
		  0);
	CHECK(filter_run_passes(&program, &masked));
	CHECK(!filter_run_passes(&program, &namespaces));
	CHECK(filter_run_passes(&program, &logged));
	CHECK_INT(filter_run(&program, &refused), SECCOMP_RET_ERRNO | 38);
	program = (struct filter_program){ .insns = unknown, .n = 1 };
	CHECK(!filter_run_passes(&program, &masked));
	program = (struct filter_program){ .insns = endless, .n = 1 };
	CHECK(!filter_run_passes(&program, &masked));
}

TEST(flags)
{
	enum { ESRCH_TOO = 1 << 4, WAIT_KILLABLE = 1 << 5 };
	const char *notify =
		"\"syscalls\":[{\"names\":[\"mkdirat\"],\"action\":\"SCMP_ACT_NOTIFY\"}]";
	struct filter_program program;
	struct err err;
	char text[512];

	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", &program, &err), 0);
	CHECK_INT(program.flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK(program.flags_implied);
	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[]}", &program, &err),
		  0);
	CHECK_INT(program.flags, 0);
	CHECK(!program.flags_implied);
	CHECK_INT(compile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_"
			  "LOG\","
			  "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}",
			  &program, &err),
		  0);
	CHECK_INT(program.flags, SECCOMP_FILTER_FLAG_LOG);
	(void)snprintf(
		text, sizeof(text),
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_TSYNC\","
		"\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],%s}",
		notify);
	CHECK_INT(compile(text, &program, &err), 0);
	CHECK_INT(program.flags, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_NEW_LISTENER |
					 ESRCH_TOO | WAIT_KILLABLE);
}

static struct oci_seccomp many_rules(size_t n, const char *name)
{
	struct oci_seccomp seccomp = { .default_action = OCI_SECCOMP_ALLOW };

	seccomp.syscalls.n = n;
	seccomp.syscalls.v = arena_array(&arena, n, sizeof(*seccomp.syscalls.v));
	for (size_t i = 0; i < n; i++) {
		struct oci_syscall *call = &seccomp.syscalls.v[i];

		call->action = OCI_SECCOMP_ERRNO;
		call->errno_ret = (struct json_uint){ true, i % 100 + 1 };
		call->names.n = 1;
		call->names.v = arena_array(&arena, 1, sizeof(*call->names.v));
		call->names.v[0] = name;
		call->args.n = 1;
		call->args.v = arena_array(&arena, 1, sizeof(*call->args.v));
		call->args.v[0].value = (struct json_uint){ true, (uint64_t)i << 32 | i };
		call->args.v[0].op = OCI_SECCOMP_EQ;
	}
	return seccomp;
}

TEST(far_jumps)
{
	const size_t n = 700; /* of about four instructions: many times the reach of a jump */
	struct oci_seccomp seccomp = many_rules(n, "mkdirat");
	struct filter_program program;
	struct err err;

	CHECK_INT(filter_compile(&arena, &seccomp, &program, &err), 0);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(run(&program, seccomp_arch_native(), "mkdirat", (uint64_t)i << 32 | i),
			  SECCOMP_RET_ERRNO | (i % 100 + 1));
	/* An argument has no upper half where registers are of 32 bits. */
	CHECK_INT(run(&program, seccomp_arch_native(), "mkdirat", sizeof(long) < 8 ? n : 1),
		  SECCOMP_RET_ALLOW);
	CHECK_INT(run(&program, seccomp_arch_native(), "unlinkat", 1), SECCOMP_RET_ALLOW);
}

TEST(too_large)
{
	struct oci_seccomp seccomp = many_rules(2000, "mkdirat"),
			   bomb = many_rules(100000, "mkdirat");
	struct filter_program program;
	struct err err;

	CHECK_ERR(filter_compile(&arena, &seccomp, &program, &err), &err, "limit of 4096");
	CHECK_ERR(filter_compile(&arena, &bomb, &program, &err), &err, "limit of 4096");
	/* Even where most of them say the same: none may get lost. */
	for (size_t i = 0; i < bomb.syscalls.n; i++) {
		bomb.syscalls.v[i].args.v[0].value.v = 1;
		bomb.syscalls.v[i].errno_ret.v = 1;
	}
	CHECK_ERR(filter_compile(&arena, &bomb, &program, &err), &err, "limit of 4096");
}

static const char *const multiplexed[] = {
	"socket",     "bind",    "connect",    "listen",  "accept",   "getsockname", "getpeername",
	"socketpair", "send",    "recv",       "sendto",  "recvfrom", "shutdown",    "setsockopt",
	"getsockopt", "sendmsg", "recvmsg",    "accept4", "recvmmsg", "sendmmsg",    "semop",
	"semget",     "semctl",  "semtimedop", "msgsnd",  "msgrcv",   "msgget",      "msgctl",
	"shmat",      "shmdt",   "shmget",     "shmctl",
};

enum { SOCKET_CALLS = 20 };

/* The number that a name has of its own; libseccomp tells the names of numbers, from 0 on. */
static int find_number(uint32_t token, const char *wanted, int base)
{
	int found = -1;

	for (int nr = 0; nr < 500 && found < 0; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(token, nr);

		if (str_equal(name, wanted))
			found = nr + base;
		free(name);
	}
	return found;
}

TEST(multiplexed_calls)
{
	static const uint32_t archs[] = { SCMP_ARCH_X86,   SCMP_ARCH_S390,    SCMP_ARCH_S390X,
					  SCMP_ARCH_PPC,   SCMP_ARCH_PPC64LE, SCMP_ARCH_MIPS,
					  SCMP_ARCH_MIPSEL };

	for (size_t a = 0; a < sizeof(archs) / sizeof(archs[0]); a++) {
		struct filter_arch arch = { .token = archs[a], .audit = archs[a] };

		arch.socketcall = seccomp_syscall_resolve_name_arch(archs[a], "socketcall");
		arch.ipc = seccomp_syscall_resolve_name_arch(archs[a], "ipc");
		for (size_t i = 0; i < sizeof(multiplexed) / sizeof(multiplexed[0]); i++) {
			struct filter_number nr;

			CHECK(filter_arch_resolve(&arch, multiplexed[i], &nr));
			CHECK_INT(nr.mux, i < SOCKET_CALLS ? arch.socketcall : arch.ipc);
			CHECK_INT(nr.direct,
				  find_number(archs[a], multiplexed[i], arch.socketcall - 102));
		}
	}
}

TEST(raw_program)
{
	/* LD nr; RET ALLOW; RET USER_NOTIF */
	const char *text = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
				   ? "ACAAAAAAAAAABgAAf/8AAAAGAAB/wAAA"
				   : "IAAAAAAAAAAGAAAAAAD/fwYAAAAAAMB/";
	static const char *const wrong[] = { "", "IAAA", "IAAAAAAAAAA", "I=AAAAAAAAAA",
					     "IAAAAAAAAA*=" };
	struct filter_program program;
	struct err err;

	CHECK_INT(filter_compile_raw(&arena, text, NULL, &program, &err), 0);
	CHECK_INT(program.n, 3);
	CHECK(program.needs_listener);
	CHECK_INT(run_number(&program, 0, 0), SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_ERR(filter_compile_raw(&arena, wrong[i], NULL, &program, &err), &err,
			  "expected base64");
}
