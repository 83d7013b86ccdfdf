/* SPDX-License-Identifier: Apache-2.0 */
/* Records by inode and time what a part of a layer was applied to: if a program in the sandbox goes
 * on with such a file, nobody else has changed it here. The list stays in the layer until all of it
 * is applied. */
#pragma once

#include "src/layer/layer.h"

#include <sys/stat.h>

struct layer_record {                  /* one file or directory of the host */
	uint64_t part, inode, changed; /* part number; ns */
};

struct layer_records {
	struct layer_record *v;
	size_t n, cap;
	size_t n_sorted; /* those of the file */
};

int layer_record_read(struct arena *arena, const struct layer *layer, struct layer_records *ret,
		      struct err *err) MUST_CHECK;

/* Whether the file is as an earlier call left it. */
bool layer_record_has(const struct layer_records *records, const struct layer_part *part,
		      uint64_t inode, const struct timespec *changed);

/* Notes the state in which this call leaves the file. */
void layer_record_note(struct arena *arena, struct layer_records *records,
		       const struct layer_part *part, const struct stat *st);

int layer_record_write(const struct layer *layer, struct layer_records *records,
		       struct err *err) MUST_CHECK;

/* Deletes the records, when all of the layer was applied or it is removed. 0 or -errno. */
int layer_record_drop(const struct layer *layer);
