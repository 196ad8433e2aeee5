/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Device counters. One list makes the enum and the names that
 * `rdma statistic` shows; Documentation/counters.md explains each.
 */
#ifndef MRC_COUNTERS_H
#define MRC_COUNTERS_H

#define MRC_COUNTERS(C)							\
	C(tx_packets)		/* packets sent, of every kind */	\
	C(rx_packets)		/* packets received on our UDP port */	\
	C(tx_bytes)		/* payload bytes sent, first time */	\
	C(rx_bytes)		/* payload bytes accepted */		\
	C(tx_data_packets)	/* data packets sent, first time */	\
	C(retransmits)		/* data packets sent again */		\
	C(lost_sack)		/* found lost by SACK and time */	\
	C(lost_nack)		/* to be sent again because of a NACK */ \
	C(lost_timer)		/* found lost by a timer */		\
	C(spurious)		/* retransmissions that were not needed */ \
	C(rtos)			/* retransmission timeouts */		\
	C(probes_sent)		/* reliability probes */		\
	C(probes_received)						\
	C(path_probes_sent)						\
	C(path_probes_answered)						\
	C(sacks_sent)							\
	C(sacks_received)						\
	C(acks_sent)		/* Transport ACKs */			\
	C(acks_received)						\
	C(naks_sent)		/* Transport NAKs */			\
	C(naks_received)						\
	C(nacks_sent)							\
	C(nacks_received)						\
	C(rnr_sent)		/* NACKs for want of a receive */	\
	C(rnr_received)							\
	C(duplicates)		/* data packets that had arrived before */ \
	C(out_of_order)		/* arrived before an earlier PSN */	\
	C(ecn_marked)							\
	C(trimmed)		/* packets without payload received */	\
	C(doorbells)		/* system calls that rang a ring */	\
	C(doorbells_saved)	/* work requests taken without one */	\
	C(hellos_sent)							\
	C(hellos_received)						\
	C(path_bad)		/* paths taken out */			\
	C(path_good)		/* paths taken back */			\
	C(mtu_mismatch)		/* planes found to have a smaller MTU */ \
	C(tx_errors)		/* packets the port refused to send */	\
	C(drop_malformed)	/* length, version or field invalid */	\
	C(drop_icrc)		/* ICRC wrong */			\
	C(drop_opcode)		/* unknown or not allowed here */	\
	C(drop_no_qp)		/* no such QP, or not ready to receive */ \
	C(drop_sender)		/* not from the QP's peer */		\
	C(drop_pkey)							\
	C(drop_qkey)							\
	C(drop_window)		/* PSN outside the window */		\
	C(drop_no_memory)						\
	C(drop_no_receive)	/* UD: no receive posted, or too short */ \
	C(drop_stale)		/* control packet about nothing in flight */ \
	C(drop_hello)		/* hello refused */

#define MRC_COUNTER_ENUM(name)	MRC_CNT_##name,
enum mrc_counter {
	MRC_COUNTERS(MRC_COUNTER_ENUM)
	MRC_CNT_MAX
};

/*
 * Those that every QP has for itself, too. In the order of their netlink
 * attributes, MRC_A_QP_TX_BYTES and following.
 */
#define MRC_QP_COUNTERS(C)						\
	C(tx_bytes)							\
	C(rx_bytes)							\
	C(tx_data_packets)						\
	C(retransmits)							\
	C(lost_sack)							\
	C(lost_nack)							\
	C(lost_timer)							\
	C(spurious)							\
	C(rtos)								\
	C(probes_sent)							\
	C(sacks_sent)							\
	C(sacks_received)						\
	C(nacks_sent)							\
	C(nacks_received)						\
	C(rnr_sent)							\
	C(rnr_received)							\
	C(duplicates)							\
	C(out_of_order)

#define MRC_QP_COUNTER_ENUM(name)	MRC_QPC_##name,
enum mrc_qp_counter {
	MRC_QP_COUNTERS(MRC_QP_COUNTER_ENUM)
	MRC_QPC_MAX
};

struct ib_device;
struct ib_qp;
struct rdma_counter;
struct rdma_hw_stats;

struct rdma_hw_stats *mrc_alloc_hw_port_stats(struct ib_device *ibdev,
					      u32 port);
int mrc_get_hw_stats(struct ib_device *ibdev, struct rdma_hw_stats *stats,
		     u32 port, int index);

/* `rdma statistic qp`: counters of a group of QPs that the core has formed. */
int mrc_counter_bind_qp(struct rdma_counter *counter,
			struct ib_qp *ibqp MRC_COUNTER_PORT_PARAM);
int mrc_counter_unbind_qp(struct ib_qp *ibqp MRC_COUNTER_PORT_PARAM);
int mrc_counter_dealloc(struct rdma_counter *counter);
struct rdma_hw_stats *mrc_counter_alloc_stats(struct rdma_counter *counter);
int mrc_counter_update_stats(struct rdma_counter *counter);

#endif
