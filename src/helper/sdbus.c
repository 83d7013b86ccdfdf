/* SPDX-License-Identifier: Apache-2.0 */
#include "src/helper/sdbus.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libsystemd.so.0"

static struct sdbus loaded;

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{ "sd_bus_new", offsetof(struct sdbus, new_bus) },
	{ "sd_bus_set_address", offsetof(struct sdbus, set_address) },
	{ "sd_bus_set_bus_client", offsetof(struct sdbus, set_bus_client) },
	{ "sd_bus_start", offsetof(struct sdbus, start) },
	{ "sd_bus_flush_close_unref", offsetof(struct sdbus, flush_close_unref) },
	{ "sd_bus_add_match", offsetof(struct sdbus, add_match) },
	{ "sd_bus_process", offsetof(struct sdbus, process) },
	{ "sd_bus_wait", offsetof(struct sdbus, wait) },
	{ "sd_bus_call", offsetof(struct sdbus, call) },
	{ "sd_bus_message_new_method_call", offsetof(struct sdbus, new_method_call) },
	{ "sd_bus_message_unref", offsetof(struct sdbus, message_unref) },
	{ "sd_bus_message_append_basic", offsetof(struct sdbus, append_basic) },
	{ "sd_bus_message_append_array", offsetof(struct sdbus, append_array) },
	{ "sd_bus_message_open_container", offsetof(struct sdbus, open_container) },
	{ "sd_bus_message_close_container", offsetof(struct sdbus, close_container) },
	{ "sd_bus_message_read", offsetof(struct sdbus, read) },
	{ "sd_bus_error_free", offsetof(struct sdbus, error_free) },
};

int sdbus_load(const struct sdbus **ret, struct err *err)
{
	static bool ready;
	void *library;

	*ret = &loaded;
	if (ready)
		return 0;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; library && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (!symbol)
			return err_set(err, ENOENT, "%s has no %s", LIBRARY, symbols[i].name);
		memcpy((char *)&loaded + symbols[i].offset, &symbol, sizeof(symbol));
	}
	if (!library) {
		(void)err_set(err, ENOENT, "%s, through which usrun talks to systemd, is missing",
			      LIBRARY);
		err_hint(err, "install libsystemd0, or use --cgroup-manager cgroupfs");
		return -ENOENT;
	}
	ready = true;
	return 0;
}
