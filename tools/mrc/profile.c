// SPDX-License-Identifier: GPL-2.0
/* mrc profile: EV profiles, which say what paths there are. */
#include <errno.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mrc.h"

#define EV_MAX		4096
#define FIELDS_MAX	8

static const char *kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[MRC_NL_PROFILE_AUTO] = "auto",
		[MRC_NL_PROFILE_LIST] = "list",
		[MRC_NL_PROFILE_FIELDS] = "fields",
	};

	return kind < sizeof(names) / sizeof(*names) ? names[kind] : "?";
}

/* "16:49152:49152:65535:0xffff,4:0:0:3:0xf" */
static const char *fields_text(struct nlattr *attr)
{
	static char text[FIELDS_MAX * 64];
	const uint32_t *f = nla_data(attr);
	int n = nla_len(attr) / 20, len = 0, i;

	text[0] = '\0';
	for (i = 0; i < n && i < FIELDS_MAX; i++, f += 5)
		len += snprintf(text + len, sizeof(text) - len,
				"%s%u:%u:%u:%u:%#x", i ? "," : "", f[0], f[1],
				f[2], f[3], f[4]);
	return text;
}

static void show_profile(struct nlattr **attrs)
{
	/* More messages about a profile have nothing but more of its EVs. */
	if (get_u32(attrs, MRC_A_PROFILE_OFFSET))
		return;
	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL,
		     get_string(attrs, MRC_A_PROFILE_DEV));
	field_string("name", "NAME", get_string(attrs, MRC_A_PROFILE_NAME));
	field_bool("in_use", "USED", get_u32(attrs, MRC_A_PROFILE_IN_USE),
		   "yes", "no");
	field_string("kind", "KIND",
		     kind_name(get_u32(attrs, MRC_A_PROFILE_KIND)));
	field_number("count", "EVS", get_u32(attrs, MRC_A_PROFILE_COUNT));
	field_number("active", "ACTIVE", get_u32(attrs, MRC_A_PROFILE_ACTIVE));
	field_number("min_active", "MIN",
		     get_u32(attrs, MRC_A_PROFILE_MIN_ACTIVE));
	field_number("reverse", "REVERSE",
		     get_u32(attrs, MRC_A_PROFILE_REVERSE));
	field_number("answers", "ANSWERS",
		     get_u32(attrs, MRC_A_PROFILE_ANSWERS));
	field_string("fields", NULL, attrs[MRC_A_PROFILE_FIELDS] ?
		     fields_text(attrs[MRC_A_PROFILE_FIELDS]) : "");
	object_end();
}

static void show_evs(struct nlattr **attrs)
{
	uint32_t first = get_u32(attrs, MRC_A_PROFILE_OFFSET);
	const uint32_t *ev;
	int n, i;

	if (!attrs[MRC_A_PROFILE_EVS])
		return;
	ev = nla_data(attrs[MRC_A_PROFILE_EVS]);
	n = nla_len(attrs[MRC_A_PROFILE_EVS]) / sizeof(*ev);
	for (i = 0; i < n; i++) {
		object_begin();
		field_string("dev", opt.details ? "DEVICE" : NULL,
			     get_string(attrs, MRC_A_PROFILE_DEV));
		field_string("name", "NAME",
			     get_string(attrs, MRC_A_PROFILE_NAME));
		field_number("number", "NUMBER", first + i);
		field_number("ev", "EV", ev[i]);
		object_end();
	}
}

void print_profile(FILE *to, struct nlattr **attrs)
{
	uint32_t kind = get_u32(attrs, MRC_A_PROFILE_KIND);
	uint32_t offset = get_u32(attrs, MRC_A_PROFILE_OFFSET);
	const uint32_t *ev;
	int n, i;

	if (!offset) {
		fprintf(to, "profile add %s name %s",
			get_string(attrs, MRC_A_PROFILE_DEV),
			get_string(attrs, MRC_A_PROFILE_NAME));
		/* Of a list it is the length. */
		if (kind != MRC_NL_PROFILE_LIST)
			fprintf(to, " count %u",
				get_u32(attrs, MRC_A_PROFILE_COUNT));
		fprintf(to, " active %u min_active %u reverse %u answers %u",
			get_u32(attrs, MRC_A_PROFILE_ACTIVE),
			get_u32(attrs, MRC_A_PROFILE_MIN_ACTIVE),
			get_u32(attrs, MRC_A_PROFILE_REVERSE),
			get_u32(attrs, MRC_A_PROFILE_ANSWERS));
		if (kind == MRC_NL_PROFILE_FIELDS &&
		    attrs[MRC_A_PROFILE_FIELDS])
			fprintf(to, " fields %s",
				fields_text(attrs[MRC_A_PROFILE_FIELDS]));
	}
	if (kind != MRC_NL_PROFILE_LIST || !attrs[MRC_A_PROFILE_EVS])
		return;
	ev = nla_data(attrs[MRC_A_PROFILE_EVS]);
	n = nla_len(attrs[MRC_A_PROFILE_EVS]) / sizeof(*ev);
	for (i = 0; i < n; i++)
		fprintf(to, "%s%u", offset + i ? "," : " ev ", ev[i]);
}

static const struct listing ev_list = {
	.cmd = MRC_CMD_PROFILE_GET,
	.max = MRC_A_PROFILE_MAX,
	.a_dev = MRC_A_PROFILE_DEV,
	.row = show_evs,
};

const struct listing profile_list = {
	.cmd = MRC_CMD_PROFILE_GET,
	.max = MRC_A_PROFILE_MAX,
	.a_dev = MRC_A_PROFILE_DEV,
	.row = show_profile,
	.detail = &ev_list,
};

static int show(struct args *args)
{
	return show_listing(args, &profile_list);
}

/* ------------------------------------------------------------ making one */

struct evs {
	uint32_t ev[EV_MAX];
	uint32_t n;
};

struct fields {
	uint32_t value[FIELDS_MAX * 5];
	uint32_t n;
};

/* The number at *@text, which is moved behind it. */
static int number(const char **text, uint32_t *value)
{
	unsigned long long v;
	char *end;

	if (**text < '0' || **text > '9')
		return -1;
	errno = 0;
	v = strtoull(*text, &end, 0);
	if (errno || v > UINT32_MAX)
		return -1;
	*text = end;
	*value = v;
	return 0;
}

/* "50000-50007,0x1c350" */
static int parse_evs(const struct param *param, const char *word)
{
	struct evs *evs = param->value;
	const char *p = word;
	uint32_t from, to;

	for (;;) {
		if (number(&p, &from))
			goto bad;
		to = from;
		if (*p == '-' && (p++, number(&p, &to) || to < from))
			goto bad;
		if ((uint64_t)to - from >= EV_MAX - evs->n)
			return usage("a profile has %d EVs at most", EV_MAX);
		do {
			evs->ev[evs->n++] = from;
		} while (from++ != to);
		if (!*p)
			return 0;
		if (*p++ != ',')
			goto bad;
	}
bad:
	return usage("%s must be a list such as 50000-50007,50010, not \"%s\"",
		     param->name, word);
}

/* "WIDTH:INIT:MIN:MAX[:MASK],..." */
static int parse_fields(const struct param *param, const char *word)
{
	struct fields *fields = param->value;
	const char *p = word;

	for (;;) {
		uint32_t *v = fields->value + 5 * fields->n;
		int i;

		if (fields->n == FIELDS_MAX)
			return usage("an EV has %d fields at most", FIELDS_MAX);
		v[4] = UINT32_MAX;
		for (i = 0; i < 5; i++) {
			if (number(&p, &v[i]))
				goto bad;
			if (*p != ':')
				break;
			p++;
		}
		if (i < 3 || i == 5)
			goto bad;
		fields->n++;
		if (!*p)
			return 0;
		if (*p++ != ',')
			goto bad;
	}
bad:
	return usage("%s must be WIDTH:INIT:MIN:MAX[:MASK], several with commas, not \"%s\"",
		     param->name, word);
}

static int write_profile(struct args *args, int cmd)
{
	static struct fields fields;
	static struct evs evs;
	static const int types[] = {
		MRC_A_PROFILE_COUNT, MRC_A_PROFILE_ACTIVE,
		MRC_A_PROFILE_MIN_ACTIVE, MRC_A_PROFILE_REVERSE,
		MRC_A_PROFILE_ANSWERS,
	};
	uint32_t values[5], kind = MRC_NL_PROFILE_AUTO;
	const char *dev = NULL, *name = NULL;
#define VALUE(n, word)	{ .name = word, .parse = parse_number,		\
			  .value = &values[n], .max = UINT32_MAX }
	struct param params[] = {
		VALUE(0, "count"),
		VALUE(1, "active"),
		VALUE(2, "min_active"),
		VALUE(3, "reverse"),
		VALUE(4, "answers"),
		{ .name = "name", .parse = parse_string, .value = &name },
		{ .name = "ev", .parse = parse_evs, .value = &evs },
		{ .name = "fields", .parse = parse_fields, .value = &fields },
		{ .name = NULL }
	};
#undef VALUE
	struct nl_msg *msg;
	int i, ret;

	/* They grow as they are read, and this may not be the first command. */
	evs.n = 0;
	fields = (struct fields){};
	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!name)
		return usage("\"name NAME\" is missing: which profile?");
	if (params[6].given && params[7].given)
		return usage("EVs are listed or made of fields, not both");
	if (params[6].given)
		kind = MRC_NL_PROFILE_LIST;
	else if (params[7].given)
		kind = MRC_NL_PROFILE_FIELDS;
	msg = new_request(cmd, false);
	if (!msg)
		return EXIT_KERNEL;
	/* A long list does not fit into what libnl allocates. */
	if (nlmsg_expand(msg, 2 * EV_MAX * sizeof(uint32_t)))
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PROFILE_DEV, dev);
	nla_put_string(msg, MRC_A_PROFILE_NAME, name);
	nla_put_u32(msg, MRC_A_PROFILE_KIND, kind);
	for (i = 0; i < 5; i++)
		if (params[i].given)
			nla_put_u32(msg, types[i], values[i]);
	if (kind == MRC_NL_PROFILE_LIST)
		nla_put(msg, MRC_A_PROFILE_EVS, evs.n * sizeof(*evs.ev),
			evs.ev);
	if (kind == MRC_NL_PROFILE_FIELDS)
		nla_put(msg, MRC_A_PROFILE_FIELDS,
			fields.n * 5 * sizeof(*fields.value), fields.value);
	return run_request(msg);
}

static int add(struct args *args)
{
	return write_profile(args, MRC_CMD_PROFILE_NEW);
}

static int set(struct args *args)
{
	return write_profile(args, MRC_CMD_PROFILE_SET);
}

static int by_name(struct args *args, int cmd)
{
	const char *dev = NULL, *name = NULL;
	struct param params[] = {
		{ .name = "name", .parse = parse_string, .value = &name },
		{ .name = NULL }
	};
	struct nl_msg *msg;
	int ret;

	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!name)
		return usage("\"name NAME\" is missing: which profile?");
	msg = new_request(cmd, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_PROFILE_DEV, dev);
	nla_put_string(msg, MRC_A_PROFILE_NAME, name);
	return run_request(msg);
}

static int del(struct args *args)
{
	return by_name(args, MRC_CMD_PROFILE_DEL);
}

static int use(struct args *args)
{
	return by_name(args, MRC_CMD_PROFILE_USE);
}

#define WHAT "DEV name NAME [count N] [active N] [min_active N]\n"	\
	     "            [reverse N] [answers N] [ev LIST | fields FIELDS]"

static const struct command commands[] = {
	{ "show", show, "[DEV] [detail]",
	  "List EV profiles; with \"detail\", their EVs." },
	{ "add", add, WHAT, "Make a profile." },
	{ "set", set, WHAT, "Replace a profile; if it is in use, all paths." },
	{ "del", del, "DEV name NAME", "Delete a profile that is not in use." },
	{ "use", use, "DEV name NAME",
	  "Use a profile for all peers; \"auto\": none." },
	{ .name = NULL }
};

const struct object profile_object = {
	.name = "profile",
	.help = "EV profiles: what paths there are",
	.commands = commands,
};
