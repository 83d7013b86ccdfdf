/* SPDX-License-Identifier: Apache-2.0 */
/* The manager is spoken to by the helper (src/helper), which has the library for it. */
#include "src/cgroup/unit.h"

#include "src/cgroup/unit_message.h"
#include "src/sys/helper.h"

/* Every operation is the last one of its command that needs the helper. */
static int ask(struct arena *arena, const struct unit_request *request, struct str *dropped,
	       const char **ret_path, struct err *err)
{
	_cleanup_str_ struct str record = { 0 };
	const char *at = NULL, *text, *path;
	size_t len = 0;
	int r;

	unit_message_write(&record, request);
	r = helper_call(arena, &record, &at, &len, err);
	if (r == 0) {
		const char *end = at + len;

		text = helper_next(&at, end);
		path = helper_next(&at, end);
		if (dropped && text)
			str_add(dropped, text);
		if (ret_path)
			*ret_path = path && *path ? path : NULL;
	}
	helper_stop();
	return r;
}

int unit_start(struct arena *arena, const struct cgroup_unit *unit, pid_t pid, struct str *dropped,
	       const char **ret_path, struct err *err)
{
	const struct unit_request request = { .op = UNIT_OP_START, .unit = *unit, .pid = pid };

	*ret_path = NULL;
	return ask(arena, &request, dropped, ret_path, err);
}

int unit_set(const struct cgroup_unit_ref *unit, const struct cgroup_property *properties, size_t n,
	     struct str *dropped, struct err *err)
{
	const struct unit_request request = {
		.op = UNIT_OP_SET,
		.unit = { .ref = *unit, .properties = properties, .n_properties = n },
	};
	struct arena arena = { 0 };
	int r = n ? ask(&arena, &request, dropped, NULL, err) : 0;

	arena_free(&arena);
	return r;
}

int unit_stop(const struct cgroup_unit_ref *unit, struct err *err)
{
	const struct unit_request request = { .op = UNIT_OP_STOP, .unit = { .ref = *unit } };
	struct arena arena = { 0 };
	int r = ask(&arena, &request, NULL, NULL, err);

	arena_free(&arena);
	return r;
}

int unit_attach(const struct cgroup_unit_ref *unit, const char *subgroup, pid_t pid,
		struct err *err)
{
	const struct unit_request request = {
		.op = UNIT_OP_ATTACH,
		.unit = { .ref = *unit, .subgroup = subgroup },
		.pid = pid,
	};
	struct arena arena = { 0 };
	int r = ask(&arena, &request, NULL, NULL, err);

	arena_free(&arena);
	return r;
}
