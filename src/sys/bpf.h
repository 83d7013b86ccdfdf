/* SPDX-License-Identifier: Apache-2.0 */
/* Programs run by the kernel: device programs of v2 cgroups, seccomp filters. All return >= 0 or
 * -errno, without a text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Loads a program of n instructions (struct bpf_insn). The verifier's output goes into log, which
 * may be NULL; it costs time, so ask for it only after a failure. Returns a descriptor. */
int bpf_device_load(const void *insns, size_t n, char *log, size_t log_size);

/* Attaches the program to the cgroup. All attached programs must allow an access. */
int bpf_device_attach(int cgroup, int program);

/* Ids of the device programs attached to the cgroup itself; returns their number, which may exceed
 * max. */
int bpf_device_list(int cgroup, uint32_t *ids, size_t max);

/* The id of a program, 0 if the kernel does not say. */
uint32_t bpf_program_id(int program);

/* Detaches the program with this id from the cgroup. */
int bpf_device_detach(int cgroup, uint32_t id);

/* Installs a seccomp program of n instructions (struct sock_filter) for this process, with
 * SECCOMP_FILTER_FLAG_* flags. 0, or with NEW_LISTENER among them the descriptor of the
 * listener. */
int bpf_filter_install(const void *insns, unsigned short n, unsigned int flags);
