/* SPDX-License-Identifier: Apache-2.0 */
/* The state document of runtime.md ("State"), which hooks receive on standard input. Pure. */
#pragma once

#include "src/base/json_write.h"

#define STATE_DOC_OCI_VERSION "1.3.0" /* version of state documents, and ociVersionMax */
#define STATE_DOC_OCI_VERSION_MIN "1.0.0"

struct state_doc {
	const char *id, *status, *bundle; /* bundle is an absolute path */
	int64_t pid;                      /* omitted if 0 */
	const struct json_pair *annotations;
	size_t n_annotations;
};

/* Writes the document's members into an object that the caller has opened. */
void state_doc_members(struct json_write *w, const struct state_doc *doc);
