/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the ranges of a user. Pure: the planner asks before newuidmap is started. */
#include "userns/subid.h"

static const struct idmap_range *range_of(const struct subid *subid, uint64_t id)
{
	for (size_t i = 0; i < subid->n; i++)
		if (id >= subid->v[i].outside && id - subid->v[i].outside < subid->v[i].count)
			return &subid->v[i];
	return NULL;
}

bool subid_find_missing(const struct subid *subid, uint32_t start, uint32_t count, uint32_t *ret)
{
	const struct idmap_range *range;
	uint64_t id = start, end = id + count;

	while (id < end && (range = range_of(subid, id)))
		id = (uint64_t)range->outside + range->count;
	*ret = (uint32_t)id;
	return id < end;
}
