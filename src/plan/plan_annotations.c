/* SPDX-License-Identifier: Apache-2.0 */
/* What annotations ask for beyond the specification (usrun-annotations(5)). */
#include "src/plan/plan_parts.h"

#include "src/base/str.h"
#include "src/oci/annotations.h"

static int absolute(struct plan_build *b, const char *name, const char **ret, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const char *value = annotations_find(config->annotations.v, config->annotations.n, name);

	/* Hooks run in commands that are called in other directories. */
	if (value && *value != '/')
		return err_set(err, EINVAL,
			       "config.json: annotations[\"%s\"]: expected an absolute path, got "
			       "\"%s\"",
			       name, value);
	*ret = value;
	return 0;
}

int plan_annotations_build(struct plan_build *b, struct err *err)
{
	const struct oci_config *config = b->plan->config;
	const char *handler =
		annotations_find(config->annotations.v, config->annotations.n, ANNOTATIONS_HANDLER);
	int r = absolute(b, ANNOTATIONS_HOOKS_STDOUT, &b->plan->hooks_stdout, err);

	if (r == 0)
		r = absolute(b, ANNOTATIONS_HOOKS_STDERR, &b->plan->hooks_stderr, err);
	if (r == 0)
		r = absolute(b, ANNOTATIONS_PIDFD_RECEIVER, &b->plan->pidfd_receiver, err);
	if (r < 0)
		return r;
	if (handler)
		return err_set(err, ENOTSUP,
			       "config.json: annotations[\"" ANNOTATIONS_HANDLER
			       "\"]: there is no handler \"%s\"",
			       handler);
	for (size_t i = 0; i < config->annotations.n; i++) {
		const char *name = config->annotations.v[i].key;

		if (annotations_is_ours(name) && !annotations_is_known(name))
			plan_parts_warn(b, "annotations[\"%s\"]: not known, and ignored", name);
	}
	return 0;
}
