/* SPDX-License-Identifier: Apache-2.0 */
/* BPF programs: device programs of v2 cgroups, and seccomp filters. All functions return >= 0 or
 * -errno, without a text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Loads a program of n instructions (struct bpf_insn). The verifier writes to log, which may be
 * NULL; that takes time, so ask for it only after a failure. Returns a descriptor. */
int bpf_device_load(const void *insns, size_t n, char *log, size_t log_size);

/* Attaches the program to the cgroup. All attached programs must allow an access. */
int bpf_device_attach(int cgroup, int program);

/* Lists the device programs attached to the cgroup itself; returns their number, which may exceed
 * max. */
int bpf_device_list(int cgroup, uint32_t *ids, size_t max);

/* The id of a program, or 0 if the kernel does not tell. */
uint32_t bpf_program_id(int program);

/* Detaches the program with this id from the cgroup. */
int bpf_device_detach(int cgroup, uint32_t id);

/* Installs a seccomp program of n instructions (struct sock_filter) for this process, with
 * SECCOMP_FILTER_FLAG_* flags. Returns 0, or the listener's descriptor with
 * SECCOMP_FILTER_FLAG_NEW_LISTENER. */
int bpf_filter_install(const void *insns, unsigned short n, unsigned int flags);
