/* SPDX-License-Identifier: Apache-2.0 */
#include "src/steps/removal.h"

#include "src/base/io.h"
#include "src/base/log.h"
#include "src/oci/decode.h"
#include "src/state/undo_list.h"
#include "src/steps/hooks.h"

/* Reads the saved config before it is removed with the rest. */
static const struct oci_config *read_copy(struct arena *arena, int dirfd)
{
	const struct oci_config *config;
	struct err err;
	size_t len;
	char *text;

	if (io_read_file(dirfd, "config.json", DECODE_MAX_FILE, arena, &text, &len, &err) == 0 &&
	    decode_config(arena, "config.json", text, len, &config, &err) == 0)
		return config;
	log_notice("poststop hooks: %s", err.text);
	return NULL;
}

static void run_poststop(const struct state *state, const struct oci_config *config,
			 const struct signals *signals)
{
	const struct state_doc doc = { .id = state->id,
				       .bundle = state->bundle,
				       .annotations = state->annotations.v,
				       .n_annotations = state->annotations.n };
	struct err err;

	if (hooks_run_poststop(config->hooks, &doc, signals, &err) < 0)
		log_notice("%s", err.text);
}

int removal_run(struct store *store, int dirfd, const struct state *state,
		const struct removal *how, struct err *err)
{
	const struct oci_config *config = how ? how->config : NULL;
	struct arena arena = { 0 };
	int r;

	if (!config && state->poststop_hooks.v && dirfd >= 0)
		config = read_copy(&arena, dirfd);
	r = undo_list_run(store, state, err);
	if (r == 0 && config && state->poststop_hooks.v)
		run_poststop(state, config, how ? how->signals : NULL);
	arena_free(&arena);
	return r;
}
