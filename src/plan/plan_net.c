/* SPDX-License-Identifier: Apache-2.0 */
/* Network devices of the host that the container gets. */
#include "src/plan/plan_parts.h"

int plan_net_build(struct plan_build *b, struct err *err)
{
	const struct oci_linux *linux_ = b->plan->config->linux_;
	struct devices_request *v;

	if (!linux_ || !linux_->net_devices.n)
		return 0;
	if (!(b->plan->powers & POWER_MOVE_LINKS)) {
		(void)err_set(
			err, EPERM,
			"config.json: linux.netDevices: the caller may not take devices out of "
			"its network namespace");
		err_hint(err, "moving a network device needs CAP_NET_ADMIN");
		return -EPERM;
	}
	v = arena_array(b->arena, linux_->net_devices.n, sizeof(*v));
	for (size_t i = 0; i < linux_->net_devices.n; i++) {
		const struct oci_net_device *d = &linux_->net_devices.v[i];

		v[i] = (struct devices_request){ .from = d->key, .to = d->name ? d->name : d->key };
	}
	b->plan->net_devices = v;
	b->plan->n_net_devices = linux_->net_devices.n;
	b->plan->flags |= PLAN_NET_DEVICES;
	return 0;
}
