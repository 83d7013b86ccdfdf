/* SPDX-License-Identifier: Apache-2.0 */
#include "src/host/facts_names.h"

#include "src/host/facts.h"

const struct json_name facts_names_modes[] = {
	{ "none", FACTS_CGROUP_NONE },
	{ "v2", FACTS_CGROUP_V2 },
	{ "v1", FACTS_CGROUP_V1 },
	{ "hybrid", FACTS_CGROUP_HYBRID },
	{ "", 0 },
};

const struct json_name facts_names_helpers[] = {
	{ "ok", PROBE_HELPER_OK },
	{ "missing", PROBE_HELPER_MISSING },
	{ "not-privileged", PROBE_HELPER_NOT_PRIVILEGED },
	{ "nosuid", PROBE_HELPER_NOSUID },
	{ "no-new-privs", PROBE_HELPER_NO_NEW_PRIVS },
	{ "bounded", PROBE_HELPER_BOUNDED },
	{ "not-executable", PROBE_HELPER_NOT_EXECUTABLE },
	{ "unknown", PROBE_HELPER_UNKNOWN },
	{ "", 0 },
};
