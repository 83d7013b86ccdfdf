/* SPDX-License-Identifier: Apache-2.0 */
#include "src/run/sequence.h"

const char *sequence_actor_name(enum actor actor)
{
	static const char *const names[] = { "parent", "stager", "init" };

	return names[actor];
}
