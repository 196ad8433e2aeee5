// SPDX-License-Identifier: GPL-2.0
/*
 * Ways to change a packet of MRC over IPv4.
 *
 * Damage leaves the ICRC as it was. A forgery is one field with a value that
 * no honest sender would give it, and a right ICRC; the list says for each
 * field which values those are, and whether a receiver that refuses them may
 * end the connection. Fields that say what payload it is and where it belongs
 * are only forged to values that cannot be: another place of the same memory
 * is where the bytes then have to go.
 */
#include <arpa/inet.h>
#include <linux/types.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>

#include "mrc/wire.h"
#include "mutation.h"

#define BTH_SIZE	((int)sizeof(struct mrc_bth))
#define HEADERS		48	/* where the interesting bytes are */

const char *const intent_name[INTENTS] = { "noise", "absurd", "lies" };

/* ------------------------------------------------------------ chance */

static uint64_t rng;

void rnd_seed(uint64_t seed)
{
	rng = seed;
}

static uint64_t rnd64(void)
{
	uint64_t z = (rng += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint32_t rnd(uint32_t below)
{
	return (rnd64() >> 32) * below >> 32;
}

/* ------------------------------------------------------------ frames */

static struct iphdr *ip_of(struct frame *f)
{
	return (void *)(f->data + sizeof(struct ether_header));
}

static struct udphdr *udp_of(struct frame *f)
{
	return (void *)(ip_of(f) + 1);
}

static unsigned char *bth_of(struct frame *f)
{
	return (void *)(udp_of(f) + 1);
}

int frame_body(struct frame *f, uint16_t udp_port)
{
	struct ether_header *eth = (void *)f->data;
	struct iphdr *ip = ip_of(f);
	int body = f->len - (int)(sizeof(*eth) + sizeof(*ip) + sizeof(struct udphdr));

	if (body < BTH_SIZE + MRC_ICRC_SIZE || eth->ether_type != htons(ETHERTYPE_IP) ||
	    ip->ihl != 5 || ip->protocol != IPPROTO_UDP || udp_of(f)->dest != htons(udp_port) ||
	    ntohs(ip->tot_len) + sizeof(*eth) != (unsigned int)f->len)
		return 0;
	return body;
}

static void put_ip_sum(struct frame *f)
{
	struct iphdr *ip = ip_of(f);
	const uint16_t *p = (void *)ip;
	uint32_t sum = 0;

	ip->check = 0;
	for (unsigned int i = 0; i < sizeof(*ip) / 2; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~((sum & 0xffff) + (sum >> 16));
}

static void put_lengths(struct frame *f, int body)
{
	f->len = bth_of(f) + body - f->data;
	ip_of(f)->tot_len = htons(sizeof(struct iphdr) + sizeof(struct udphdr) + body);
	udp_of(f)->len = htons(sizeof(struct udphdr) + body);
	put_ip_sum(f);
}

static uint32_t crc32(uint32_t crc, const void *data, int len)
{
	static uint32_t table[256];
	const unsigned char *p = data;

	if (!table[1])
		for (uint32_t n = 0; n < 256; n++) {
			uint32_t c = n;

			for (int i = 0; i < 8; i++)
				c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
			table[n] = c;
		}
	while (len-- > 0)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

/* InfiniBand's invariant CRC over IPv4: what routers may change counts as ones. */
static void put_icrc(struct frame *f, int body)
{
	struct {
		unsigned char lrh[8];
		struct iphdr ip;
		struct udphdr udp;
		struct mrc_bth bth;
	} head;
	uint32_t crc;

	memset(head.lrh, 0xff, sizeof(head.lrh));
	memcpy(&head.ip, ip_of(f), sizeof(head) - sizeof(head.lrh));
	head.ip.tos = 0xff;
	head.ip.ttl = 0xff;
	head.ip.check = 0xffff;
	head.udp.check = 0xffff;
	head.bth.dqpn |= htonl(0xff000000);
	crc = crc32(~0U, &head, sizeof(head));
	crc = ~crc32(crc, bth_of(f) + BTH_SIZE, body - BTH_SIZE - MRC_ICRC_SIZE);
	memcpy(bth_of(f) + body - MRC_ICRC_SIZE, &crc, sizeof(crc));
}

/* ------------------------------------------------------------ damage */

enum damage { FLIP, BYTES, EDGE, CUT, LONGER, SPLICE, OUTER, DAMAGES };

static const char *const damage_name[DAMAGES] = {
	"flip", "bytes", "edge", "cut", "longer", "splice", "outer",
};

static int cut(struct frame *f, int body)
{
	int room = body - BTH_SIZE - MRC_ICRC_SIZE;

	if (room)
		body -= 1 + rnd(rnd(3) && room > 8 ? 8 : room);
	put_lengths(f, body);
	return body;
}

static int longer(struct frame *f, int body)
{
	for (int n = 1 + rnd(FRAME_ROOM); n; n--)
		bth_of(f)[body++] = rnd(256);
	put_lengths(f, body);
	return body;
}

/* Headers below the BTH, which IP and UDP look at first. */
static void damage_outer(struct frame *f)
{
	unsigned char *ip = (void *)ip_of(f);
	int size = sizeof(struct iphdr) + sizeof(struct udphdr);

	ip[rnd(size)] ^= 1 << rnd(8);
	if (rnd(2))
		put_ip_sum(f);
}

/* Returns the body's new length. */
static int damage(struct frame *f, int body, enum damage what, struct frame *other,
		  int other_body)
{
	unsigned char *b = bth_of(f);
	int head = body - MRC_ICRC_SIZE < HEADERS ? body - MRC_ICRC_SIZE : HEADERS;
	int at, n;

	switch (what) {
	case FLIP:
		at = rnd(rnd(2) ? body : head);
		b[at] ^= 1 << rnd(8);
		break;
	case BYTES:
		for (n = 1 + rnd(4); n; n--)
			b[rnd(head)] = rnd(256);
		break;
	case EDGE:
		n = 2 << rnd(3);
		memset(b + rnd(head - n + 1), rnd(2) ? 0xff : 0, n);
		break;
	case CUT:
		return cut(f, body);
	case LONGER:
		return longer(f, body);
	case SPLICE:
		/* from some byte on another packet */
		n = other_body < body ? other_body : body;
		at = rnd(head);
		if (other && at < n)
			memcpy(b + at, bth_of(other) + at, n - at);
		break;
	case OUTER:
		damage_outer(f);
		break;
	case DAMAGES:
		break;
	}
	return body;
}

/* ------------------------------------------------------------ forgeries */

enum how {
	XOR,	/* other bits under the mask */
	FAR,	/* a sequence number far from where it was, either way */
	FEWER,	/* some of the bits set are not */
	OTHER,	/* an opcode that means nothing here */
};

struct field {
	const char *name;
	enum how how;
	bool ends;		/* to refuse it may end the connection */
	uint16_t at, len;	/* bytes; from the BTH, or from the IP header if outer */
	bool outer;
	uint64_t mask;
};

static struct field field[40];
static int fields;

static void add(const char *name, enum how how, bool ends, int at, int len, uint64_t mask)
{
	field[fields++] = (struct field) { name, how, ends, at, len, false, mask };
}

#define ALL	(~0ULL)
#define HARMLESS false
#define ENDS	true
#define ADD(name, how, ends, base, type, member, mask)			\
	add(name, how, ends, (base) + (int)offsetof(struct type, member), \
	    sizeof(((struct type *)0)->member), mask)
/* The lower three bytes of a word. */
#define ADD24(name, ends, base, type, member)				\
	add(name, FAR, ends, (base) + (int)offsetof(struct type, member) + 1, 3, ALL)

static void outer_fields(void)
{
	static const int ip = sizeof(struct iphdr);

	add("udp.source", XOR, HARMLESS, ip + offsetof(struct udphdr, source), 2, ALL);
	add("ip.tos", XOR, HARMLESS, offsetof(struct iphdr, tos), 1, 3);
	add("ip.id", XOR, HARMLESS, offsetof(struct iphdr, id), 2, ALL);
	add("ip.saddr", XOR, HARMLESS, offsetof(struct iphdr, saddr), 4, 0xfcff);
	for (int i = 0; i < fields; i++)
		field[i].outer = true;
}

static void bth_fields(bool data)
{
	add("bth.opcode", OTHER, HARMLESS, 0, 1, ALL);
	ADD("bth.flags", XOR, HARMLESS, 0, mrc_bth, flags, MRC_BTH_SE | MRC_BTH_M);
	ADD("bth.tver", XOR, HARMLESS, 0, mrc_bth, flags, MRC_BTH_TVER_MASK);
	ADD("bth.pad", XOR, data, 0, mrc_bth, flags, MRC_BTH_PAD_MASK);
	ADD("bth.pkey", XOR, HARMLESS, 0, mrc_bth, pkey, ALL);
	ADD("bth.reserved", XOR, HARMLESS, 0, mrc_bth, dqpn, 0xff000000);
	ADD24("bth.dqpn", HARMLESS, 0, mrc_bth, dqpn);
	ADD("bth.psnflags", XOR, HARMLESS, 0, mrc_bth, psn,
	    0xff000000 & ~(uint64_t)MRC_BTH_TS);
	ADD("bth.ts", XOR, data, 0, mrc_bth, psn, MRC_BTH_TS);
	ADD24("bth.psn", HARMLESS, 0, mrc_bth, psn);
}

static void reth_fields(int at, bool atomic)
{
	/* no user's address: those below 2^47 are */
	ADD("reth.va", XOR, ENDS, at, mrc_reth, va, ALL << 47);
	if (atomic)
		ADD("reth.va", XOR, ENDS, at, mrc_reth, va, 7);
	ADD("reth.rkey", XOR, ENDS, at, mrc_reth, rkey, 0xff);
	ADD("reth.rkey", XOR, ENDS, at, mrc_reth, rkey, 0xff000000);
	if (!atomic)
		ADD("reth.dmalen", XOR, ENDS, at, mrc_reth, dmalen, 0x80000000);
}

/* A data packet's headers behind the BTH. */
static void data_fields(const unsigned char *b)
{
	bool ts = b[offsetof(struct mrc_bth, psn)] & MRC_BTH_TS >> 24;
	int at = BTH_SIZE, meth = at;
	bool recv = false, answer = false;

	at += sizeof(struct mrc_meth);
	if (ts) {
		add("tseth", XOR, HARMLESS, at, sizeof(struct mrc_tseth), ALL);
		at += sizeof(struct mrc_tseth);
	}
	switch (b[0]) {
	case MRC_OP_X_SEND:
	case MRC_OP_X_SEND_LAST:
	case MRC_OP_X_SEND_LAST_IMM:
	case MRC_OP_X_SEND_LAST_INV:
		recv = true;
		/* fall through */
	case MRC_OP_X_READ_RESP:
	case MRC_OP_X_READ_RESP_LAST:
		answer = !recv;
		ADD("xoeth.offset", XOR, ENDS, at, mrc_xoeth, offset, 0x80000000);
		ADD("xoeth.offset", XOR, ENDS, at, mrc_xoeth, offset, 0xff);
		ADD("xoeth.len", XOR, ENDS, at, mrc_xoeth, len, 0x80000000);
		if (b[0] == MRC_OP_X_SEND_LAST_INV)
			ADD("ieth", XOR, ENDS, at + (int)sizeof(struct mrc_xoeth),
			    mrc_immdt, imm, 0xff);
		break;
	case MRC_OP_X_ATOMIC_RESP:
		answer = true;
		break;
	case MRC_OP_X_READ_REQ:
	case MRC_OP_X_CMP_SWAP:
	case MRC_OP_X_FETCH_ADD:
		answer = true;
		add("xreth", XOR, HARMLESS, at, sizeof(struct mrc_xreth), ALL);
		at += sizeof(struct mrc_xreth);
		reth_fields(at, b[0] != MRC_OP_X_READ_REQ);
		break;
	case MRC_OP_WRITE_LAST_IMM:
	case MRC_OP_WRITE_ONLY_IMM:
		recv = true;
		/* fall through */
	default:
		reth_fields(at, false);
	}
	ADD("meth.rqmsn", recv ? FAR : XOR, recv, meth, mrc_meth, rqmsn, ALL);
	ADD("meth.msn", answer ? FAR : XOR, answer, meth, mrc_meth, msn, ALL);
}

static void sack_fields(const unsigned char *b)
{
	const struct mrc_seth *s = (const void *)(b + BTH_SIZE);
	bool probe = s->flags & htons(MRC_SETH_PR);
	int at = BTH_SIZE;

	ADD("seth.flags", XOR, HARMLESS, at, mrc_seth, flags, 0xffff & ~MRC_SETH_PR);
	ADD("seth.ack_psn", probe ? XOR : FAR, HARMLESS, at, mrc_seth, ack_psn_offset, ALL);
	ADD("seth.entropy", XOR, HARMLESS, at, mrc_seth, entropy, ALL);
	ADD("seth.spdcid", XOR, HARMLESS, at, mrc_seth, spdcid, ALL);
	ADD("seth.dpdcid", XOR, HARMLESS, at, mrc_seth, dpdcid, ALL);
	ADD24("seth.cack", HARMLESS, at, mrc_seth, cack_psn);
	ADD("seth.cc", XOR, HARMLESS, at, mrc_seth, cc, ALL);
	ADD("seth.mpr", XOR, HARMLESS, at, mrc_seth, mpr, ALL);
	ADD("seth.sack_offset", FAR, HARMLESS, at, mrc_seth, sack_offset, ALL);
	ADD("seth.bitmap", FEWER, HARMLESS, at, mrc_seth, bitmap, ALL);
	at += sizeof(*s);
	ADD("cc.timestamp", XOR, HARMLESS, at, mrc_cc_state, tx_timestamp, ALL);
	ADD("cc.ooo", XOR, HARMLESS, at, mrc_cc_state, ooo, ALL);
	ADD("cc.rcvd", XOR, HARMLESS, at, mrc_cc_state, rcvd, ALL);
	if (b[0] == MRC_OP_X_SACK_ACK)
		add("aeth", XOR, HARMLESS, at + sizeof(struct mrc_cc_state),
		    sizeof(struct mrc_aeth), ALL);
}

static void nack_fields(void)
{
	const int at = BTH_SIZE;

	ADD("neth.reason", XOR, ENDS, at, mrc_neth, reason, ALL);
	ADD("neth.vendor", XOR, HARMLESS, at, mrc_neth, vendor, ALL);
	ADD("neth.entropy", XOR, HARMLESS, at, mrc_neth, entropy, ALL);
	ADD("neth.psn", XOR, HARMLESS, at, mrc_neth, nack_psn, ALL);
	ADD("neth.cc", XOR, HARMLESS, at, mrc_neth, cc, ALL);
	ADD("neth.timestamp", XOR, HARMLESS, at, mrc_neth, tx_timestamp, ALL);
}

/* Who believes a hello that is right in form has to, so only its form. */
static void hello_fields(void)
{
	const int at = BTH_SIZE;

	ADD("hello.version", XOR, HARMLESS, at, mrc_hello, version, ALL);
	ADD("hello.nports", XOR, HARMLESS, at, mrc_hello, nports, 0xc0);
	ADD("hello.nonce", XOR, HARMLESS, at, mrc_hello, nonce, ALL);
	ADD("hello.host", XOR, HARMLESS, at, mrc_hello, host[15], ALL);
	ADD("hello.plane", XOR, HARMLESS, at, mrc_hello, port[0].plane, 0xe0);
}

static bool is_data(unsigned char op)
{
	return op >> 5 == 6 && op != MRC_OP_ACK && op != MRC_OP_X_SACK_ACK && op < 0xd3;
}

static void list_fields(const unsigned char *b)
{
	fields = 0;
	outer_fields();
	bth_fields(is_data(b[0]));
	switch (b[0]) {
	case MRC_OP_SACK:
	case MRC_OP_X_SACK_ACK:
		sack_fields(b);
		break;
	case MRC_OP_NACK:
		nack_fields();
		break;
	case MRC_OP_ACK:
		add("aeth", XOR, ENDS, BTH_SIZE, sizeof(struct mrc_aeth), ALL);
		break;
	case MRC_OP_PROBE:
		add("peth", XOR, HARMLESS, BTH_SIZE + rnd(sizeof(struct mrc_peth) / 2) * 2, 2, ALL);
		break;
	case MRC_OP_EP_REQUEST:
		add("erth", XOR, HARMLESS, BTH_SIZE + rnd(sizeof(struct mrc_erth) / 4) * 4, 4, ALL);
		break;
	case MRC_OP_EP_RESPONSE:
		add("eeth", XOR, HARMLESS, BTH_SIZE + rnd(sizeof(struct mrc_eeth) / 4) * 4, 4, ALL);
		break;
	case MRC_OP_X_HELLO_REQ:
	case MRC_OP_X_HELLO_RESP:
		hello_fields();
		break;
	default:
		if (is_data(b[0]))
			data_fields(b);
	}
}

/* An opcode that no RC QP takes, so that the packet is as good as lost. */
static unsigned char other_opcode(void)
{
	unsigned char op;

	do {
		op = rnd(256);
	} while (is_data(op) || op == MRC_OP_ACK || op == MRC_OP_SACK || op == MRC_OP_X_SACK_ACK ||
		 op == MRC_OP_NACK);
	return op;
}

static void forge(struct frame *f, const struct field *w)
{
	unsigned char *p = (w->outer ? (unsigned char *)ip_of(f) : bth_of(f)) + w->at;
	unsigned int bits = 8 * w->len;
	uint64_t v = 0, x;
	int i;

	for (i = 0; i < w->len; i++)
		v = v << 8 | p[i];
	switch (w->how) {
	case XOR:
		do {
			x = rnd64() & w->mask & (ALL >> (64 - bits));
		} while (!x);
		v ^= x;
		break;
	case FAR:
		/* an eighth of the circle away, more than any window is wide */
		v += (1ULL << (bits - 3)) + (rnd64() & (ALL >> (64 - bits + 1)));
		break;
	case FEWER:
		v &= rnd64();
		break;
	case OTHER:
		v = other_opcode();
		break;
	}
	for (i = w->len; i--; v >>= 8)
		p[i] = v;
	put_ip_sum(f);
}

/* ------------------------------------------------------------ choosing */

static const char *mutate_by_damage(struct frame *f, int body, enum intent intent,
				    struct frame *other, int other_body, const char *only)
{
	/* with a right ICRC, what is cut or longer has to be refused for that alone */
	enum damage what = intent == INTENT_ABSURD ? CUT + rnd(2) : rnd(DAMAGES);

	if (only && strcmp(only, damage_name[what]))
		return NULL;
	body = damage(f, body, what, other, other_body);
	if (intent != INTENT_NOISE)
		put_icrc(f, body);
	return damage_name[what];
}

static const char *mutate_by_forgery(struct frame *f, int body, enum intent intent,
				     const char *only)
{
	const struct field *w;

	list_fields(bth_of(f));
	w = &field[rnd(fields)];
	if ((intent == INTENT_NOISE && w->ends) || (intent == INTENT_ABSURD && !w->ends) ||
	    (only && strcmp(only, w->name)) ||
	    (!w->outer && w->at + w->len > body - MRC_ICRC_SIZE))
		return NULL;
	forge(f, w);
	put_icrc(f, body);
	return w->name;
}

const char *frame_mutate(struct frame *f, int body, enum intent intent,
			 struct frame *other, int other_body, const char *only)
{
	const char *name = NULL;

	/* most fields of most packets are not for every intent */
	for (int tries = 100; !name && tries; tries--)
		name = rnd(2) ? mutate_by_forgery(f, body, intent, only) :
			mutate_by_damage(f, body, intent, other, other_body, only);
	/* UDP's own checksum would only hide what is changed */
	if (name && !(f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		udp_of(f)->check = 0;
	return name;
}
