// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Netlink commands about EV profiles and congestion control. A request is read
 * and checked completely before anything is changed, and the change itself is
 * one step: a refusal leaves all as it was.
 */
#include <linux/ctype.h>
#include <net/netlink.h>

#include "control.h"
#include "port/port.h"

/* EVs in one message of a dump, which has to fit into any reader's buffer. */
#define EVS_PER_MESSAGE	512

#define NAME	{ .type = NLA_NUL_STRING, .len = MRC_PROFILE_NAME - 1 }

const struct nla_policy mrc_nl_profile_get_policy[MRC_A_PROFILE_MAX + 1] = {
	[MRC_A_PROFILE_DEV] = MRC_NL_DEVICE,
};

const struct nla_policy mrc_nl_profile_name_policy[MRC_A_PROFILE_MAX + 1] = {
	[MRC_A_PROFILE_DEV] = MRC_NL_DEVICE,
	[MRC_A_PROFILE_NAME] = NAME,
};

const struct nla_policy mrc_nl_profile_new_policy[MRC_A_PROFILE_MAX + 1] = {
	[MRC_A_PROFILE_DEV] = MRC_NL_DEVICE,
	[MRC_A_PROFILE_NAME] = NAME,
	[MRC_A_PROFILE_KIND] = NLA_POLICY_MAX(NLA_U32, MRC_NL_PROFILE_FIELDS),
	[MRC_A_PROFILE_COUNT] = NLA_POLICY_RANGE(NLA_U32, 1, MRC_EV_MAX),
	[MRC_A_PROFILE_ACTIVE] = NLA_POLICY_MAX(NLA_U32, MRC_EV_MAX),
	[MRC_A_PROFILE_MIN_ACTIVE] = NLA_POLICY_MAX(NLA_U32, MRC_EV_MAX),
	[MRC_A_PROFILE_REVERSE] = NLA_POLICY_MAX(NLA_U32, MRC_EV_MAX),
	[MRC_A_PROFILE_ANSWERS] = NLA_POLICY_MAX(NLA_U32, 30),
	[MRC_A_PROFILE_EVS] = { .type = NLA_BINARY,
				.len = MRC_EV_MAX * sizeof(u32) },
	[MRC_A_PROFILE_FIELDS] = { .type = NLA_BINARY,
				   .len = MRC_EV_FIELDS *
					  sizeof(struct mrc_ev_field) },
};

static_assert((int)MRC_NL_PROFILE_AUTO == (int)MRC_PROFILE_KIND_AUTO);
static_assert((int)MRC_NL_PROFILE_LIST == (int)MRC_PROFILE_KIND_LIST);
static_assert((int)MRC_NL_PROFILE_FIELDS == (int)MRC_PROFILE_KIND_FIELDS);
static_assert(sizeof(struct mrc_ev_field) == 5 * sizeof(u32));

/* ------------------------------------------------------------ profiles */

static int profile_put_attrs(struct sk_buff *skb, struct mrc_dev *dev,
			     const struct mrc_profile *profile, u32 offset)
{
	u32 nev = min_t(u32, profile->nev - offset, EVS_PER_MESSAGE);

	if (nla_put_string(skb, MRC_A_PROFILE_DEV, dev->ibdev.name) ||
	    nla_put_string(skb, MRC_A_PROFILE_NAME, profile->name) ||
	    nla_put_u32(skb, MRC_A_PROFILE_KIND, profile->kind) ||
	    nla_put_u32(skb, MRC_A_PROFILE_COUNT, profile->count) ||
	    nla_put_u32(skb, MRC_A_PROFILE_ACTIVE, profile->active) ||
	    nla_put_u32(skb, MRC_A_PROFILE_MIN_ACTIVE, profile->min_active) ||
	    nla_put_u32(skb, MRC_A_PROFILE_REVERSE, profile->reverse) ||
	    nla_put_u32(skb, MRC_A_PROFILE_ANSWERS, profile->answers) ||
	    nla_put(skb, MRC_A_PROFILE_EVS, nev * sizeof(u32),
		    profile->ev + offset) ||
	    nla_put(skb, MRC_A_PROFILE_FIELDS,
		    profile->nfields * sizeof(*profile->fields),
		    profile->fields) ||
	    nla_put_u32(skb, MRC_A_PROFILE_IN_USE, profile == dev->profile) ||
	    nla_put_u32(skb, MRC_A_PROFILE_OFFSET, offset))
		return -EMSGSIZE;
	return 0;
}

/* All messages of one profile, from the EV d->sub on. */
static int profile_put(struct sk_buff *skb, struct netlink_callback *cb,
		       struct mrc_dev *dev, const struct mrc_profile *profile,
		       struct mrc_dump *d)
{
	void *hdr;

	do {
		hdr = mrc_nl_put(skb, cb, MRC_CMD_PROFILE_GET);
		if (!hdr)
			return -EMSGSIZE;
		if (profile_put_attrs(skb, dev, profile, d->sub)) {
			genlmsg_cancel(skb, hdr);
			return -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
		d->sub += EVS_PER_MESSAGE;
	} while (d->sub < profile->nev);
	return 0;
}

static int profile_fill(struct sk_buff *skb, struct netlink_callback *cb,
			struct mrc_dev *dev, struct mrc_dump *d)
{
	struct mrc_profile *profile;
	u32 from = 0;
	int err = 0;

	mutex_lock(&dev->profiles_lock);
	/* changed profiles keep their place, so ids ascend */
	list_for_each_entry(profile, &dev->profiles, list) {
		if (profile->id < d->key)
			continue;
		/* it may have become shorter */
		from = profile->id == d->key ? d->sub : 0;
		d->key = profile->id;
		d->sub = from;
		if (!from || from < profile->nev)
			err = profile_put(skb, cb, dev, profile, d);
		if (err)
			break;
		d->key = profile->id + 1;
		d->sub = 0;
	}
	mutex_unlock(&dev->profiles_lock);
	return err;
}

/**
 * mrc_nl_profile_dump - MRC_CMD_PROFILE_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_profile_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_profile_get_policy,
		.maxattr = MRC_A_PROFILE_MAX,
		.a_dev = MRC_A_PROFILE_DEV,
		.fill = profile_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

static const char *profile_name(struct genl_info *info)
{
	struct nlattr *name = info->attrs[MRC_A_PROFILE_NAME];

	if (!name || !*(const char *)nla_data(name)) {
		NL_SET_ERR_MSG(info->extack, "The profile's name is missing");
		return NULL;
	}
	return nla_data(name);
}

static u32 get_or(struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* The list or the fields of a request into @profile, which has the room. */
static int read_evs(struct genl_info *info, struct mrc_profile *profile)
{
	struct nlattr *evs = info->attrs[MRC_A_PROFILE_EVS];
	struct nlattr *fields = info->attrs[MRC_A_PROFILE_FIELDS];
	enum mrc_ev_fault fault;

	switch (profile->kind) {
	case MRC_PROFILE_KIND_LIST:
		nla_memcpy(profile->ev, evs, profile->nev * sizeof(u32));
		fault = mrc_ev_check(profile->ev, profile->nev);
		break;
	case MRC_PROFILE_KIND_FIELDS:
		nla_memcpy(profile->fields, fields, sizeof(profile->fields));
		profile->nfields = nla_len(fields) / sizeof(*profile->fields);
		fault = mrc_ev_generate(profile->fields, profile->nfields,
					profile->ev, profile->nev);
		break;
	default:
		return 0;
	}
	switch (fault) {
	case MRC_EV_OK:
		return 0;
	case MRC_EV_TOO_WIDE:
		NL_SET_ERR_MSG_ATTR(info->extack, fields,
				    "Fields have 1 bit or more each, and 32 together at most");
		break;
	case MRC_EV_BAD_RANGE:
		NL_SET_ERR_MSG_ATTR(info->extack, fields,
				    "min, init and max of a field must ascend and fit into its width");
		break;
	case MRC_EV_TOO_FEW:
		NL_SET_ERR_MSG_ATTR(info->extack, fields,
				    "The fields do not make so many EVs");
		break;
	case MRC_EV_NO_PORT:
		NL_SET_ERR_MSG(info->extack,
			       "The low 16 bits of an EV are the UDP source port and cannot be 0");
		break;
	}
	return -EINVAL;
}

/* Does the request have what its kind needs, and no more? The EVs it makes. */
static int count_evs(struct genl_info *info, u32 kind, u32 *nev)
{
	struct nlattr *evs = info->attrs[MRC_A_PROFILE_EVS];
	struct nlattr *fields = info->attrs[MRC_A_PROFILE_FIELDS];
	struct nlattr *count = info->attrs[MRC_A_PROFILE_COUNT];
	bool is_list = kind == MRC_PROFILE_KIND_LIST;
	bool is_fields = kind == MRC_PROFILE_KIND_FIELDS;

	if (!!evs != is_list || !!fields != is_fields || !count != is_list) {
		NL_SET_ERR_MSG(info->extack,
			       "A list has EVs, the others a count, and generated ones fields");
		return -EINVAL;
	}
	*nev = 0;
	if (evs && (!nla_len(evs) || nla_len(evs) % sizeof(u32))) {
		NL_SET_ERR_MSG_ATTR(info->extack, evs,
				    "EVs have 4 bytes each, and there must be one");
		return -EINVAL;
	}
	if (fields && (!nla_len(fields) ||
		       nla_len(fields) % sizeof(struct mrc_ev_field))) {
		NL_SET_ERR_MSG_ATTR(info->extack, fields,
				    "Fields have 20 bytes each, and there must be one");
		return -EINVAL;
	}
	if (evs)
		*nev = nla_len(evs) / sizeof(u32);
	else if (fields)
		*nev = nla_get_u32(count);
	return 0;
}

/* It is to be a word in commands and files, whoever reads them. */
static bool name_is_word(const char *name)
{
	for (; *name; name++)
		if (!isascii(*name) || (!isalnum(*name) && !strchr("-_.", *name)))
			return false;
	return true;
}

/* The profile that a request describes; ERR_PTR with the message set. */
static struct mrc_profile *read_profile(struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	const char *name = profile_name(info);
	struct mrc_profile *profile;
	u32 kind, nev;
	int err;

	if (!name)
		return ERR_PTR(-EINVAL);
	if (!strcmp(name, MRC_PROFILE_AUTO)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[MRC_A_PROFILE_NAME],
				    "\"auto\" is the name of having no profile");
		return ERR_PTR(-EINVAL);
	}
	if (!name_is_word(name)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[MRC_A_PROFILE_NAME],
				    "A profile's name is made of letters, digits, '-', '_' and '.'");
		return ERR_PTR(-EINVAL);
	}
	if (!attrs[MRC_A_PROFILE_KIND]) {
		NL_SET_ERR_MSG(info->extack, "The kind of the profile is missing");
		return ERR_PTR(-EINVAL);
	}
	kind = nla_get_u32(attrs[MRC_A_PROFILE_KIND]);
	err = count_evs(info, kind, &nev);
	if (err)
		return ERR_PTR(err);
	profile = mrc_profile_alloc(nev);
	if (!profile)
		return ERR_PTR(-ENOMEM);
	strscpy(profile->name, name, sizeof(profile->name));
	profile->kind = kind;
	profile->count = get_or(attrs[MRC_A_PROFILE_COUNT], nev);
	profile->active = get_or(attrs[MRC_A_PROFILE_ACTIVE], 0);
	profile->min_active = get_or(attrs[MRC_A_PROFILE_MIN_ACTIVE], 0);
	profile->reverse = get_or(attrs[MRC_A_PROFILE_REVERSE],
				  MRC_REVERSE_DEFAULT);
	profile->answers = get_or(attrs[MRC_A_PROFILE_ANSWERS], 0);
	if (profile->active > profile->count ||
	    profile->min_active > (profile->active ?: profile->count)) {
		NL_SET_ERR_MSG(info->extack,
			       "More are to be active than there are");
		err = -EINVAL;
	} else {
		err = read_evs(info, profile);
	}
	if (err) {
		kvfree(profile);
		return ERR_PTR(err);
	}
	return profile;
}

static int profile_write(struct genl_info *info, bool create)
{
	struct mrc_profile *profile;
	struct mrc_dev *dev;
	int err;

	dev = mrc_nl_dev(info, MRC_A_PROFILE_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	profile = read_profile(info);
	if (IS_ERR(profile)) {
		err = PTR_ERR(profile);
	} else {
		err = mrc_profile_put(dev, profile, create, info->extack);
		if (err)
			kvfree(profile);
	}
	ib_device_put(&dev->ibdev);
	return err;
}

/**
 * mrc_nl_profile_new - MRC_CMD_PROFILE_NEW
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_profile_new(struct sk_buff *skb, struct genl_info *info)
{
	return profile_write(info, true);
}

/**
 * mrc_nl_profile_set - MRC_CMD_PROFILE_SET
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_profile_set(struct sk_buff *skb, struct genl_info *info)
{
	return profile_write(info, false);
}

static int profile_by_name(struct genl_info *info,
			   int (*act)(struct mrc_dev *dev, const char *name,
				      struct netlink_ext_ack *extack))
{
	const char *name = profile_name(info);
	struct mrc_dev *dev;
	int err;

	if (!name)
		return -EINVAL;
	dev = mrc_nl_dev(info, MRC_A_PROFILE_DEV);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = act(dev, name, info->extack);
	ib_device_put(&dev->ibdev);
	return err;
}

/**
 * mrc_nl_profile_del - MRC_CMD_PROFILE_DEL
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_profile_del(struct sk_buff *skb, struct genl_info *info)
{
	return profile_by_name(info, mrc_profile_del);
}

/**
 * mrc_nl_profile_use - MRC_CMD_PROFILE_USE
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_profile_use(struct sk_buff *skb, struct genl_info *info)
{
	return profile_by_name(info, mrc_profile_use);
}

/* ------------------------------------------------------------ congestion */

const struct nla_policy mrc_nl_cc_get_policy[MRC_A_CC_MAX + 1] = {
	[MRC_A_CC_DEV] = MRC_NL_DEVICE,
};

const struct nla_policy mrc_nl_cc_set_policy[MRC_A_CC_MAX + 1] = {
	[MRC_A_CC_DEV] = MRC_NL_DEVICE,
	/* Bounds are checked below, with a message that says which. */
	[MRC_A_CC_ALGORITHM] = { .type = NLA_U32 },
	[MRC_A_CC_TRIMMING] = { .type = NLA_U32 },
	[MRC_A_CC_TARGET] = { .type = NLA_U32 },
	[MRC_A_CC_INITIAL] = { .type = NLA_U32 },
	[MRC_A_CC_LIMIT] = { .type = NLA_U32 },
	[MRC_A_CC_GAMMA] = { .type = NLA_U32 },
	[MRC_A_CC_MD_JUMP] = { .type = NLA_U32 },
	[MRC_A_CC_FI] = { .type = NLA_U32 },
	[MRC_A_CC_FI_SCALE] = { .type = NLA_U32 },
	[MRC_A_CC_ETA] = { .type = NLA_U32 },
	[MRC_A_CC_ALPHA] = { .type = NLA_U32 },
	[MRC_A_CC_QA_GATE] = { .type = NLA_U32 },
	[MRC_A_CC_QA_THRESHOLD] = { .type = NLA_U32 },
	[MRC_A_CC_ADJUST] = { .type = NLA_U32 },
};

struct cc_param {
	const char *name;
	u16 offset;		/* of the u16 in struct mrc_cc_profile */
	u16 min, max;
};

#define PARAM(field, least, most)					\
	{ .name = #field, .min = least, .max = most,			\
	  .offset = offsetof(struct mrc_cc_profile, field) }

static const struct cc_param params[MRC_A_CC_MAX + 1] = {
	[MRC_A_CC_ALGORITHM] = PARAM(algorithm, 0, 1),
	[MRC_A_CC_TRIMMING] = PARAM(trimming, 0, 1),
	[MRC_A_CC_TARGET] = PARAM(target, 0, 1000),
	[MRC_A_CC_INITIAL] = PARAM(initial, 1, 4096),
	[MRC_A_CC_LIMIT] = PARAM(limit, 10, 1000),
	[MRC_A_CC_GAMMA] = PARAM(gamma, 1, 100),
	[MRC_A_CC_MD_JUMP] = PARAM(md_jump, 1, 100),
	[MRC_A_CC_FI] = PARAM(fi, 1, 10000),
	[MRC_A_CC_FI_SCALE] = PARAM(fi_scale, 1, 400),
	[MRC_A_CC_ETA] = PARAM(eta, 0, 1000),
	[MRC_A_CC_ALPHA] = PARAM(alpha, 1, 10000),
	[MRC_A_CC_QA_GATE] = PARAM(qa_gate, 0, 10),
	[MRC_A_CC_QA_THRESHOLD] = PARAM(qa_threshold, 100, 10000),
	[MRC_A_CC_ADJUST] = PARAM(adjust, 1, 256),
};

static u16 *param_of(struct mrc_cc_profile *p, int attr)
{
	return (void *)p + params[attr].offset;
}

static int cc_put_attrs(struct sk_buff *skb, struct mrc_dev *dev)
{
	struct mrc_cc_profile p;
	int attr;

	mrc_cc_profile_get(dev, &p);
	if (nla_put_string(skb, MRC_A_CC_DEV, dev->ibdev.name))
		return -EMSGSIZE;
	for (attr = MRC_A_CC_ALGORITHM; attr <= MRC_A_CC_MAX; attr++)
		if (nla_put_u32(skb, attr, *param_of(&p, attr)))
			return -EMSGSIZE;
	return 0;
}

static int cc_fill(struct sk_buff *skb, struct netlink_callback *cb,
		   struct mrc_dev *dev, struct mrc_dump *d)
{
	void *hdr = mrc_nl_put(skb, cb, MRC_CMD_CC_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (cc_put_attrs(skb, dev)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/**
 * mrc_nl_cc_dump - MRC_CMD_CC_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_cc_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_cc_get_policy,
		.maxattr = MRC_A_CC_MAX,
		.a_dev = MRC_A_CC_DEV,
		.fill = cc_fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

/* Put one value into @p if it is allowed. */
static int set_param(struct mrc_cc_profile *p, int attr, u32 value,
		     struct netlink_ext_ack *extack)
{
	if (value < params[attr].min || value > params[attr].max) {
		NL_SET_ERR_MSG_FMT(extack, "%s must be from %u to %u",
				   params[attr].name, params[attr].min,
				   params[attr].max);
		return -ERANGE;
	}
	*param_of(p, attr) = value;
	return 0;
}

/* Write the values of the request @arg into @p. */
static int read_cc(struct mrc_cc_profile *p, void *arg)
{
	struct genl_info *info = arg;
	bool any = false;
	int attr, err;

	for (attr = MRC_A_CC_ALGORITHM; attr <= MRC_A_CC_MAX; attr++) {
		if (!info->attrs[attr])
			continue;
		any = true;
		err = set_param(p, attr, nla_get_u32(info->attrs[attr]),
				info->extack);
		if (err)
			return err;
	}
	if (!any) {
		NL_SET_ERR_MSG(info->extack, "No parameter to change was given");
		return -EINVAL;
	}
	return 0;
}

/**
 * mrc_nl_cc_set - MRC_CMD_CC_SET
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_cc_set(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_dev *dev = mrc_nl_dev(info, MRC_A_CC_DEV);
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = mrc_cc_profile_change(dev, read_cc, info);
	ib_device_put(&dev->ibdev);
	return err;
}

struct algorithm_change {
	u32 algorithm;
	struct netlink_ext_ack *extack;
};

static int set_algorithm(struct mrc_cc_profile *p, void *arg)
{
	struct algorithm_change *c = arg;

	return set_param(p, MRC_A_CC_ALGORITHM, c->algorithm, c->extack);
}

/**
 * mrc_cc_set_algorithm - change only the algorithm
 * @dev: device
 * @algorithm: 0 NSCC, 1 null
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0 or -ERANGE.
 */
int mrc_cc_set_algorithm(struct mrc_dev *dev, u32 algorithm,
			 struct netlink_ext_ack *extack)
{
	struct algorithm_change c = {
		.algorithm = algorithm,
		.extack = extack,
	};

	return mrc_cc_profile_change(dev, set_algorithm, &c);
}
