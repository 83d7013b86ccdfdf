/* SPDX-License-Identifier: Apache-2.0 */
/* A message is a list of fields. Each has a number with a wire type, then a value: a varint (7 bits
 * per byte, lowest first), or a length and as many bytes, which hold a string or another
 * message. */
#include "src/criu/rpc.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

static void add_varint(struct str *out, uint64_t v)
{
	for (; v > 127; v >>= 7)
		str_addn(out, &(const char){ (char)(v | 128) }, 1);
	str_addn(out, &(const char){ (char)v }, 1);
}

/* Negative numbers take ten bytes, like all negative 64-bit ones. */
static void add_int(struct str *out, unsigned int field, int64_t v)
{
	add_varint(out, field << 3 | WIRE_VARINT);
	add_varint(out, (uint64_t)v);
}

static void add_bytes(struct str *out, unsigned int field, const char *data, size_t len)
{
	add_varint(out, field << 3 | WIRE_BYTES);
	add_varint(out, len);
	str_addn(out, data ? data : "", len);
}

static void add_text(struct str *out, unsigned int field, const char *text)
{
	if (text)
		add_bytes(out, field, text, strlen(text));
}

static void add_pair(struct str *out, unsigned int field, const struct rpc_pair *pair)
{
	_cleanup_str_ struct str inner = { 0 };

	add_text(&inner, 1, pair->key);
	add_text(&inner, 2, pair->value);
	add_bytes(out, field, inner.s, inner.len);
}

static void add_pairs(struct str *out, unsigned int field, const struct rpc_pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_pair(out, field, &v[i]);
}

static void add_fd(struct str *out, unsigned int field, const struct rpc_fd *fd)
{
	_cleanup_str_ struct str inner = { 0 };

	add_text(&inner, 1, fd->key);
	add_int(&inner, 2, fd->fd);
	add_bytes(out, field, inner.s, inner.len);
}

static void add_page_server(struct str *out, unsigned int field, const struct rpc_opts *opts)
{
	_cleanup_str_ struct str inner = { 0 };

	if (!opts->page_server)
		return;
	add_text(&inner, 1, opts->page_server);
	add_int(&inner, 2, opts->page_server_port);
	add_bytes(out, field, inner.s, inner.len);
}

static void add_scalars(struct str *out, const struct rpc_opts *o)
{
	const struct {
		unsigned int field;
		int v;
	} numbers[] = { { 1, o->images_fd },  { 2, o->pid },          { 9, o->log_level },
			{ 17, o->work_fd },   { 34, o->cgroups },     { 38, o->empty_ns },
			{ 49, o->status_fd }, { 64, o->network_lock } };
	const struct {
		unsigned int field;
		bool v;
	} flags[] = { { 3, o->leave_running },
		      { 4, o->ext_unix_sk },
		      { 5, o->tcp_established },
		      { 6, o->evasive_devices },
		      { 7, o->shell_job },
		      { 8, o->file_locks },
		      { 12, o->notify },
		      { 15, o->track_mem },
		      { 16, o->auto_dedup },
		      { 18, o->link_remap },
		      { 24, o->manage_cgroups },
		      { 26, o->sibling },
		      { 46, o->tcp_skip_in_flight },
		      { 48, o->lazy_pages },
		      { 50, o->orphan_pts },
		      { 52, o->tcp_close } };
	const struct {
		unsigned int field;
		const char *v;
	} texts[] = { { 10, o->log_file },         { 13, o->root },        { 14, o->parent },
		      { 44, o->freezer },          { 51, o->config_file }, { 53, o->lsm_profile },
		      { 63, o->lsm_mount_context } };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (numbers[i].v >= 0)
			add_int(out, numbers[i].field, numbers[i].v);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].v)
			add_int(out, flags[i].field, 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_text(out, texts[i].field, texts[i].v);
}

static void add_opts(struct str *out, unsigned int field, const struct rpc_opts *o)
{
	_cleanup_str_ struct str inner = { 0 };

	add_scalars(&inner, o);
	add_page_server(&inner, 11, o);
	add_pairs(&inner, 23, o->mounts, o->n_mounts);
	add_pairs(&inner, 25, o->groups, o->n_groups);
	for (size_t i = 0; i < o->n_inherit; i++)
		add_fd(&inner, 27, &o->inherit[i]);
	for (size_t i = 0; i < o->n_external; i++)
		add_text(&inner, 37, o->external[i]);
	add_pairs(&inner, 39, o->join, o->n_join);
	add_bytes(out, field, inner.s, inner.len);
}

void rpc_encode(struct str *out, const struct rpc_request *request)
{
	add_int(out, 1, request->type);
	if (request->opts)
		add_opts(out, 2, request->opts);
	if (request->notify_success)
		add_int(out, 3, 1);
	if (request->mem_track || request->lazy_pages) {
		_cleanup_str_ struct str inner = { 0 };

		add_int(&inner, 1, request->mem_track);
		add_int(&inner, 2, request->lazy_pages);
		add_bytes(out, 5, inner.s, inner.len);
	}
}

/* The rest of a message, and its next field. */
struct reader {
	const unsigned char *p, *end;
};

struct field {
	uint64_t number;
	enum wire wire;
	uint64_t v;             /* WIRE_VARINT */
	const unsigned char *s; /* WIRE_BYTES */
	size_t len;
};

static int take_varint(struct reader *r, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; r->p < r->end && shift < 64; shift += 7) {
		unsigned char byte = *r->p++;

		v |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128)) {
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

static int take_bytes(struct reader *r, uint64_t len, struct field *ret)
{
	if (len > (size_t)(r->end - r->p))
		return -EBADMSG;
	ret->s = r->p;
	ret->len = (size_t)len;
	r->p += len;
	return 0;
}

static int take_field(struct reader *r, struct field *ret)
{
	uint64_t tag, len;
	int error = take_varint(r, &tag);

	if (error < 0)
		return error;
	*ret = (struct field){ .number = tag >> 3, .wire = (enum wire)(tag & 7) };
	switch (ret->wire) {
	case WIRE_VARINT:
		return take_varint(r, &ret->v);
	case WIRE_BYTES:
		error = take_varint(r, &len);
		return error < 0 ? error : take_bytes(r, len, ret);
	case WIRE_64:
		return take_bytes(r, 8, ret);
	case WIRE_32:
		return take_bytes(r, 4, ret);
	}
	return -EBADMSG;
}

static void take_text(const struct field *f, char *buf, size_t size)
{
	size_t len = f->len < size ? f->len : size - 1;

	if (f->wire != WIRE_BYTES)
		return;
	memcpy(buf, f->s, len);
	buf[len] = '\0';
}

/* An impossible pid becomes 0. */
static int as_pid(uint64_t v)
{
	return v <= INT32_MAX ? (int)v : 0;
}

static void take_inner(struct rpc_response *ret, uint64_t outer, const struct field *f)
{
	if (outer == 4 && f->number == 1 && f->wire == WIRE_VARINT)
		ret->pid = as_pid(f->v);
	if (outer == 5 && f->number == 1)
		take_text(f, ret->script, sizeof(ret->script));
	if (outer == 5 && f->number == 2 && f->wire == WIRE_VARINT)
		ret->pid = as_pid(f->v);
	if (outer == 8 && f->number == 1)
		ret->mem_track = f->v;
	if (outer == 8 && f->number == 2)
		ret->lazy_pages = f->v;
}

static int take_message(struct rpc_response *ret, const struct field *outer)
{
	struct reader r = { outer->s, outer->s + outer->len };
	struct field f;

	while (r.p < r.end) {
		int error = take_field(&r, &f);

		if (error < 0)
			return error;
		take_inner(ret, outer->number, &f);
	}
	return 0;
}

static int take_outer(struct rpc_response *ret, const struct field *f)
{
	bool number = f->wire == WIRE_VARINT;

	if (f->number == 1 && number)
		ret->type = f->v <= UINT32_MAX ? (uint32_t)f->v : 0;
	else if (f->number == 2 && number)
		ret->success = f->v;
	else if (f->number == 7 && number)
		ret->error = f->v <= 4095 ? (int)f->v : 0;
	else if (f->number == 9)
		take_text(f, ret->message, sizeof(ret->message));
	else if ((f->number == 4 || f->number == 5 || f->number == 8) && f->wire == WIRE_BYTES)
		return take_message(ret, f);
	return 0;
}

int rpc_decode(const void *data, size_t len, struct rpc_response *ret)
{
	struct reader r = { data, (const unsigned char *)data + len };
	struct rpc_response response = { 0 };
	struct field f;

	while (r.p < r.end) {
		int error = take_field(&r, &f);

		if (error == 0)
			error = take_outer(&response, &f);
		if (error < 0)
			return error;
	}
	if (!response.type)
		return -EBADMSG;
	*ret = response;
	return 0;
}
