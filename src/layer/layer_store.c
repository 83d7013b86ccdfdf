/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/base/json_write.h"
#include "src/base/str.h"
#include "src/layer/layer.h"
#include "src/sys/privs.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "layer.json"

enum { VERSION = 1, MAX_NUMBER = 999, MAX_SIZE = 1 << 20 };

struct document {
	struct json_uint version;
	int kind;
	struct json_bool mapped;
	struct json_uint key;
	JSON_LIST(struct layer_part) parts;
};

static const struct json_name kinds[] = {
	{ "user", LAYER_USER },
	{ "trusted", LAYER_TRUSTED },
	{ "", 0 },
};

#define PART(member, json_kind, ...)                                                               \
	{                                                                                          \
		.key = #member, .kind = json_kind, .offset = offsetof(struct layer_part, member),  \
		__VA_ARGS__                                                                        \
	}

static const struct json_field part_fields[] = {
	PART(number, JSON_UINT, .flags = JSON_REQUIRED, JSON_RANGE(.umax = MAX_NUMBER)),
	PART(lower, JSON_STRING, .flags = JSON_REQUIRED | JSON_ABSOLUTE),
	PART(device, JSON_UINT, JSON_RANGE(.umax = UINT64_MAX)),
	PART(inode, JSON_UINT, JSON_RANGE(.umax = UINT64_MAX)),
	PART(since, JSON_UINT, .flags = JSON_REQUIRED, JSON_RANGE(.umax = UINT64_MAX)),
	PART(empty, JSON_BOOL),
	PART(squash, JSON_BOOL),
};
static const struct json_type part_type = {
	.size = sizeof(struct layer_part),
	.fields = part_fields,
	.n_fields = sizeof(part_fields) / sizeof(part_fields[0]),
};
static const struct json_field fields[] = {
	{ .key = "version",
	  .kind = JSON_UINT,
	  .flags = JSON_REQUIRED,
	  .offset = offsetof(struct document, version),
	  JSON_RANGE(.umin = VERSION, .umax = VERSION) },
	{ .key = "kind",
	  .kind = JSON_ENUM,
	  .flags = JSON_REQUIRED,
	  .offset = offsetof(struct document, kind),
	  .names = kinds },
	{ .key = "mapped", .kind = JSON_BOOL, .offset = offsetof(struct document, mapped) },
	{ .key = "key",
	  .kind = JSON_UINT,
	  .offset = offsetof(struct document, key),
	  JSON_RANGE(.umax = UINT64_MAX) },
	{ .key = "parts",
	  .kind = JSON_OBJECTS,
	  .flags = JSON_REQUIRED,
	  .offset = offsetof(struct document, parts),
	  .type = &part_type },
};
static const struct json_type type = {
	.size = sizeof(struct document),
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
};

static int check_numbers(const struct document *doc, const char *path, struct err *err)
{
	for (size_t i = 0; i < doc->parts.n; i++)
		for (size_t k = 0; k < i; k++)
			if (doc->parts.v[i].number.v == doc->parts.v[k].number.v)
				return err_set(err, EINVAL, "%s/" NAME ": two parts are number %u",
					       path, (unsigned int)doc->parts.v[i].number.v);
	return 0;
}

static int read_document(struct arena *arena, struct layer *layer, int kind, struct err *err)
{
	const struct json_limits limits = { .depth = 8, .string = 1 << 16 };
	struct document doc = { 0 };
	size_t len;
	char *text;
	int r = io_read_file(layer->fd, NAME, MAX_SIZE, arena, &text, &len, err);

	if (r == 0)
		r = json_read(arena, NAME, text, len, &type, &limits, &doc, err);
	if (r < 0) {
		err->hint[0] = '\0'; /* the reader's is for those who write such files */
		(void)err_prefix(err, "the layer %s", layer->path);
		return err_hint(err, "usrun gc --layer tells how to remove it");
	}
	r = check_numbers(&doc, layer->path, err);
	if (r < 0)
		return r;
	if (kind && doc.kind != kind) {
		(void)err_set(err, EINVAL,
			      "the layer %s was created by a container %s a user namespace, and "
			      "can be used only by such",
			      layer->path, kind == LAYER_USER ? "without" : "with");
		return err_hint(err, "use another directory for this one");
	}
	layer->kind = doc.kind;
	layer->mapped = doc.mapped.v;
	layer->key = doc.key;
	layer->parts.v = doc.parts.v;
	layer->parts.n = doc.parts.n;
	return 0;
}

static int refuse_foreign(const struct layer *layer, bool any, struct err *err)
{
	if (any)
		return err_set(err, ENOENT, "%s is not a layer: it has no " NAME, layer->path);
	(void)err_set(err, ENOTEMPTY, "%s contains other files and is not a layer", layer->path);
	return err_hint(err, "choose an empty directory, or one that does not exist yet");
}

/* Anyone who may write there could alter the contents of a program's files or where they belong,
 * and forge the kernel's attributes. */
static int check_directory(const struct layer *layer, struct err *err)
{
	struct stat st;

	if (fstat(layer->fd, &st) < 0)
		return err_errno(err, errno, "stat %s", layer->path);
	if (st.st_uid != privs_uid() && st.st_uid != 0)
		return err_set(err, EPERM, "%s belongs to uid %u, not to the caller", layer->path,
			       st.st_uid);
	if (!(st.st_mode & 022))
		return 0;
	(void)err_set(err, EPERM, "%s is writable by others", layer->path);
	return st.st_uid == privs_uid() && !(st.st_mode & S_ISVTX)
		       ? err_hint(err, "chmod go-w %s", layer->path)
		       : err_hint(err, "choose a directory of your own");
}

static int lock(const struct layer *layer, struct err *err)
{
	if (flock(layer->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_errno(err, errno, "lock %s", layer->path);
	return err_set(err, EBUSY, "%s is in use by another sandbox or container", layer->path);
}

/* Whoever is killed while it writes the document leaves it under its temporary name. */
static bool is_temporary(const char *name)
{
	return str_starts(name, "." NAME ".");
}

struct contents {
	const char *const *names;
	size_t n, temporary;
};

static int list(struct arena *arena, const struct layer *layer, struct contents *ret,
		struct err *err)
{
	int again = openat(layer->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = again < 0 ? -errno : 0;

	*ret = (struct contents){ 0 };
	if (r == 0)
		r = layer_list(arena, again, &ret->names, &ret->n);
	for (size_t i = 0; i < ret->n; i++)
		ret->temporary += is_temporary(ret->names[i]);
	return r < 0 ? err_errno(err, -r, "read %s", layer->path) : 0;
}

static int drop_temporary(const struct layer *layer, const struct contents *contents,
			  struct err *err)
{
	for (size_t i = 0; i < contents->n; i++)
		if (is_temporary(contents->names[i]) &&
		    unlinkat(layer->fd, contents->names[i], 0) < 0)
			return err_errno(err, errno, "remove %s/%s", layer->path,
					 contents->names[i]);
	return 0;
}

static bool has_document(const struct layer *layer)
{
	return faccessat(layer->fd, NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int open_directory(struct arena *arena, struct layer *layer, int kind, struct err *err)
{
	struct contents contents;
	bool written;
	int r = 0;

	if (!kind && !has_document(layer)) {
		r = list(arena, layer, &contents, err);
		if (r == 0 && (!contents.n || contents.temporary < contents.n))
			r = refuse_foreign(layer, true, err);
	}
	if (r == 0)
		r = check_directory(layer, err);
	if (r == 0)
		r = lock(layer, err);
	if (r == 0)
		r = list(arena, layer, &contents, err);
	written = has_document(layer);
	if (r == 0 && !written && contents.temporary < contents.n)
		r = refuse_foreign(layer, false, err);
	if (r == 0)
		r = drop_temporary(layer, &contents, err);
	if (r < 0 || written)
		return r < 0 ? r : read_document(arena, layer, kind, err);
	layer->kind = kind;
	return 0;
}

int layer_open(struct arena *arena, const char *path, int kind, struct layer *ret, struct err *err)
{
	struct layer layer = { .path = path };
	int r;

	if (kind && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_errno(err, errno, "create the directory %s", path);
	layer.fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (layer.fd < 0)
		return err_errno(err, errno, "open the layer %s", path);
	r = open_directory(arena, &layer, kind, err);
	if (r < 0) {
		fd_closep(&layer.fd);
		return r;
	}
	*ret = layer;
	return 0;
}

void layer_close(struct layer *layer)
{
	fd_closep(&layer->fd);
}

/* File systems without a device number of their own (btrfs, tmpfs, overlay) get another one with
 * each mount. */
static bool is_same(const struct layer_part *part, const struct stat *st)
{
	return part->inode.v == st->st_ino &&
	       (part->device.v == st->st_dev || !(part->device.v >> 8) || !(st->st_dev >> 8));
}

static int stale(const struct layer_part *part, struct err *err)
{
	(void)err_set(err, ESTALE, "%s is not the directory that the layer was created for",
		      part->lower);
	return err_hint(err, "use another layer for it, and remove this one: usrun gc --layer DIR");
}

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void layer_seen(struct layer *layer)
{
	for (size_t i = 0; i < layer->parts.n; i++)
		layer->parts.v[i].since = (struct json_uint){ true, now_ns() };
}

static uint64_t free_number(const struct layer *layer)
{
	uint64_t number = 0;

	for (size_t i = 0; i < layer->parts.n; i++)
		if (layer->parts.v[i].number.v >= number)
			number = layer->parts.v[i].number.v + 1;
	return number;
}

int layer_add(struct arena *arena, struct layer *layer, const char *lower, bool empty, bool squash,
	      struct err *err)
{
	struct layer_part part = { .lower = lower,
				   .number = { true, free_number(layer) },
				   .since = { true, now_ns() },
				   .empty = { empty, empty },
				   .squash = { squash, squash } };
	struct stat st;
	size_t i;

	if (!empty && stat(lower, &st) < 0)
		return err_errno(err, errno, "stat %s, the lower directory of an overlay", lower);
	for (i = 0; i < layer->parts.n; i++) {
		const struct layer_part *old = &layer->parts.v[i];

		if (!str_equal(old->lower, lower) || old->empty.v != empty)
			continue;
		return empty || is_same(old, &st) ? (int)i : stale(old, err);
	}
	if (part.number.v > MAX_NUMBER)
		return err_set(err, ENOSPC, "the layer has too many parts");
	if (!empty) {
		part.device = (struct json_uint){ true, st.st_dev };
		part.inode = (struct json_uint){ true, st.st_ino };
	}
	layer->parts.v = arena_grow(arena, layer->parts.v, i, i + 1, sizeof(part));
	layer->parts.v[layer->parts.n++] = part;
	return (int)i;
}

static void write_number(struct json_write *w, const char *key, const struct json_uint *number)
{
	if (number->set)
		json_write_uint(w, key, number->v);
}

int layer_write(const struct layer *layer, struct err *err)
{
	_cleanup_json_write_ struct json_write *w = json_write_new(true);
	const char *text;
	size_t len;
	int r;

	json_write_object(w, NULL);
	json_write_uint(w, "version", VERSION);
	json_write_string(w, "kind", json_read_enum_name(kinds, layer->kind));
	json_write_bool(w, "mapped", layer->mapped);
	write_number(w, "key", &layer->key);
	json_write_array(w, "parts");
	for (size_t i = 0; i < layer->parts.n; i++) {
		const struct layer_part *part = &layer->parts.v[i];

		json_write_object(w, NULL);
		write_number(w, "number", &part->number);
		json_write_string(w, "lower", part->lower);
		write_number(w, "device", &part->device);
		write_number(w, "inode", &part->inode);
		write_number(w, "since", &part->since);
		if (part->empty.set)
			json_write_bool(w, "empty", part->empty.v);
		if (part->squash.set)
			json_write_bool(w, "squash", part->squash.v);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_end(w);
	text = json_write_text(w, &len, err);
	r = text ? io_replace_file(layer->fd, NAME, text, len, 0600, err) : -err->code;
	return r < 0 ? err_prefix(err, "the layer %s", layer->path) : 0;
}

int layer_open_lower(const struct layer_part *part, int *ret_fd, struct err *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	*ret_fd = -1;
	if (part->empty.v)
		return 0;
	fd = open(part->lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "open %s, the lower directory of the layer",
				 part->lower);
	if (!is_same(part, &st))
		return stale(part, err);
	*ret_fd = fd_take(&fd);
	return 0;
}

int layer_open_upper(const struct layer *layer, const struct layer_part *part, struct err *err)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int dir = -1;
	char name[24];
	int fd;

	(void)snprintf(name, sizeof(name), "%u", (unsigned int)part->number.v);
	dir = openat(layer->fd, name, flags);
	fd = dir < 0 ? dir : openat(dir, "upper", flags);
	return fd < 0 ? err_errno(err, errno, "open the layer of %s", part->lower) : fd;
}
