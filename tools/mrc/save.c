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
	bool disabled[PLANES];
	/* commands, a line each; NULL: none */
	char *cc, *srv6, *profiles;
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

static void free_config(struct config *config)
{
	size_t i;

	for (i = 0; i < config->n; i++) {
		free(config->devs[i].cc);
		free(config->devs[i].srv6);
		free(config->devs[i].profiles);
	}
	free(config->devs);
	*config = (struct config){};
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

	if (!dev || plane >= PLANES)
		return;
	snprintf(dev->ports[plane], NAME, "%s",
		 get_string(attrs, MRC_A_PORT_IFNAME));
	/* An older module cannot disable a port. */
	dev->disabled[plane] = attrs[MRC_A_PORT_ENABLED] &&
			       !get_u32(attrs, MRC_A_PORT_ENABLED);
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

static void on_srv6(struct nlattr **attrs)
{
	struct device *dev = find(&have, get_string(attrs, MRC_A_SRV6_DEV));

	if (dev)
		append(&dev->srv6, print_srv6, attrs);
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

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Equal configurations are to be saved alike, whatever made them. */
static void sort_lines(char *text)
{
	char *copy = must(strdup(text ?: "")), *rest = copy, *line;
	size_t n = 0, i;
	char **lines = must(malloc(sizeof(*lines)));

	while ((line = strsep(&rest, "\n")) && *line) {
		lines = must(realloc(lines, (n + 1) * sizeof(*lines)));
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(*lines), compare_lines);
	for (i = 0; i < n; i++)
		text += sprintf(text, "%s\n", lines[i]);
	free(lines);
	free(copy);
}

static int read_config(const struct filter *filter)
{
	size_t i;
	int ret;

	free_config(&have);
	ret = fetch(&dev_list, filter, on_device) ?:
	      fetch(&port_list, filter, on_port) ?:
	      fetch(&cc_list, filter, on_cc) ?:
	      fetch(&srv6_list, filter, on_srv6) ?:
	      fetch(&profile_list, filter, on_profile);
	for (i = 0; i < have.n; i++) {
		if (have.devs[i].profiles)
			append(&have.devs[i].profiles, end_line, NULL);
		sort_lines(have.devs[i].profiles);
		sort_lines(have.devs[i].srv6);
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
			printf("mrc port add %s netdev %s plane %zu%s\n",
			       dev->name, dev->ports[i], i,
			       dev->disabled[i] ? " state down" : "");
	}
	for (i = 0; i < NUM_SETTINGS; i++) {
		if (dev->given[i])
			printf("mrc dev set %s %s %u\n", dev->name,
			       settings[i].name, dev->values[i]);
	}
	print_lines(dev->cc);
	print_lines(dev->srv6);
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

/* mrc port add DEV netdev NETDEV plane N [state up|down] */
static int parse_plane(struct config *want, char **w, int n)
{
	struct args args = { .n = n - 3, .v = w + 3 };
	const char *name = NULL;
	struct device *dev;
	struct plane port;

	if (strcmp(w[2], "add"))
		return usage("this should be \"mrc port add DEV netdev NETDEV plane N\"");
	if (parse_port(&args, &name, &port))
		return EXIT_USAGE;
	if (port.number < 0)
		return usage("\"plane N\" is missing: which plane is it?");
	dev = device_of(want, name);
	if (!dev || strlen(port.netdev) >= NAME)
		return usage("the name of the device is too long");
	if (dev->ports[port.number][0])
		return usage("the plane has a port already");
	snprintf(dev->ports[port.number], NAME, "%s", port.netdev);
	dev->disabled[port.number] = port.disabled;
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

/* mrc profile use DEV name NAME */
static int parse_use(struct config *want, char **w, int n)
{
	struct device *dev;

	if (n != 6 || strcmp(w[4], "name") || strlen(w[5]) >= NAME)
		return usage("this should be \"mrc profile use DEV name NAME\"");
	dev = device_of(want, w[3]);
	if (!dev)
		return usage("the name of the device is too long");
	snprintf(dev->used, NAME, "%s", w[5]);
	return 0;
}

/*
 * mrc cc set DEV ..., mrc srv6 add DEV ..., mrc profile add DEV name NAME ...:
 * kept as they are; their commands check them.
 */
static int parse_kept(struct config *want, char **w, int n)
{
	char **text, *more, *both;
	struct device *dev;
	size_t size;
	FILE *to;

	if (n < 6 || strcmp(w[2], strcmp(w[1], "cc") ? "add" : "set"))
		return usage("this should be \"mrc cc set\", \"mrc srv6 add\" or \"mrc profile add\" as \"mrc save\" prints it");
	dev = device_of(want, w[3]);
	if (!dev)
		return usage("the name of the device is too long");
	text = !strcmp(w[1], "cc") ? &dev->cc :
	       !strcmp(w[1], "srv6") ? &dev->srv6 : &dev->profiles;
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
	char *words[MAX_WORDS];
	int n = split_line(line, words, MAX_WORDS);

	if (n <= 0)
		return n ? EXIT_USAGE : 0;
	if (!strcmp(words[0], "rdma"))
		return parse_link(want, words, n);
	if (!strcmp(words[0], "mrc") && n > 2) {
		if (!strcmp(words[1], "port"))
			return parse_plane(want, words, n);
		if (!strcmp(words[1], "dev"))
			return parse_set(want, words, n);
		if (!strcmp(words[1], "profile") && !strcmp(words[2], "use"))
			return parse_use(want, words, n);
		if (!strcmp(words[1], "cc") || !strcmp(words[1], "srv6") ||
		    !strcmp(words[1], "profile"))
			return parse_kept(want, words, n);
	}
	return usage("not a command that \"mrc save\" prints");
}

static int read_file(struct config *want, FILE *file)
{
	const char *outer = where;
	char *line = NULL, place[600];
	size_t room = 0;
	int ret = 0, n = 0;

	while (!ret && getline(&line, &room, file) >= 0) {
		snprintf(place, sizeof(place), "%s%s:%d: ", outer, file_name,
			 ++n);
		where = place;
		ret = parse_line(want, line);
	}
	where = outer;
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
		char *words[MAX_WORDS];
		struct args args = { .v = words };

		args.n = split_line(line, words, MAX_WORDS);
		if (args.n > 0)
			ret = did(run_command(&args));
	}
	free(copy);
	return ret;
}

static bool same(const char *a, const char *b)
{
	return !strcmp(a ?: "", b ?: "");
}

static const char *next_line(const char *line)
{
	return strchr(line, '\n') + 1;
}

/* What a command is about, its first five words: "srv6 add DEV prefix P ". */
static size_t key_len(const char *line)
{
	size_t len = 0;
	int i;

	for (i = 0; i < 5; i++)
		len += strcspn(line + len, " \n") + 1;
	return len;
}

/* Does @text have a line that begins like this? */
static bool has_line(const char *text, const char *start, size_t len)
{
	for (; text && *text; text = next_line(text)) {
		if (!strncmp(text, start, len))
			return true;
	}
	return false;
}

/* Run the first @len bytes of a line, with another verb than "add". */
static int run_as(const char *line, size_t len, const char *verb)
{
	size_t object = strcspn(line, " ") + 1, skip = object + strlen("add");
	char *text;
	int ret;

	if (asprintf(&text, "%.*s%s%.*s", (int)object, line, verb,
		     (int)(len - skip), line + skip) < 0)
		text = must(NULL);
	ret = run_lines(text);
	free(text);
	return ret;
}

/*
 * From the commands that make what there is to those that make what is wanted.
 * @whole: what only @now has goes. @change: the verb for what both have, but not
 * alike.
 */
static int apply_lines(const char *now, const char *want, bool whole,
		       const char *change)
{
	const char *p;
	int ret = 0;

	for (p = now; !ret && whole && p && *p; p = next_line(p)) {
		if (!has_line(want, p, key_len(p)))
			ret = run_as(p, key_len(p), "del");
	}
	for (p = want; !ret && p && *p; p = next_line(p)) {
		size_t len = next_line(p) - p;

		if (!has_line(now, p, len))
			ret = run_as(p, len, has_line(now, p, key_len(p)) ?
				     change : "add");
	}
	return ret;
}

static int use_profile(const char *dev, const char *name)
{
	char text[3 * NAME];

	snprintf(text, sizeof(text), "profile use %s name %s", dev,
		 name[0] ? name : "auto");
	return run_lines(text);
}

static int apply_profiles(const struct device *now, const struct device *want,
			  bool whole)
{
	const char *used = now->used;
	char line[3 * NAME];
	int n, ret = 0;

	n = snprintf(line, sizeof(line), "profile add %s name %s ", now->name,
		     used);
	/* One that is used cannot go. */
	if (whole && used[0] && !has_line(want->profiles, line, n)) {
		used = "";
		ret = use_profile(now->name, used);
	}
	if (!ret)
		ret = apply_lines(now->profiles, want->profiles, whole, "set");
	if (!ret && (whole || want->used[0]) && strcmp(used, want->used))
		ret = use_profile(now->name, want->used);
	return ret;
}

/* The same for planes; @whole: those of @now that @want has not go. */
static int apply_ports(struct device *now, const struct device *want,
		       bool whole)
{
	int ret = 0, i;

	for (i = 0; !ret && whole && i < PLANES; i++) {
		if (!now->ports[i][0] || !strcmp(now->ports[i], want->ports[i]))
			continue;
		ret = did(del_port(now->name, now->ports[i]));
		if (!ret)
			now->ports[i][0] = '\0';
	}
	for (i = 0; !ret && i < PLANES; i++) {
		const struct plane port = {
			.netdev = want->ports[i],
			.number = i,
			.disabled = want->disabled[i],
		};
		bool there = !strcmp(now->ports[i], want->ports[i]);

		if (!port.netdev[0] ||
		    (there && port.disabled == now->disabled[i]))
			continue;
		ret = did(there ? set_port(now->name, &port) :
				  add_port(now->name, &port));
	}
	return ret;
}

/*
 * Make @now, a device that exists, what @want says; @now is kept up to date.
 * What has a line for the device itself describes all of it; otherwise what is
 * not said stays.
 */
static int apply(struct device *now, const struct device *want)
{
	bool any = false, whole = want->netdev[0], differs[NUM_SETTINGS];
	int ret = 0;
	size_t i;

	/* First what the kernel checks as a whole. */
	for (i = 0; i < NUM_SETTINGS; i++) {
		differs[i] = want->given[i] && (!now->given[i] ||
			     now->values[i] != want->values[i]);
		any |= differs[i];
	}
	if (any)
		ret = did(set_settings(want->name, want->values, differs));
	if (!ret && want->cc && !same(now->cc, want->cc))
		ret = run_lines(want->cc);
	if (!ret)
		ret = apply_lines(now->srv6, want->srv6, whole, "add") ?:
		      apply_profiles(now, want, whole);
	return ret ?: apply_ports(now, want, whole);
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
	have = (struct config){};
	for (i = 0; i < want->n; i++) {
		const struct device *dev = &want->devs[i];

		ret = restore_device(dev, find(&before, dev->name));
		if (ret)
			break;
	}
	if (ret && changed) {
		where = "undoing it failed, too: ";
		for (i++; i--;)
			undo(&want->devs[i], find(&before, want->devs[i].name));
	}
	free_config(&before);
	return ret;
}

static int restore(struct args *args)
{
	const char *outer = where;
	struct config want = {};
	FILE *file = stdin;
	char what[600];
	int ret;

	changed = false;
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
	if (file != stdin)
		fclose(file);
	if (!ret && !want.n)
		ret = usage("%s has no commands", file_name);
	if (!ret) {
		snprintf(what, sizeof(what), "%s%s is not restored: ", outer,
			 file_name);
		where = what;
		ret = restore_all(&want);
		where = outer;
	}
	free_config(&want);
	return ret;
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
