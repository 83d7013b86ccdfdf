/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/options.h"

#include "src/base/parse.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define AT(member) offsetof(struct options_global, member)

const struct option options_globals[] = {
	{ 0, "root", OPTION_TEXT, AT(root), "DIR", "directory of the containers' state" },
	{ 0, "log", OPTION_TEXT, AT(log), "FILE", "also append errors to this file" },
	{ 0, "log-format", OPTION_TEXT, AT(log_format), "text|json", "format of the log file",
	  .choices = "text json" },
	{ 0, "log-level", OPTION_TEXT, AT(log_level), "LEVEL", "error, warning, info or debug",
	  .choices = "error warning warn info debug" },
	{ 0, "debug", OPTION_FLAG, AT(debug), "", "log every step" },
	{ 0, "trace", OPTION_TEXT, AT(trace), "FILE", "write the time of each step of a start" },
	{ 0, "cgroup-manager", OPTION_TEXT, AT(cgroup_manager), "MANAGER",
	  "cgroupfs, systemd or disabled", .choices = "cgroupfs systemd disabled" },
	{ 0, "systemd-cgroup", OPTION_FLAG, AT(systemd_cgroup), "",
	  "the same as --cgroup-manager systemd" },
	{ 0, "rootless", OPTION_ACCEPTED, 0, "BOOL", "ignored: detected automatically" },
	{ 0, "criu", OPTION_TEXT, AT(criu), "PATH", "the criu program" },
	{ 'v', "version", OPTION_FLAG, AT(version), "", "print the version" },
	{ 'V', "version", OPTION_FLAG, AT(version) },
	{ 'h', "help", OPTION_FLAG, AT(help), "", "print this text" },
	{ 0 },
};

const struct cmd *const options_commands[] = {
	&cmd_attach,   &cmd_check,  &cmd_checkpoint, &cmd_completion,
	&cmd_create,   &cmd_delete, &cmd_do,         &cmd_doctor,
	&cmd_events,   &cmd_exec,   &cmd_explain,    &cmd_facts,
	&cmd_features, &cmd_gc,     &cmd_kill,       &cmd_list,
	&cmd_mounts,   &cmd_pause,  &cmd_ps,         &cmd_restore,
	&cmd_resume,   &cmd_run,    &cmd_spec,       &cmd_start,
	&cmd_state,    &cmd_stats,  &cmd_update,     NULL,
};

static const struct option help_option = { 'h', "help", OPTION_FLAG, 0, "", "print this text" };

const struct cmd *options_find(const char *name)
{
	for (size_t i = 0; options_commands[i]; i++)
		if (str_equal(options_commands[i]->name, name))
			return options_commands[i];
	return NULL;
}

/* The names that other container tools, and the shell, use. */
static const struct {
	char word[12], name[12];
} other_words[] = {
	{ "clean", "gc" },       { "inspect", "state" },  { "ls", "list" },
	{ "prune", "gc" },       { "remove", "delete" },  { "rm", "delete" },
	{ "shell", "exec" },     { "stop", "kill" },      { "top", "ps" },
	{ "unpause", "resume" }, { "validate", "check" }, { "version", "--version" },
};

const char *options_nearest(const char *name)
{
	const char *found = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < sizeof(other_words) / sizeof(other_words[0]); i++)
		if (str_equal(other_words[i].word, name))
			return other_words[i].name;
	for (size_t i = 0; *name && options_commands[i]; i++)
		if (str_starts(options_commands[i]->name, name))
			return options_commands[i]->name;
	for (size_t i = 0; options_commands[i]; i++) {
		size_t slips = str_slips(options_commands[i]->name, name);

		if (slips < least) {
			least = slips;
			found = options_commands[i]->name;
		}
	}
	return found;
}

/* Finds the row of a word; *ret_value is the text after "=". */
static const struct option *find(const struct option *table, const char *word,
				 const char **ret_value)
{
	const char *name = word + 1 + (word[1] == '-');
	size_t len = strcspn(name, "=");

	*ret_value = name[len] ? name + len + 1 : NULL;
	for (const struct option *o = table;; o = o == &help_option ? NULL : *o->name ? o + 1 : o) {
		if (!*o->name)
			o = &help_option;
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return o;
		if (word[1] != '-' && o->letter && name[0] == o->letter && len == 1)
			return o;
		if (o == &help_option)
			return NULL;
	}
}

static int bad_value(const struct option *o, const char *value, const char *expected,
		     struct err *err)
{
	return err_set(err, EINVAL, "--%s: expected %s, got \"%s\"", o->name, expected, value);
}

static int check_choice(const struct option *o, const char *value, struct err *err)
{
	_cleanup_str_ struct str list = { 0 };

	if (!*o->choices || (*value && !strchr(value, ' ') && str_has_word(o->choices, value, ' ')))
		return 0;
	for (const char *c = o->choices; *c; c++)
		str_addf(&list, "%s%c", *c == ' ' ? "," : "", *c);
	return err_set(err, EINVAL, "--%s: expected one of %s, got \"%s\"", o->name,
		       str_text(&list), value);
}

/* An empty text names nothing; usually a variable was unset. */
static int check_empty(const struct option *o, const char *value, struct err *err)
{
	if (*value || o->may_be_empty || *o->choices)
		return 0;
	return err_set(err, EINVAL, "--%s: expected %s, got an empty string", o->name,
		       o->value_name);
}

static int check_text(const struct option *o, const char *value, struct err *err)
{
	int r = check_empty(o, value, err);

	return r < 0 ? r : check_choice(o, value, err);
}

static void append(struct arena *arena, struct option_list *list, const char *value)
{
	const char **v = arena_grow(arena, list->v, list->n, list->n + 2, sizeof(*v));

	v[list->n++] = value;
	list->v = v;
}

static int parse_bool(const struct option *o, const char *value, bool *ret, struct err *err)
{
	static const char words[][8] = { "false", "true", "no", "yes", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_equal(value, words[i])) {
			*ret = i % 2;
			return 0;
		}
	return bad_value(o, value, "true or false", err);
}

static int store_flag(const struct option *o, const char *value, void *at, struct err *err)
{
	bool set = true;
	int r = value ? parse_bool(o, value, &set, err) : 0;

	if (r < 0)
		return r;
	if (o->kind == OPTION_EITHER)
		*(int *)at = set ? 1 : -1;
	else
		*(bool *)at = o->kind == OPTION_UNSET ? !set : set;
	return 0;
}

static int store_text(struct arena *arena, const struct option *o, const char *value, void *at,
		      struct err *err)
{
	int r = check_text(o, value, err);

	if (r < 0)
		return r;
	if (o->kind == OPTION_LIST)
		append(arena, at, value);
	else if (o->kind == OPTION_TAGGED)
		append(arena, at, arena_strf(arena, "%s=%s", o->name, value));
	else
		*(const char **)at = value;
	return 0;
}

static int store(struct arena *arena, const struct option *o, const char *value, void *values,
		 struct err *err)
{
	void *at = (char *)values + o->offset;
	uint32_t number;

	switch (o->kind) {
	case OPTION_FLAG:
	case OPTION_BOOL:
	case OPTION_UNSET:
	case OPTION_EITHER:
		return store_flag(o, value, at, err);
	case OPTION_MAYBE:
		if (value)
			return store_text(arena, o, value, at, err);
		*(const char **)at = "";
		return 0;
	case OPTION_TEXT:
	case OPTION_LIST:
	case OPTION_TAGGED:
		assert(value); /* its row names one */
		return store_text(arena, o, value, at, err);
	case OPTION_UINT:
		assert(value);
		if (parse_u32(value, &number) < 0 || number > 1024)
			return bad_value(o, value, "a number from 0 to 1024", err);
		*(unsigned int *)at = number;
		return 0;
	case OPTION_ACCEPTED:
		return 0;
	}
	return 0;
}

/* State shared while a command line is read. */
struct reader {
	struct arena *arena;
	const struct option *table;
	void *values;
	bool *help;
};

/* A long option of that name, of len bytes. */
static bool has_option(const struct option *table, const char *name, size_t len)
{
	for (const struct option *o = table; *o->name; o++)
		if (strlen(o->name) == len && strncmp(o->name, name, len) == 0)
			return true;
	return false;
}

static bool some_command_has(const char *name, size_t len)
{
	for (size_t i = 0; options_commands[i]; i++)
		if (has_option(options_commands[i]->options, name, len))
			return true;
	return false;
}

static const char *nearest_option(const struct option *table, const char *name)
{
	const char *found = NULL;
	size_t least = SIZE_MAX;

	for (const struct option *o = table; *o->name; o++) {
		bool begins = strlen(name) > 2 && str_starts(o->name, name);
		bool goes_on = strlen(o->name) > 2 && str_starts(name, o->name);
		size_t slips = begins || goes_on ? 1 : str_slips(o->name, name);

		if (*o->help && slips < least) {
			least = slips;
			found = o->name;
		}
	}
	return found;
}

/* Adds a guess: an option of the same table, or one in the wrong place. */
static int unknown(const struct reader *reader, const char *word, struct err *err)
{
	const char *name = word + 1 + (word[1] == '-');
	size_t len = strcspn(name, "=");
	const char *meant = nearest_option(reader->table, arena_strndup(reader->arena, name, len));
	bool global = reader->table == options_globals;

	(void)err_set(err, EINVAL, "flag provided but not defined: %s", word);
	if (global && some_command_has(name, len))
		return err_hint(err, "it is an option of a command: put it after the command");
	if (!global && has_option(options_globals, name, len))
		return err_hint(err, "put it before the command: usrun %.*s ...",
				(int)(name + len - word), word);
	return meant ? err_hint(err, "did you mean --%s?", meant) : -EINVAL;
}

/* One option with its value after "=" or in the next word. Returns the number of words consumed. */
static int take_option(const struct reader *reader, const struct option *o, const char *value,
		       char **argv, int left, struct err *err)
{
	int taken = 1, r;

	if (o == &help_option) {
		*reader->help = true;
		return 1;
	}
	if (*o->value_name && o->kind != OPTION_MAYBE && !value) {
		if (left < 2)
			return err_set(
				err, EINVAL,
				"option %s requires an argument (flag needs an argument: %s)",
				argv[0], argv[0]);
		value = argv[1];
		taken = 2;
	}
	r = store(reader->arena, o, value, reader->values, err);
	return r < 0 ? r : taken;
}

/* "-dt": several letters in one word; only the last may take a value. */
static int take_letters(const struct reader *reader, char **argv, int left, struct err *err)
{
	int r = 1;

	for (const char *letter = argv[0] + 1; *letter; letter++) {
		const char word[] = { '-', *letter, '\0' };
		const char *value;
		const struct option *o = find(reader->table, word, &value);

		if (!o || (*o->value_name && letter[1]))
			return unknown(reader, argv[0], err);
		r = take_option(reader, o, NULL, argv, left, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int take(const struct reader *reader, char **argv, int left, struct err *err)
{
	const char *value;
	const struct option *o = find(reader->table, argv[0], &value);

	if (o)
		return take_option(reader, o, value, argv, left, err);
	return argv[0][1] == '-' ? unknown(reader, argv[0], err)
				 : take_letters(reader, argv, left, err);
}

int options_parse(struct arena *arena, const struct option *table, bool first_only, int argc,
		  char **argv, void *values, bool *ret_help, struct err *err)
{
	const struct reader reader = { arena, table, values, ret_help };
	int done = 0; /* options, and their values, are moved to the front */

	for (int i = 0; i < argc;) {
		int taken;

		if (str_equal(argv[i], "--")) {
			memmove(argv + done + 1, argv + done, (size_t)(i - done) * sizeof(*argv));
			return done + 1;
		}
		if (argv[i][0] != '-' || argv[i][1] == '\0') {
			if (first_only)
				break;
			i++;
			continue;
		}
		taken = take(&reader, argv + i, argc - i, err);
		if (taken < 0)
			return taken;
		for (int k = 0; k < taken; k++, i++) {
			char *word = argv[i];

			memmove(argv + done + 1, argv + done, (size_t)(i - done) * sizeof(*argv));
			argv[done++] = word;
		}
	}
	return done;
}

static void help_rows(struct str *out, const struct option *table)
{
	enum { WIDTH = 30 };

	for (const struct option *o = table; *o->name; o++) {
		size_t start;

		if (!*o->help)
			continue;
		if (*o->group)
			str_addf(out, "%s%s:\n", o == table ? "" : "\n", o->group);
		start = out->len;
		str_add(out, "  ");
		if (o->letter)
			str_addf(out, "-%c, ", o->letter);
		str_addf(out, o->kind == OPTION_MAYBE ? "--%s[=%s%s]" : "--%s%s%s", o->name,
			 *o->value_name && o->kind != OPTION_MAYBE ? " " : "", o->value_name);
		if (out->len - start < WIDTH)
			str_addf(out, "%*s", (int)(WIDTH - (out->len - start)), "");
		str_addf(out, " %s\n", o->help);
	}
}

void options_help(struct str *out)
{
	str_add(out, "usage: usrun [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:\n");
	for (size_t i = 0; options_commands[i]; i++)
		str_addf(out, "  %-10s %s\n", options_commands[i]->name,
			 options_commands[i]->summary);
	str_add(out, "\nOptions:\n");
	help_rows(out, options_globals);
	str_add(out,
		"\n`usrun COMMAND --help` shows a command's options; man usrun has the rest.\n");
}

void options_help_command(struct str *out, const struct cmd *cmd)
{
	str_addf(out, "usage: usrun %s [OPTION...]%s%s\n\n%s\n\n%s", cmd->name,
		 *cmd->arguments ? " " : "", cmd->arguments, cmd->summary,
		 *cmd->options->group ? "" : "Options:\n");
	help_rows(out, cmd->options);
	help_rows(out, (const struct option[]){ help_option, { 0 } });
}
