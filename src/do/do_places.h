/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts there are, and in which order. Private to this directory. */
#pragma once

#include "src/do/do.h"

enum do_cover {                     /* what is below a place, for others to be mounted there */
		DO_COVER_OWN,       /* a file system of the sandbox: mount points can be made */
		DO_COVER_HOST,      /* the host's directory of the same path: only what is there */
		DO_COVER_ELSEWHERE, /* another directory of the host */
		DO_COVER_NONE,      /* nothing can be mounted there */
};

enum { DO_MAX_WORDS = 8 };

/* The rootfs is covered by the tmpfs on /, so it can be any directory that everybody has and nobody
 * asks for. */
#define DO_ANY_DIRECTORY "/sys/kernel"

/* With --root: what is copied, the copy, and what lies on that. */
enum do_phase { DO_PHASE_BELOW, DO_PHASE_COPY, DO_PHASE_ABOVE };

struct do_place { /* one of mounts[] */
	const char *target, *type, *source;
	const char *words[DO_MAX_WORDS]; /* options */
	enum do_cover cover;
	const char *option; /* the option that asked for it, or NULL */
	bool file;          /* not a directory */
	bool writable;      /* a tree of the host that is not read-only */
	bool there;         /* the host has something at target */
	enum do_phase phase;
	size_t depth, order;
};

struct do_places {
	struct do_place *v; /* parents first */
	size_t n, cap;
	const char *home, *cwd;
};

struct do_builder {
	enum do_phase phase; /* of what is added */
	struct arena *arena;
	const struct do_request *request;
	struct do_places *places;
	struct do_result *said;
};

/* Adds one; a later one replaces an earlier one of the same path. */
struct do_place *do_place_add(struct do_builder *b, struct do_place place);

/* A file system in memory, of so much of it. */
void do_place_tmpfs(struct do_builder *b, const char *target, const char *mode,
		    unsigned int percent);
/* The same as a part of the layer: to be told at the end, or there again the next time. */
void do_place_kept(struct do_builder *b, const char *target, const char *mode, bool kept);
struct do_place *do_place_empty(struct do_builder *b, const char *target);
struct do_place *do_place_tree(struct do_builder *b, const char *source, const char *target,
			       bool writable);
struct do_place *do_place_file(struct do_builder *b, const char *source, const char *target,
			       bool writable);
void do_place_link(struct do_builder *b, const char *path);
/* A copy: what is written is the layer's. squash: all files in it are the user's. */
struct do_place *do_place_scratch(struct do_builder *b, const char *source, const char *target,
				  bool squash);

/* --root: the copy of all that is in it so far, and of places for what comes to lie on it. */
void do_place_copy(struct do_builder *b);

/* How many directories are above it. */
size_t do_place_depth(const char *path);
/* Told to the caller, beside the config. */
void do_say(struct do_builder *b, const char *note);

/* linux.seccomp, where there is to be one. */
void do_seccomp_write(struct json_write *w, const struct do_request *q);

/* cwd and home: where the program starts, and what HOME is. */
int do_places_build(struct arena *arena, const struct do_request *request, struct do_places *places,
		    struct do_result *said, struct err *err) MUST_CHECK;

/* The deepest place that a path is in; at_too: or that is at the path. NULL: none. */
const struct do_place *do_places_find(const struct do_places *p, const char *path, bool at_too);

/* Adds a line about what may surprise the user. */
void do_note(struct arena *arena, struct do_result *said, const char *note);

/* What to report about the network, and whether its names can be resolved. */
void do_network_check(struct arena *arena, const struct do_request *request,
		      const struct do_places *places, struct do_result *said);
