/* SPDX-License-Identifier: Apache-2.0 */
/* libsystemd's D-Bus client, loaded rather than linked: a host without systemd lacks it. Declared here, so
 * that building needs no header of it; the interface is stable (libsystemd.so.0). */
#pragma once

#include "src/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct sd_bus;
struct sd_bus_message;
struct sd_bus_slot;

struct sdbus_error { /* the layout of sd_bus_error */
	const char *name, *message;
	int need_free;
};

typedef int (*sdbus_handler)(struct sd_bus_message *message, void *data, struct sdbus_error *error);

/* Every function as sd_bus_NAME(3) has it. */
struct sdbus {
	int (*new_bus)(struct sd_bus **ret);
	int (*set_address)(struct sd_bus *bus, const char *address);
	int (*set_bus_client)(struct sd_bus *bus, int on);
	int (*start)(struct sd_bus *bus);
	struct sd_bus *(*flush_close_unref)(struct sd_bus *bus);
	int (*add_match)(struct sd_bus *bus, struct sd_bus_slot **slot, const char *match,
			 sdbus_handler handler, void *data);
	int (*process)(struct sd_bus *bus, struct sd_bus_message **ret);
	int (*wait)(struct sd_bus *bus, uint64_t usec);
	int (*call)(struct sd_bus *bus, struct sd_bus_message *message, uint64_t usec,
		    struct sdbus_error *error, struct sd_bus_message **reply);
	int (*new_method_call)(struct sd_bus *bus, struct sd_bus_message **ret, const char *to,
			       const char *path, const char *interface, const char *member);
	struct sd_bus_message *(*message_unref)(struct sd_bus_message *message);
	int (*append_basic)(struct sd_bus_message *message, char type, const void *value);
	int (*append_array)(struct sd_bus_message *message, char type, const void *data,
			    size_t size);
	int (*open_container)(struct sd_bus_message *message, char type, const char *contents);
	int (*close_container)(struct sd_bus_message *message);
	int (*read)(struct sd_bus_message *message, const char *types, ...);
	void (*error_free)(struct sdbus_error *error);
};

/* Loads it, once. -ENOENT with a text where it is not installed. */
int sdbus_load(const struct sdbus **ret, struct err *err) MUST_CHECK;
