/* SPDX-License-Identifier: Apache-2.0 */
#include "src/do/do_places.h"

/* The sandbox's own resolv.conf goes to where the host's links lead if that exists, or where it can
 * be created; but nothing is created in a tree of the user's. */
static bool can_hold_resolv(const struct do_request *q, const struct do_places *places)
{
	const struct machine *m = q->machine;
	const char *last = m->n_resolver ? m->resolver[m->n_resolver - 1].path : "/etc/resolv.conf";
	const struct do_place *place = do_places_find(places, last, false);

	if (q->rootfs)
		return q->rootfs_resolv;
	return place && (place->cover == DO_COVER_OWN ||
			 (place->cover == DO_COVER_HOST && m->resolver_real));
}

void do_network_check(struct arena *arena, const struct do_request *request,
		      const struct do_places *places, struct do_result *said)
{
	if (request->no_net)
		do_note(arena, said, request->no_net);
	if (!net_has_device(request->net.kind) || can_hold_resolv(request, places))
		return;
	said->no_resolv = true;
	do_note(arena, said,
		arena_strf(arena, "no host names are resolved inside: %s has no /etc/resolv.conf",
			   request->rootfs ? request->rootfs : "this machine"));
}
