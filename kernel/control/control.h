/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/* What control's files share, and what the rest of the module calls of it. */
#ifndef MRC_CONTROL_H
#define MRC_CONTROL_H

#include <linux/sysfs.h>
#include <net/genetlink.h>

#include "linux/mrc.h"
#include "mrc.h"

/* Every device that is registered; main.c. */
extern struct list_head mrc_devices;
extern struct mutex mrc_devices_lock;

/* Registers the family "mrc". Module init, after all else is ready. */
int mrc_netlink_init(void);
/* Returns when no command is running any more. Module exit, first of all. */
void mrc_netlink_exit(void);

/* The folder "mrc" of the device in sysfs: ops.device_group. */
extern const struct attribute_group mrc_attr_group;

/*
 * The settings of a device, Documentation/ABI explains them. Their netlink
 * attributes serve as their numbers.
 */
#define MRC_SETTING_FIRST	MRC_A_DEV_ORDERED_LAST
#define MRC_SETTING_LAST	MRC_A_DEV_SPRAY_UNIT

u32 mrc_setting_get(const struct mrc_dev *dev, int setting);
/* -ERANGE with the message set, or 0: mrc_setting_set() may follow. */
int mrc_setting_check(int setting, u32 value, struct netlink_ext_ack *extack);
void mrc_setting_set(struct mrc_dev *dev, int setting, u32 value);
/* 0, or a negative errno with the message set and nothing changed. */
int mrc_udp_port_set(struct mrc_dev *dev, u32 port,
		     struct netlink_ext_ack *extack);

/* ------------------------------------------------------------ netlink */

extern struct genl_family mrc_genl_family;

/* In policies; each command has one of its own, unless two take the same. */
#define MRC_NL_DEVICE	{ .type = NLA_NUL_STRING, .len = IB_DEVICE_NAME_MAX - 1 }
#define MRC_NL_ADDRESS	NLA_POLICY_EXACT_LEN(sizeof(struct in6_addr))
#define MRC_NL_PLANE	NLA_POLICY_MAX(NLA_U32, MRC_MAX_PORTS - 1)

/*
 * Where a dump is, and what it was asked to show. Lives in cb->ctx. Objects
 * come in the order of the keys kept here, so that a dump goes on behind the
 * last one it reported, whatever has come or gone since.
 */
struct mrc_dump {
	u32 dev_index;		/* of the RDMA device to go on with */
	u32 key;		/* plane; peer id; QPN */
	u32 sub;		/* within a peer: plane; path index */
	struct in6_addr remote;	/* only this peer */
	u8 plane;		/* only this plane */
	bool begun;
	bool done;		/* the only device has been shown */
	bool one_dev;		/* dev_index only */
	bool one_remote;
	bool one_plane;
	bool one_qpn;
	u32 qpn;		/* only this QP */
};

/* Attributes of a dump's request; 0: there is no such filter. */
struct mrc_dump_spec {
	const struct nla_policy *policy;
	int maxattr;
	int a_dev;
	int a_remote;
	int a_plane;
	int a_qpn;
	/*
	 * Report what remains of @dev: 0, or -EMSGSIZE with @d telling where
	 * to go on.
	 */
	int (*fill)(struct sk_buff *skb, struct netlink_callback *cb,
		    struct mrc_dev *dev, struct mrc_dump *d);
};

int mrc_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		const struct mrc_dump_spec *spec);
/* The header of one reply of a dump, or NULL. */
void *mrc_nl_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
/*
 * The device an attribute names, if the caller of @info may see it; ERR_PTR
 * with the message set. To be released by ib_device_put().
 */
struct mrc_dev *mrc_nl_dev(struct genl_info *info, int attr);

int mrc_nl_peer_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_plane_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_path_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_path_set(struct sk_buff *skb, struct genl_info *info);

int mrc_nl_qp_dump(struct sk_buff *skb, struct netlink_callback *cb);
/* ib_device_ops.fill_res_qp_entry */
int mrc_fill_res_qp_entry(struct sk_buff *msg, struct ib_qp *ibqp);

int mrc_nl_probe(struct sk_buff *skb, struct genl_info *info);
/*
 * A probe that mrc_nl_probe() sent was answered at @now (ns). Softirq, no
 * lock.
 */
void mrc_nl_probe_answered(const struct mrc_peer *peer,
			   const struct mrc_asked_probe *asked, u64 now);

extern const struct nla_policy mrc_nl_probe_policy[MRC_A_PROBE_MAX + 1];
extern const struct nla_policy mrc_nl_qp_policy[MRC_A_QP_MAX + 1];
int mrc_nl_profile_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_profile_new(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_profile_set(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_profile_del(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_profile_use(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_srv6_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_srv6_new(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_srv6_del(struct sk_buff *skb, struct genl_info *info);
int mrc_nl_cc_dump(struct sk_buff *skb, struct netlink_callback *cb);
int mrc_nl_cc_set(struct sk_buff *skb, struct genl_info *info);
int mrc_cc_set_algorithm(struct mrc_dev *dev, u32 algorithm,
			 struct netlink_ext_ack *extack);

extern const struct nla_policy mrc_nl_profile_get_policy[MRC_A_PROFILE_MAX + 1];
extern const struct nla_policy mrc_nl_profile_name_policy[MRC_A_PROFILE_MAX + 1];
extern const struct nla_policy mrc_nl_profile_new_policy[MRC_A_PROFILE_MAX + 1];
extern const struct nla_policy mrc_nl_srv6_get_policy[MRC_A_SRV6_MAX + 1];
extern const struct nla_policy mrc_nl_srv6_new_policy[MRC_A_SRV6_MAX + 1];
extern const struct nla_policy mrc_nl_srv6_del_policy[MRC_A_SRV6_MAX + 1];
extern const struct nla_policy mrc_nl_cc_get_policy[MRC_A_CC_MAX + 1];
extern const struct nla_policy mrc_nl_cc_set_policy[MRC_A_CC_MAX + 1];
extern const struct nla_policy mrc_nl_peer_policy[MRC_A_PEER_MAX + 1];
extern const struct nla_policy mrc_nl_plane_policy[MRC_A_PLANE_MAX + 1];
extern const struct nla_policy mrc_nl_path_get_policy[MRC_A_PATH_MAX + 1];
extern const struct nla_policy mrc_nl_path_set_policy[MRC_A_PATH_MAX + 1];

#endif /* MRC_CONTROL_H */
