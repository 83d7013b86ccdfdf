/* SPDX-License-Identifier: Apache-2.0 */
/* Overlays by fuse-overlayfs: for file systems and files with which the kernel makes none in a user
 * namespace, five to fifteen times slower.
 *
 * The serving process is outside of the container. Nothing that runs inside can reach it; and it
 * holds none of the container's mounts, so it exits when they are gone, whoever is killed. The
 * container's process creates the file system and asks a keeper, a child of usrun, to start its
 * server. The keeper exits after all of its servers. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/sys/child.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether it can be used: it is installed, and the device may be opened. Errors say what to do. */
int layer_serve_find(struct arena *arena, const char **ret_program, struct err *err) MUST_CHECK;

/* Starts the keeper; *ret_sock is for layer_serve_overlay(). */
int layer_serve_start(const char *program, const char *id, struct child *ret_keeper, int *ret_sock,
		      struct err *err) MUST_CHECK;

struct layer_serve_request {
	int sock;  /* to the keeper */
	int lower; /* detached: the lower tree of the overlay */
	int part;  /* the part's directory, with "upper" and LAYER_SERVE_WORK */
	bool squash;
	uint32_t uid, gid; /* of the program; with squash, the owner of all files */
	uint64_t attrs;    /* of the mount */
};

/* The server's work directory; a layer that has one is never mounted by the kernel's overlay. */
#define LAYER_SERVE_WORK "fuse"

/* In the container's process: returns a detached mount of the overlay, which already responds. */
int layer_serve_overlay(const struct layer_serve_request *request, struct err *err) MUST_CHECK;
