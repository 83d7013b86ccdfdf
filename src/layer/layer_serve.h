/* SPDX-License-Identifier: Apache-2.0 */
/* Overlays by fuse-overlayfs: on file systems and for files with which the kernel makes none in a
 * user namespace, at five to fifteen times the price.
 *
 * The process that serves one is outside of the container: neither what runs inside can reach it,
 * nor does it hold the container's mounts, so that it ends with them, whoever is killed. The
 * container's process makes the file system and asks a keeper, a child of usrun, for who serves
 * it. The keeper ends when all of those have. */
#pragma once

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/sys/child.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether it is available: installed, and the device may be opened. Errors say what to do. */
int layer_serve_find(struct arena *arena, const char **ret_program, struct err *err) MUST_CHECK;

/* Starts the keeper; *ret_sock is for layer_serve_overlay(). */
int layer_serve_start(const char *program, const char *id, struct child *ret_keeper, int *ret_sock,
		      struct err *err) MUST_CHECK;

struct layer_serve_request {
	int sock;  /* to the keeper */
	int lower; /* detached: the overlay's lower tree */
	int part;  /* that of the layer, with "upper" and LAYER_SERVE_WORK in it */
	bool squash;
	uint32_t uid, gid; /* of the program: squash: whose all files are */
	uint64_t attrs;    /* of the mount */
};

/* The server's work directory; the kernel's overlay never mounts a layer that has one. */
#define LAYER_SERVE_WORK "fuse"

/* In the container's process: a detached mount of the overlay, which responds. */
int layer_serve_overlay(const struct layer_serve_request *request, struct err *err) MUST_CHECK;
