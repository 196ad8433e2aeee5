// SPDX-License-Identifier: GPL-2.0
/*
 * mrc save and mrc restore: the configuration as commands, and back. What is
 * restored is a state: the difference between the file and what there is
 * is made, all of it or nothing.
 */
#include <errno.h>
#include <netlink/msg.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

#define NAME	64
#define PLANES	32

struct device {
	char name[NAME];
	char netdev[NAME];
	uint32_t index;
	uint32_t values[NUM_SETTINGS];
	bool given[NUM_SETTINGS];
	char ports[PLANES][NAME];	/* netdev, "": none */
	char *cc, *profiles;		/* commands, a line each; NULL: none */
	char used[NAME];		/* profile, "": none */
};

struct config {
	struct device *devs;
	size_t n;
};

static struct config have;

static struct device *find(const struct config *config, const char *name)
{
	size_t i;

	for (i = 0; i < config->n; i++) {
		if (!strcmp(config->devs[i].name, name))
			return &config->devs[i];
	}
	return NULL;
}

static struct device *add(struct config *config, const char *name)
{
	struct device *dev;

	config->devs = must(realloc(config->devs,
				    (config->n + 1) * sizeof(*dev)));
	dev = &config->devs[config->n++];
	memset(dev, 0, sizeof(*dev));
	snprintf(dev->name, NAME, "%s", name);
	return dev;
}

/* ------------------------------------------------------------ what there is */

static void on_device(struct nlattr **attrs)
{
	struct device *dev = add(&have, get_string(attrs, MRC_A_DEV_NAME));
	size_t i;

	snprintf(dev->netdev, NAME, "%s", get_string(attrs, MRC_A_DEV_IFNAME));
	dev->index = get_u32(attrs, MRC_A_DEV_INDEX);
	for (i = 0; i < NUM_SETTINGS; i++) {
		/* An older module may not know all. */
		dev->given[i] = attrs[settings[i].attr];
		dev->values[i] = get_u32(attrs, settings[i].attr);
	}
}

static void on_port(struct nlattr **attrs)
{
	struct device *dev = find(&have, get_string(attrs, MRC_A_PORT_DEV));
	uint32_t plane = get_u32(attrs, MRC_A_PORT_PLANE);

	if (dev && plane < PLANES)
		snprintf(dev->ports[plane], NAME, "%s",
			 get_string(attrs, MRC_A_PORT_IFNAME));
}

/* Add lines to @text, which may be NULL, by @print. */
static void append(char **text, void (*print)(FILE *to, struct nlattr **attrs),
		   struct nlattr **attrs)
{
	char *more, *both;
	size_t size;
	FILE *to = must(open_memstream(&more, &size));

	print(to, attrs);
	fclose(to);
	both = must(malloc((*text ? strlen(*text) : 0) + size + 1));
	strcpy(both, *text ?: "");
	strcat(both, more);
	free(more);
	free(*text);
	*text = both;
}

static void on_cc(struct nlattr **attrs)
{
	struct device *dev = find(&have, get_string(attrs, MRC_A_CC_DEV));

	if (dev)
		append(&dev->cc, print_cc, attrs);
}

static void end_line(FILE *to, struct nlattr **attrs)
{
	(void)attrs;
	fputc('\n', to);
}

static void on_profile(struct nlattr **attrs)
{
	struct device *dev = find(&have, get_string(attrs, MRC_A_PROFILE_DEV));

	if (!dev)
		return;
	if (dev->profiles && !get_u32(attrs, MRC_A_PROFILE_OFFSET))
		append(&dev->profiles, end_line, attrs);
	append(&dev->profiles, print_profile, attrs);
	if (get_u32(attrs, MRC_A_PROFILE_IN_USE))
		snprintf(dev->used, NAME, "%s",
			 get_string(attrs, MRC_A_PROFILE_NAME));
}

static int read_config(const struct filter *filter)
{
	size_t i;
	int ret;

	free(have.devs);
	memset(&have, 0, sizeof(have));
	ret = fetch(&dev_list, filter, on_device) ?:
	      fetch(&port_list, filter, on_port) ?:
	      fetch(&cc_list, filter, on_cc) ?:
	      fetch(&profile_list, filter, on_profile);
	for (i = 0; i < have.n; i++) {
		if (have.devs[i].profiles)
			append(&have.devs[i].profiles, end_line, NULL);
	}
	return ret;
}

/* ------------------------------------------------------------ save */

static void print_lines(const char *text)
{
	const char *end;

	for (; text && *text; text = end + 1) {
		end = strchr(text, '\n');
		printf("mrc %.*s\n", (int)(end - text), text);
	}
}

static void print_device(const struct device *dev)
{
	size_t i;

	printf("rdma link add %s type mrc netdev %s\n", dev->name, dev->netdev);
	for (i = 0; i < PLANES; i++) {
		if (dev->ports[i][0])
			printf("mrc port add %s netdev %s plane %zu\n",
			       dev->name, dev->ports[i], i);
	}
	for (i = 0; i < NUM_SETTINGS; i++) {
		if (dev->given[i])
			printf("mrc dev set %s %s %u\n", dev->name,
			       settings[i].name, dev->values[i]);
	}
	print_lines(dev->cc);
	print_lines(dev->profiles);
	if (dev->used[0])
		printf("mrc profile use %s name %s\n", dev->name, dev->used);
}

static int save(struct args *args)
{
	struct param params[] = { { .name = NULL } };
	struct filter filter = {};
	size_t i;
	int ret;

	ret = parse_params(args, params, &filter.dev, false) ?:
	      read_config(&filter);
	for (i = 0; !ret && i < have.n; i++)
		print_device(&have.devs[i]);
	return ret;
}

/* ------------------------------------------------------------ the file */

static const char *file_name;

static struct device *device_of(struct config *want, const char *name)
{
	if (strlen(name) >= NAME)
		return NULL;
	return find(want, name) ?: add(want, name);
}

/* rdma link add NAME type mrc netdev NETDEV */
static int parse_link(struct config *want, char **w, int n)
{
	struct device *dev;

	if (n != 8 || strcmp(w[1], "link") || strcmp(w[2], "add") ||
	    strcmp(w[4], "type") || strcmp(w[5], "mrc") ||
	    strcmp(w[6], "netdev") || strlen(w[7]) >= NAME)
		return usage("this should be \"rdma link add NAME type mrc netdev NETDEV\"");
	dev = device_of(want, w[3]);
	if (!dev)
		return usage("the name of the device is too long");
	snprintf(dev->netdev, NAME, "%s", w[7]);
	return 0;
}

/* mrc port add DEV netdev NETDEV plane N */
static int parse_port(struct config *want, char **w, int n)
{
	struct device *dev;
	uint32_t plane;
	const struct param param = { .name = "plane", .value = &plane,
				     .max = PLANES - 1 };

	if (n != 8 || strcmp(w[2], "add") || strcmp(w[4], "netdev") ||
	    strcmp(w[6], "plane") || strlen(w[5]) >= NAME)
		return usage("this should be \"mrc port add DEV netdev NETDEV plane N\"");
	if (parse_number(&param, w[7]))
		return EXIT_USAGE;
	dev = device_of(want, w[3]);
	if (!dev)
		return usage("the name of the device is too long");
	if (dev->ports[plane][0])
		return usage("the plane has a port already");
	snprintf(dev->ports[plane], NAME, "%s", w[5]);
	return 0;
}

/* mrc dev set DEV SETTING VALUE ... */
static int parse_set(struct config *want, char **w, int n)
{
	struct args args = { .n = n - 3, .v = w + 3 };
	struct param params[NUM_SETTINGS + 1];
	uint32_t values[NUM_SETTINGS];
	const char *name = NULL;
	struct device *dev;
	size_t i;

	if (n < 6 || strcmp(w[2], "set"))
		return usage("this should be \"mrc dev set DEV SETTING VALUE\"");
	settings_params(params, values);
	if (parse_params(&args, params, &name, true))
		return EXIT_USAGE;
	dev = device_of(want, name);
	if (!dev)
		return usage("the name of the device is too long");
	for (i = 0; i < NUM_SETTINGS; i++) {
		if (!params[i].given)
			continue;
		dev->given[i] = true;
		dev->values[i] = values[i];
	}
	return 0;
}

static void join(FILE *to, char **w, int n)
{
	int i;

	for (i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? " " : "", w[i]);
	fputc('\n', to);
}

/*
 * mrc cc set DEV ..., mrc profile add DEV name NAME ..., mrc profile use DEV
 * name NAME: kept as they are; their commands check them.
 */
static int parse_kept(struct config *want, char **w, int n)
{
	bool cc = !strcmp(w[1], "cc");
	char **text, *more, *both;
	struct device *dev;
	size_t size;
	FILE *to;

	if (n < 6 || (strcmp(w[2], cc ? "set" : "add") &&
		      (cc || strcmp(w[2], "use"))))
		return usage("this should be \"mrc cc set\", \"mrc profile add\" or \"mrc profile use\" as \"mrc save\" prints it");
	dev = device_of(want, w[3]);
	if (!dev)
		return usage("the name of the device is too long");
	if (!strcmp(w[2], "use")) {
		snprintf(dev->used, NAME, "%s", w[5]);
		return 0;
	}
	text = cc ? &dev->cc : &dev->profiles;
	to = must(open_memstream(&more, &size));
	fputs(*text ?: "", to);
	join(to, w + 1, n - 1);
	fclose(to);
	both = *text;
	*text = more;
	free(both);
	return 0;
}

static int parse_line(struct config *want, char *line)
{
	char *words[64], *word, *rest = line;
	int n = 0;

	line[strcspn(line, "#\n")] = '\0';
	while (n < 64 && (word = strtok_r(n ? NULL : line, " \t", &rest)))
		words[n++] = word;
	if (!n)
		return 0;
	if (!strcmp(words[0], "rdma"))
		return parse_link(want, words, n);
	if (!strcmp(words[0], "mrc") && n > 2) {
		if (!strcmp(words[1], "port"))
			return parse_port(want, words, n);
		if (!strcmp(words[1], "dev"))
			return parse_set(want, words, n);
		if (!strcmp(words[1], "cc") || !strcmp(words[1], "profile"))
			return parse_kept(want, words, n);
	}
	return usage("not a command that \"mrc save\" prints");
}

static int read_file(struct config *want, FILE *file)
{
	char *line = NULL, place[300];
	size_t room = 0;
	int ret = 0, n = 0;

	while (!ret && getline(&line, &room, file) >= 0) {
		snprintf(place, sizeof(place), "%s:%d: ", file_name, ++n);
		where = place;
		ret = parse_line(want, line);
	}
	where = "";
	free(line);
	if (!ret && ferror(file))
		ret = usage("cannot read %s: %s", file_name, strerror(errno));
	return ret;
}

/* ------------------------------------------------------------ restore */

static int link_add(const char *name, const char *netdev)
{
	struct nl_msg *msg = new_rdma_request(RDMA_NLDEV_CMD_NEWLINK);

	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, RDMA_NLDEV_ATTR_DEV_NAME, name);
	nla_put_string(msg, RDMA_NLDEV_ATTR_LINK_TYPE, "mrc");
	nla_put_string(msg, RDMA_NLDEV_ATTR_NDEV_NAME, netdev);
	return run_rdma(msg, NULL);
}

static int link_del(uint32_t index)
{
	struct nl_msg *msg = new_rdma_request(RDMA_NLDEV_CMD_DELLINK);

	if (!msg)
		return EXIT_KERNEL;
	nla_put_u32(msg, RDMA_NLDEV_ATTR_DEV_INDEX, index);
	return run_rdma(msg, NULL);
}

/* Something was changed, so an error has something to undo. */
static bool changed;

static int did(int ret)
{
	changed |= !ret;
	return ret;
}

/* Run commands, a line each. */
static int run_lines(const char *text)
{
	char *copy = must(strdup(text)), *line, *lines = copy;
	int ret = 0;

	while (!ret && (line = strsep(&lines, "\n"))) {
		char *words[64], *word;
		struct args args = { .v = words };

		while (args.n < 64 && (word = strsep(&line, " ")))
			words[args.n++] = word;
		if (*words[0])
			ret = did(run_command(&args));
	}
	free(copy);
	return ret;
}

/* A command about one profile. */
static int profile_command(const char *command, const char *dev,
			   const char *name)
{
	char text[3 * NAME];

	snprintf(text, sizeof(text), "profile %s %s name %s", command, dev,
		 name);
	return run_lines(text);
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ?: "", b ?: "");
}

/* The profiles of @now go, those of @want come. */
static int apply_profiles(const struct device *now, const struct device *want)
{
	const char *p;
	int ret = 0;

	if (same(now->profiles, want->profiles) &&
	    !strcmp(now->used, want->used))
		return 0;
	if (now->used[0])
		ret = profile_command("use", now->name, "auto");
	for (p = now->profiles; !ret && p && *p; p = strchr(p, '\n') + 1) {
		char name[NAME];

		if (sscanf(p, "profile add %*s name %63s", name) == 1)
			ret = profile_command("del", now->name, name);
	}
	if (!ret && want->profiles)
		ret = run_lines(want->profiles);
	if (!ret && want->used[0])
		ret = profile_command("use", now->name, want->used);
	return ret;
}

/*
 * Make @now, a device that exists, what @want says; @now is kept up to date.
 * What has a line for the device itself describes all of it; otherwise what is
 * not said stays.
 */
static int apply(struct device *now, const struct device *want)
{
	bool any = false, whole = want->netdev[0];
	int ret = 0;
	size_t i;

	/* First what the kernel checks as a whole. */
	for (i = 0; i < NUM_SETTINGS; i++)
		any |= want->given[i];
	if (any)
		ret = did(set_settings(want->name, want->values, want->given));
	if (!ret && want->cc && !same(now->cc, want->cc))
		ret = run_lines(want->cc);
	if (!ret && whole)
		ret = apply_profiles(now, want);
	for (i = 0; !ret && whole && i < PLANES; i++) {
		if (!now->ports[i][0] || !strcmp(now->ports[i], want->ports[i]))
			continue;
		ret = did(del_port(now->name, now->ports[i]));
		if (!ret)
			now->ports[i][0] = '\0';
	}
	for (i = 0; !ret && i < PLANES; i++) {
		if (!want->ports[i][0] || now->ports[i][0])
			continue;
		ret = did(add_port(now->name, want->ports[i], i));
		if (!ret)
			memcpy(now->ports[i], want->ports[i], NAME);
	}
	return ret;
}

/* A device of the file: make it if there is none, then make it as it says. */
static int restore_device(const struct device *want, struct device *was)
{
	const struct filter all = {};
	struct device *now;
	int ret;

	if (was && want->netdev[0] && strcmp(was->netdev, want->netdev)) {
		usage("%s is on %s: remove it first with \"rdma link delete %s\"",
		      want->name, was->netdev, want->name);
		return EXIT_KERNEL;
	}
	if (!was) {
		if (!want->netdev[0]) {
			usage("there is no %s, and no \"rdma link add\" for it in the file",
			      want->name);
			return EXIT_KERNEL;
		}
		ret = did(link_add(want->name, want->netdev));
		if (ret)
			return ret;
	}
	ret = read_config(&all);
	if (ret)
		return ret;
	now = find(&have, want->name);
	if (!now) {
		usage("%s has come under another name: udev renames it, see mrc(7)",
		      want->name);
		return EXIT_KERNEL;
	}
	return apply(now, want);
}

/* Make the device again what it was before, or nothing. */
static int undo(const struct device *want, const struct device *was)
{
	const struct filter all = {};
	struct device *now;
	int ret = read_config(&all);

	if (ret)
		return ret;
	now = find(&have, want->name);
	if (!now)
		return 0;
	return was ? apply(now, was) : link_del(now->index);
}

static int restore_all(const struct config *want)
{
	const struct filter all = {};
	struct config before;
	int ret = read_config(&all);
	size_t i;

	if (ret)
		return ret;
	before = have;
	memset(&have, 0, sizeof(have));
	for (i = 0; i < want->n; i++) {
		const struct device *dev = &want->devs[i];

		ret = restore_device(dev, find(&before, dev->name));
		if (ret)
			break;
	}
	if (!ret || !changed)
		return ret;
	where = "undoing it failed, too: ";
	for (i++; i--;)
		undo(&want->devs[i], find(&before, want->devs[i].name));
	return ret;
}

static int restore(struct args *args)
{
	struct config want = {};
	FILE *file = stdin;
	char what[300];
	int ret;

	file_name = next_word(args);
	if (!file_name)
		return usage("restore what? A file that \"mrc save\" has written is needed, or - for standard input");
	if (args->n)
		return usage("nothing can follow the file's name, but \"%s\" does",
			     args->v[0]);
	if (strcmp(file_name, "-")) {
		file = fopen(file_name, "r");
		if (!file)
			return usage("cannot read %s: %s", file_name,
				     strerror(errno));
	}
	ret = read_file(&want, file);
	if (!ret && !want.n)
		ret = usage("%s has no commands", file_name);
	if (ret)
		return ret;
	snprintf(what, sizeof(what), "%s is not restored: ", file_name);
	where = what;
	return restore_all(&want);
}

const struct object save_object = {
	.name = "save",
	.help = "print the commands that make the configuration",
	.run = save,
	.synopsis = "[DEV]",
};

const struct object restore_object = {
	.name = "restore",
	.help = "make the configuration what a saved file says",
	.run = restore,
	.synopsis = "FILE",
};
