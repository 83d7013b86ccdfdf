/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cmd/completion.h"

#include "src/cmd/options.h"
#include "src/oci/names.h"

#include <stdio.h>
#include <string.h>

#define IDS "$(usrun \"${root[@]}\" list -q 2>/dev/null)"

/* Commands that create a container take an id that does not exist yet. */
static bool takes_id(const struct cmd *cmd)
{
	static const char *const makers[] = { "create", "restore", "run" };

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (str_equal(cmd->name, makers[i]))
			return false;
	return str_starts(cmd->arguments, "ID") || str_starts(cmd->arguments, "[ID");
}

/* The arguments of a command that takes neither an id nor a command line: "bash|zsh|fish". */
static bool takes_words(const struct cmd *cmd)
{
	return *cmd->arguments >= 'a' && *cmd->arguments <= 'z';
}

/* "a|b" with blanks, for the shells. */
static void add_words(struct str *out, const char *alternatives)
{
	for (; *alternatives; alternatives++)
		str_addn(out, *alternatives == '|' ? " " : alternatives, 1);
}

/* After the id: the names of signals, without "SIG". */
static bool takes_signal(const struct cmd *cmd)
{
	return strstr(cmd->arguments, "SIGNAL");
}

static void add_signals(struct str *out)
{
	const char *name;

	for (int signal = 1; signal < 32; signal++) {
		name = names_signal_name(signal);
		if (name)
			str_addf(out, "%s%s", signal > 1 ? " " : "", name + strlen("SIG"));
	}
}

static bool takes_directory(const struct option *o)
{
	return str_equal(o->value_name, "DIR");
}

static bool takes_file(const struct option *o)
{
	return str_equal(o->value_name, "FILE") || str_equal(o->value_name, "PATH") ||
	       str_equal(o->value_name, "SOCKET");
}

/* A text between single quotes; zsh also wants brackets and colons escaped. */
static void add_quoted(struct str *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\'");
		else if (strchr(special, *text))
			str_add(out, "\\");
		str_addn(out, text, 1);
	}
}

/* bash */

static void bash_words(struct str *out, const struct option *table)
{
	for (const struct option *o = table; *o->name; o++)
		if (*o->help)
			str_addf(out, " --%s", o->name);
}

/* Case patterns that match the options with values: "run:--bundle|run:-b". */
static void bash_pattern(struct str *out, const char *command, const struct option *o)
{
	str_addf(out, "%s:--%s", command, o->name);
	if (o->letter)
		str_addf(out, "|%s:-%c", command, o->letter);
}

static void bash_values(struct str *out, const char *command, const struct option *table)
{
	for (const struct option *o = table; *o->name; o++) {
		if (!*o->value_name)
			continue;
		str_add(out, "    ");
		bash_pattern(out, command, o);
		if (*o->choices) {
			str_add(out, ") words=\"");
			str_add(out, o->choices);
			str_add(out, "\" ;;\n");
		} else {
			str_addf(out, ") %s ;;\n",
				 takes_directory(o) ? "kind=-d"
				 : takes_file(o)    ? "kind=-f"
						    : "return");
		}
	}
}

static void bash_skip(struct str *out, const char *command, const struct option *table, bool *some)
{
	for (const struct option *o = table; *o->name; o++) {
		if (!*o->value_name || o->kind == OPTION_MAYBE)
			continue;
		str_add(out, *some ? "|" : "        ");
		bash_pattern(out, command, o);
		*some = true;
	}
}

/* Parses the line: finds the command, whether an id was given, and the state directory. */
static void bash_walk(struct str *out)
{
	bool some = false;

	str_add(out, "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "        option=$command:${COMP_WORDS[i]}\n"
		     "        case $option in\n"
		     "        *:=) ;;\n");
	bash_skip(out, "", options_globals, &some);
	for (size_t i = 0; options_commands[i]; i++)
		bash_skip(out, options_commands[i]->name, options_commands[i]->options, &some);
	str_add(out,
		")\n"
		"            ((i++))\n"
		"            [ \"${COMP_WORDS[i]}\" = = ] && ((i++))\n"
		"            [ \"$option\" = :--root ] && root=(--root \"${COMP_WORDS[i]}\") ;;\n"
		"        *:-*) ;;\n"
		"        :*) command=${COMP_WORDS[i]} ;;\n"
		"        *) ((arguments++)) ;;\n"
		"        esac\n"
		"    done\n");
}

static void bash_commands(struct str *out)
{
	str_add(out, "    case $command in\n    '') words=\"");
	for (size_t i = 0; options_commands[i]; i++)
		str_addf(out, "%s%s", i ? " " : "", options_commands[i]->name);
	bash_words(out, options_globals);
	str_add(out, "\" ;;\n");
	for (size_t i = 0; options_commands[i]; i++) {
		const struct cmd *cmd = options_commands[i];

		str_addf(out, "    %s) words=\"--help", cmd->name);
		bash_words(out, cmd->options);
		if (takes_words(cmd)) {
			str_add(out, " ");
			add_words(out, cmd->arguments);
		}
		str_add(out, "\"");
		if (takes_id(cmd))
			str_add(out, "\n        [[ $word = -* ]] || words=''\n"
				     "        [[ $word = -* || $arguments -gt 0 ]] || "
				     "words=" IDS);
		else if (str_starts(cmd->arguments, "ID"))
			str_add(out, "\n        [[ $word = -* || $arguments -gt 0 ]] || words=''\n"
				     "        [[ $word = -* ]] || compopt +o default 2>/dev/null");
		if (takes_signal(cmd)) {
			str_add(out, "\n        [[ $word = -* || $arguments -ne 1 ]] || words=\"");
			add_signals(out);
			str_add(out, "\"");
		}
		str_add(out, " ;;\n");
	}
	str_add(out, "    esac\n");
}

void completion_bash(struct str *out)
{
	str_add(out,
		"# bash completion for usrun, generated from its option tables\n"
		"_usrun() {\n"
		"    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"    local command='' words='' kind='' option arguments=0 i\n"
		"    local -a root=()\n"
		"    [ \"$word\" = = ] && word=\n"
		"    [ \"$before\" = = ] && before=${COMP_WORDS[COMP_CWORD - 2]}\n");
	bash_walk(out);
	str_add(out, "    case $command:$before in\n");
	bash_values(out, "", options_globals);
	for (size_t i = 0; options_commands[i]; i++)
		bash_values(out, options_commands[i]->name, options_commands[i]->options);
	str_add(out, "    esac\n"
		     "    if [ -n \"$kind\" ]; then\n"
		     "        mapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$word\")\n"
		     "        return\n"
		     "    fi\n"
		     "    if [ -z \"$words\" ]; then\n");
	bash_commands(out);
	str_add(out, "    fi\n"
		     "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
		     "}\n"
		     "complete -o default -F _usrun usrun\n");
}

/* zsh */

static void zsh_value(struct str *out, const struct option *o)
{
	if (o->kind == OPTION_MAYBE)
		str_add(out, ":");
	if (*o->choices) {
		str_add(out, ":value:(");
		str_add(out, o->choices);
		str_add(out, ")");
	} else if (*o->value_name) {
		str_addf(out, ":value:%s",
			 takes_directory(o) ? "_files -/"
			 : takes_file(o)    ? "_files"
					    : " ");
	}
}

static void zsh_table(struct str *out, const struct option *table)
{
	for (const struct option *o = table; *o->name; o++) {
		const char *repeat = o->kind == OPTION_LIST || o->kind == OPTION_TAGGED ? "*" : "";

		if (!*o->help)
			continue;
		str_add(out, " \\\n            ");
		if (o->letter && !*repeat)
			str_addf(out, "'(-%c --%s)'{-%c,--%s}'[", o->letter, o->name, o->letter,
				 o->name);
		else if (o->letter)
			str_addf(out, "'*'{-%c,--%s}'[", o->letter, o->name);
		else
			str_addf(out, "'%s--%s%s[", repeat, o->name,
				 o->kind == OPTION_MAYBE ? "=-" : "");
		add_quoted(out, o->help, "[]:");
		str_add(out, "]");
		zsh_value(out, o);
		str_add(out, "'");
	}
}

static void zsh_command(struct str *out, const struct cmd *cmd)
{
	str_addf(out,
		 "        %s)\n            _arguments '(-h --help)'{-h,--help}'[print this text]'",
		 cmd->name);
	zsh_table(out, cmd->options);
	if (takes_words(cmd)) {
		str_add(out, " \\\n            '1:word:(");
		add_words(out, cmd->arguments);
		str_add(out, ")'");
	} else if (takes_id(cmd)) {
		str_add(out, " \\\n            \"1:container:(" IDS ")\"");
	}
	if (takes_signal(cmd)) {
		str_add(out, " \\\n            '2:signal:(");
		add_signals(out);
		str_add(out, ")'");
	}
	if (cmd->max_args < 0)
		str_add(out, " '*::command: _normal'");
	str_add(out, "\n            ;;\n");
}

void completion_zsh(struct str *out)
{
	str_add(out, "#compdef usrun\n"
		     "# zsh completion for usrun, generated from its option tables\n"
		     "_usrun() {\n"
		     "    local context state line curcontext=$curcontext\n"
		     "    typeset -A opt_args\n"
		     "    local -a commands root\n"
		     "    commands=(");
	for (size_t i = 0; options_commands[i]; i++) {
		str_addf(out, "\n        '%s:", options_commands[i]->name);
		add_quoted(out, options_commands[i]->summary, ":");
		str_add(out, "'");
	}
	str_add(out, "\n    )\n    _arguments -C");
	zsh_table(out, options_globals);
	str_add(out, " \\\n            '1:command:->command' '*::argument:->argument'\n"
		     "    [[ -n ${opt_args[--root]} ]] && root=(--root ${(Q)opt_args[--root]})\n"
		     "    case $state in\n"
		     "    command) _describe command commands ;;\n"
		     "    argument)\n        case $words[1] in\n");
	for (size_t i = 0; options_commands[i]; i++)
		zsh_command(out, options_commands[i]);
	/* Called under the name of the installed file, or else sourced. */
	str_add(out, "        esac ;;\n    esac\n}\n"
		     "if [ \"${funcstack[1]}\" = _usrun ]; then\n    _usrun \"$@\"\n"
		     "else\n    compdef _usrun usrun\nfi\n");
}

/* fish */

static void fish_table(struct str *out, const char *condition, const struct option *table)
{
	for (const struct option *o = table; *o->name; o++) {
		if (!*o->help)
			continue;
		str_addf(out, "complete -c usrun -n '%s' -l %s", condition, o->name);
		if (o->letter)
			str_addf(out, " -s %c", o->letter);
		if (*o->choices) {
			str_add(out, o->kind == OPTION_MAYBE ? " -f -a '" : " -x -a '");
			str_add(out, o->choices);
			str_add(out, "'");
		} else if (*o->value_name && o->kind != OPTION_MAYBE) {
			str_add(out, takes_directory(o) ? " -x -a '(__fish_complete_directories)'"
				     : takes_file(o)    ? " -r -F"
							: " -x");
		}
		str_add(out, " -d '");
		add_quoted(out, o->help, "\\");
		str_add(out, "'\n");
	}
}

static void fish_command(struct str *out, const struct cmd *cmd)
{
	char condition[96];

	str_addf(out, "complete -c usrun -n __fish_use_subcommand -a %s -d '", cmd->name);
	add_quoted(out, cmd->summary, "\\");
	str_add(out, "'\n");
	(void)snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", cmd->name);
	str_addf(out, "complete -c usrun -n '%s' -l help -s h -d 'print this text'\n", condition);
	fish_table(out, condition, cmd->options);
	if (takes_words(cmd)) {
		str_addf(out, "complete -c usrun -n '%s' -a '", condition);
		add_words(out, cmd->arguments);
		str_add(out, "'\n");
	}
	if (takes_id(cmd))
		str_addf(out, "complete -c usrun -n '%s' -a '(usrun list -q 2>/dev/null)'\n",
			 condition);
	if (takes_signal(cmd)) {
		str_addf(out, "complete -c usrun -n '%s' -a '", condition);
		add_signals(out);
		str_add(out, "'\n");
	}
}

void completion_fish(struct str *out)
{
	str_add(out, "# fish completion for usrun, generated from its option tables\n"
		     "complete -c usrun -f\n");
	fish_table(out, "__fish_use_subcommand", options_globals);
	for (size_t i = 0; options_commands[i]; i++)
		fish_command(out, options_commands[i]);
}
