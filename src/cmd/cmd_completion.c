/* SPDX-License-Identifier: Apache-2.0 */
/* Shell completion, generated from the option tables. */
#include "src/cmd/common.h"
#include "src/cmd/options.h"

#include <stdio.h>

static const struct option options[] = { { 0 } };

static void words(struct str *out, const struct option *table)
{
	for (const struct option *o = table; o->name; o++)
		str_addf(out, " --%s", o->name);
}

static void command_names(struct str *out)
{
	for (size_t i = 0; options_commands[i]; i++)
		str_addf(out, " %s", options_commands[i]->name);
}

static void bash(struct str *out)
{
	str_add(out, "# bash completion for usrun\n_usrun() {\n"
		     "    local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
		     "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "        case ${COMP_WORDS[i]} in\n        ");
	for (size_t i = 0; options_commands[i]; i++)
		str_addf(out, "%s%s", i ? "|" : "", options_commands[i]->name);
	str_add(out, ") command=${COMP_WORDS[i]}; break ;;\n        esac\n    done\n"
		     "    local options\n    case $command in\n");
	for (size_t i = 0; options_commands[i]; i++) {
		str_addf(out, "    %s) options=\"--help", options_commands[i]->name);
		words(out, options_commands[i]->options);
		str_add(out, "\" ;;\n");
	}
	str_add(out, "    *) options=\"");
	command_names(out);
	words(out, options_globals);
	str_add(out, "\" ;;\n    esac\n"
		     "    if [[ $word == -* || -z $command ]]; then\n"
		     "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
		     "    else\n"
		     "        COMPREPLY=($(compgen -W \"$(usrun list -q 2>/dev/null)\" -- \"$word\"))\n"
		     "    fi\n}\ncomplete -o default -F _usrun usrun\n");
}

/* A text in single quotes, where zsh also wants brackets and colons escaped. */
static void quoted(struct str *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			str_add(out, "'\\'");
		else
			for (const char *c = special; *c; c++)
				if (*c == *text)
					str_add(out, "\\");
		str_addn(out, text, 1);
	}
}

static void zsh_table(struct str *out, const struct option *table)
{
	for (const struct option *o = table; o->name; o++) {
		str_addf(out, " '--%s[", o->name);
		quoted(out, o->help, "[]:");
		str_addf(out, "]%s'", o->value_name ? ":value:_files" : "");
	}
}

static void zsh(struct str *out)
{
	str_add(out, "#compdef usrun\n_usrun() {\n    local -a commands\n    commands=(");
	for (size_t i = 0; options_commands[i]; i++) {
		str_addf(out, "\n        '%s:", options_commands[i]->name);
		quoted(out, options_commands[i]->summary, ":");
		str_add(out, "'");
	}
	str_add(out, "\n    )\n    _arguments -C");
	zsh_table(out, options_globals);
	str_add(out, " '1:command:->command' '*::argument:->argument'\n    case $state in\n"
		     "    command) _describe command commands ;;\n    argument)\n        case $words[1] in\n");
	for (size_t i = 0; options_commands[i]; i++) {
		str_addf(out, "        %s) _arguments", options_commands[i]->name);
		zsh_table(out, options_commands[i]->options);
		str_add(out, " '*:container:($(usrun list -q 2>/dev/null))' ;;\n");
	}
	str_add(out, "        esac ;;\n    esac\n}\n_usrun \"$@\"\n");
}

static void fish_table(struct str *out, const char *condition, const struct option *table)
{
	for (const struct option *o = table; o->name; o++) {
		str_addf(out, "complete -c usrun -n '%s' -l %s", condition, o->name);
		if (o->letter)
			str_addf(out, " -s %c", o->letter);
		str_addf(out, "%s -d '", o->value_name ? " -r" : "");
		quoted(out, o->help, "");
		str_add(out, "'\n");
	}
}

static void fish(struct str *out)
{
	char condition[96];

	str_add(out, "# fish completion for usrun\ncomplete -c usrun -f\n");
	fish_table(out, "__fish_use_subcommand", options_globals);
	for (size_t i = 0; options_commands[i]; i++) {
		const struct cmd *cmd = options_commands[i];

		str_addf(out, "complete -c usrun -n __fish_use_subcommand -a %s -d '", cmd->name);
		quoted(out, cmd->summary, "");
		str_add(out, "'\n");
		(void)snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s", cmd->name);
		fish_table(out, condition, cmd->options);
	}
}

static int run(struct arena *arena, const struct cmd_globals *globals, const void *data, int argc,
	       char **argv, struct err *err)
{
	_cleanup_str_ struct str out = { 0 };

	(void)arena;
	(void)globals;
	(void)data;
	(void)argc;
	if (str_equal(argv[0], "bash"))
		bash(&out);
	else if (str_equal(argv[0], "zsh"))
		zsh(&out);
	else if (str_equal(argv[0], "fish"))
		fish(&out);
	else
		return err_set(err, EINVAL, "expected bash, zsh or fish, got \"%s\"", argv[0]);
	return common_print_text(&out, err);
}

const struct cmd cmd_completion = {
	.name = "completion",
	.summary = "print the completion script of a shell",
	.arguments = "bash|zsh|fish",
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
