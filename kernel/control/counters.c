// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Counters, as `rdma statistic` shows them. Each CPU counts for itself; the
 * sums are made when somebody asks.
 */
#include <linux/percpu.h>
#include <rdma/rdma_counter.h>

#include "mrc.h"

/* In the order of enum mrc_counter, which comes from the same list. */
#define MRC_COUNTER_DESC(cnt)	{ .name = #cnt },
static const struct rdma_stat_desc mrc_counter_descs[] = {
	MRC_COUNTERS(MRC_COUNTER_DESC)
};

/**
 * mrc_alloc_hw_port_stats - ib_device_ops.alloc_hw_port_stats
 * @ibdev: the device
 * @port: its only port
 */
struct rdma_hw_stats *mrc_alloc_hw_port_stats(struct ib_device *ibdev, u32 port)
{
	return rdma_alloc_hw_stats_struct(mrc_counter_descs,
					  ARRAY_SIZE(mrc_counter_descs),
					  RDMA_HW_STATS_DEFAULT_LIFESPAN);
}

/* Of QPs that `rdma statistic qp` counts together. dev->groups_lock. */
struct mrc_qp_group {
	struct list_head qps;		/* mrc_qp.in_group */
	u64 count[MRC_QPC_MAX];		/* by QPs that have left it */
};

#define MRC_QP_COUNTER_INDEX(cnt)	[MRC_QPC_##cnt] = MRC_CNT_##cnt,
static const u8 mrc_qp_counter_index[] = {
	MRC_QP_COUNTERS(MRC_QP_COUNTER_INDEX)
};

/* What a QP has counted since it is in its group. */
static u64 counted(const struct mrc_qp *qp, int i)
{
	return READ_ONCE(qp->count[i]) - qp->count_base[i];
}

static u64 group_sum(const struct mrc_qp_group *group, int i)
{
	const struct mrc_qp *qp;
	u64 sum = 0;

	list_for_each_entry(qp, &group->qps, in_group)
		sum += counted(qp, i);
	return sum;
}

/*
 * The core adds to the port's counters those of all groups, of the past too.
 * So the port's are to be without what QPs counted while in a group.
 */
static void without_groups(struct mrc_dev *dev, u64 *value)
{
	struct mrc_qp_group *group;
	unsigned long id;
	int i;

	mutex_lock(&dev->groups_lock);
	for (i = 0; i < MRC_QPC_MAX; i++) {
		value[mrc_qp_counter_index[i]] -= dev->grouped[i];
		xa_for_each(&dev->groups, id, group)
			value[mrc_qp_counter_index[i]] -= group_sum(group, i);
	}
	mutex_unlock(&dev->groups_lock);
}

/**
 * mrc_get_hw_stats - ib_device_ops.get_hw_stats
 * @ibdev: the device
 * @stats: told the values
 * @port: its only port; 0 asks for what is not of a port: nothing
 * @index: the one wanted; all are told
 */
int mrc_get_hw_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats,
		     u32 port, int index)
{
	struct mrc_dev *dev = to_mdev(ibdev);
	int cpu, i;

	if (!port || !stats)
		return -EINVAL;
	for (i = 0; i < MRC_CNT_MAX; i++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(dev->stats, cpu)->c[i]);
		stats->value[i] = sum;
	}
	without_groups(dev, stats->value);
	return MRC_CNT_MAX;
}

/* ------------------------------------------------------------ QPs */

/**
 * mrc_counter_alloc_stats - ib_device_ops.counter_alloc_stats
 * @counter: counters of QPs, the same list as the port's
 */
struct rdma_hw_stats *mrc_counter_alloc_stats(struct rdma_counter *counter)
{
	return mrc_alloc_hw_port_stats(counter->device, counter->port);
}

/*
 * ib_device_ops.counter_bind_qp: @counter is new if its id is 0, @ibqp is in
 * no group. 0 or -ENOMEM.
 */
int mrc_counter_bind_qp(struct rdma_counter *counter,
			struct ib_qp *ibqp MRC_COUNTER_PORT_PARAM)
{
	struct mrc_dev *dev = to_mdev(ibqp->device);
	struct mrc_qp *qp = to_mqp(ibqp);
	struct mrc_qp_group *group;
	int i, err = 0;

	mutex_lock(&dev->groups_lock);
	group = counter->id ? xa_load(&dev->groups, counter->id) : NULL;
	if (!group) {
		group = kzalloc(sizeof(*group), GFP_KERNEL);
		if (!group) {
			err = -ENOMEM;
			goto unlock;
		}
		INIT_LIST_HEAD(&group->qps);
		err = xa_alloc(&dev->groups, &counter->id, group, xa_limit_31b,
			       GFP_KERNEL);
		if (err) {
			kfree(group);
			goto unlock;
		}
	}
	for (i = 0; i < MRC_QPC_MAX; i++)
		qp->count_base[i] = READ_ONCE(qp->count[i]);
	qp->group = group;
	list_add_tail(&qp->in_group, &group->qps);
	ibqp->counter = counter;
unlock:
	mutex_unlock(&dev->groups_lock);
	return err;
}

/* ib_device_ops.counter_unbind_qp: what @ibqp counted in its group stays there. */
int mrc_counter_unbind_qp(struct ib_qp *ibqp MRC_COUNTER_PORT_PARAM)
{
	struct mrc_dev *dev = to_mdev(ibqp->device);
	struct mrc_qp *qp = to_mqp(ibqp);
	u64 n;
	int i;

	mutex_lock(&dev->groups_lock);
	for (i = 0; i < MRC_QPC_MAX; i++) {
		n = counted(qp, i);
		qp->group->count[i] += n;
		dev->grouped[i] += n;
	}
	list_del(&qp->in_group);
	qp->group = NULL;
	ibqp->counter = NULL;
	mutex_unlock(&dev->groups_lock);
	return 0;
}

/**
 * mrc_counter_update_stats - ib_device_ops.counter_update_stats
 * @counter: counters, told their values
 */
int mrc_counter_update_stats(struct rdma_counter *counter)
{
	struct mrc_dev *dev = to_mdev(counter->device);
	struct mrc_qp_group *group;
	int i;

	mutex_lock(&dev->groups_lock);
	group = xa_load(&dev->groups, counter->id);
	for (i = 0; group && i < MRC_QPC_MAX; i++)
		counter->stats->value[mrc_qp_counter_index[i]] =
			group->count[i] + group_sum(group, i);
	mutex_unlock(&dev->groups_lock);
	return group ? 0 : -EINVAL;
}

/**
 * mrc_counter_dealloc - ib_device_ops.counter_dealloc
 * @counter: counters that no QP is bound to any more
 */
int mrc_counter_dealloc(struct rdma_counter *counter)
{
	struct mrc_dev *dev = to_mdev(counter->device);

	mutex_lock(&dev->groups_lock);
	kfree(xa_erase(&dev->groups, counter->id));
	mutex_unlock(&dev->groups_lock);
	return 0;
}
