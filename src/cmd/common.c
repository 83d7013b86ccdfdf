/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/common.h"

#include "src/base/fd.h"
#include "src/base/io.h"
#include "src/cmd/cgroup_of.h"
#include "src/oci/annotations.h"
#include "src/oci/decode.h"
#include "src/oci/state_doc.h"
#include "src/state/status.h"

#include <regex.h>
#include <unistd.h>

int common_read_state(struct arena *arena, struct store *store, int dirfd, const char *id,
		      struct state *ret, struct err *err)
{
	int r = store_read(store, dirfd, id, arena, ret, err);

	if (r == -ENODATA && store_is_locked(dirfd))
		return err_set(err, ENOENT,
			       "container does not exist: %s (it is being created or deleted)", id);
	if (r == -ENODATA && store_is_cut_off(dirfd))
		return err_set(err, ENOENT, "container does not exist: %s", id);
	if (r == 0 && ret->phase == STATE_CREATING && !store_is_locked(dirfd))
		store_creator_is_gone(ret);
	return r;
}

int common_open(struct arena *arena, const struct cmd_globals *globals, const char *id,
		struct store **ret_store, struct state *ret_state, struct err *err)
{
	int r = store_check_id(id, err);

	if (r == 0)
		r = store_open(globals->root, false, arena, ret_store, err);
	return r < 0 ? r : common_open_in(arena, *ret_store, id, ret_state, err);
}

int common_open_in(struct arena *arena, struct store *store, const char *id,
		   struct state *ret_state, struct err *err)
{
	_cleanup_close_ int dir = store_open_container(store, id, err);
	int r = dir < 0 ? dir : common_read_state(arena, store, dir, id, ret_state, err);

	return r < 0 ? r : fd_take(&dir);
}

int common_change(const struct cmd_globals *globals, const char *id,
		  const struct store_change *change, struct err *err)
{
	struct store *store;
	int r = store_check_id(id, err);

	if (r == 0)
		r = store_open(globals->root, false, change->arena, &store, err);
	return r == 0 ? store_change(store, id, change, err) : r;
}

int common_each_match(struct arena *arena, struct store *store, const char *regex,
		      int (*each)(const char *id, void *data, struct err *err), void *data,
		      struct err *err)
{
	const char *const *ids;
	struct err later;
	char words[128];
	regex_t compiled;
	size_t n;
	int r = regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB), first = 0;

	if (r != 0) {
		(void)regerror(r, &compiled, words, sizeof(words));
		return err_set(err, EINVAL, "--regex: \"%s\": %s", regex, words);
	}
	r = store_list(store, arena, &ids, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (regexec(&compiled, ids[i], 0, NULL, 0) != 0)
			continue;
		if (each(ids[i], data, first ? &later : err) < 0 && !first)
			first = -1;
	}
	regfree(&compiled);
	return r < 0 ? r : first;
}

int common_read_config(struct arena *arena, int dirfd, const struct oci_config **ret,
		       struct err *err)
{
	char *text;
	size_t len;
	int r = io_read_file(dirfd, "config.json", DECODE_MAX_FILE, arena, &text, &len, err);

	if (r == 0)
		r = decode_config(arena, "config.json", text, len, ret, err);
	return r < 0 ? err_prefix(err, "the copy of the config in the state directory") : 0;
}

int common_write_state(struct json_write *w, const struct state *state, const char *owner,
		       struct err *err)
{
	int status = status_of(state, NULL, err);
	bool alive = status != STATUS_STOPPED && state->pid.set;
	uint64_t kills = status == STATUS_STOPPED ? cgroup_of_oom_kills(state) : 0;

	if (status < 0)
		return status;
	json_write_object(w, NULL);
	json_write_string(w, "ociVersion", STATE_DOC_OCI_VERSION);
	json_write_string(w, "id", state->id);
	json_write_int(w, "pid", alive ? state->pid.v : 0);
	json_write_string(w, "status", status_name((enum status)status));
	json_write_string(w, "bundle", state->bundle);
	json_write_string(w, "rootfs", state->rootfs);
	json_write_string(w, "created", state->created);
	annotations_write(w, state->annotations.v, state->annotations.n);
	json_write_string(w, "owner", owner);
	if (kills) /* nobody could be told when a detached container was killed */
		json_write_uint(w, "oomKills", kills);
	json_write_end(w);
	return 0;
}

static int write_out(const char *text, size_t len, struct err *err)
{
	int r = io_print(STDOUT_FILENO, text, len);

	return r < 0 ? err_errno(err, -r, "write to standard output") : 0;
}

int common_print(struct json_write *w, struct err *err)
{
	size_t len;
	const char *text = json_write_text(w, &len, err);

	return text ? write_out(text, len, err) : -EINVAL;
}

int common_print_text(const struct str *text, struct err *err)
{
	return write_out(str_text(text), text->len, err);
}
