/* SPDX-License-Identifier: Apache-2.0 */
/* What a restore needs beyond a start: CRIU, and the directories of its images and log. */
#pragma once

#include "src/criu/swrk.h"

#define RESTORE_LOG "restore.log"
#define RESTORE_STREAMS "descriptors.json"

struct restore {
	const char *criu;
	int images, work;
	const char *work_path; /* for messages */
	struct rpc_opts opts;  /* from the command line; steps add to it */
	struct swrk swrk;
};

/* Runs in CRIU's process before the exec; data is the struct start. */
int step_restore_prepare(void *data, struct err *err) MUST_CHECK;
