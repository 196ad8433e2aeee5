// SPDX-License-Identifier: GPL-2.0
/* mrc srv6: templates that make SRv6 outer headers out of EVs. */
#include <arpa/inet.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

#define USIDS_MAX	6
#define NO_PLANE	255

/* "0x1000:8:16:4:0,0xe123" */
static const char *usids_text(struct nlattr *attr)
{
	static char text[USIDS_MAX * 32];
	const uint32_t *u = nla_data(attr);
	int n = nla_len(attr) / 20, len = 0, i;

	text[0] = '\0';
	for (i = 0; i < n && i < USIDS_MAX; i++, u += 5) {
		len += snprintf(text + len, sizeof(text) - len, "%s%#x",
				i ? "," : "", u[0]);
		if (u[1] != NO_PLANE || u[3])
			len += snprintf(text + len, sizeof(text) - len,
					u[1] == NO_PLANE ? ":-" : ":%u", u[1]);
		if (u[3])
			len += snprintf(text + len, sizeof(text) - len,
					":%u:%u:%u", u[2], u[3], u[4]);
	}
	return text;
}

/* A template's values in the form of the command line. */
struct words {
	const char *dev, *prefix, *block, *usids;
};

static struct words words_of(struct nlattr **attrs)
{
	char *prefix = scratch(), *block = scratch();
	struct in6_addr addr = {};

	snprintf(prefix, SCRATCH_SIZE, "%s/%u",
		 get_address(attrs, MRC_A_SRV6_PREFIX),
		 get_u32(attrs, MRC_A_SRV6_PREFIX_LEN));
	addr.s6_addr32[0] = htonl(get_u32(attrs, MRC_A_SRV6_BLOCK));
	inet_ntop(AF_INET6, &addr, block, SCRATCH_SIZE);
	return (struct words){
		.dev = get_string(attrs, MRC_A_SRV6_DEV),
		.prefix = prefix,
		.block = block,
		.usids = attrs[MRC_A_SRV6_USIDS] ?
			 usids_text(attrs[MRC_A_SRV6_USIDS]) : "",
	};
}

static void show_row(struct nlattr **attrs)
{
	struct words w = words_of(attrs);

	object_begin();
	field_string("dev", opt.details ? "DEVICE" : NULL, w.dev);
	field_string("prefix", "PREFIX", w.prefix);
	field_string("block", "BLOCK", w.block);
	field_string("usids", "USIDS", w.usids);
	object_end();
}

void print_srv6(FILE *to, struct nlattr **attrs)
{
	struct words w = words_of(attrs);

	fprintf(to, "srv6 add %s prefix %s block %s usids %s\n", w.dev,
		w.prefix, w.block, w.usids);
}

const struct listing srv6_list = {
	.cmd = MRC_CMD_SRV6_GET,
	.max = MRC_A_SRV6_MAX,
	.a_dev = MRC_A_SRV6_DEV,
	.row = show_row,
};

static int show(struct args *args)
{
	return show_listing(args, &srv6_list);
}

struct prefix {
	struct in6_addr addr;
	uint32_t len;
};

static int parse_prefix(const struct param *param, const char *word)
{
	struct prefix *prefix = param->value;
	char addr[INET6_ADDRSTRLEN], rest;

	if (sscanf(word, "%45[^/]/%u%c", addr, &prefix->len, &rest) == 2 &&
	    inet_pton(AF_INET6, addr, &prefix->addr) == 1)
		return 0;
	return usage("%s must be like fd00:1::/32, not \"%s\"", param->name,
		     word);
}

struct usids {
	uint32_t value[USIDS_MAX * 5];
	uint32_t n;
};

static int parse_usid(char *word, uint32_t *v)
{
	char *parts[6], *end;
	int n = 0, i;

	for (; word && n < 6; n++)
		parts[n] = strsep(&word, ":");
	if (n != 1 && n != 2 && n != 5)
		return -1;
	v[1] = NO_PLANE;
	for (i = 0; i < n; i++) {
		if (i == 1 && !strcmp(parts[1], "-"))
			continue;
		if (parts[i][0] < '0' || parts[i][0] > '9')
			return -1;
		v[i] = strtoul(parts[i], &end, 0);
		if (*end)
			return -1;
	}
	return 0;
}

/* "BASE[:PLANE_SHIFT|-[:EV_SHIFT:EV_WIDTH:POS]],..." */
static int parse_usids(const struct param *param, const char *word)
{
	struct usids *usids = param->value;
	char *copy = strdup(word), *rest = copy;
	int ret = 0;

	while (rest && !ret) {
		if (usids->n == USIDS_MAX)
			ret = usage("an address has %d uSIDs at most",
				    USIDS_MAX);
		else if (parse_usid(strsep(&rest, ","),
				    usids->value + 5 * usids->n++))
			ret = usage("%s must be BASE[:PLANE_SHIFT[:EV_SHIFT:EV_WIDTH:POS]], several with commas, not \"%s\"",
				    param->name, word);
	}
	free(copy);
	return ret;
}

static int change(struct args *args, int cmd)
{
	static struct usids usids;
	struct prefix prefix = {};
	struct in6_addr block = {};
	bool add = cmd == MRC_CMD_SRV6_NEW;
	struct param params[] = {
		{ .name = "prefix", .parse = parse_prefix, .value = &prefix },
		{ .name = add ? "block" : NULL, .parse = parse_address,
		  .value = &block },
		{ .name = "usids", .parse = parse_usids, .value = &usids },
		{ .name = NULL }
	};
	const char *dev = NULL;
	struct nl_msg *msg;
	int ret;

	/* It grows as it is read, and this may not be the first command. */
	usids = (struct usids){};
	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	if (!params[0].given)
		return usage("\"prefix PREFIX\" is missing: which destinations?");
	if (add && (!params[1].given || !params[2].given))
		return usage("\"block ADDRESS\" and \"usids USIDS\" are needed");
	msg = new_request(cmd, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_SRV6_DEV, dev);
	nla_put(msg, MRC_A_SRV6_PREFIX, sizeof(prefix.addr), &prefix.addr);
	nla_put_u32(msg, MRC_A_SRV6_PREFIX_LEN, prefix.len);
	if (add) {
		nla_put_u32(msg, MRC_A_SRV6_BLOCK, ntohl(block.s6_addr32[0]));
		nla_put(msg, MRC_A_SRV6_USIDS,
			usids.n * 5 * sizeof(*usids.value), usids.value);
	}
	return run_request(msg);
}

static int add(struct args *args)
{
	return change(args, MRC_CMD_SRV6_NEW);
}

static int del(struct args *args)
{
	return change(args, MRC_CMD_SRV6_DEL);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "List SRv6 templates." },
	{ "add", add, "DEV prefix PREFIX block ADDRESS usids USIDS",
	  "Give packets to these destinations an outer header; replaces\n"
	  "        the template that the prefix has." },
	{ "del", del, "DEV prefix PREFIX", "Give them none any more." },
	{ .name = NULL }
};

const struct object srv6_object = {
	.name = "srv6",
	.help = "SRv6 outer headers by destination",
	.commands = commands,
};
