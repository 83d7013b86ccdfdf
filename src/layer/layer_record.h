/* SPDX-License-Identifier: Apache-2.0 */
/* What a part of a layer has been applied to, by inode and time: when a program in the sandbox goes
 * on with such a file, what is there was changed by nobody else. The list lies in the layer until
 * all of it is applied. */
#pragma once

#include "src/layer/layer.h"

#include <sys/stat.h>

struct layer_record {                  /* one file or directory of the host */
	uint64_t part, inode, changed; /* number; ns */
};

struct layer_records {
	struct layer_record *v;
	size_t n, cap;
	size_t n_sorted; /* those of the file */
};

int layer_record_read(struct arena *arena, const struct layer *layer, struct layer_records *ret,
		      struct err *err) MUST_CHECK;

/* Whether it is as an earlier call has left it. */
bool layer_record_has(const struct layer_records *records, const struct layer_part *part,
		      uint64_t inode, const struct timespec *changed);

/* It is as this call leaves it. */
void layer_record_note(struct arena *arena, struct layer_records *records,
		       const struct layer_part *part, const struct stat *st);

int layer_record_write(const struct layer *layer, struct layer_records *records,
		       struct err *err) MUST_CHECK;

/* All of the layer has been applied, or it is removed. 0 or -errno. */
int layer_record_drop(const struct layer *layer);
