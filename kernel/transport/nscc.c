// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * NSCC: a congestion window in bytes, moved by the delay of packets, their
 * ECN marks, trims and losses. Constants are those of UEC 1.0 unless a
 * comment says otherwise; a = BDP / 150,000 B, b = target / 12 us.
 *
 * Where a software endpoint differs from a NIC: packets wait for processors
 * as well as for links, so delay alone proves no congestion; and a lossy
 * fabric is not a full one, so losses here and there do not cut the window.
 */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/time64.h>

#include "nscc.h"

#define DELAY_SHIFT		8	/* avg_delay: ns << 8 */
/*
 * The window can always grow to this many packets: two bursts as a receiver
 * takes them from its port (64 packets each), so that neither end waits while
 * the other works on one.
 */
#define MAX_WND_MIN_PACKETS	128
#define MIN_PACKETS_QUIET	4	/* least window while no ECN mark comes */
#define BASE_RTT_PERIOD		(10ULL * NSEC_PER_SEC)
#define ECN_MEMORY		(10ULL * NSEC_PER_MSEC)
#define DEFAULT_SPEED		(10ULL * 1000 * 1000 * 1000)
#define LOSS_PACKETS		4	/* lost in a quick adapt period by chance */
/* Half of what may have arrived and not be told while all is calm. */
#define CALM_UNTOLD		((MRC_CALM_PACKETS + MRC_CALM_GAP) / 2)
#define QA_HIGH_PERIODS		3
#define QA_SAMPLES		4
#define QA_SILENCE		4	/* periods without an answer */
#define BDP_MAX			0x100000000ULL
#define PI_MAX			0x100000000ULL
#define RTT_MAX			(10ULL * NSEC_PER_SEC)

/* UEC 1.0's, but for the first window: a BDP is not known yet. */
const struct mrc_cc_profile mrc_cc_default = {
	.initial = 64,
	.limit = 150,
	.gamma = 80,
	.md_jump = 50,
	.fi = 500,
	.fi_scale = 25,
	.eta = 15,
	.alpha = 400,
	.qa_gate = 3,
	.qa_threshold = 400,
	.adjust = 8,
};

static u64 percent(u64 x, u16 p)
{
	return mul_u64_u64_div_u64(x, p, 100);
}

static u64 min_wnd(const struct mrc_cc *cc, u64 now)
{
	if (cc->p.trimming || (cc->ecn_at && now - cc->ecn_at < ECN_MEMORY))
		return cc->mtu;
	return MIN_PACKETS_QUIET * cc->mtu;
}

static void set_cwnd(struct mrc_cc *cc, u64 cwnd, u64 now)
{
	cc->cwnd = clamp(cwnd, min_wnd(cc, now), cc->max_wnd);
}

/* What follows from base_rtt. */
static void derive(struct mrc_cc *cc)
{
	u64 bdp = mul_u64_u64_div_u64(cc->speed_bps, cc->base_rtt,
				      8ULL * NSEC_PER_SEC);

	bdp = min(bdp, BDP_MAX);
	cc->max_wnd = max_t(u64, percent(bdp, cc->p.limit),
			    (u64)MAX_WND_MIN_PACKETS * cc->mtu);
	cc->target = percent(cc->base_rtt, cc->p.target ?:
			     (cc->p.trimming ? 75 : 100));
	cc->target = max_t(u64, cc->target, 1);
	cc->queue = max_t(u64, cc->target, cc->hold);
	cc->mtu_a = div_u64(cc->mtu * bdp, 150000);
	cc->fi = max_t(u64, percent(cc->mtu_a, cc->p.fi), 1);
	cc->eta = percent(cc->mtu_a, cc->p.eta);
	cc->pi = div_u64(percent(cc->mtu_a, cc->p.alpha) *
			 min_t(u64, cc->target, NSEC_PER_SEC), 12000);
	cc->pi = min(cc->pi, PI_MAX);
}

/**
 * mrc_cc_init - begin with nothing known of the network
 * @cc: the context
 * @p: what is known of the endpoints
 * @now: ns
 */
void mrc_cc_init(struct mrc_cc *cc, const struct mrc_cc_params *p, u64 now)
{
	memset(cc, 0, sizeof(*cc));
	cc->mtu = max_t(u32, p->mtu, 256);
	cc->speed_bps = p->speed_bps ? p->speed_bps : DEFAULT_SPEED;
	cc->hold = p->hold_ns ? p->hold_ns : MRC_CC_HOLD;
	cc->p = p->profile ? *p->profile : mrc_cc_default;
	derive(cc);
	cc->cwnd = clamp_t(u64, (u64)cc->p.initial * cc->mtu, cc->mtu,
			   cc->max_wnd);
	cc->adj_at = now;
	cc->qa_at = now;
	cc->qa_min_delay = U64_MAX;
	cc->base_since = now;
}

/**
 * mrc_cc_set_profile - another profile for a context in use
 * @cc: the context
 * @p: the profile, copied
 * @now: ns
 *
 * What was learnt of the network stays, and the window, as far as it may.
 */
void mrc_cc_set_profile(struct mrc_cc *cc, const struct mrc_cc_profile *p,
			u64 now)
{
	cc->p = *p;
	derive(cc);
	set_cwnd(cc, cc->cwnd, now);
	cc->inc = 0;
	cc->fi_count = 0;
	cc->calm = false;
}

/**
 * mrc_cc_room - how much of the window is free?
 * @cc: the context
 *
 * Return: bytes.
 */
u64 mrc_cc_room(const struct mrc_cc *cc)
{
	u64 wnd = cc->cwnd;

	/* Packets that have arrived and that a receiver need not tell of yet. */
	if (cc->calm)
		wnd += min_t(u64, CALM_UNTOLD * cc->mtu, cc->cwnd / 4);
	return wnd - min(wnd, cc->inflight);
}

/**
 * mrc_cc_may_send - is there room in the window?
 * @cc: the context
 * @bytes: nominal size of the packet
 *
 * As NSCC has it, a packet may go while any room is left, whatever its size.
 *
 * Return: true if the packet may be sent.
 */
bool mrc_cc_may_send(const struct mrc_cc *cc, u32 bytes)
{
	return mrc_cc_room(cc) || cc->p.algorithm == MRC_CC_NULL;
}

/**
 * mrc_cc_sent - bytes enter the flight
 * @cc: the context
 * @bytes: nominal size
 */
void mrc_cc_sent(struct mrc_cc *cc, u32 bytes)
{
	cc->inflight += bytes;
}

/**
 * mrc_cc_release - bytes leave the flight and say nothing
 * @cc: the context
 * @bytes: nominal size
 */
void mrc_cc_release(struct mrc_cc *cc, u32 bytes)
{
	cc->inflight -= min_t(u64, cc->inflight, bytes);
}

/* The least RTT of the last one to two periods. */
static void update_base(struct mrc_cc *cc, u64 rtt, u64 now)
{
	bool changed = false;

	if (!cc->base_next || rtt < cc->base_next)
		cc->base_next = rtt;
	if (!cc->base_rtt || rtt < cc->base_rtt) {
		cc->base_rtt = rtt;
		changed = true;
	} else if (now - cc->base_since > BASE_RTT_PERIOD) {
		changed = cc->base_rtt != cc->base_next;
		cc->base_rtt = cc->base_next;
		cc->base_next = rtt;
		cc->base_since = now;
	}
	if (changed) {
		derive(cc);
		set_cwnd(cc, cc->cwnd, now);
	}
}

/*
 * The window that what was acknowledged since qa_at asks for. The
 * specification takes those bytes. But where packets' delays differ by more
 * than queues, those that are late occupy the window without being in the
 * way, so they get their share on top.
 */
static u64 achieved(const struct mrc_cc *cc, u64 elapsed)
{
	u64 avg = cc->avg_delay >> DELAY_SHIFT;
	u64 spread = avg > cc->qa_min_delay ? avg - cc->qa_min_delay : 0;

	return cc->qa_bytes + mul_u64_u64_div_u64(cc->qa_bytes, spread, elapsed);
}

static void qa_restart(struct mrc_cc *cc, u64 now)
{
	cc->qa_at = now;
	cc->qa_bytes = 0;
	cc->qa_lost = 0;
	cc->qa_trim = false;
}

static void qa_forget_delays(struct mrc_cc *cc)
{
	cc->qa_samples = 0;
	cc->qa_min_delay = U64_MAX;
}

/*
 * A queue that all packets stand in, whichever path they took, is at the last
 * hop, and all who send there see it. MRC's switches do not mark there (an ECN
 * mark says that one path has more load than others), and without marks NSCC
 * knows only increases and quick adapt, which spares whoever has more than
 * 1 / 2^qa_gate of the greatest window: of seven senders to one host those with
 * much kept it, and those with little lost it.
 *
 * So the window is cut in proportion to itself, while it grows by the same for
 * all: that leads to equal shares (Chiu and Jain, 1989), as in Swift (SIGCOMM
 * 2020). From twice the queue on it is cut to what the link carries without
 * one: all who take part then see the least RTT again that theirs is
 * compared with.
 */
static bool shared_queue(struct mrc_cc *cc, u64 now)
{
	u64 delay = cc->qa_min_delay, cut;

	if (delay <= cc->queue)
		return false;
	if (now - cc->dec_at >= cc->base_rtt + delay) {
		cut = mul_u64_u64_div_u64(percent(cc->cwnd, cc->p.gamma) / 2,
					  delay - cc->queue, delay);
		set_cwnd(cc, cc->cwnd - min(cut, percent(cc->cwnd,
							 cc->p.md_jump)), now);
		cc->dec_at = now;
	}
	if (delay <= 2 * cc->queue)
		return false;
	set_cwnd(cc, mul_u64_u64_div_u64(cc->cwnd, cc->base_rtt,
					 cc->base_rtt + delay), now);
	cc->qa_ignore = cc->inflight;
	cc->inc = 0;
	return true;
}

static void update_calm(struct mrc_cc *cc, u64 now)
{
	cc->calm = cc->base_rtt && !cc->saved_wnd &&
		   cc->avg_delay >> DELAY_SHIFT <= cc->target &&
		   !cc->qa_lost && !cc->qa_trim &&
		   !(cc->ecn_at && now - cc->ecn_at < ECN_MEMORY);
}

/* Quick adapt: once per base_rtt + target, see what really got through. */
static bool quick_adapt(struct mrc_cc *cc, u64 now)
{
	u64 elapsed = now - cc->qa_at;
	bool fired = false, judge;
	u64 wnd;

	if (!cc->base_rtt || elapsed < cc->base_rtt + cc->target)
		return false;

	/*
	 * One path may be slow: it is the least delay that tells of a queue
	 * that all have to pass, and only if it stays.
	 */
	judge = cc->qa_samples >= QA_SAMPLES;
	if (!judge || cc->p.trimming ||
	    cc->qa_min_delay <= percent(cc->target, cc->p.qa_threshold))
		cc->qa_high = 0;
	else if (cc->qa_high < QA_HIGH_PERIODS)
		cc->qa_high++;

	/*
	 * One period's bytes mean something only if the period was not
	 * stretched by silence. A quarter of the packets lost is more than
	 * chance; the specification takes any loss, which on a lossy fabric
	 * would keep the window shut.
	 */
	wnd = achieved(cc, elapsed);
	if (elapsed < QA_SILENCE * (cc->base_rtt + cc->target) &&
	    (cc->qa_trim || cc->qa_lost > cc->qa_bytes / 4 + cc->mtu ||
	     cc->qa_high == QA_HIGH_PERIODS) &&
	    wnd < cc->max_wnd >> cc->p.qa_gate) {
		if (wnd < cc->cwnd)
			set_cwnd(cc, wnd, now);
		cc->qa_ignore = cc->inflight;
		cc->inc = 0;
		fired = true;
	} else if (judge) {
		fired = shared_queue(cc, now);
	}
	/*
	 * Where switches trim, a window of a packet or two takes several
	 * periods to judge, but not across silence; answers that the queue
	 * holds up are none. Elsewhere its few packets may all have met links
	 * that hold some up, and a window once small would stay so.
	 */
	if (fired || judge || !cc->p.trimming ||
	    elapsed >= QA_SILENCE * (cc->base_rtt +
				     max(cc->target,
					 cc->avg_delay >> DELAY_SHIFT)))
		qa_forget_delays(cc);
	qa_restart(cc, now);
	return fired;
}

/*
 * After quick adapt, what was in flight then tells of the time before it: its
 * feedback moves the window no more, and another quick adapt waits for its end.
 */
static bool ignored(struct mrc_cc *cc, u32 bytes, u64 now)
{
	if (!cc->qa_ignore)
		return false;
	cc->qa_ignore -= min_t(u64, cc->qa_ignore, bytes);
	if (!cc->qa_ignore) {
		qa_restart(cc, now);
		qa_forget_delays(cc);
	}
	return true;
}

static void update_delay(struct mrc_cc *cc, u64 delay)
{
	/* EWMA with gain 1/80 = 0.0125 */
	s64 d = (s64)(delay << DELAY_SHIFT) - (s64)cc->avg_delay;

	cc->avg_delay += div_s64(d, 80);
}

static void increase(struct mrc_cc *cc, u32 bytes, u64 delay)
{
	if (delay >= cc->target) {
		u64 fi = cc->fi;

		/* The longer the queue, the slower; the same for all in it. */
		if (delay > cc->queue)
			fi = mul_u64_u64_div_u64(fi, cc->queue, delay);
		cc->inc += fi * bytes;
		return;
	}
	if (delay < cc->base_rtt / 16) {
		/* A whole window without delay: grow fast from now on. */
		cc->fi_count += bytes;
		if (cc->fi_count > cc->cwnd) {
			/* with a of at least 1 */
			u64 add = percent(bytes, cc->p.fi_scale);

			cc->cwnd += max(add,
					min_t(u64, bytes,
					      div_u64(add * cc->mtu_a,
						      cc->mtu)));
			cc->cwnd = min(cc->cwnd, cc->max_wnd);
			return;
		}
	} else {
		cc->fi_count = 0;
	}
	cc->inc += mul_u64_u64_div_u64(cc->pi * bytes, cc->target - delay,
				       cc->target);
}

static void fulfil(struct mrc_cc *cc, u64 now)
{
	u64 add;
	bool period = now - cc->adj_at >= max_t(u64, cc->base_rtt, 1);

	if (cc->adj_bytes <= cc->p.adjust * cc->mtu && !period)
		return;

	/* Never faster than slow start: one byte per byte acknowledged. */
	add = min(div64_u64(cc->inc, cc->cwnd), cc->adj_bytes);
	if (period) {
		add += cc->eta;
		cc->adj_at = now;
	}
	set_cwnd(cc, cc->cwnd + add, now);
	cc->inc = 0;
	cc->adj_bytes = 0;
}

static void decrease(struct mrc_cc *cc, u64 now)
{
	u64 avg = cc->avg_delay >> DELAY_SHIFT;
	u64 cut;

	if (avg <= cc->target || now - cc->dec_at < cc->base_rtt)
		return;
	cut = mul_u64_u64_div_u64(percent(cc->cwnd, cc->p.gamma),
				  avg - cc->target, avg);
	set_cwnd(cc, cc->cwnd - min(cut, percent(cc->cwnd, cc->p.md_jump)),
		 now);
	cc->dec_at = now;
}

static void acked(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, bool ecn,
		  u64 now)
{
	u64 delay;

	mrc_cc_release(cc, bytes);
	if (ecn)
		cc->ecn_at = now;
	if (rtt_ns) {
		rtt_ns = min_t(u64, rtt_ns, RTT_MAX);
		update_base(cc, rtt_ns, now);
		delay = rtt_ns - cc->base_rtt;
		update_delay(cc, delay);
	} else {
		delay = cc->avg_delay >> DELAY_SHIFT;
	}
	if (ignored(cc, bytes, now))
		return;

	cc->qa_bytes += bytes;
	if (rtt_ns) {
		cc->qa_min_delay = min(cc->qa_min_delay, delay);
		cc->qa_samples++;
	}
	if (quick_adapt(cc, now) || !cc->base_rtt)
		return;

	if (!ecn) {
		increase(cc, bytes, delay);
		cc->adj_bytes += bytes;
		fulfil(cc, now);
	} else if (delay >= cc->target) {
		decrease(cc, now);
	}
}

/**
 * mrc_cc_acked - bytes have arrived at the peer
 * @cc: the context
 * @bytes: that leave the flight
 * @rtt_ns: a valid sample, or 0
 * @ecn: the packet that caused the SACK was marked
 * @now: ns
 */
void mrc_cc_acked(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, bool ecn, u64 now)
{
	acked(cc, bytes, rtt_ns, ecn, now);
	update_calm(cc, now);
}

/*
 * Do losses mean a full queue? The specification takes every one for it, so
 * that a fabric that loses one packet in a hundred by chance would be used to
 * a third. But a queue that overflows first delays what passes it, or loses
 * much.
 */
static bool congested(const struct mrc_cc *cc)
{
	return !cc->base_rtt ||
	       cc->avg_delay >> DELAY_SHIFT >= cc->target ||
	       cc->qa_lost > cc->qa_bytes / 8 + LOSS_PACKETS * cc->mtu;
}

/**
 * mrc_cc_lost - bytes are taken for lost
 * @cc: the context
 * @bytes: that leave the flight
 * @now: ns
 */
void mrc_cc_lost(struct mrc_cc *cc, u32 bytes, u64 now)
{
	u64 before = cc->cwnd;

	mrc_cc_release(cc, bytes);
	cc->calm = false;
	if (ignored(cc, bytes, now))
		return;
	cc->qa_lost += bytes;
	if (!congested(cc))
		return;
	set_cwnd(cc, cc->cwnd - min_t(u64, cc->cwnd, bytes), now);
	if (cc->cwnd < before)
		cc->lost_cut = min(cc->lost_cut + before - cc->cwnd,
				   cc->max_wnd);
}

/**
 * mrc_cc_spurious - a packet counted as lost had not been
 * @cc: the context
 * @bytes: its size
 */
void mrc_cc_spurious(struct mrc_cc *cc, u32 bytes)
{
	u64 back = min_t(u64, bytes, cc->lost_cut);

	cc->lost_cut -= back;
	cc->cwnd = min(cc->cwnd + back, cc->max_wnd);
	cc->qa_lost -= min_t(u64, cc->qa_lost, bytes);
}

/**
 * mrc_cc_trimmed - a packet arrived without its payload
 * @cc: the context
 * @bytes: that leave the flight
 * @rtt_ns: from the packet to its NACK, or 0: no valid sample
 * @now: ns
 *
 * What is left of a trimmed packet, and its NACK, go before all data: they met
 * no queue. So however many began to send at once, all learn the same base RTT.
 */
void mrc_cc_trimmed(struct mrc_cc *cc, u32 bytes, u64 rtt_ns, u64 now)
{
	mrc_cc_release(cc, bytes);
	if (rtt_ns)
		update_base(cc, min_t(u64, rtt_ns, RTT_MAX), now);
	/* A trim stands for a full queue: a delay of a base RTT. */
	update_delay(cc, cc->base_rtt);
	cc->ecn_at = now;
	cc->calm = false;
	if (ignored(cc, bytes, now))
		return;
	cc->qa_trim = true;
	if (!quick_adapt(cc, now))
		set_cwnd(cc, cc->cwnd - min_t(u64, cc->cwnd, bytes), now);
}

/**
 * mrc_cc_penalty - the receiver asks for less, or gives back
 * @cc: the context
 * @penalty: 0 to 127
 * @restore: the window from before the penalty may be used again
 * @bytes: acknowledged by the SACK that says so
 */
void mrc_cc_penalty(struct mrc_cc *cc, u8 penalty, bool restore, u32 bytes)
{
	if (penalty) {
		u64 cut = (u64)penalty * bytes >> 7;

		cc->calm = false;
		if (!cc->saved_wnd)
			cc->saved_wnd = cc->cwnd;
		cc->cwnd = max_t(u64, cc->cwnd - min(cut, cc->cwnd), cc->mtu);
	} else if (cc->saved_wnd) {
		if (restore)
			cc->cwnd = clamp(cc->saved_wnd, cc->cwnd, cc->max_wnd);
		cc->saved_wnd = 0;
	}
}

/**
 * mrc_cc_calm - are packets neither delayed nor marked nor lost?
 * @cc: the context
 *
 * Return: true if SACKs would change little if there were more of them.
 */
bool mrc_cc_calm(const struct mrc_cc *cc)
{
	return cc->calm;
}

/**
 * mrc_cc_cwnd - the congestion window
 * @cc: the context
 *
 * Return: bytes.
 */
u64 mrc_cc_cwnd(const struct mrc_cc *cc)
{
	return cc->cwnd;
}

/**
 * mrc_cc_inflight - what is in flight
 * @cc: the context
 *
 * Return: bytes.
 */
u64 mrc_cc_inflight(const struct mrc_cc *cc)
{
	return cc->inflight;
}

/**
 * mrc_cc_base_rtt - the least RTT seen lately
 * @cc: the context
 *
 * Return: ns, 0 before the first sample.
 */
u64 mrc_cc_base_rtt(const struct mrc_cc *cc)
{
	return cc->base_rtt;
}
