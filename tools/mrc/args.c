// SPDX-License-Identifier: GPL-2.0
/* Words of the command line. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mrc.h"

const char *where = "";

int usage(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "mrc: %s", where);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

int match(const char *word, const char *const *names, const char *what)
{
	size_t len = strlen(word);
	int i, found = -1, n = 0;

	for (i = 0; names[i]; i++) {
		if (strncmp(word, names[i], len))
			continue;
		if (!names[i][len])
			return i;
		found = i;
		n++;
	}
	if (len && n == 1)
		return found;
	fprintf(stderr, "mrc: %s%s \"%s\" is %s; possible:", where, what, word,
		len && n ? "ambiguous" : "unknown");
	for (i = 0; names[i]; i++) {
		if (!len || !n || !strncmp(word, names[i], len))
			fprintf(stderr, " %s", names[i]);
	}
	fputc('\n', stderr);
	return -1;
}

int split_line(char *line, char **words, int max)
{
	char *word, *rest = NULL;
	int n = 0;

	while ((word = strtok_r(n ? NULL : line, " \t\n", &rest)) &&
	       *word != '#') {
		if (n == max)
			return usage("the line has more than %d words", max), -1;
		words[n++] = word;
	}
	return n;
}

char *next_word(struct args *args)
{
	if (!args->n)
		return NULL;
	args->n--;
	return *args->v++;
}

int parse_string(const struct param *param, const char *word)
{
	*(const char **)param->value = word;
	return 0;
}

int parse_number(const struct param *param, const char *word)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(word, &end, 0);
	/* strtoul() takes a sign and makes the best of it. */
	if (errno || *end || word[0] < '0' || word[0] > '9' ||
	    value > param->max)
		return usage("%s must be a number from 0 to %u, not \"%s\"",
			     param->name, param->max, word);
	*(uint32_t *)param->value = value;
	return 0;
}

int parse_address(const struct param *param, const char *word)
{
	struct in6_addr *addr = param->value;

	if (inet_pton(AF_INET6, word, addr) == 1)
		return 0;
	memset(addr, 0, sizeof(*addr));
	memset(&addr->s6_addr[10], 0xff, 2);
	if (inet_pton(AF_INET, word, &addr->s6_addr[12]) == 1)
		return 0;
	return usage("%s must be an IPv4 or IPv6 address, not \"%s\"",
		     param->name, word);
}

int parse_flag(const struct param *param, const char *word)
{
	(void)word;
	*(bool *)param->value = true;
	return 0;
}

static int parse_param(struct args *args, struct param *params)
{
	const char *names[32], *word = next_word(args);
	struct param *param;
	int i;

	for (i = 0; params[i].name; i++)
		names[i] = params[i].name;
	names[i] = NULL;
	if (!i)
		return usage("nothing can follow here, but \"%s\" does", word);
	i = match(word, names, "parameter");
	if (i < 0)
		return EXIT_USAGE;
	param = &params[i];
	if (param->given)
		return usage("%s is given twice", param->name);
	param->given = true;
	if (param->parse == parse_flag)
		return param->parse(param, NULL);
	word = next_word(args);
	if (!word)
		return usage("%s needs a value", param->name);
	return param->parse(param, word);
}

int parse_params(struct args *args, struct param *params, const char **dev,
		 bool dev_required)
{
	int i, ret;

	if (dev && args->n) {
		if (!strcmp(args->v[0], "dev")) {
			next_word(args);
			if (!args->n)
				return usage("dev needs the name of a device");
			*dev = next_word(args);
		} else {
			for (i = 0; params[i].name; i++) {
				if (!strcmp(params[i].name, args->v[0]))
					break;
			}
			if (!params[i].name)
				*dev = next_word(args);
		}
	}
	if (dev_required && !*dev)
		return usage("the name of a device is needed, such as mrc0");
	while (args->n) {
		ret = parse_param(args, params);
		if (ret)
			return ret;
	}
	return 0;
}
