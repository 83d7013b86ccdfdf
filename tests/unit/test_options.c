/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/options.h"
#include "tests/lib/check.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct values {
	const char *text;
	struct option_list list;
	unsigned int number;
	int either;
	bool flag, maybe, unset;
};

static const struct option table[] = {
	{ 't', "text", OPTION_TEXT, offsetof(struct values, text), "X", "help" },
	{ 'e', "list", OPTION_LIST, offsetof(struct values, list), "X", "help" },
	{ 0, "number", OPTION_UINT, offsetof(struct values, number), "N", "help" },
	{ 'd', "flag", OPTION_FLAG, offsetof(struct values, flag), "", "help" },
	{ 0, "maybe", OPTION_BOOL, offsetof(struct values, maybe), "", "help" },
	{ 'M', "maybe", OPTION_BOOL, offsetof(struct values, maybe) },
	{ 0, "unset", OPTION_UNSET, offsetof(struct values, unset), "", "help" },
	{ 'E', "either", OPTION_EITHER, offsetof(struct values, either), "", "help" },
	{ 0, "ignored", OPTION_ACCEPTED, 0, "X", "help" },
	{ 0 },
};

static int parse(bool first_only, int argc, char **argv, struct values *v, struct err *err)
{
	static struct arena arena;
	bool help = false;

	*v = (struct values){ 0 };
	return options_parse(&arena, table, first_only, argc, argv, v, &help, err);
}

#define ARGV(...) ((char **)(uintptr_t)(const char *[]){ __VA_ARGS__, NULL })

TEST(all_spellings)
{
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 2, ARGV("--text", "a"), &v, &err), 2);
	CHECK_STR(v.text, "a");
	CHECK_INT(parse(false, 1, ARGV("--text=a=b"), &v, &err), 1);
	CHECK_STR(v.text, "a=b");
	CHECK_INT(parse(false, 1, ARGV("-flag"), &v, &err), 1);
	CHECK(v.flag);
	CHECK_INT(parse(false, 3, ARGV("-d", "-t", "x"), &v, &err), 3);
	CHECK(v.flag);
	CHECK_STR(v.text, "x");
	CHECK_INT(parse(false, 4, ARGV("-e", "1", "--list=2", "--maybe=false"), &v, &err), 4);
	CHECK_INT(v.list.n, 2);
	CHECK_STR(v.list.v[1], "2");
	CHECK(!v.maybe);
	CHECK_INT(parse(false, 2, ARGV("--ignored", "x"), &v, &err), 2);
}

TEST(letters_in_one_word)
{
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 2, ARGV("-dM", "id"), &v, &err), 1);
	CHECK(v.flag && v.maybe);
	CHECK_INT(parse(false, 3, ARGV("-dt", "x", "id"), &v, &err), 2);
	CHECK(v.flag);
	CHECK_STR(v.text, "x");
	CHECK_INT(parse(false, 2, ARGV("-td", "x"), &v, &err), -EINVAL);
	CHECK_STR(err.text, "flag provided but not defined: -td");
	CHECK_INT(parse(false, 1, ARGV("-dx"), &v, &err), -EINVAL);
	CHECK_STR(err.text, "flag provided but not defined: -dx");
	CHECK_INT(parse(false, 1, ARGV("-dt"), &v, &err), -EINVAL);
	CHECK_STR(err.text, "option -dt requires an argument (flag needs an argument: -dt)");
}

TEST(values_behind_an_equals_sign)
{
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 1, ARGV("-t=x"), &v, &err), 1);
	CHECK_STR(v.text, "x");
	CHECK_INT(parse(false, 1, ARGV("--flag=false"), &v, &err), 1);
	CHECK(!v.flag);
	CHECK_INT(parse(false, 2, ARGV("--text", "-d"), &v, &err), 2);
	CHECK_STR(v.text, "-d");
	CHECK(!v.flag);
	CHECK_INT(parse(false, 2, ARGV("--text=a", "--text=b"), &v, &err), 2);
	CHECK_STR(v.text, "b");
}

TEST(the_opposite_and_the_other_spelling)
{
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 1, ARGV("--unset=false"), &v, &err), 1);
	CHECK(v.unset);
	CHECK_INT(parse(false, 2, ARGV("--unset=no", "--unset"), &v, &err), 2);
	CHECK(!v.unset);
	CHECK_INT(parse(false, 1, ARGV("-M"), &v, &err), 1);
	CHECK(v.maybe);
}

TEST(a_flag_that_may_be_left_open)
{
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 1, ARGV("id"), &v, &err), 0);
	CHECK_INT(v.either, 0);
	CHECK_INT(parse(false, 1, ARGV("-E"), &v, &err), 1);
	CHECK_INT(v.either, 1);
	CHECK_INT(parse(false, 1, ARGV("--either=false"), &v, &err), 1);
	CHECK_INT(v.either, -1);
	CHECK_ERR(parse(false, 1, ARGV("--either=perhaps"), &v, &err), &err, "true or false");
}

TEST(words_and_options_mixed)
{
	char **argv = ARGV("id", "--flag", "word", "--text", "x");
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(false, 5, argv, &v, &err), 3);
	CHECK(v.flag);
	CHECK_STR(v.text, "x");
	CHECK_STR(argv[3], "id");
	CHECK_STR(argv[4], "word");
}

TEST(exec_stops_at_the_first_word)
{
	char **argv = ARGV("--flag", "id", "ls", "--text", "x");
	struct err err = { 0 };
	struct values v;

	CHECK_INT(parse(true, 5, argv, &v, &err), 1);
	CHECK(v.text == NULL);
	argv = ARGV("--", "--flag");
	CHECK_INT(parse(true, 2, argv, &v, &err), 1);
	CHECK(!v.flag);
}

TEST(errors_have_the_words_that_clients_read)
{
	struct err err = { 0 };
	struct values v;

	CHECK_ERR(parse(false, 1, ARGV("--nope"), &v, &err), &err, "--nope");
	CHECK_ERR(parse(false, 1, ARGV("--text"), &v, &err), &err, "requires an argument");
	CHECK_ERR(parse(false, 1, ARGV("--text"), &v, &err), &err, "flag needs an argument");
	CHECK_ERR(parse(false, 2, ARGV("--number", "x"), &v, &err), &err, "a number");
	CHECK_ERR(parse(false, 1, ARGV("--maybe=perhaps"), &v, &err), &err, "true or false");
}

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n") > longest)
			longest = strcspn(at, "\n");
	return longest;
}

TEST(every_command_is_found_and_explains_itself)
{
	for (size_t i = 0; options_commands[i]; i++) {
		struct str text = { 0 };

		CHECK(options_find(options_commands[i]->name) == options_commands[i]);
		options_help_command(&text, options_commands[i]);
		CHECK(text.len > 40);
		CHECK(longest_line(text.s) <= 80);
		str_done(&text);
	}
	CHECK(options_find("nope") == NULL);
}

/* A wrong guess is worse than none: "pull" is not a slip of "kill", nor "foo" of "do". */
TEST(slips_of_the_finger)
{
	CHECK_STR(options_nearest("stat"), "state");
	CHECK_STR(options_nearest("strat"), "start");
	CHECK_STR(options_nearest("lits"), "list");
	CHECK_STR(options_nearest("rnu"), "run");
	CHECK_STR(options_nearest("delet"), "delete");
	CHECK(options_nearest("migrate") == NULL);
	CHECK(options_nearest("pull") == NULL);
	CHECK(options_nearest("foo") == NULL);
	CHECK(options_nearest("cp") == NULL);
	CHECK(options_nearest("") == NULL);
	CHECK(options_nearest("a very long word that is no command at all") == NULL);
}

TEST(words_of_other_tools)
{
	CHECK_STR(options_nearest("ls"), "list");
	CHECK_STR(options_nearest("rm"), "delete");
	CHECK_STR(options_nearest("top"), "ps");
	CHECK_STR(options_nearest("unpause"), "resume");
	CHECK_STR(options_nearest("version"), "--version");
}

TEST(slips_in_options)
{
	static const struct {
		const struct option *table;
		const char *word, *hint;
	} cases[] = {
		{ table, "--txet", "did you mean --text?" },
		{ table, "-flga", "did you mean --flag?" },
		{ table, "--numbr=3", "did you mean --number?" },
		{ table, "--ignore", "did you mean --ignored?" },
		{ table, "--texts", "did you mean --text?" },
		{ table, "--rm", "" },
		{ table, "-x", "" },
		{ table, "--log-level=debug", "put it before the command: usrun --log-level ..." },
		{ options_globals, "--detach",
		  "it is an option of a command: put it after the command" },
		{ options_globals, "--rot", "did you mean --root?" },
	};
	static struct arena arena;
	struct options_global ignored;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char word[32], *argv[] = { word };
		struct err err = { 0 };
		bool help = false;

		(void)snprintf(word, sizeof(word), "%s", cases[i].word);
		ignored = (struct options_global){ 0 };
		CHECK_INT(
			options_parse(&arena, cases[i].table, true, 1, argv, &ignored, &help, &err),
			-EINVAL);
		CHECK_STR(err.hint, cases[i].hint);
	}
}

/* What a table says must be what help prints and completion offers. */
TEST(the_tables_are_sound)
{
	for (size_t i = 0; options_commands[i]; i++) {
		const struct cmd *cmd = options_commands[i];

		for (const struct option *o = cmd->options; *o->name; o++) {
			CHECK(!*o->help || o->help[strlen(o->help) - 1] != '.');
			CHECK(o->kind == OPTION_ACCEPTED || o->offset < cmd->options_size);
			CHECK(!*o->choices || *o->value_name);
			CHECK((o->kind != OPTION_FLAG && o->kind != OPTION_BOOL) ||
			      !*o->value_name);
			for (const struct option *other = cmd->options; other < o; other++)
				CHECK(!o->letter || other->letter != o->letter);
		}
		CHECK(!i || strcmp(options_commands[i - 1]->name, cmd->name) < 0);
	}
}

static int parse_row(const struct option *o, char *word, void *values, struct err *err)
{
	const struct option table_of_one[] = { *o, { 0 } };
	struct arena arena = { 0 };
	char *argv[] = { word, NULL };
	bool help = false;
	int r;

	*err = (struct err){ 0 };
	r = options_parse(&arena, table_of_one, true, 1, argv, values, &help, err);
	arena_free(&arena);
	return r;
}

/* "--option $DIR" of a script that has not set DIR. */
static void check_row(const struct option *o)
{
	static char values[4096];
	bool is_text = o->kind == OPTION_TEXT || o->kind == OPTION_MAYBE ||
		       o->kind == OPTION_LIST || o->kind == OPTION_TAGGED;
	char word[64], expected[64];
	struct err err;
	int r;

	(void)snprintf(word, sizeof(word), "--%s=", o->name);
	(void)snprintf(expected, sizeof(expected), "--%s: expected ", o->name);
	memset(values, 0, sizeof(values));
	r = parse_row(o, word, values, &err);
	if (o->may_be_empty || o->kind == OPTION_ACCEPTED) {
		CHECK_INT(r, 1);
		return;
	}
	CHECK_ERR(r, &err, expected);
	if (is_text && !*o->choices)
		CHECK(strstr(err.text, ", got an empty string"));
}

TEST(no_option_takes_an_empty_value)
{
	for (const struct option *o = options_globals; *o->name; o++)
		check_row(o);
	for (size_t i = 0; options_commands[i]; i++)
		for (const struct option *o = options_commands[i]->options; *o->name; o++)
			check_row(o);
}

/* A value only behind "=": the next word is the command's. */
TEST(a_value_may_be_left_out)
{
	static const struct option maybe[] = {
		{ 0, "changes", OPTION_MAYBE, 0, "all|json", "x", "all json" },
		{ 0 },
	};
	static const struct {
		const char *word, *value;
		int taken;
	} rows[] = { { "--changes", "", 1 },
		     { "--changes=json", "json", 1 },
		     { "--changes=x", "", -EINVAL } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *argv[] = { (char *)(uintptr_t)rows[i].word, (char *)(uintptr_t) "all", NULL };
		struct arena arena = { 0 };
		const char *value = NULL;
		bool help = false;
		struct err err = { 0 };

		CHECK_INT(options_parse(&arena, maybe, true, 2, argv, &value, &help, &err),
			  rows[i].taken);
		CHECK_STR(value ? value : "", rows[i].value);
		arena_free(&arena);
	}
}
