/* SPDX-License-Identifier: Apache-2.0 */
#include "src/sys/bpf.h"

#include "src/base/fd.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel refuses a bpf_attr with unknown bits set, so every call starts from zeroes, padding
 * included. */
static int call(int command, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

int bpf_device_load(const void *insns, size_t n, char *log, size_t log_size)
{
	static const char license[] = "Apache-2.0";
	union bpf_attr attr;
	int fd, tries = 5;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uintptr_t)license;
	(void)strncpy(attr.prog_name, "usrun_devices", sizeof(attr.prog_name) - 1);
	if (log) {
		attr.log_buf = (uintptr_t)log;
		attr.log_size = (uint32_t)log_size;
		attr.log_level = 1;
	}
	do /* the verifier gives up when a signal is pending */
		fd = call(BPF_PROG_LOAD, &attr);
	while (fd == -EAGAIN && --tries);
	return fd; /* always close-on-exec */
}

int bpf_device_attach(int cgroup, int program)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return call(BPF_PROG_ATTACH, &attr);
}

int bpf_device_list(int cgroup, uint32_t *ids, size_t max)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = (uint32_t)max;
	r = call(BPF_PROG_QUERY, &attr);
	return r < 0 && r != -ENOSPC ? r : (int)attr.query.prog_cnt;
}

uint32_t bpf_program_id(int program)
{
	struct bpf_prog_info info;
	union bpf_attr attr;

	memset(&info, 0, sizeof(info));
	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info = (uintptr_t)&info;
	attr.info.info_len = sizeof(info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0 ? 0 : info.id;
}

int bpf_device_detach(int cgroup, uint32_t id)
{
	_cleanup_close_ int program = -1;
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	program = call(BPF_PROG_GET_FD_BY_ID, &attr);
	if (program < 0)
		return program;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	return call(BPF_PROG_DETACH, &attr);
}

int bpf_filter_install(const void *insns, unsigned short n, unsigned int flags)
{
	struct sock_fprog program = {
		.len = n,
		.filter = (struct sock_filter *)(uintptr_t)insns,
	};
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);

	return r < 0 ? -errno : (int)r;
}
