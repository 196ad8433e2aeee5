// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of a switch's port, as a tc program at its egress. It keeps account
 * of how much waits there at the port's rate, and tells each packet when its
 * turn is (the qdisc fq holds it until then). Packets that find much waiting
 * are marked (ECN), trimmed, or dropped.
 *
 * Only MRC's data packets of the classes dscp_trimmable and dscp_retx are
 * trimmed. What is trimmed, and the control class, goes at once, ahead of what
 * waits, but takes its share of the rate. A port whose ifindex is LAST_HOP or
 * more leads to a host: nothing is marked there, and the DSCP of trimmed
 * packets is that of the last hop (MRC 1.0). "queue" (tests/fabric/queue) sets
 * the limits and shows the counts.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include "mrc/wire.h"

#define SEC(name)	__attribute__((section(name), used))
#define LAST_HOP	20000
#define NSEC_PER_SEC	1000000000ULL
#define ECN_CE		3

/* What a switch keeps of a trimmed packet behind UDP. */
#define KEEP		(sizeof(struct mrc_bth) + sizeof(struct mrc_meth))

static void *(*lookup)(void *map, const void *key) =
	(void *)BPF_FUNC_map_lookup_elem;
static long (*update)(void *map, const void *key, const void *value,
		      __u64 flags) = (void *)BPF_FUNC_map_update_elem;
static __u64 (*now_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static long (*change_tail)(struct __sk_buff *skb, __u32 len, __u64 flags) =
	(void *)BPF_FUNC_skb_change_tail;
static long (*store_bytes)(struct __sk_buff *skb, __u32 offset,
			   const void *from, __u32 len, __u64 flags) =
	(void *)BPF_FUNC_skb_store_bytes;
static long (*load_bytes)(const struct __sk_buff *skb, __u32 offset, void *to,
			  __u32 len) = (void *)BPF_FUNC_skb_load_bytes;
static long (*l3_csum_replace)(struct __sk_buff *skb, __u32 offset, __u64 from,
			       __u64 to, __u64 size) =
	(void *)BPF_FUNC_l3_csum_replace;
static long (*set_ce)(struct __sk_buff *skb) = (void *)BPF_FUNC_skb_ecn_set_ce;
static void (*lock)(struct bpf_spin_lock *l) = (void *)BPF_FUNC_spin_lock;
static void (*unlock)(struct bpf_spin_lock *l) = (void *)BPF_FUNC_spin_unlock;

/* tests/fabric/queue writes and reads these two as they stand here. */
struct config {
	__u64 rate;		/* bytes per second, of every port */
	__u32 ecn;		/* bytes waiting, from which packets are */
	__u32 trim;		/* marked, trimmed, dropped; 0: never */
	__u32 drop;
	__u16 port;		/* MRC's UDP port */
	__u8 dscp_trimmable;	/* classes that are trimmed */
	__u8 dscp_retx;
	__u8 dscp_control;
	__u8 dscp_trimmed;
	__u8 dscp_trimmed_lasthop;
	__u8 keep_lengths;	/* trimmed packets keep their IP lengths */
	__u8 pad[4];
};

struct port {
	struct bpf_spin_lock lock;
	__u32 max;		/* most bytes that ever waited */
	__u64 busy_until;	/* ns: when all that waits will have gone */
	__u64 packets;
	__u64 bytes;
	__u64 marked;
	__u64 trimmed;
	__u64 dropped;
	__u64 rate;		/* of this port, if not 0 */
};

struct {
	int (*type)[BPF_MAP_TYPE_ARRAY];
	int (*max_entries)[1];
	__u32 *key;
	struct config *value;
} config SEC(".maps");

struct {
	int (*type)[BPF_MAP_TYPE_HASH];
	int (*max_entries)[1024];
	__u32 *key;		/* ifindex: the fabric gives none twice */
	struct port *value;
} ports SEC(".maps");

/* Where things are in a packet that may be trimmed. */
struct where {
	__u32 udp;		/* offset of the UDP header, 0: no such packet */
	__u32 end;		/* of what is kept */
	__u8 tos;		/* of the outermost header */
};

static __u16 swap16(__u16 v)
{
	return __builtin_bswap16(v);
}

static int read_tos(struct __sk_buff *skb, __u8 *tos)
{
	__u8 h[2];

	if (load_bytes(skb, ETH_HLEN, h, sizeof(h)))
		return -1;
	switch (swap16(skb->protocol)) {
	case ETH_P_IP:
		*tos = h[1];
		return 0;
	case ETH_P_IPV6:
		*tos = h[0] << 4 | h[1] >> 4;
		return 0;
	}
	return -1;
}

/* An MRC data packet, perhaps behind an outer IPv6 header (SRv6)? */
static int find(struct __sk_buff *skb, const struct config *c, struct where *w)
{
	__u32 at = ETH_HLEN;
	struct mrc_bth bth;
	struct udphdr udp;
	__u8 proto;

	if (swap16(skb->protocol) == ETH_P_IPV6) {
		if (load_bytes(skb, at + 6, &proto, 1))
			return 0;
		at += sizeof(struct ipv6hdr);
		if (proto == IPPROTO_IPV6) {
			if (load_bytes(skb, at + 6, &proto, 1))
				return 0;
			at += sizeof(struct ipv6hdr);
		}
	} else {
		if (load_bytes(skb, at + 9, &proto, 1))
			return 0;
		at += sizeof(struct iphdr);
	}
	if (proto != IPPROTO_UDP || load_bytes(skb, at, &udp, sizeof(udp)) ||
	    udp.dest != swap16(c->port) ||
	    load_bytes(skb, at + sizeof(udp), &bth, sizeof(bth)) ||
	    bth.opcode < MRC_OP_X_SEND || bth.opcode > MRC_OP_X_ATOMIC_RESP)
		return 0;
	w->udp = at;
	w->end = at + sizeof(udp) + KEEP;
	if (bth.psn & __builtin_bswap32(MRC_BTH_TS))
		w->end += sizeof(struct mrc_tseth);
	return w->end < skb->len;
}

static void write_tos(struct __sk_buff *skb, __u8 from, __u8 to)
{
	__u8 h[2];

	if (swap16(skb->protocol) == ETH_P_IP) {
		l3_csum_replace(skb, ETH_HLEN + 10, swap16(from), swap16(to), 2);
		store_bytes(skb, ETH_HLEN + 1, &to, 1, 0);
		return;
	}
	if (load_bytes(skb, ETH_HLEN, h, sizeof(h)))
		return;
	h[0] = (h[0] & 0xf0) | to >> 4;
	h[1] = (h[1] & 0x0f) | to << 4;
	store_bytes(skb, ETH_HLEN, h, sizeof(h), 0);
}

static void write_ipv6_length(struct __sk_buff *skb, __u32 at, __u32 end)
{
	__u16 length = swap16(end - at - sizeof(struct ipv6hdr));

	store_bytes(skb, at + 4, &length, sizeof(length), 0);
}

/* Lengths that tell of a packet of @end bytes. */
static void write_lengths(struct __sk_buff *skb, const struct where *w)
{
	__u16 length = swap16(w->end - w->udp), old;

	store_bytes(skb, w->udp + 4, &length, sizeof(length), 0);
	if (swap16(skb->protocol) == ETH_P_IPV6) {
		write_ipv6_length(skb, ETH_HLEN, w->end);
		if (w->udp > ETH_HLEN + sizeof(struct ipv6hdr))
			write_ipv6_length(skb, ETH_HLEN + sizeof(struct ipv6hdr),
					  w->end);
		return;
	}
	length = swap16(w->end - ETH_HLEN);
	if (load_bytes(skb, ETH_HLEN + 2, &old, sizeof(old)))
		return;
	l3_csum_replace(skb, ETH_HLEN + 10, old, length, 2);
	store_bytes(skb, ETH_HLEN + 2, &length, sizeof(length), 0);
}

static void trim(struct __sk_buff *skb, const struct config *c,
		 const struct where *w)
{
	__u8 dscp = skb->ifindex >= LAST_HOP ? c->dscp_trimmed_lasthop :
					       c->dscp_trimmed;

	if (change_tail(skb, w->end, 0))
		return;
	write_tos(skb, w->tos, dscp << 2 | (w->tos & 3));
	if (!c->keep_lengths)
		write_lengths(skb, w);
}

static struct port *port_of(__u32 ifindex)
{
	struct port *p = lookup(&ports, &ifindex), new = {};

	if (p)
		return p;
	update(&ports, &ifindex, &new, BPF_NOEXIST);
	return lookup(&ports, &ifindex);
}

SEC("tc")
int queue(struct __sk_buff *skb)
{
	enum { PASS, MARK, TRIM, DROP } fate = PASS;
	__u32 zero = 0, len = skb->len, waits;
	int urgent, may_trim;
	__u8 dscp;
	struct where w = {};
	__u64 now, at, ns, rate;
	struct config *c;
	struct port *p;

	c = lookup(&config, &zero);
	p = port_of(skb->ifindex);
	if (!c || !p || read_tos(skb, &w.tos))
		return TC_ACT_OK;
	rate = p->rate ? p->rate : c->rate;
	if (!rate)
		return TC_ACT_OK;
	dscp = w.tos >> 2;
	urgent = dscp == c->dscp_control || dscp == c->dscp_trimmed ||
		 dscp == c->dscp_trimmed_lasthop;
	may_trim = c->trim && find(skb, c, &w) &&
		   (dscp == c->dscp_trimmable || dscp == c->dscp_retx);
	now = now_ns();

	lock(&p->lock);
	at = p->busy_until > now ? p->busy_until : now;
	waits = (at - now) * rate / NSEC_PER_SEC;
	if (waits > p->max)
		p->max = waits;
	if (c->drop && waits + len > c->drop)
		fate = DROP;
	if (may_trim && waits >= c->trim)
		fate = TRIM;
	else if (fate == PASS && !urgent && c->ecn && waits >= c->ecn &&
		 skb->ifindex < LAST_HOP && (w.tos & 3))
		fate = MARK;
	if (fate == DROP) {
		p->dropped++;
	} else {
		if (fate == TRIM) {
			len = w.end;
			p->trimmed++;
		}
		p->marked += fate == MARK;
		p->packets++;
		p->bytes += len;
		ns = len * NSEC_PER_SEC / rate;
		p->busy_until = at + ns;
	}
	unlock(&p->lock);

	if (fate == DROP)
		return TC_ACT_SHOT;
	skb->tstamp = urgent || fate == TRIM ? now : at;
	if (fate == MARK)
		set_ce(skb);
	else if (fate == TRIM)
		trim(skb, c, &w);
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
