// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The settings of a device: one table for netlink and sysfs, so that both
 * check alike. A setting is one aligned word or less, read at each use;
 * changing it takes no lock.
 */
#include <linux/bitmap.h>
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

/**
 * mrc_udp_port_set - send to and receive on another UDP port
 * @dev: the device
 * @port: the port wanted
 * @extack: gets the reason of a refusal
 *
 * Context: process.
 * Return: 0, -ERANGE, or why it cannot be opened; nothing has changed then.
 */
int mrc_udp_port_set(struct mrc_dev *dev, u32 port,
		     struct netlink_ext_ack *extack)
{
	int err;

	if (!port || port > U16_MAX) {
		NL_SET_ERR_MSG(extack, "udp_port must be from 1 to 65535");
		return -ERANGE;
	}
	err = mrc_dev_sock_move(dev, port);
	if (err)
		NL_SET_ERR_MSG(extack, "The UDP port cannot be opened: is it in use?");
	return err;
}

/* ------------------------------------------------------------ sysfs */

static struct mrc_dev *mdev_of(struct device *device)
{
	return rdma_device_to_drv_device(device, struct mrc_dev, ibdev);
}

static ssize_t setting_show(struct device *device,
			    struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);
	struct setting *s = container_of(attr, struct setting, sysfs);

	return sysfs_emit(buf, "%u\n", value_of(dev, s));
}

/*
 * What a write to sysfs returns. The reason of a refusal, which netlink tells
 * who asked, is in the kernel's log.
 */
static ssize_t stored(struct mrc_dev *dev, int err,
		      const struct netlink_ext_ack *extack, size_t count)
{
	if (!err)
		return count;
	if (extack->_msg)
		ibdev_notice_ratelimited(&dev->ibdev, "%s\n", extack->_msg);
	return err;
}

/* The number written to a file, by somebody who may. */
static int read_number(struct device_attribute *attr, const char *buf,
		       u32 *value, struct netlink_ext_ack *extack)
{
	int err;

	/* The file belongs to root, which a container's root may be, too. */
	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = kstrtou32(buf, 0, value);
	if (err)
		NL_SET_ERR_MSG_FMT(extack, "%s must be a number",
				   attr->attr.name);
	return err;
}

static ssize_t setting_store(struct device *device,
			     struct device_attribute *attr, const char *buf,
			     size_t count)
{
	struct mrc_dev *dev = mdev_of(device);
	struct setting *s = container_of(attr, struct setting, sysfs);
	struct netlink_ext_ack extack = {};
	u32 value;
	int err;

	err = read_number(attr, buf, &value, &extack) ?:
	      check(s, value, &extack);
	if (!err)
		change(dev, s, value);
	return stored(dev, err, &extack, count);
}

/* A number that @set takes, or refuses. */
static ssize_t store_number(struct device *device,
			    struct device_attribute *attr, const char *buf,
			    size_t count,
			    int (*set)(struct mrc_dev *dev, u32 value,
				       struct netlink_ext_ack *extack))
{
	struct mrc_dev *dev = mdev_of(device);
	struct netlink_ext_ack extack = {};
	u32 value;
	int err;

	err = read_number(attr, buf, &value, &extack) ?:
	      set(dev, value, &extack);
	return stored(dev, err, &extack, count);
}

static ssize_t udp_port_show(struct device *device,
			     struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);

	return sysfs_emit(buf, "%u\n", READ_ONCE(dev->set.udp_port));
}

static ssize_t udp_port_store(struct device *device,
			      struct device_attribute *attr, const char *buf,
			      size_t count)
{
	return store_number(device, attr, buf, count, mrc_udp_port_set);
}

static ssize_t active_evs_show(struct device *device,
			       struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);

	return sysfs_emit(buf, "%u\n", mrc_profile_active(dev));
}

static ssize_t active_evs_store(struct device *device,
				struct device_attribute *attr, const char *buf,
				size_t count)
{
	return store_number(device, attr, buf, count, mrc_profile_set_active);
}

static const char *const algorithms[] = { "nscc", "null" };

static ssize_t algorithm_show(struct device *device,
			      struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);
	struct mrc_cc_profile p;

	mrc_cc_profile_get(dev, &p);
	return sysfs_emit(buf, "%s\n", algorithms[p.algorithm]);
}

static ssize_t algorithm_store(struct device *device,
			       struct device_attribute *attr, const char *buf,
			       size_t count)
{
	struct mrc_dev *dev = mdev_of(device);
	struct netlink_ext_ack extack = {};
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = sysfs_match_string(algorithms, buf);
	if (err < 0)
		NL_SET_ERR_MSG(&extack, "algorithm must be nscc or null");
	else
		err = mrc_cc_set_algorithm(dev, err, &extack);
	return stored(dev, err, &extack, count);
}

/* A mask of planes as a list, such as "0-3,5". */
static ssize_t emit_planes(char *buf, u32 mask)
{
	unsigned long bits = mask;

	return sysfs_emit(buf, "%*pbl\n", MRC_MAX_PORTS, &bits);
}

static ssize_t planes_show(struct device *device,
			   struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);

	return emit_planes(buf, READ_ONCE(dev->planes));
}

static ssize_t planes_up_show(struct device *device,
			      struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);
	u32 up;

	mrc_dev_planes(dev, &up);
	return emit_planes(buf, up);
}

static ssize_t planes_enabled_show(struct device *device,
				   struct device_attribute *attr, char *buf)
{
	struct mrc_dev *dev = mdev_of(device);

	return emit_planes(buf, mrc_ports_enabled(dev));
}

static ssize_t planes_enabled_store(struct device *device,
				    struct device_attribute *attr,
				    const char *buf, size_t count)
{
	struct mrc_dev *dev = mdev_of(device);
	struct netlink_ext_ack extack = {};
	unsigned long bits = 0;
	int err;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	err = bitmap_parselist(buf, &bits, MRC_MAX_PORTS);
	if (err)
		NL_SET_ERR_MSG(&extack, "planes_enabled must be a list of planes, such as 0-3,5");
	else
		err = mrc_ports_enable(dev, bits, &extack);
	return stored(dev, err, &extack, count);
}

static DEVICE_ATTR_RW(udp_port);
static DEVICE_ATTR_RW(active_evs);
static DEVICE_ATTR_RW(algorithm);
static DEVICE_ATTR_RO(planes);
static DEVICE_ATTR_RO(planes_up);
static DEVICE_ATTR_RW(planes_enabled);

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
	&dev_attr_active_evs.attr,
	&dev_attr_algorithm.attr,
	&dev_attr_planes.attr,
	&dev_attr_planes_up.attr,
	&dev_attr_planes_enabled.attr,
	NULL
};

const struct attribute_group mrc_attr_group = {
	.name = "mrc",
	.attrs = attributes,
};
