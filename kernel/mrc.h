/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The module's objects and the calls between its layers. Locking and
 * lifetime are explained in Documentation/design.md, "Locking and lifetime";
 * in short: RCU protects every look-up, a reference count the object found,
 * qp->lock a QP's protocol state, peer->lock a peer's paths and congestion
 * window. Order: qp->lock, then peer->lock, then cq->lock or srq->lock.
 */
#ifndef MRC_H
#define MRC_H

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <rdma/ib_pack.h>
#include <rdma/ib_umem.h>
#include <rdma/ib_verbs.h>
#include <rdma/uverbs_ioctl.h>

#include "mrc/wire.h"
#include "rdma/mrc-abi.h"
#include "control/counters.h"
#include "control/events.h"
#include "transport/codec.h"
#include "transport/order.h"
#include "transport/ev.h"
#include "transport/mtu.h"
#include "transport/rxwin.h"
#include "transport/srv6.h"
#include "transport/tx.h"

#define MRC_MAX_QP		65536
#define MRC_MAX_QP_WR		32768
#define MRC_MAX_CQE		((u32)BIT(20))
#define MRC_MAX_SRQ_WR		32768
#define MRC_MAX_RD_ATOMIC	128
#define MRC_MAX_MSG		((u32)BIT(31))
#define MRC_MIN_QPN		16
/* Attachments of QPs to multicast groups, per device. */
#define MRC_MAX_MCAST		4096
/* Receive window offered to peers, PSNs. */
#define MRC_RX_WINDOW		(MRC_MPR_DEFAULT * MRC_MPR_UNIT)
/* Scoreboard and so packets in flight per QP, at most. */
#define MRC_TX_WINDOW		4096

struct kobject;
struct mrc_dmabuf;
struct mrc_qp_group;
struct mrc_peer;
struct mrc_qp;
struct mrc_txmsg;
struct mrc_recv;
struct platform_device;

/* ------------------------------------------------------------ device */

/* One Ethernet port: a plane. */
struct mrc_port {
	struct mrc_dev *dev;
	struct net_device *netdev;	/* held */
	netdevice_tracker tracker;
	u8 plane;			/* 0..31, index in dev->ports */
	bool up;			/* enabled, running and with carrier */
	bool disabled;			/* by the operator */
	u32 speed;			/* Mb/s, as last told; 0: unknown */
	bool hooked;			/* hook is registered; ports_lock */
	struct nf_hook_ops hook;	/* see port/ingress.c */
	struct rcu_head rcu;
};

struct mrc_stats {
	u64 c[MRC_CNT_MAX];
};

/* What an operator can set; see Documentation/ABI. */
struct mrc_settings {
	u16 udp_port;		/* host order */
	bool ordered_last;	/* last packet of a message placed last */
	bool icrc;		/* compute and check ICRC */
	u8 dscp_data;
	u8 dscp_control;
	u32 paths_per_plane;	/* EVs per plane, 1..128 */
	bool ev_order;		/* the source port is the EV's high half */
	bool oow_nack;		/* answer what is beyond the window */
	u8 rto_exp;		/* mrc_tx_params.exp_cnt, 0..25 */
	u8 plain_mpr;		/* of peers without hello, 8..32 */
	u8 plain_features;	/* theirs: MRC_PLAIN_* */
	/* MRC_DSCP_NONE: the class does not exist */
	u8 dscp_trimmable;
	u8 dscp_retx;
	u8 dscp_trimmed;
	u8 dscp_trimmed_lasthop;
	u8 spray_unit;		/* packets per choice of a path, 1..16 */
};

#define MRC_SPRAY_UNIT_MAX	16

#define MRC_DSCP_NONE		64
/* mrc_settings.plain_features: what was agreed on out of band */
#define MRC_PLAIN_DYN_MPR	0x1
#define MRC_PLAIN_SERVICE_TIME	0x2
#define MRC_PLAIN_TRIM_NACK	0x4

/* Limits what strangers can make us send; see port/hello.c. */
struct mrc_bucket {
	spinlock_t lock;		/* BH */
	u64 last;			/* ns, when tokens were last added */
	u32 tokens;
};

#define MRC_MAX_PROFILES	16
#define MRC_PROFILE_NAME	32
#define MRC_PROFILE_AUTO	"auto"	/* the name of no profile */
/* Paths per plane that answers take, without a profile. */
#define MRC_REVERSE_DEFAULT	4

enum mrc_profile_kind {
	MRC_PROFILE_KIND_AUTO,		/* EVs are drawn for each peer */
	MRC_PROFILE_KIND_LIST,
	MRC_PROFILE_KIND_FIELDS,	/* generated; see transport/ev.h */
};

/* An EV profile; of one in a device's list only active changes, under the lock. */
struct mrc_profile {
	struct list_head list;		/* dev->profiles */
	u32 id;				/* ascending, for dumps */
	char name[MRC_PROFILE_NAME];
	enum mrc_profile_kind kind;
	u32 count;			/* paths of all planes, 1..4096 */
	u32 active;			/* of them in use, 0: all; profiles_lock */
	u32 min_active;			/* 0: a quarter of those in use */
	u32 reverse;			/* per plane for answers, 0: all */
	u32 answers;			/* of probes that bring a path back, 0: 3 */
	u32 nfields;
	struct mrc_ev_field fields[MRC_EV_FIELDS];
	u32 nev;			/* 0: auto */
	u32 ev[];
};

#define MRC_MAX_SRV6		64

/* An SRv6 template and its destinations; never changed, only replaced; RCU. */
struct mrc_srv6_entry {
	struct list_head list;		/* dev->srv6 */
	u32 id;				/* ascending, for dumps */
	struct in6_addr prefix;
	u32 plen;
	struct mrc_srv6 template;
	struct rcu_head rcu;
};

struct mrc_dev {
	struct ib_device ibdev;
	struct net_device *netdev;	/* the address netdev; held */
	struct mrc_port __rcu *ports[MRC_MAX_PORTS];
	struct mutex ports_lock;	/* writers of ports[] and planes */
	u32 planes;			/* mask of ports[] in use */
	struct list_head list;		/* all devices, mrc_devices_lock */
	struct mrc_settings set;
	u64 instance;			/* of the hello */

	struct xarray qps;		/* QPN -> struct mrc_qp, RCU */
	u32 next_qpn;
	struct mrc_qp __rcu *gsi_qp;
	struct xarray mrs;		/* key >> 8 -> struct mrc_mr, RCU */
	u32 next_mr;
	struct xarray ahs;		/* AH number -> struct mrc_ah, RCU */
	u32 next_ah;
	struct ida pdns;
	struct ida srqns;
	struct rhashtable peers;	/* struct mrc_peer_key -> mrc_peer, RCU */
	struct mutex peers_lock;	/* creation of peers */
	struct list_head peer_list;	/* peers_lock; ascending by id */
	u32 next_peer_id;		/* peers_lock */
	struct delayed_work peer_gc;	/* forgets peers long unused */
	struct mrc_bucket answers;	/* to hellos and probes */
	struct mutex profiles_lock;	/* the following; after peers_lock */
	struct list_head profiles;	/* struct mrc_profile */
	u32 num_profiles;
	u32 next_profile;
	struct mrc_profile *profile;	/* in use; NULL: auto */
	struct mrc_cc_profile cc;
	struct list_head srv6;		/* struct mrc_srv6_entry, RCU */
	u32 num_srv6;
	u32 next_srv6;
	struct list_head mcasts;	/* groups of UD QPs, RCU */
	struct mutex mcast_lock;	/* writers of mcasts */
	u32 num_mcasts;
	struct workqueue_struct *wq;	/* QP runs that cannot be done in place */
	atomic_long_t held_bytes;	/* skbs waiting for their turn */
	bool active;			/* port state last reported */

	/* parent made for a virtual netdev, and its link to it (device.c) */
	struct platform_device *parent;
	struct kobject *parent_net;
	char parent_link[IFNAMSIZ];

	struct mrc_events events;
	struct mrc_stats __percpu *stats;
	struct xarray groups;		/* counter id -> struct mrc_qp_group */
	struct mutex groups_lock;	/* groups, and who is in which */
	u64 grouped[MRC_QPC_MAX];	/* counted by QPs that have left groups */
	/* objects alive, for limits and for tests */
	atomic_t num_pd, num_cq, num_qp, num_srq, num_mr, num_ah;
};

static inline struct mrc_dev *to_mdev(struct ib_device *ibdev)
{
	return container_of(ibdev, struct mrc_dev, ibdev);
}

#define mrc_count(dev, name)	this_cpu_inc((dev)->stats->c[MRC_CNT_##name])
#define mrc_count_add(dev, name, n) \
	this_cpu_add((dev)->stats->c[MRC_CNT_##name], n)
/* For the QP and for the device; qp->lock held. */
#define mrc_qp_count_add(qp, name, n)					\
do {									\
	struct mrc_qp *_qp = (qp);					\
	u64 _n = (n);							\
									\
	_qp->count[MRC_QPC_##name] += _n;				\
	mrc_count_add(_qp->dev, name, _n);				\
} while (0)
#define mrc_qp_count(qp, name)	mrc_qp_count_add(qp, name, 1)

/* ------------------------------------------------------------ rings */

/* The kernel's side of a shared ring (verbs/ring.c). */
struct mrc_kring {
	struct mrc_ring *hdr;		/* vmalloc_user()ed region */
	void *entries;
	u32 mask;			/* entries - 1 */
	u32 entry_size;
	u32 prod;			/* private copies; hdr is only published */
	u32 cons;
	size_t size;
	struct rdma_user_mmap_entry *mmap;	/* NULL for kernel users */
};

/*
 * Allocate a ring of at least @entries entries of at least @entry_size bytes
 * (rounded up to a multiple of 16). With @ucontext, the region gets an mmap
 * entry and @info says where. Process context. 0 or -ENOMEM, -EINVAL.
 */
int mrc_ring_alloc(struct mrc_kring *r, u32 entries, u32 entry_size,
		   struct ib_ucontext *ucontext, struct mrc_mmap_info *info);
/* Drops the kernel's reference; the memory lives on while mapped. */
void mrc_ring_free(struct mrc_kring *r);
/* Zero all indices (QP to RESET); caller excludes users of the ring. */
void mrc_ring_reset(struct mrc_kring *r);

static inline void *mrc_ring_entry(const struct mrc_kring *r, u32 idx)
{
	return r->entries + (size_t)(idx & r->mask) * r->entry_size;
}

/*
 * Entries a consumer that has taken those before @taken may take. User space's
 * prod is checked here: what was taken and not retired is room as well, or the
 * ring's size would bound nothing.
 */
static inline u32 mrc_ring_avail(const struct mrc_kring *r, u32 taken)
{
	u32 n;

	/* entries below prod are complete */
	n = smp_load_acquire(&r->hdr->prod) - taken;
	return n <= r->mask + 1 - (taken - r->cons) ? n : 0;
}

/* ------------------------------------------------------------ PD, MR, AH */

struct mrc_ucontext {
	struct ib_ucontext ibuc;
};

struct mrc_pd {
	struct ib_pd ibpd;
	u32 pdn;
};

/* A contiguous piece of an MR. */
struct mrc_seg {
	u64 start;		/* offset from the first segment, bytes */
	struct page *page;
	u32 offset;		/* in page */
};

enum mrc_mr_type { MRC_MR_DMA, MRC_MR_USER, MRC_MR_FAST, MRC_MR_MW };
enum mrc_mr_state { MRC_MR_INVALID, MRC_MR_FREE, MRC_MR_VALID };

struct mrc_mr {
	struct ib_mr ibmr;
	struct mrc_dev *dev;
	struct ib_pd *pd;
	enum mrc_mr_type type;
	enum mrc_mr_state state;
	u32 access;
	u32 key;		/* it is found by; ULPs change ibmr's at will */
	u64 iova;
	u64 length;
	u64 mapped;		/* bytes of all segments */
	u32 skip;		/* of which so many come before iova */
	u32 nsegs, max_segs;
	struct mrc_seg *segs;	/* sorted by start; nsegs of them */
	struct ib_umem *umem;
	struct mrc_dmabuf *dmabuf;	/* in place of umem */
	u64 serial;		/* no two MRs, past ones included, have the same */
	/* memory window: what it shows; held by references to the window */
	struct mrc_mr *base;
	u64 base_serial;
	u32 base_key;
	u32 qpn;		/* type 2: who may be spoken to by this key */
	u8 mw_type;		/* enum ib_mw_type */
	refcount_t ref;
	struct completion released;
	struct rcu_head rcu;
};

static inline struct mrc_mr *to_mmr(struct ib_mr *ibmr)
{
	return container_of(ibmr, struct mrc_mr, ibmr);
}

struct mrc_mw {
	struct ib_mw ibmw;
	struct mrc_mr *mr;
};

/*
 * Find the MR or memory window of @key and check PD, state, access (IB_ACCESS_* that must all
 * be granted; 0: local read) and that [addr, addr + len) lies inside. @remote:
 * the key came over the wire. Returns a reference or NULL. Softirqs disabled,
 * and so until mrc_mr_put().
 */
struct mrc_mr *mrc_mr_get(struct mrc_qp *qp, u32 key, u64 addr, u64 len,
			  int access, bool remote);
void mrc_mr_put(struct mrc_mr *mr);
/* The following trust that the range was checked by mrc_mr_get(). */
int mrc_mr_copy_from_skb(struct mrc_mr *mr, u64 addr, const struct sk_buff *skb,
			 int offset, u32 len);
void mrc_mr_copy_to_buf(struct mrc_mr *mr, u64 addr, void *buf, u32 len);
void mrc_mr_copy_from_buf(struct mrc_mr *mr, u64 addr, const void *buf, u32 len);
/*
 * Append the range's pages to @skb as fragments (references taken, copied
 * where a page cannot be referenced). -EMSGSIZE: too many fragments, skb
 * unchanged; the caller copies instead.
 */
int mrc_mr_add_frags(struct mrc_mr *mr, u64 addr, u32 len, struct sk_buff *skb);
/* Kernel address of a naturally aligned 64-bit word. */
u64 *mrc_mr_word(struct mrc_mr *mr, u64 addr);
/* Work requests IB_WR_REG_MR, IB_WR_LOCAL_INV and remote invalidation. */
int mrc_mr_fast_reg(struct ib_pd *pd, struct ib_mr *ibmr, u32 key, int access);
int mrc_mr_invalidate(struct mrc_qp *qp, u32 key, bool remote);
/* Work request BIND_MW. */
int mrc_mw_bind(struct mrc_qp *qp, const struct mrc_sqe *sqe);

struct mrc_ah {
	struct ib_ah ibah;
	u32 ah_num;
	struct rdma_ah_attr attr;	/* without sgid_attr: see src */
	struct in6_addr src;		/* our GID: IPv4-mapped or IPv6 */
	struct in6_addr dst;		/* IPv4-mapped or IPv6 */
	u8 dmac[ETH_ALEN];
	struct rcu_head rcu;
};

static inline struct mrc_ah *to_mah(struct ib_ah *ibah)
{
	return container_of(ibah, struct mrc_ah, ibah);
}

/* ------------------------------------------------------------ CQ, SRQ */

struct mrc_cq {
	struct ib_cq ibcq;
	struct mrc_kring ring;		/* producer: kernel */
	spinlock_t lock;		/* irqsave; ring, notify, overflow */
	u8 notify;			/* enum ib_cq_notify_flags armed */
	bool overflow;
	bool dying;
	/* moderation: ibv_modify_cq */
	u16 mod_count, mod_period_us;
	u32 mod_pending;
	bool mod_solicited;
	struct hrtimer mod_timer;
};

static inline struct mrc_cq *to_mcq(struct ib_cq *ibcq)
{
	return container_of(ibcq, struct mrc_cq, ibcq);
}

/*
 * Add a completion; wakes the consumer if armed (@solicited: also if armed
 * for solicited ones only; errors count as solicited). Overflow: async event
 * IB_EVENT_CQ_ERR once, the completion is lost. Any context, qp->lock may be
 * held.
 */
void mrc_cq_post(struct mrc_cq *cq, const struct mrc_cqe *cqe, bool solicited);
/* Forget completions of @qpn (kernel users; QP going to RESET or away). */
void mrc_cq_clean(struct mrc_cq *cq, u32 qpn);

/* A receive work request, copied out of its ring and checked. */
struct mrc_recv {
	u64 wr_id;
	u32 num_sge;
	u32 length;			/* sum of the SGEs, bytes */
	u32 placed;			/* bytes written so far */
	u32 placing;			/* CPUs that write, without qp->lock */
	bool over;			/* completed; the last of them frees it */
	struct mrc_sge sge[];
};

struct mrc_srq {
	struct ib_srq ibsrq;
	struct mrc_kring ring;
	spinlock_t lock;		/* irqsave; ring, limit */
	u32 max_sge;
	u32 max_wr;
	u32 limit;
	u32 srqn;
	bool error;
};

static inline struct mrc_srq *to_msrq(struct ib_srq *ibsrq)
{
	return container_of(ibsrq, struct mrc_srq, ibsrq);
}

/*
 * Copy entry @idx of a receive ring into a new struct mrc_recv (GFP_ATOMIC).
 * ERR_PTR(-ENOMEM), or -EINVAL: the entry is nonsense (too many SGEs).
 */
struct mrc_recv *mrc_recv_copy(const struct mrc_kring *ring, u32 idx,
			       u32 max_sge);
/*
 * Take the next receive of an SRQ and retire its ring entry; raises
 * IB_EVENT_SRQ_LIMIT_REACHED. NULL: none posted. ERR_PTR as mrc_recv_copy()
 * (-EINVAL: entry retired, SRQ is in error).
 */
struct mrc_recv *mrc_srq_take(struct mrc_srq *srq);
/* Kernel users' post_recv: shared by RQ and SRQ; ring lock held. */
int mrc_ring_post_recv(struct mrc_kring *ring, u32 max_wr, u32 max_sge,
		       const struct ib_recv_wr *wr);

/* ------------------------------------------------------------ QP */

/* Requester: SQ work requests to messages. */
struct mrc_req {
	spinlock_t post_lock;		/* irqsave: kernel users' post_send */
	u32 taken;			/* ring index of the next WR to take */
	bool awake;			/* the next one comes without a doorbell */
	u16 msn;			/* of the next message */
	u16 rqmsn;
	struct list_head wrs;		/* struct mrc_txmsg, taken, not retired */
	struct list_head reads;		/* those that wait for an answer */
	u32 rd_atomic;			/* number of them */
	u32 acked_psn;			/* Transport ACK, cumulative */
	u64 rnr_until;			/* ns, sending paused; 0: not */
	u8 rnr_tries;
};

/* The packet that a SACK answers. */
struct mrc_sack_cause {
	u64 now;			/* its arrival, ns, CLOCK_MONOTONIC */
	u32 psn;			/* cack for a probe */
	u32 entropy;			/* its EV */
	u16 tx_timestamp;		/* its timestamp, to be reflected */
	bool ecn;			/* it was marked */
};

/* Responder. */
struct mrc_resp {
	struct rb_root held;		/* skbs waiting for their turn, by PSN */
	struct mrc_order *order;	/* of WRITEs; with the window */
	bool draining;			/* one CPU processes held packets */
	bool ackreq;			/* the requester asked to be told */
	u32 ackreq_psn;			/* when it has got this far */
	u32 msn;			/* requests completed, 24 bits */
	struct xarray recvs;		/* RQMSN -> struct mrc_recv, bound */
	u16 next_bind;			/* RQMSN to bind next */
	u32 bound;			/* number in recvs */
	u16 next_rqmsn;			/* RQMSN to complete next */
	bool ack_due;			/* progress not yet told */
	bool sack_due;			/* at the end of the burst, see batch.c */
	struct mrc_sack_cause cause;	/* of that SACK */
	bool established;		/* a packet came while in RTR or later */
	bool flushed;			/* receives have been flushed */
	u8 nak;				/* AETH syndrome of the fatal NAK, 0: none */
	u8 nak_want;			/* NAK to send once the answers are out */
	u32 nak_psn;
	struct list_head answers;	/* struct mrc_txmsg: READ, ATOMIC responses */
	u32 num_answers;		/* those and READ, ATOMIC requests held */
};

struct mrc_qp {
	struct ib_qp ibqp;
	struct mrc_dev *dev;
	u32 qpn;
	refcount_t ref;
	struct completion released;
	struct rcu_head rcu;
	bool user;			/* rings are shared with user space */
	bool sq_sig_all;
	struct mutex modify_lock;	/* one ib_modify_qp() at a time */

	spinlock_t lock;		/* BH; everything below */
	enum ib_qp_state state;
	struct ib_qp_attr attr;
	struct ib_qp_cap cap;
	u32 mtu;			/* path MTU, payload bytes per packet */

	struct mrc_kring sq;
	struct mrc_kring rq;
	struct mrc_srq *srq;
	spinlock_t rq_lock;		/* irqsave: rq ring */
	u32 rq_taken;

	struct mrc_peer *peer;		/* RTR and later; reference held */
	struct list_head waiter;	/* in peer->waiters, peer->lock */
	u32 turn;			/* packets before others' turn, peer->lock */
	struct mrc_tx tx;
	struct mrc_rxwin rxw;
	void *rxw_storage;
	struct mrc_txent *board;
	u32 board_entries;
	struct list_head msgs;		/* struct mrc_txmsg with PSNs, oldest first */
	struct mrc_txmsg *sending;	/* the last of them, packets still to make */
	struct mrc_req req;
	struct mrc_resp resp;

	bool tx_started;		/* the outgoing stream has its first PSN */
	bool sqd_notify;		/* IB_EVENT_SQ_DRAINED is wanted */
	u32 peer_terms;			/* mrc_peer_terms(), as tx knows it */
	bool running;			/* somebody is in mrc_qp_run() */
	bool rerun;
	bool run_due;			/* at the end of the burst */
	int batched;			/* atomic: in the list of a CPU's burst */
	struct list_head batch;		/* that list, of the CPU that set batched */
	/*
	 * CPUs that work on the QP without its lock: placing payload, draining
	 * held packets, sending. Nothing they may use is freed meanwhile.
	 */
	u32 busy;
	bool flush_pending;		/* the last of them is to flush */
	u64 timer_at;			/* ns, when the timer fires; 0: not armed */
	struct hrtimer timer;
	struct work_struct work;	/* mrc_qp_kick() */
	u8 reason;			/* of ERR, enum mrc_nl_qp_reason */
	u64 count[MRC_QPC_MAX];		/* since the QP was made */

	/* dev->groups_lock: the counters it is bound to, and count[] then */
	struct mrc_qp_group *group;
	struct list_head in_group;
	u64 count_base[MRC_QPC_MAX];

	/* UD and GSI */
	u32 ud_psn;
};

static inline struct mrc_qp *to_mqp(struct ib_qp *ibqp)
{
	return container_of(ibqp, struct mrc_qp, ibqp);
}

void mrc_qp_put(struct mrc_qp *qp);
/* RCU look-up; a reference or NULL. QPN 1 finds the GSI QP. */
struct mrc_qp *mrc_qp_get(struct mrc_dev *dev, u32 qpn);

/* ------------------------------------------------------------ peer, port */

struct mrc_peer_key {
	struct in6_addr remote;		/* the peer's GID, IPv4-mapped or IPv6 */
	struct in6_addr local;		/* our GID the QPs use */
};

enum mrc_peer_status {
	MRC_PEER_HELLO,		/* not answered yet: hold all sending */
	MRC_PEER_PLAIN,		/* never answered: MRC 1.0 only */
	MRC_PEER_EXT,		/* answered */
};

/* How to reach a peer over one plane. Never changed, only replaced; RCU. */
struct mrc_route {
	struct in6_addr saddr;
	struct in6_addr daddr;
	struct dst_entry *dst;		/* checked with cookie for obsolescence */
	u32 cookie;
	bool srv6;			/* dst is that of an outer header */
	struct rcu_head rcu;
};

/* A path probe on its way. */
struct mrc_path_probe {
	u16 path;
	u16 id;				/* random; its low bits are the index */
	bool pending;
	enum mrc_mtu_probe kind;
	u64 sent;			/* ns */
};

#define MRC_PATH_PROBES		64	/* per peer, power of two */

/* One that an operator has asked for. */
struct mrc_asked_probe {
	struct mrc_path_probe probe;
	u32 portid;			/* netlink: who is told of the answer */
	u32 cookie;			/* theirs */
};

struct mrc_peer {
	struct rhash_head node;
	struct list_head list;
	struct mrc_peer_key key;
	u32 id;				/* from next_peer_id, for dumps */
	struct mrc_dev *dev;
	refcount_t ref;
	struct rcu_head rcu;

	spinlock_t lock;		/* BH; everything below */
	enum mrc_peer_status status;
	u32 features;			/* MRC_HELLO_F_*, 0 for a plain peer */
	u32 window;			/* its MPR in PSNs */
	u64 instance;
	u64 nonce;			/* of the hello going on, 0: none */
	u64 nonce_done;			/* of the one answered last */
	u32 hello_tries;
	struct mrc_peer_state st;	/* paths, congestion control */
	struct list_head waiters;	/* QPs that could send but for cwnd, hello */
	struct mrc_route __rcu *routes[MRC_MAX_PORTS];	/* NULL: none */
	u32 planes;			/* mask: planes st.paths was made of */
	u32 nports;			/* learnt in the hello */
	struct mrc_hello_port ports[MRC_MAX_PORTS];
	struct mrc_rotor rotor;		/* for control packets */
	struct hrtimer timer;		/* the earliest of the deadlines below */
	struct work_struct work;	/* routes and path set made anew */
	/* ns, CLOCK_MONOTONIC; 0: none */
	u64 hello_at;			/* next hello request */
	u64 status_at;			/* next PORT_STATUS_UPDATE */
	u32 status_tries;
	u16 status_id;
	u16 status_time;		/* tx_timestamp of the last one */
	u32 told_up;			/* planes we told the peer are up */
	u32 told_hello;			/* hash of what we told it in the hello */
	u32 remote_down;		/* planes the peer says are down */
	struct mrc_mtu mtu;
	u64 idle_since;			/* no QP uses the peer; 0: one does */
	u64 timer_at;			/* what the timer is set to; 0: not set */
	u64 heard_at;			/* last hello that made us say hello */
	u32 went_bad;			/* of st.paths, as counted last */
	u32 went_good;
	u64 paths_seen;			/* ns, when they were counted */
	u32 lost_planes;		/* mask: told as lost */
	u32 lost_from;			/* remote_down then */
	bool dead;			/* being removed: no timer, no work */
	bool answered;			/* work: the hello was answered */
	bool wake;			/* work: let the waiters run */
	bool renew;			/* work: look for routes and paths again */
	bool relearn;			/* work: forget paths and congestion */
	bool repath;			/* work: the profile is another */
	bool loopback;			/* the peer is this node */
	struct list_head gone;		/* on its way out of the table */
	u32 probe_next;			/* slot used last */
	struct mrc_path_probe probes[MRC_PATH_PROBES];
	u32 asked_next;			/* slot used last */
	struct mrc_asked_probe asked[MRC_PATH_PROBES];
};

/*
 * Find or make the peer of a QP going to RTR; starts the hello exchange.
 * Process context. A reference, or ERR_PTR.
 */
struct mrc_peer *mrc_peer_get(struct mrc_dev *dev,
			      const struct mrc_peer_key *key);
void mrc_peer_put(struct mrc_peer *peer);
/* A QP to the peer has packets of @mtu payload bytes. Any context. */
void mrc_peer_need_mtu(struct mrc_peer *peer, u32 mtu);
/*
 * What both ends agreed on, by hello or out of band: the peer's MPR in PSNs
 * and, from bit 24 on, MRC_PLAIN_*. Any context.
 */
u32 mrc_peer_terms(const struct mrc_peer *peer);
#define MRC_TERMS_WINDOW(t)	((t) & 0xffffff)
#define MRC_TERMS_CAN(t, what)	((t) >> 24 & (what))
/* May a packet of this peer come from @saddr? RCU read side or reference. */
bool mrc_peer_addr_ok(const struct mrc_peer *peer,
		      const struct in6_addr *saddr);
/* Take the QPs that wait for the peer and let them run. No locks held. */
void mrc_peer_run_waiters(struct mrc_peer *peer);
/*
 * Path feedback was given to peer->st: a path probe may be due earlier than
 * the peer's timer. peer->lock held.
 */
void mrc_peer_arm(struct mrc_peer *peer, u64 now);
/* A path for a control packet (SACK, ACK, NACK); -1: none. peer->lock held. */
int mrc_peer_control_path(struct mrc_peer *peer);

enum mrc_class { MRC_CLASS_DATA, MRC_CLASS_RETX, MRC_CLASS_CONTROL };

/*
 * What travels with an outgoing skb in skb->cb from mrc_skb_alloc() to
 * mrc_port_xmit(). skb->data is at the BTH; the payload may be in fragments;
 * the port layer appends pad bytes and ICRC and prepends the rest.
 */
struct mrc_txcb {
	u16 path;
	u8 class;		/* enum mrc_class */
	u8 pad;			/* 0..3 */
	bool joined;		/* a data packet on the path of the one before */
};

#define MRC_TXCB(skb)	((struct mrc_txcb *)(skb)->cb)
/* Eth + VLANs + outer IPv6 + IPv6 + UDP + slack */
#define MRC_TX_HEADROOM	160

/* @len: linear bytes wanted behind the headroom, trailer included. */
struct sk_buff *mrc_skb_alloc(u32 len, gfp_t gfp);
/*
 * Send what mrc_skb_alloc() and the message layer built; empties the list,
 * counts and swallows errors (loss is what recovery is for). Packets that are
 * joined leave as one unit. BH disabled, no QP or peer lock held.
 */
void mrc_port_xmit(struct mrc_peer *peer, struct sk_buff_head *list);

/* What the port layer knows of a received packet. */
struct mrc_rxinfo {
	struct in6_addr saddr;
	struct in6_addr daddr;
	u32 entropy;		/* EV: UDP source port, flow label << 16 */
	u32 nominal;		/* UDP length + 40 */
	u64 now;		/* ns, CLOCK_MONOTONIC */
	u8 tos;
	u8 ttl;
	bool ecn;		/* CE marked */
	bool ipv4;
};

/* Between an EV and the 32-bit entropy field; its own inverse. */
static inline u32 mrc_ev_wire(const struct mrc_dev *dev, u32 ev)
{
	return READ_ONCE(dev->set.ev_order) ? rol32(ev, 16) : ev;
}

static inline u16 mrc_timestamp(u64 now)
{
	return now / MRC_TS_UNIT_NS;
}

/* ------------------------------------------------------------ message */

/*
 * A packet for @qp whose BTH has been checked (opcode known, length at least
 * that opcode's headers, ICRC right and removed; skb->data at the BTH, all
 * headers in the linear part). Consumes the skb. Softirq, RCU read side.
 */
void mrc_qp_rx(struct mrc_qp *qp, struct sk_buff *skb,
	       const struct mrc_rxinfo *info);
/*
 * A switch has trimmed packet @psn of @qp; nothing of that has been checked.
 * Softirq, RCU read side.
 */
void mrc_qp_trimmed(struct mrc_qp *qp, u32 psn, u16 tx_timestamp,
		    const struct mrc_rxinfo *info, bool lasthop);
int mrc_batch_init(void);
void mrc_batch_exit(void);
void mrc_ud_rx(struct mrc_qp *qp, struct sk_buff *skb,
	       const struct mrc_rxinfo *info);
/* Multicast groups of UD QPs; a datagram to one of them. */
int mrc_attach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid);
int mrc_detach_mcast(struct ib_qp *ibqp, union ib_gid *gid, u16 lid);
void mrc_mcast_rx(struct mrc_dev *dev, struct sk_buff *skb,
		  const struct mrc_rxinfo *info);
/* Send what can be sent now on a UD or GSI QP. qp->lock not held. */
void mrc_ud_run(struct mrc_qp *qp);
/*
 * Let the requester and the answers of @qp go on: take work requests, send,
 * arm the timer. No locks held; softirq or process context.
 */
void mrc_qp_run(struct mrc_qp *qp);
/* The same from a context where locks or interrupts forbid it. */
void mrc_qp_kick(struct mrc_qp *qp);
/*
 * The QP state machine's side of it. mrc_msg_start() prepares for RTR (process
 * context, no locks, QP in INIT; 0 or -errno), mrc_msg_rts() for RTS and
 * mrc_msg_error() for ERR (qp->lock held), mrc_msg_stop() for RESET and
 * destruction: it waits until nobody works on the QP and frees what messages
 * hold (process context, no locks).
 */
int mrc_msg_start(struct mrc_qp *qp, const struct mrc_peer_key *key);
void mrc_msg_rts(struct mrc_qp *qp);
void mrc_msg_error(struct mrc_qp *qp, enum mrc_nl_qp_reason reason);
void mrc_msg_stop(struct mrc_qp *qp);
void mrc_msg_init(struct mrc_qp *qp);		/* once, at creation */
/* In SQD with nothing outstanding: tell so, once. qp->lock held. */
void mrc_req_drained(struct mrc_qp *qp);

/* ------------------------------------------------------------ verbs */

extern const struct ib_device_ops mrc_qp_ops;	/* verbs/qp.c */

/*
 * Make a device over @netdev (also its plane 0) and register it. RTNL not
 * held. 0 or a negative errno with @extack set.
 */
int mrc_device_add(const char *name, struct net_device *netdev);
/* Add or remove a plane. -EEXIST, -EINVAL, -ENODEV, -EBUSY, with extack. */
int mrc_port_add(struct mrc_dev *dev, struct net_device *netdev, int plane,
		 bool enable, struct netlink_ext_ack *extack);
int mrc_port_del(struct mrc_dev *dev, struct net_device *netdev,
		 struct netlink_ext_ack *extack);

#endif /* MRC_H */
