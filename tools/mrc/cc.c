// SPDX-License-Identifier: GPL-2.0
/* mrc cc: congestion control. */
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include "mrc.h"

static const struct {
	const char *name;
	int type;
} numbers[] = {
	{ "trimming", MRC_A_CC_TRIMMING },
	{ "target", MRC_A_CC_TARGET },
	{ "initial", MRC_A_CC_INITIAL },
	{ "limit", MRC_A_CC_LIMIT },
	{ "gamma", MRC_A_CC_GAMMA },
	{ "md_jump", MRC_A_CC_MD_JUMP },
	{ "fi", MRC_A_CC_FI },
	{ "fi_scale", MRC_A_CC_FI_SCALE },
	{ "eta", MRC_A_CC_ETA },
	{ "alpha", MRC_A_CC_ALPHA },
	{ "qa_gate", MRC_A_CC_QA_GATE },
	{ "qa_threshold", MRC_A_CC_QA_THRESHOLD },
	{ "adjust", MRC_A_CC_ADJUST },
};

#define NUMBERS	(sizeof(numbers) / sizeof(*numbers))

static const char *const algorithms[] = { "nscc", "null", NULL };

static const char *algorithm_name(struct nlattr **attrs)
{
	uint32_t algorithm = get_u32(attrs, MRC_A_CC_ALGORITHM);

	return algorithm < 2 ? algorithms[algorithm] : "?";
}

static void show_row(struct nlattr **attrs)
{
	size_t i;

	if (!opt.json) {
		printf("%s: algorithm %s", get_string(attrs, MRC_A_CC_DEV),
		       algorithm_name(attrs));
		for (i = 0; i < NUMBERS; i++)
			printf("%s%s %u", i % 7 ? " " : "\n    ",
			       numbers[i].name,
			       get_u32(attrs, numbers[i].type));
		printf("\n");
		return;
	}
	object_begin();
	field_string("dev", NULL, get_string(attrs, MRC_A_CC_DEV));
	field_string("algorithm", NULL, algorithm_name(attrs));
	for (i = 0; i < NUMBERS; i++)
		field_number(numbers[i].name, NULL,
			     get_u32(attrs, numbers[i].type));
	object_end();
}

void print_cc(FILE *to, struct nlattr **attrs)
{
	size_t i;

	fprintf(to, "cc set %s algorithm %s", get_string(attrs, MRC_A_CC_DEV),
		algorithm_name(attrs));
	for (i = 0; i < NUMBERS; i++)
		fprintf(to, " %s %u", numbers[i].name,
			get_u32(attrs, numbers[i].type));
	fputc('\n', to);
}

const struct listing cc_list = {
	.cmd = MRC_CMD_CC_GET,
	.max = MRC_A_CC_MAX,
	.a_dev = MRC_A_CC_DEV,
	.row = show_row,
};

static int show(struct args *args)
{
	return show_listing(args, &cc_list);
}

static int parse_algorithm(const struct param *param, const char *word)
{
	int i = match(word, algorithms, param->name);

	if (i < 0)
		return EXIT_USAGE;
	*(uint32_t *)param->value = i;
	return 0;
}

static int set(struct args *args)
{
	uint32_t values[NUMBERS], algorithm = 0;
	struct param params[NUMBERS + 2] = {};
	const char *dev = NULL;
	struct nl_msg *msg;
	bool any = false;
	size_t i;
	int ret;

	/* The kernel knows the bounds and says so. */
	for (i = 0; i < NUMBERS; i++)
		params[i] = (struct param){ .name = numbers[i].name,
			.parse = parse_number, .value = &values[i],
			.max = UINT32_MAX };
	params[NUMBERS] = (struct param){ .name = "algorithm",
		.parse = parse_algorithm, .value = &algorithm };
	ret = parse_params(args, params, &dev, true);
	if (ret)
		return ret;
	for (i = 0; i <= NUMBERS; i++)
		any |= params[i].given;
	if (!any)
		return usage("nothing to set: \"mrc cc help\" lists the parameters");
	msg = new_request(MRC_CMD_CC_SET, false);
	if (!msg)
		return EXIT_KERNEL;
	nla_put_string(msg, MRC_A_CC_DEV, dev);
	if (params[NUMBERS].given)
		nla_put_u32(msg, MRC_A_CC_ALGORITHM, algorithm);
	for (i = 0; i < NUMBERS; i++)
		if (params[i].given)
			nla_put_u32(msg, numbers[i].type, values[i]);
	return run_request(msg);
}

static const struct command commands[] = {
	{ "show", show, "[DEV]", "Show the algorithm and its parameters." },
	{ "set", set, "DEV PARAMETER VALUE ...",
	  "Change them for all peers at once: algorithm nscc|null, trimming,\n"
	  "        target, initial, limit, gamma, md_jump, fi, fi_scale, eta,\n"
	  "        alpha, qa_gate, qa_threshold, adjust; mrc-cc(8) explains them." },
	{ .name = NULL }
};

const struct object cc_object = {
	.name = "cc",
	.help = "congestion control",
	.commands = commands,
};
