// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Counters, as `rdma statistic` shows them. Each CPU counts for itself; the
 * sums are made when somebody asks.
 */
#include <linux/percpu.h>

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
	return MRC_CNT_MAX;
}
