/* SPDX-License-Identifier: Apache-2.0 */
/* Which mounts a sandbox has, and in which order. Private to this directory. */
#pragma once

#include "src/do/do.h"

enum do_cover {                     /* what is below a place, for mounts on top of it */
		DO_COVER_OWN,       /* the sandbox's own file system: mount points can be created */
		DO_COVER_HOST,      /* the host's directory of the same path: only what exists */
		DO_COVER_ELSEWHERE, /* another directory of the host */
		DO_COVER_NONE,      /* nothing can be mounted there */
};

enum { DO_MAX_WORDS = 8 };

/* The tmpfs on / covers the rootfs, so any directory will do that every machine has, and nobody
 * asks for. */
#define DO_ANY_DIRECTORY "/sys/kernel"

/* With --root: what is copied, the copy itself, and what is mounted on it. */
enum do_phase { DO_PHASE_BELOW, DO_PHASE_COPY, DO_PHASE_ABOVE };

struct do_place { /* an entry of mounts[] */
	const char *target, *type, *source;
	const char *words[DO_MAX_WORDS]; /* options */
	enum do_cover cover;
	const char *option; /* the option that asked for it, or NULL */
	bool file;          /* not a directory */
	bool writable;      /* a tree of the host that is writable */
	bool there;         /* the host has a file at target */
	enum do_phase phase;
	size_t depth, order;
};

struct do_places {
	struct do_place *v; /* parents first */
	size_t n, cap;
	const char *home, *cwd;
};

struct do_builder {
	enum do_phase phase; /* of the next places */
	struct arena *arena;
	const struct do_request *request;
	struct do_places *places;
	struct do_result *said;
};

/* Adds a place; replaces an earlier one of the same path. */
struct do_place *do_place_add(struct do_builder *b, struct do_place place);

/* Adds a file system in memory that takes up to this percentage. */
void do_place_tmpfs(struct do_builder *b, const char *target, const char *mode,
		    unsigned int percent);
/* The same as part of the layer: listed at the end, or kept for the next time. */
void do_place_kept(struct do_builder *b, const char *target, const char *mode, bool kept);
struct do_place *do_place_empty(struct do_builder *b, const char *target);
struct do_place *do_place_tree(struct do_builder *b, const char *source, const char *target,
			       bool writable);
struct do_place *do_place_file(struct do_builder *b, const char *source, const char *target,
			       bool writable);
void do_place_link(struct do_builder *b, const char *path);
/* Adds a copy: writes go to the layer. squash: all files in it are the user's. */
struct do_place *do_place_scratch(struct do_builder *b, const char *source, const char *target,
				  bool squash);

/* Covers usrun's state directories wherever they would be seen. */
int do_state_hide(struct do_builder *b, struct err *err) MUST_CHECK;

/* --root: adds the copy of everything added so far, with mount points for what is to lie on it. */
void do_place_copy(struct do_builder *b);

/* The number of directories above it. */
size_t do_place_depth(const char *path);
/* Adds a note for the caller, apart from the config. */
void do_say(struct do_builder *b, const char *note);

/* Writes linux.seccomp, if there is to be one. */
void do_seccomp_write(struct json_write *w, const struct do_request *q);

/* cwd and home: the program's working directory, and its HOME. */
int do_places_build(struct arena *arena, const struct do_request *request, struct do_places *places,
		    struct do_result *said, struct err *err) MUST_CHECK;

/* The deepest place that contains a path; at_too: or is at the path itself. NULL: none. */
const struct do_place *do_places_find(const struct do_places *p, const char *path, bool at_too);

/* Adds a line about something that may surprise the user. */
void do_note(struct arena *arena, struct do_result *said, const char *note);

/* What to report about the network, and whether names can be resolved. */
void do_network_check(struct arena *arena, const struct do_request *request,
		      const struct do_places *places, struct do_result *said);
