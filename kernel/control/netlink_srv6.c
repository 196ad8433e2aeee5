// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* Netlink commands about SRv6 templates. */
#include <net/netlink.h>

#include "control.h"
#include "port/port.h"

const struct nla_policy mrc_nl_srv6_get_policy[MRC_A_SRV6_MAX + 1] = {
	[MRC_A_SRV6_DEV] = MRC_NL_DEVICE,
};

const struct nla_policy mrc_nl_srv6_del_policy[MRC_A_SRV6_MAX + 1] = {
	[MRC_A_SRV6_DEV] = MRC_NL_DEVICE,
	[MRC_A_SRV6_PREFIX] = MRC_NL_ADDRESS,
	[MRC_A_SRV6_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U32, 128),
};

const struct nla_policy mrc_nl_srv6_new_policy[MRC_A_SRV6_MAX + 1] = {
	[MRC_A_SRV6_DEV] = MRC_NL_DEVICE,
	[MRC_A_SRV6_PREFIX] = MRC_NL_ADDRESS,
	[MRC_A_SRV6_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U32, 128),
	[MRC_A_SRV6_BLOCK] = { .type = NLA_U32 },
	[MRC_A_SRV6_USIDS] = { .type = NLA_BINARY,
			       .len = MRC_SRV6_USIDS *
				      sizeof(struct mrc_srv6_usid) },
};

static_assert(sizeof(struct mrc_srv6_usid) == 5 * sizeof(u32));

static int put_attrs(struct sk_buff *skb, struct mrc_dev *dev,
		     const struct mrc_srv6_entry *e)
{
	if (nla_put_string(skb, MRC_A_SRV6_DEV, dev->ibdev.name) ||
	    nla_put_in6_addr(skb, MRC_A_SRV6_PREFIX, &e->prefix) ||
	    nla_put_u32(skb, MRC_A_SRV6_PREFIX_LEN, e->plen) ||
	    nla_put_u32(skb, MRC_A_SRV6_BLOCK, e->template.block) ||
	    nla_put(skb, MRC_A_SRV6_USIDS,
		    e->template.n * sizeof(*e->template.usid),
		    e->template.usid))
		return -EMSGSIZE;
	return 0;
}

static int fill(struct sk_buff *skb, struct netlink_callback *cb,
		struct mrc_dev *dev, struct mrc_dump *d)
{
	struct mrc_srv6_entry *e;
	int err = 0;
	void *hdr;

	mutex_lock(&dev->profiles_lock);
	list_for_each_entry(e, &dev->srv6, list) {
		if (e->id < d->key)
			continue;
		d->key = e->id;
		err = -EMSGSIZE;
		hdr = mrc_nl_put(skb, cb, MRC_CMD_SRV6_GET);
		if (!hdr)
			break;
		err = put_attrs(skb, dev, e);
		if (err) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		d->key = e->id + 1;
	}
	mutex_unlock(&dev->profiles_lock);
	return err;
}

/**
 * mrc_nl_srv6_dump - MRC_CMD_SRV6_GET
 * @skb: reply to fill
 * @cb: the dump
 */
int mrc_nl_srv6_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const struct mrc_dump_spec spec = {
		.policy = mrc_nl_srv6_get_policy,
		.maxattr = MRC_A_SRV6_MAX,
		.a_dev = MRC_A_SRV6_DEV,
		.fill = fill,
	};

	return mrc_nl_dump(skb, cb, &spec);
}

static int read_prefix(struct genl_info *info, struct in6_addr *prefix,
		       u32 *plen)
{
	struct nlattr *addr = info->attrs[MRC_A_SRV6_PREFIX];
	struct nlattr *len = info->attrs[MRC_A_SRV6_PREFIX_LEN];
	struct in6_addr whole;

	if (!addr || !len) {
		NL_SET_ERR_MSG(info->extack, "The prefix of destinations or its length is missing");
		return -EINVAL;
	}
	whole = nla_get_in6_addr(addr);
	*plen = nla_get_u32(len);
	if (ipv6_addr_v4mapped(&whole)) {
		NL_SET_ERR_MSG_ATTR(info->extack, addr,
				    "SRv6 is for IPv6 destinations only");
		return -EINVAL;
	}
	ipv6_addr_prefix(prefix, &whole, *plen);
	return 0;
}

static int read_template(struct genl_info *info, struct mrc_srv6 *t)
{
	struct nlattr *block = info->attrs[MRC_A_SRV6_BLOCK];
	struct nlattr *usids = info->attrs[MRC_A_SRV6_USIDS];

	if (!block || !usids || nla_len(usids) % sizeof(*t->usid)) {
		NL_SET_ERR_MSG(info->extack, "A template has a block and uSIDs of 20 bytes each");
		return -EINVAL;
	}
	t->block = nla_get_u32(block);
	t->n = nla_len(usids) / sizeof(*t->usid);
	nla_memcpy(t->usid, usids, sizeof(t->usid));
	if (!mrc_srv6_valid(t)) {
		NL_SET_ERR_MSG_ATTR(info->extack, usids,
				    "There are one to six uSIDs of 16 bits, and their parts must fit");
		return -EINVAL;
	}
	return 0;
}

/**
 * mrc_nl_srv6_new - MRC_CMD_SRV6_NEW
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_srv6_new(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_dev *dev = mrc_nl_dev(info, MRC_A_SRV6_DEV);
	struct mrc_srv6_entry *e;
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	err = e ? read_prefix(info, &e->prefix, &e->plen) : -ENOMEM;
	if (!err)
		err = read_template(info, &e->template);
	if (!err)
		err = mrc_srv6_add(dev, e, info->extack);
	if (err)
		kfree(e);
	ib_device_put(&dev->ibdev);
	return err;
}

/**
 * mrc_nl_srv6_del - MRC_CMD_SRV6_DEL
 * @skb: the request
 * @info: the request, parsed
 */
int mrc_nl_srv6_del(struct sk_buff *skb, struct genl_info *info)
{
	struct mrc_dev *dev = mrc_nl_dev(info, MRC_A_SRV6_DEV);
	struct in6_addr prefix;
	u32 plen;
	int err;

	if (IS_ERR(dev))
		return PTR_ERR(dev);
	err = read_prefix(info, &prefix, &plen);
	if (!err)
		err = mrc_srv6_del(dev, &prefix, plen, info->extack);
	ib_device_put(&dev->ibdev);
	return err;
}
