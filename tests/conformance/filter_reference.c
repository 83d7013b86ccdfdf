/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/filter_reference.h"

#include <ctype.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { X32_BIT = 0x40000000, MAX_NUMBER = 7000, GUARD_SECONDS = 3 };

static void die(const char *why)
{
	(void)fprintf(stderr, "filter_equal: %s\n", why);
	exit(1);
}

static uint32_t load(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	if (offset % 4 || offset > sizeof(*data) - 4)
		die("load outside of seccomp_data");
	memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static bool jumps(const struct sock_filter *insn, uint32_t acc)
{
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return acc == insn->k;
	case BPF_JGE:
		return acc >= insn->k;
	case BPF_JGT:
		return acc > insn->k;
	case BPF_JSET:
		return acc & insn->k;
	default:
		die("unexpected jump");
		return false;
	}
}

uint32_t reference_run(const struct bpf *program, const struct seccomp_data *data,
		       struct trace *trace)
{
	uint32_t acc = 0;

	for (size_t pc = 0; pc < program->n; pc++) {
		const struct sock_filter *insn = &program->code[pc];

		trace->steps++;
		switch (insn->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			acc = load(data, insn->k);
			trace->saw_number |= insn->k == offsetof(struct seccomp_data, nr);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= insn->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			break;
		case BPF_RET | BPF_K:
			return insn->k;
		default:
			if (BPF_CLASS(insn->code) != BPF_JMP || BPF_SRC(insn->code) != BPF_K)
				die("unexpected instruction");
			pc += jumps(insn, acc) ? insn->jt : insn->jf;
		}
	}
	die("the program has no end");
	return 0;
}

static uint32_t action_of(int action, const struct json_uint *errno_ret)
{
	static const uint32_t plain[] = {
		[OCI_SECCOMP_KILL] = SCMP_ACT_KILL_THREAD,
		[OCI_SECCOMP_KILL_THREAD] = SCMP_ACT_KILL_THREAD,
		[OCI_SECCOMP_KILL_PROCESS] = SCMP_ACT_KILL_PROCESS,
		[OCI_SECCOMP_TRAP] = SCMP_ACT_TRAP,
		[OCI_SECCOMP_ALLOW] = SCMP_ACT_ALLOW,
		[OCI_SECCOMP_LOG] = SCMP_ACT_LOG,
		[OCI_SECCOMP_NOTIFY] = SCMP_ACT_NOTIFY,
	};
	uint16_t data = errno_ret->set ? (uint16_t)errno_ret->v : EPERM;

	if (action == OCI_SECCOMP_ERRNO)
		return SCMP_ACT_ERRNO(data);
	return action == OCI_SECCOMP_TRACE ? SCMP_ACT_TRACE(data) : plain[action];
}

/* What has the other byte order counts for nothing, as no process can have it: like the machine's
 * own, which is there in any case. */
static uint32_t token_of(const char *name)
{
	const uint32_t native = seccomp_arch_native();
	char lower[32] = "";
	uint32_t token;

	name += strlen("SCMP_ARCH_");
	for (size_t i = 0; name[i] && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	token = seccomp_arch_resolve_name(lower);
	return (token & __AUDIT_ARCH_LE) == (native & __AUDIT_ARCH_LE) ? token : native;
}

static bool repeats_argument(const struct oci_syscall *call)
{
	for (size_t i = 0; i < call->args.n; i++) {
		for (size_t k = 0; k < i; k++)
			if (call->args.v[i].index.v == call->args.v[k].index.v)
				return true;
	}
	return false;
}

/* By libseccomp. */

static int add_rules(scmp_filter_ctx ctx, const struct oci_syscall *call, uint32_t action, int nr)
{
	static const enum scmp_compare ops[] = {
		[OCI_SECCOMP_NE] = SCMP_CMP_NE,
		[OCI_SECCOMP_LT] = SCMP_CMP_LT,
		[OCI_SECCOMP_LE] = SCMP_CMP_LE,
		[OCI_SECCOMP_EQ] = SCMP_CMP_EQ,
		[OCI_SECCOMP_GE] = SCMP_CMP_GE,
		[OCI_SECCOMP_GT] = SCMP_CMP_GT,
		[OCI_SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	struct scmp_arg_cmp args[64];
	unsigned int n = (unsigned int)call->args.n;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		args[i] = (struct scmp_arg_cmp){ (unsigned int)call->args.v[i].index.v,
						 ops[call->args.v[i].op], call->args.v[i].value.v,
						 call->args.v[i].value_two.v };
	}
	if (!repeats_argument(call))
		return seccomp_rule_add_array(ctx, action, nr, n, args);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add_array(ctx, action, nr, 1, &args[i]);
	return r;
}

static int add_calls(scmp_filter_ctx ctx, const struct oci_seccomp *seccomp, uint32_t standard)
{
	for (size_t i = 0; i < seccomp->syscalls.n; i++) {
		const struct oci_syscall *call = &seccomp->syscalls.v[i];
		uint32_t action = action_of(call->action, &call->errno_ret);

		for (size_t k = 0; action != standard && k < call->names.n; k++) {
			int nr = seccomp_syscall_resolve_name(call->names.v[k]);
			int r = nr == __NR_SCMP_ERROR ? 0 : add_rules(ctx, call, action, nr);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static void read_program(int fd, struct bpf *ret)
{
	off_t size = lseek(fd, 0, SEEK_END);

	ret->n = (size_t)size / sizeof(struct sock_filter);
	ret->code = malloc((size_t)size);
	if (!ret->code || pread(fd, ret->code, (size_t)size, 0) != size)
		die("read the export");
}

static int export_to(const struct oci_seccomp *seccomp, unsigned int optimize, int fd)
{
	uint32_t standard = action_of(seccomp->default_action, &seccomp->default_errno_ret);
	scmp_filter_ctx ctx = seccomp_init(standard);
	int r = 0;

	for (size_t i = 0; r == 0 && i < seccomp->architectures.n; i++) {
		r = seccomp_arch_add(ctx, token_of(seccomp->architectures.v[i]));
		r = r == -EEXIST ? 0 : r;
	}
	if (r == 0)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize);
	if (r == 0)
		r = add_calls(ctx, seccomp, standard);
	if (r == 0)
		r = seccomp_export_bpf(ctx, fd);
	seccomp_release(ctx);
	return r;
}

int reference_libseccomp(const struct oci_seccomp *seccomp, unsigned int optimize, struct bpf *ret)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC);
	int r = export_to(seccomp, optimize, fd);

	if (r == 0)
		read_program(fd, ret);
	(void)close(fd);
	return r;
}

int reference_libseccomp_guarded(const struct oci_seccomp *seccomp, struct bpf *ret)
{
	int fd = memfd_create("bpf", MFD_CLOEXEC), status = 0, r;
	pid_t pid = fork();

	if (pid == 0) {
		(void)alarm(GUARD_SECONDS);
		_exit(-export_to(seccomp, 1, fd));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("wait for libseccomp");
	r = WIFEXITED(status) ? -WEXITSTATUS(status) : -ETIMEDOUT;
	if (r == 0)
		read_program(fd, ret);
	(void)close(fd);
	return r;
}

/* By reading. */

/* The number that a multiplexed call has of its own; libseccomp tells it only the other way
 * round. */
static int direct_number(uint32_t token, const char *name)
{
	static struct {
		char *name;
		uint32_t token;
		int nr;
	} known[512];
	static size_t n_known;

	for (size_t i = 0; i < n_known; i++)
		if (known[i].token == token && strcmp(known[i].name, name) == 0)
			return known[i].nr;
	known[n_known].token = token;
	known[n_known].name = strdup(name);
	known[n_known].nr = -1;
	for (int nr = 0; nr < MAX_NUMBER; nr++) {
		char *other = seccomp_syscall_resolve_num_arch(token, nr);

		if (other && strcmp(other, name) == 0) {
			/* o32 of MIPS counts from 4000 on, and the table from 0. */
			int base = seccomp_syscall_resolve_name_arch(token, "socketcall") - 102;

			known[n_known].nr = nr + base;
			nr = MAX_NUMBER;
		}
		free(other);
	}
	return known[n_known++].nr;
}

static void add_rule(struct reference_arch *arch, const struct reference_rule *rule)
{
	size_t at = arch->n_rules;

	if (arch->n_rules == arch->cap_rules) {
		arch->cap_rules = 2 * arch->cap_rules + 64;
		arch->rules = realloc(arch->rules, arch->cap_rules * sizeof(*arch->rules));
		if (!arch->rules)
			die("out of memory");
	}
	arch->n_rules++;
	for (; at > 0 && arch->rules[at - 1].nr > rule->nr; at--)
		arch->rules[at] = arch->rules[at - 1];
	arch->rules[at] = *rule;
}

static void add_number(struct reference_arch *arch, int nr, int mux_call, uint32_t action,
		       const struct oci_syscall *call)
{
	bool separate = repeats_argument(call);
	size_t n = separate ? call->args.n : 1;

	for (size_t i = 0; i < n; i++) {
		struct reference_rule rule = {
			.nr = (uint32_t)nr, .action = action, .call = call, .mux_call = mux_call
		};

		rule.first_arg = separate ? i : 0;
		rule.n_args = separate ? 1 : call->args.n;
		add_rule(arch, &rule);
	}
}

static void add_name(const struct reference *ref, struct reference_arch *arch,
		     const struct oci_syscall *call, const char *name)
{
	uint32_t action = action_of(call->action, &call->errno_ret);
	int nr = seccomp_syscall_resolve_name_arch(arch->token, name);
	int mux = -1, mux_call = -1;

	if (nr <= -100 && nr >= -299) {
		mux = seccomp_syscall_resolve_name_arch(arch->token,
							nr <= -200 ? "ipc" : "socketcall");
		mux_call = -nr % 100;
		nr = mux < 0 ? -1 : direct_number(arch->token, name);
	}
	if (nr > arch->newest)
		arch->newest = nr;
	if (mux > arch->newest)
		arch->newest = mux;
	if (action == ref->standard)
		return;
	if (nr >= 0)
		add_number(arch, nr, -1, action, call);
	if (mux >= 0)
		add_number(arch, mux, mux_call, action, call);
}

static void add_arch(struct reference *ref, uint32_t token)
{
	for (size_t i = 0; i < ref->n_archs; i++)
		if (ref->archs[i].token == token)
			return;
	ref->archs[ref->n_archs++] = (struct reference_arch){
		.token = token,
		.audit = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token,
		.wide = (token & __AUDIT_ARCH_64BIT) && token != SCMP_ARCH_MIPS64N32 &&
			token != SCMP_ARCH_MIPSEL64N32,
		.newest = -1,
	};
}

void reference_init(struct reference *ref, const struct oci_seccomp *seccomp)
{
	*ref = (struct reference){ .standard = action_of(seccomp->default_action,
							 &seccomp->default_errno_ret) };
	ref->newer_is_enosys = seccomp->default_action != OCI_SECCOMP_ALLOW &&
			       seccomp->default_action != OCI_SECCOMP_LOG &&
			       seccomp->default_action != OCI_SECCOMP_TRACE;
	add_arch(ref, seccomp_arch_native());
	for (size_t i = 0; i < seccomp->architectures.n; i++)
		add_arch(ref, token_of(seccomp->architectures.v[i]));
	for (size_t a = 0; a < ref->n_archs; a++) {
		for (size_t i = 0; i < seccomp->syscalls.n; i++) {
			for (size_t k = 0; k < seccomp->syscalls.v[i].names.n; k++)
				add_name(ref, &ref->archs[a], &seccomp->syscalls.v[i],
					 seccomp->syscalls.v[i].names.v[k]);
		}
	}
}

void reference_done(struct reference *ref)
{
	for (size_t i = 0; i < ref->n_archs; i++)
		free(ref->archs[i].rules);
}

static bool holds(const struct oci_seccomp_arg *arg, uint64_t value, bool wide)
{
	uint64_t mask = wide ? UINT64_MAX : UINT32_MAX;
	uint64_t a = arg->value.v & mask, two = arg->value_two.v & mask;

	value &= mask;
	switch ((enum oci_seccomp_op)arg->op) {
	case OCI_SECCOMP_NE:
		return value != a;
	case OCI_SECCOMP_LT:
		return value < a;
	case OCI_SECCOMP_LE:
		return value <= a;
	case OCI_SECCOMP_EQ:
		return value == a;
	case OCI_SECCOMP_GE:
		return value >= a;
	case OCI_SECCOMP_GT:
		return value > a;
	case OCI_SECCOMP_MASKED_EQ:
		return (value & a) == (two & a);
	case OCI_SECCOMP_OP_ABSENT:
		break;
	}
	return false;
}

static bool matches(const struct reference_rule *rule, const struct seccomp_data *data, bool wide,
		    bool *has_conditions)
{
	uint64_t call = wide ? data->args[0] : (uint32_t)data->args[0];
	bool all = rule->mux_call < 0 || call == (uint64_t)rule->mux_call;

	*has_conditions = rule->mux_call >= 0;
	for (size_t i = rule->first_arg; i < rule->first_arg + rule->n_args; i++) {
		const struct oci_seccomp_arg *arg = &rule->call->args.v[i];
		uint64_t mask = wide ? arg->value.v : (uint32_t)arg->value.v;

		if (rule->mux_call >= 0 && arg->index.v == 0)
			continue;
		*has_conditions |= arg->op != OCI_SECCOMP_MASKED_EQ || mask != 0;
		all &= holds(arg, data->args[arg->index.v], wide);
	}
	return all;
}

static void add_answer(struct reference_answer *ret, uint32_t action)
{
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i] == action)
			return;
	if (ret->n < REFERENCE_MATCHES)
		ret->v[ret->n++] = action;
}

static void ask_arch(const struct reference *ref, const struct reference_arch *arch,
		     const struct seccomp_data *data, struct reference_answer *ret)
{
	uint32_t nr = (uint32_t)data->nr;
	size_t low = 0, high = arch->n_rules;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (arch->rules[middle].nr < nr)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < arch->n_rules && arch->rules[low].nr == nr; low++) {
		bool has_conditions,
			all = matches(&arch->rules[low], data, arch->wide, &has_conditions);

		if (all && !has_conditions) {
			ret->n = 0;
			add_answer(ret, arch->rules[low].action);
			return;
		}
		if (all)
			add_answer(ret, arch->rules[low].action);
	}
	ret->newer = ref->newer_is_enosys && arch->newest >= 0 && nr > (uint64_t)arch->newest;
	if (!ret->n)
		add_answer(ret, ref->standard);
}

void reference_ask(const struct reference *ref, const struct seccomp_data *data,
		   struct reference_answer *ret)
{
	uint32_t nr = (uint32_t)data->nr;
	const struct reference_arch *found = NULL, *other = NULL;

	*ret = (struct reference_answer){ 0 };
	for (size_t i = 0; i < ref->n_archs; i++) {
		const struct reference_arch *arch = &ref->archs[i];

		if (arch->audit != data->arch)
			continue;
		if (arch->audit == SCMP_ARCH_X86_64 &&
		    (nr >= X32_BIT) != (arch->token == SCMP_ARCH_X32))
			other = arch;
		else
			found = arch;
	}
	/* -1 is how a tracer says that the call is to be skipped. */
	if (!found && other && other->token == SCMP_ARCH_X86_64 && nr == UINT32_MAX)
		found = other;
	if (found)
		ask_arch(ref, found, data, ret);
	else
		add_answer(ret, SCMP_ACT_KILL_THREAD);
}
