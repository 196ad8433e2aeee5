// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The settings of a device: one table for netlink and sysfs, so that both
 * check alike. A setting is one aligned word or less, read at each use;
 * changing it takes no lock.
 */
#include <linux/capability.h>
#include <linux/kstrtox.h>

#include "control.h"
#include "port/port.h"

struct setting {
	struct device_attribute sysfs;
	u16 offset;			/* in struct mrc_settings */
	u16 size;
	u32 min;
	u32 max;
};

static ssize_t setting_show(struct device *device,
			    struct device_attribute *attr, char *buf);
static ssize_t setting_store(struct device *device,
			     struct device_attribute *attr, const char *buf,
			     size_t count);

#define SETTING(field, least, most) {					\
	.sysfs = __ATTR(field, 0644, setting_show, setting_store),	\
	.offset = offsetof(struct mrc_settings, field),			\
	.size = sizeof_field(struct mrc_settings, field),		\
	.min = least,							\
	.max = most,							\
}

static struct setting settings[] = {
	[MRC_A_DEV_ORDERED_LAST] = SETTING(ordered_last, 0, 1),
	[MRC_A_DEV_ICRC] = SETTING(icrc, 0, 1),
	[MRC_A_DEV_DSCP_DATA] = SETTING(dscp_data, 0, 63),
	[MRC_A_DEV_DSCP_CONTROL] = SETTING(dscp_control, 0, 63),
	[MRC_A_DEV_PATHS_PER_PLANE] = SETTING(paths_per_plane, 1, 128),
	[MRC_A_DEV_EV_ORDER] = SETTING(ev_order, 0, 1),
	[MRC_A_DEV_OOW_NACK] = SETTING(oow_nack, 0, 1),
	[MRC_A_DEV_RTO_EXP] = SETTING(rto_exp, 0, 25),
	[MRC_A_DEV_PLAIN_MPR] = SETTING(plain_mpr, MRC_MPR_MIN, MRC_MPR_DEFAULT),
	[MRC_A_DEV_PLAIN_FEATURES] = SETTING(plain_features, 0,
					     MRC_PLAIN_DYN_MPR |
					     MRC_PLAIN_SERVICE_TIME |
					     MRC_PLAIN_TRIM_NACK),
	[MRC_A_DEV_DSCP_TRIMMABLE] = SETTING(dscp_trimmable, 0, MRC_DSCP_NONE),
	[MRC_A_DEV_DSCP_RETX] = SETTING(dscp_retx, 0, MRC_DSCP_NONE),
	[MRC_A_DEV_DSCP_TRIMMED] = SETTING(dscp_trimmed, 0, MRC_DSCP_NONE),
	[MRC_A_DEV_DSCP_TRIMMED_LASTHOP] = SETTING(dscp_trimmed_lasthop, 0,
						   MRC_DSCP_NONE),
	[MRC_A_DEV_SPRAY_UNIT] = SETTING(spray_unit, 1, MRC_SPRAY_UNIT_MAX),
};

static u32 value_of(const struct mrc_dev *dev, const struct setting *s)
{
	const void *field = (const void *)&dev->set + s->offset;

	if (s->size == sizeof(u8))
		return READ_ONCE(*(const u8 *)field);
	return READ_ONCE(*(const u32 *)field);
}

static void change(struct mrc_dev *dev, const struct setting *s, u32 value)
{
	void *field = (void *)&dev->set + s->offset;

	if (s->size == sizeof(u8))
		WRITE_ONCE(*(u8 *)field, value);
	else
		WRITE_ONCE(*(u32 *)field, value);
	if (s == &settings[MRC_A_DEV_DSCP_TRIMMED] ||
	    s == &settings[MRC_A_DEV_DSCP_TRIMMED_LASTHOP])
		mrc_ingress_update(dev);
	/* Peers must know what we check: tell them in a hello. */
	if (s == &settings[MRC_A_DEV_ICRC])
		mrc_port_state_changed(dev, NULL);
}

static int check(const struct setting *s, u32 value,
		 struct netlink_ext_ack *extack)
{
	if (value >= s->min && value <= s->max)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "%s must be from %u to %u",
			   s->sysfs.attr.name, s->min, s->max);
	return -ERANGE;
}

/**
 * mrc_setting_get - value of a setting
 * @dev: the device
 * @setting: MRC_A_DEV_* of the setting
 */
u32 mrc_setting_get(const struct mrc_dev *dev, int setting)
{
	return value_of(dev, &settings[setting]);
}

/**
 * mrc_setting_check - is this value allowed?
 * @setting: MRC_A_DEV_* of the setting
 * @value: the value wanted
 * @extack: gets the message of a refusal
 */
int mrc_setting_check(int setting, u32 value, struct netlink_ext_ack *extack)
{
	return check(&settings[setting], value, extack);
}

/**
 * mrc_setting_set - change a setting
 * @dev: the device
 * @setting: MRC_A_DEV_* of the setting
 * @value: a value that mrc_setting_check() allowed
 */
void mrc_setting_set(struct mrc_dev *dev, int setting, u32 value)
{
	change(dev, &settings[setting], value);
}

/* ------------------------------------------------------------ sysfs */

static ssize_t setting_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev =
		rdma_device_to_drv_device(device, struct mrc_dev, ibdev);
	struct setting *s = container_of(attr, struct setting, sysfs);

	return sysfs_emit(buf, "%u\n", value_of(dev, s));
}

static ssize_t setting_store(struct device *device,
			     struct device_attribute *attr, const char *buf,
			     size_t count)
{
	struct mrc_dev *dev =
		rdma_device_to_drv_device(device, struct mrc_dev, ibdev);
	struct setting *s = container_of(attr, struct setting, sysfs);
	u32 value;
	int err;

	/* The file belongs to root, which a container's root may be, too. */
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = kstrtou32(buf, 0, &value);
	if (!err)
		err = check(s, value, NULL);
	if (err)
		return err;
	change(dev, s, value);
	return count;
}

static ssize_t udp_port_show(struct device *device,
			     struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev =
		rdma_device_to_drv_device(device, struct mrc_dev, ibdev);

	return sysfs_emit(buf, "%u\n", dev->set.udp_port);
}

static DEVICE_ATTR_RO(udp_port);

static struct attribute *attributes[] = {
	&settings[MRC_A_DEV_ORDERED_LAST].sysfs.attr,
	&settings[MRC_A_DEV_ICRC].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_DATA].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_CONTROL].sysfs.attr,
	&settings[MRC_A_DEV_PATHS_PER_PLANE].sysfs.attr,
	&settings[MRC_A_DEV_EV_ORDER].sysfs.attr,
	&settings[MRC_A_DEV_OOW_NACK].sysfs.attr,
	&settings[MRC_A_DEV_RTO_EXP].sysfs.attr,
	&settings[MRC_A_DEV_PLAIN_MPR].sysfs.attr,
	&settings[MRC_A_DEV_PLAIN_FEATURES].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_TRIMMABLE].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_RETX].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_TRIMMED].sysfs.attr,
	&settings[MRC_A_DEV_DSCP_TRIMMED_LASTHOP].sysfs.attr,
	&settings[MRC_A_DEV_SPRAY_UNIT].sysfs.attr,
	&dev_attr_udp_port.attr,
	NULL
};

const struct attribute_group mrc_attr_group = {
	.name = "mrc",
	.attrs = attributes,
};
