/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_run.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

/* Whether a jump's condition holds; -1: an instruction that is not evaluated here. */
static int holds(const struct sock_filter *insn, uint32_t acc)
{
	switch (insn->code) {
	case BPF_JMP | BPF_JEQ | BPF_K:
		return acc == insn->k;
	case BPF_JMP | BPF_JGE | BPF_K:
		return acc >= insn->k;
	case BPF_JMP | BPF_JGT | BPF_K:
		return acc > insn->k;
	case BPF_JMP | BPF_JSET | BPF_K:
		return (acc & insn->k) != 0;
	default:
		return -1;
	}
}

/* Jumps go only forward, so every program ends. */
uint32_t filter_run(const struct filter_program *program, const struct filter_question *call)
{
	const struct sock_filter *code = program->insns;
	struct seccomp_data data = { .nr = call->nr, .arch = seccomp_arch_native() };
	uint32_t acc = 0;

	for (size_t i = 0; i < 6; i++)
		data.args[i] = call->args[i];
	for (size_t pc = 0; pc < program->n; pc++) {
		const struct sock_filter *insn = &code[pc];
		int yes;

		switch (insn->code) {
		case BPF_RET | BPF_K:
			return insn->k;
		case BPF_LD | BPF_W | BPF_ABS:
			if (insn->k > sizeof(data) - sizeof(acc))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&acc, (const char *)&data + insn->k, sizeof(acc));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			acc &= insn->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += insn->k;
			break;
		default:
			yes = holds(insn, acc);
			if (yes < 0)
				return SECCOMP_RET_KILL_PROCESS;
			pc += yes ? insn->jt : insn->jf;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

bool filter_run_passes(const struct filter_program *program, const struct filter_question *call)
{
	uint32_t action = filter_run(program, call) & SECCOMP_RET_ACTION_FULL;

	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}
