/* SPDX-License-Identifier: Apache-2.0 */
#include "src/security/filter_raw.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Length of the decoded bytes, or -EINVAL. */
static ssize_t decode(const char *text, unsigned char *out)
{
	size_t len = strlen(text), pad = 0, n = 0;
	uint32_t bits = 0;

	if (len % 4)
		return -EINVAL;
	while (pad < 2 && len && text[len - 1] == '=') {
		len--;
		pad++;
	}
	for (size_t i = 0; i < len; i++) {
		const char *digit = strchr(digits, text[i]);

		if (!digit)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(digit - digits);
		if (i % 4) /* 6 bits wait for the second digit, then each completes a byte */
			out[n++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	return (ssize_t)n;
}

static bool notifies(const struct sock_filter *code, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (code[i].code == (BPF_RET | BPF_K) &&
		    (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			return true;
	}
	return false;
}

int filter_raw_decode(struct arena *arena, const char *base64, const struct oci_seccomp *seccomp,
		      struct filter_program *ret, struct err *err)
{
	static const struct oci_seccomp none;
	struct filter_program program = { 0 };
	unsigned char *bytes = arena_alloc(arena, strlen(base64) / 4 * 3 + 1);
	ssize_t len = decode(base64, bytes);

	if (len <= 0 || (size_t)len % sizeof(struct sock_filter) ||
	    (size_t)len / sizeof(struct sock_filter) > BPF_MAXINSNS) {
		(void)err_set(err, EINVAL,
			      ERR_AT "annotations: run.oci.seccomp_bpf_data: expected base64 "
				     "of 1 to %d instructions of 8 bytes",
			      BPF_MAXINSNS);
		return -EINVAL;
	}
	program.insns = bytes;
	program.n = (unsigned short)((size_t)len / sizeof(struct sock_filter));
	program.needs_listener = notifies(program.insns, program.n);
	program.handover = program.needs_listener ? FILTER_HANDOVER_SENDMSG : FILTER_HANDOVER_NONE;
	filter_compile_flags(seccomp ? seccomp : &none, &program);
	*ret = program;
	return 0;
}
