// SPDX-License-Identifier: GPL-2.0
/* mrc: shows and configures MRC devices. See mrc(8). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

struct options opt;

static const struct object *const objects[] = {
	&dev_object, &port_object, &peer_object, &path_object, &qp_object,
	&profile_object, &cc_object, &srv6_object, &stat_object,
	&monitor_object, &probe_object, &top_object, &save_object,
	&restore_object, NULL
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "details", no_argument, NULL, 'd' },
	{ "Version", no_argument, NULL, 'V' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "batch", required_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },
	{ NULL, 0, NULL, 0 }
};

static int help(FILE *to)
{
	const struct command *command;
	int i;

	fprintf(to, "Usage: mrc [OPTIONS] OBJECT COMMAND ...\n\nObjects and commands:\n");
	for (i = 0; objects[i]; i++) {
		fprintf(to, "  %-7s %s\n", objects[i]->name, objects[i]->help);
		if (objects[i]->run) {
			fprintf(to, "          %s\n", objects[i]->synopsis);
			continue;
		}
		for (command = objects[i]->commands; command->name; command++)
			fprintf(to, "          %s %s\n", command->name,
				command->synopsis);
	}
	fprintf(to, "\nOptions:\n"
		"  -j, --json     listings in JSON\n"
		"  -p, --pretty   with line breaks\n"
		"  -d, --details  more columns; also -v\n"
		"  -V, --version  version of this tool\n"
		"  -b, --batch F  run the commands of file F (-: standard input), a line each\n"
		"  -f, --force    with -b: go on after an error\n"
		"\nWords may be abbreviated. \"mrc OBJECT help\" says more; so do mrc(8), mrc(7).\n");
	return 0;
}

static int object_help(const struct object *object)
{
	const struct command *command;

	printf("%s: %s\n\n", object->name, object->help);
	if (object->run) {
		printf("  mrc %s %s\n", object->name, object->synopsis);
		return 0;
	}
	for (command = object->commands; command->name; command++)
		printf("  mrc %s %s %s\n        %s\n", object->name,
		       command->name, command->synopsis, command->help);
	return 0;
}

static int run_object(const struct object *object, struct args *args)
{
	const char *names[8], *word;
	char what[64];
	int i;

	if (object->run) {
		if (args->n && !strcmp(args->v[0], "help"))
			return object_help(object);
		return object->run(args);
	}
	word = next_word(args);
	/* Without a command, as in iproute2: show. */
	if (!word)
		word = "show";
	for (i = 0; object->commands[i].name; i++)
		names[i] = object->commands[i].name;
	names[i] = "help";
	names[i + 1] = NULL;
	snprintf(what, sizeof(what), "command of %s", object->name);
	i = match(word, names, what);
	if (i < 0)
		return EXIT_USAGE;
	if (!object->commands[i].name)
		return object_help(object);
	return object->commands[i].run(args);
}

int run_command(struct args *args)
{
	const char *names[24];
	int i;

	for (i = 0; objects[i]; i++)
		names[i] = objects[i]->name;
	names[i] = "help";
	names[i + 1] = NULL;
	i = match(next_word(args), names, "object");
	if (i < 0)
		return EXIT_USAGE;
	if (!objects[i])
		return help(stdout);
	return run_object(objects[i], args);
}

/* The commands of a file, up to the first that fails unless @force. */
static int run_batch(const char *name, bool force)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "r") : stdin;
	char *line = NULL, *words[MAX_WORDS], place[300];
	struct args args;
	size_t room = 0;
	int ret = 0, n;

	if (!file)
		return usage("cannot read %s: %s", name, strerror(errno));
	for (n = 1; (force || !ret) && getline(&line, &room, file) >= 0; n++) {
		int err = 0;

		snprintf(place, sizeof(place), "%s:%d: ", name, n);
		where = place;
		args.v = words;
		args.n = split_line(line, words, MAX_WORDS);
		if (args.n)
			err = args.n < 0 ? EXIT_USAGE : run_command(&args);
		ret = ret ?: err;
		fflush(stdout);
	}
	where = "";
	if (ferror(file))
		ret = usage("cannot read %s: %s", name, strerror(errno));
	free(line);
	if (file != stdin)
		fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	const char *batch = NULL;
	struct args args;
	bool force = false;
	int c;

	while ((c = getopt_long(argc, argv, "+jpdvVhb:f", long_options,
				NULL)) != -1) {
		switch (c) {
		case 'j':
			opt.json = true;
			break;
		case 'p':
			opt.pretty = true;
			break;
		case 'd':
		case 'v':
			opt.details = true;
			break;
		case 'V':
			printf("mrc tool, netlink interface %d\n",
			       MRC_GENL_VERSION);
			return 0;
		case 'h':
			return help(stdout);
		case 'b':
			batch = optarg;
			break;
		case 'f':
			force = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	args.n = argc - optind;
	args.v = argv + optind;
	if (batch && args.n)
		return usage("commands come from %s, so \"%s\" cannot follow",
			     batch, args.v[0]);
	if (batch)
		return run_batch(batch, force);
	if (!args.n) {
		help(stderr);
		return EXIT_USAGE;
	}
	return run_command(&args);
}
