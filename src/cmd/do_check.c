/* SPDX-License-Identifier: Apache-2.0 */
/* Options of `usrun do` that contradict each other, or would have no effect: reported, never
 * ignored. */
#include "src/cmd/do_parts.h"

#include <errno.h>
#include <string.h>

static bool has_tag(const struct option_list *list, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < list->n; i++)
		if (str_starts(list->v[i], name) && list->v[i][len] == '=')
			return true;
	return false;
}

static bool is_given(const struct option *option, const struct do_options *o)
{
	const char *at = (const char *)o + option->offset;

	if (option->kind == OPTION_TEXT || option->kind == OPTION_MAYBE)
		return *(const char *const *)at != NULL;
	if (option->kind == OPTION_LIST)
		return ((const struct option_list *)at)->n;
	if (option->kind == OPTION_TAGGED)
		return has_tag((const struct option_list *)at, option->name);
	if (option->kind == OPTION_EITHER)
		return *(const int *)at;
	return *(const bool *)at;
}

static int check_apply(const struct do_options *o, struct err *err)
{
	for (const struct option *option = do_options; *option->name; option++)
		if (is_given(option, o) && !str_equal(option->name, "apply") &&
		    !str_equal(option->name, "changes"))
			return err_set(err, EINVAL,
				       "--%s: has no effect with --apply, which runs nothing",
				       option->name);
	return 0;
}

/* Whatever is to happen at its end needs somebody who waits for it. */
static int check_detach(const struct do_options *o, struct err *err)
{
	const char *option = o->timeout ? "--timeout" : o->changes ? "--changes" : NULL;

	if (!o->detach || !option)
		return 0;
	return err_set(err, EINVAL, "%s: cannot be used with --detach", option);
}

static int check_tree(const struct do_options *o, struct err *err)
{
	if (o->root && o->rootfs)
		return err_set(err, EINVAL,
			       "--root: with --rootfs the program is root in that tree");
	if (o->home && o->root)
		return err_set(err, EINVAL, "--home: with --root it is root's, and empty");
	if (o->home && o->rootfs)
		return err_set(
			err, EINVAL,
			"--home: not with --rootfs, whose tree has its own home directories");
	if (!o->changes || !o->rootfs || o->overlay)
		return 0;
	(void)err_set(err, EINVAL,
		      "--changes: needs a copy, but --rootfs writes to the tree itself");
	return err_hint(err, "add --overlay to discard the changes, or --overlay=DIR to keep them");
}

static int check_layer_size(const struct do_options *o, struct err *err)
{
	if (!o->layer_size)
		return 0;
	if (o->overlay && *o->overlay)
		return err_set(err, EINVAL,
			       "--layer-size: only for copies in memory; --overlay=DIR keeps them "
			       "on disk, where nothing limits their size");
	if (!o->rootfs || o->overlay)
		return 0;
	(void)err_set(err, EINVAL,
		      "--layer-size: needs a copy, but --rootfs writes to the tree itself");
	return err_hint(err, "add --overlay");
}

int do_check(const struct do_options *o, struct err *err)
{
	int r = o->apply ? check_apply(o, err) : check_detach(o, err);

	if (r == 0)
		r = check_tree(o, err);
	if (r == 0)
		r = check_layer_size(o, err);
	if (r == 0 && o->tty && o->tty == o->no_tty)
		return err_set(err, EINVAL, "--no-tty: not with --tty");
	return r;
}

const char *do_check_printed(struct arena *arena, const struct do_options *o)
{
	static const char lost[][16] = { "publish", "host-loopback", "metadata", "timeout",
					 "detach",  "changes",       "name" };
	const char *names = NULL;

	for (const struct option *option = do_options; *option->name; option++)
		for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++)
			if (str_equal(option->name, lost[i]) && is_given(option, o))
				names = arena_strf(arena, "%s%s--%s", names ? names : "",
						   names ? ", " : "", option->name);
	return names;
}
