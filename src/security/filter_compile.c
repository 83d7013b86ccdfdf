/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_compile.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/str.h"

#include <ctype.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct compile {
	struct arena *arena;
	const struct oci_seccomp *seccomp;
	scmp_filter_ctx ctx;
	uint32_t default_action;
	const char **unknown;
	size_t n_unknown;
};

/* 0xffffffff is no action of the kernel's. */
enum { NO_ACTION = -1 };

static int64_t action_of(int action, const struct json_uint *errno_ret)
{
	uint32_t value = errno_ret->set ? (uint32_t)errno_ret->v : EPERM;

	switch ((enum oci_seccomp_action)action) {
	case OCI_SECCOMP_KILL:
	case OCI_SECCOMP_KILL_THREAD:
		return SCMP_ACT_KILL_THREAD;
	case OCI_SECCOMP_KILL_PROCESS:
		return SCMP_ACT_KILL_PROCESS;
	case OCI_SECCOMP_TRAP:
		return SCMP_ACT_TRAP;
	case OCI_SECCOMP_ERRNO:
		return SCMP_ACT_ERRNO(value & 0xffff);
	case OCI_SECCOMP_TRACE:
		return SCMP_ACT_TRACE(value & 0xffff);
	case OCI_SECCOMP_ALLOW:
		return SCMP_ACT_ALLOW;
	case OCI_SECCOMP_LOG:
		return SCMP_ACT_LOG;
	case OCI_SECCOMP_NOTIFY:
	case OCI_SECCOMP_ABSENT:
		break;
	}
	return NO_ACTION;
}

static enum scmp_compare compare_of(int op)
{
	switch ((enum oci_seccomp_op)op) {
	case OCI_SECCOMP_NE:
		return SCMP_CMP_NE;
	case OCI_SECCOMP_LT:
		return SCMP_CMP_LT;
	case OCI_SECCOMP_LE:
		return SCMP_CMP_LE;
	case OCI_SECCOMP_EQ:
		return SCMP_CMP_EQ;
	case OCI_SECCOMP_GE:
		return SCMP_CMP_GE;
	case OCI_SECCOMP_GT:
		return SCMP_CMP_GT;
	case OCI_SECCOMP_MASKED_EQ:
	case OCI_SECCOMP_OP_ABSENT:
		break;
	}
	return SCMP_CMP_MASKED_EQ;
}

static struct scmp_arg_cmp compare(const struct oci_seccomp_arg *arg)
{
	return (struct scmp_arg_cmp){ .arg = (unsigned int)arg->index.v,
				      .op = compare_of(arg->op),
				      .datum_a = arg->value.v,
				      .datum_b = arg->value_two.v };
}

static int add(struct compile *c, uint32_t action, int nr, const struct scmp_arg_cmp *args, unsigned int n)
{
	int r = seccomp_rule_add_array(c->ctx, action, nr, n, args);

	/* A rule that repeats another one, or an architecture without this call, changes nothing. */
	return r == -EEXIST || r == -EDOM ? 0 : r;
}

/* Conditions on different arguments must all hold; several on the same argument are alternatives, because
 * one program cannot compare an argument twice in a rule (what every runtime does). */
static int add_rules(struct compile *c, const struct oci_syscall *call, uint32_t action, int nr)
{
	struct scmp_arg_cmp args[6];
	unsigned int seen = 0;
	bool repeated = false;
	int r = 0;

	for (size_t i = 0; i < call->args.n; i++) {
		repeated |= seen & (1u << call->args.v[i].index.v);
		seen |= 1u << call->args.v[i].index.v;
	}
	if (!repeated) {
		for (size_t i = 0; i < call->args.n; i++)
			args[i] = compare(&call->args.v[i]);
		return add(c, action, nr, args, (unsigned int)call->args.n);
	}
	for (size_t i = 0; r == 0 && i < call->args.n; i++) {
		args[0] = compare(&call->args.v[i]);
		r = add(c, action, nr, args, 1);
	}
	return r;
}

static int add_call(struct compile *c, size_t i, struct err *err)
{
	const struct oci_syscall *call = &c->seccomp->syscalls.v[i];
	int64_t action = action_of(call->action, &call->errno_ret);

	if (action == NO_ACTION)
		return err_set(err, ENOTSUP, "config.json: linux.seccomp.syscalls[%zu].action: SCMP_ACT_NOTIFY is "
			       "not supported by this version of usrun", i);
	if ((uint32_t)action == c->default_action) /* libseccomp refuses what changes nothing */
		return 0;
	for (size_t k = 0; k < call->names.n; k++) {
		int nr = seccomp_syscall_resolve_name(call->names.v[k]), r;

		if (nr == __NR_SCMP_ERROR) { /* newer than libseccomp: not a fault of the profile */
			c->unknown = arena_grow(c->arena, c->unknown, c->n_unknown, c->n_unknown + 1,
						sizeof(*c->unknown));
			c->unknown[c->n_unknown++] = call->names.v[k];
			continue;
		}
		r = add_rules(c, call, (uint32_t)action, nr);
		if (r < 0)
			return err_errno(err, -r, "config.json: linux.seccomp.syscalls[%zu]: rule for %s", i,
					 call->names.v[k]);
	}
	return 0;
}

static int add_archs(struct compile *c, struct err *err)
{
	for (size_t i = 0; i < c->seccomp->architectures.n; i++) {
		const char *name = c->seccomp->architectures.v[i] + strlen("SCMP_ARCH_");
		char lower[32] = "";
		uint32_t arch;
		int r;

		for (size_t k = 0; name[k] && k < sizeof(lower) - 1; k++)
			lower[k] = (char)tolower((unsigned char)name[k]);
		arch = seccomp_arch_resolve_name(lower);
		if (!arch)
			return err_set(err, EINVAL, "config.json: linux.seccomp.architectures[%zu]: libseccomp "
				       "does not know %s", i, c->seccomp->architectures.v[i]);
		r = seccomp_arch_add(c->ctx, arch);
		if (r < 0 && r != -EEXIST)
			return err_errno(err, -r, "config.json: linux.seccomp.architectures[%zu]", i);
	}
	return 0;
}

static int export(struct compile *c, struct filter_program *ret, struct err *err)
{
	_cleanup_close_ int fd = memfd_create("filter", MFD_CLOEXEC);
	size_t len;
	char *bytes;
	int r = fd < 0 ? -errno : seccomp_export_bpf(c->ctx, fd);

	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, r < 0 ? -r : errno, "config.json: linux.seccomp: build the filter");
	r = io_read_fd(fd, "the filter", BPF_MAXINSNS * sizeof(struct sock_filter), c->arena, &bytes, &len,
		       err);
	if (r < 0)
		return err_prefix(err, "config.json: linux.seccomp");
	ret->insns = bytes;
	ret->n = (unsigned short)(len / sizeof(struct sock_filter));
	return 0;
}

static int build(struct compile *c, struct filter_program *ret, struct err *err)
{
	int r = add_archs(c, err);

	/* The kernel reads the calls in order of the tree instead of one by one. */
	(void)seccomp_attr_set(c->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; r == 0 && i < c->seccomp->syscalls.n; i++)
		r = add_call(c, i, err);
	return r < 0 ? r : export(c, ret, err);
}

int filter_compile(struct arena *arena, const struct oci_seccomp *seccomp, struct filter_program *ret,
		   struct err *err)
{
	struct compile c = { .arena = arena, .seccomp = seccomp };
	int64_t action = action_of(seccomp->default_action, &seccomp->default_errno_ret);
	int r;

	*ret = (struct filter_program){ 0 };
	if (action == NO_ACTION)
		return err_set(err, EINVAL, "config.json: linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be "
			       "used as default action");
	c.default_action = (uint32_t)action;
	c.ctx = seccomp_init(c.default_action);
	if (!c.ctx)
		return err_set(err, ENOMEM, "config.json: linux.seccomp: libseccomp cannot start a filter");
	r = build(&c, ret, err);
	seccomp_release(c.ctx);
	for (size_t i = 0; i < seccomp->flags.n; i++)
		ret->flags |= (unsigned int)seccomp->flags.v[i];
	if (!seccomp->flags.v) /* no list at all: what every runtime takes as the default */
		ret->flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	ret->unknown = c.unknown;
	ret->n_unknown = c.n_unknown;
	return r;
}
