/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore needs in addition to a start: CRIU, and the directories of the images and of its
 * log. */
#pragma once

#include "src/criu/swrk.h"

#define RESTORE_LOG "restore.log"
#define RESTORE_STREAMS "descriptors.json"

struct restore {
	const char *criu;
	int images, work;
	const char *work_path; /* for people */
	struct rpc_opts opts;  /* from the command line; the steps add what they find */
	struct swrk swrk;
};

/* Runs in CRIU's process before the exec; data is the struct start. */
int step_restore_prepare(void *data, struct err *err) MUST_CHECK;
