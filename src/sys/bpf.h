/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that the kernel runs: device programs of cgroup v2 groups, seccomp filters. All return
 * >= 0 or -errno, without a text. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Loads a program of n instructions (struct bpf_insn). The verifier's words go into log, which may
 * be NULL; they cost time, so ask for them after a failure only. A descriptor. */
int bpf_device_load(const void *insns, size_t n, char *log, size_t log_size);

/* Adds the program to those of the group. All of them must allow an access. */
int bpf_device_attach(int cgroup, int program);

/* Ids of the device programs attached to the group itself; the number of them, which may be above
 * max. */
int bpf_device_list(int cgroup, uint32_t *ids, size_t max);

/* The id of a program, 0 when the kernel does not say. */
uint32_t bpf_program_id(int program);

/* Takes a program off the group, by its id. */
int bpf_device_detach(int cgroup, uint32_t id);

/* Puts this process under a seccomp program of n instructions (struct sock_filter), with
 * SECCOMP_FILTER_FLAG_* flags. 0, or with NEW_LISTENER among them the descriptor of the
 * listener. */
int bpf_filter_install(const void *insns, unsigned short n, unsigned int flags);
