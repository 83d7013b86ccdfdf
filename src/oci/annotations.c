/* SPDX-License-Identifier: Apache-2.0 */
#include "src/oci/annotations.h"

#include "src/base/str.h"

static const char known[][48] = {
	ANNOTATIONS_KEEP_GROUPS,
	ANNOTATIONS_HOOKS_STDOUT,
	ANNOTATIONS_HOOKS_STDERR,
	ANNOTATIONS_PIDFD_RECEIVER,
	ANNOTATIONS_HANDLER,
	ANNOTATIONS_WASM_VARIANT,
	ANNOTATIONS_CRI_TYPE,
	ANNOTATIONS_MOUNT_CONTEXT,
	ANNOTATIONS_SECCOMP_BPF,
	ANNOTATIONS_SECCOMP_STRICT,
	ANNOTATIONS_SECCOMP_RECEIVER,
	ANNOTATIONS_DELEGATE,
	ANNOTATIONS_SUBGROUP,
	ANNOTATIONS_INIT,
	ANNOTATIONS_NET,
	ANNOTATIONS_OVERLAY,
	ANNOTATIONS_LAYER,
	ANNOTATIONS_NET_PUBLISH,
	ANNOTATIONS_CRIU_CONFIG,
};

const char *const annotations_unsafe[] = {
	"run.oci.",
	"run.usrun.",
	"org.systemd.property.",
	ANNOTATIONS_WASM_VARIANT,
	ANNOTATIONS_CRI_TYPE,
	"org.criu.",
	NULL,
};

bool annotations_is_known(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_equal(known[i], name))
			return true;
	return false;
}

bool annotations_is_ours(const char *name)
{
	return str_starts(name, "run.oci.") || str_starts(name, "run.usrun.");
}

const char *annotations_find(const struct json_pair *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(v[i].key, name))
			return v[i].value;
	return NULL;
}

void annotations_write(struct json_write *w, const struct json_pair *v, size_t n)
{
	if (!n)
		return;
	json_write_object(w, "annotations");
	for (size_t i = 0; i < n; i++)
		json_write_string(w, v[i].key, v[i].value);
	json_write_end(w);
}
