// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * The codecs against golden bytes (golden/, which explains its notation), each
 * bit and each length of them, and against bytes that mean nothing. Every
 * buffer is exactly as long as the packet, so that the sanitizer sees a
 * decoder that looks further.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "transport/codec.h"
#include "transport/sack.h"

#define MAX_FIELDS	96
#define MAX_BYTES	1024
#define MAX_VECTORS	64

struct value {
	u64 hi, lo;
};

struct field {
	char name[40];
	u32 width;		/* bits */
	struct value v;
	bool read;		/* the receiver looks at it */
};

struct vector {
	char name[64];
	bool exact;		/* nothing may follow the headers */
	u8 bytes[MAX_BYTES];
	bool read[MAX_BYTES * 8];	/* bits that the receiver looks at */
	u32 len, hdrlen, pad;
	struct field field[MAX_FIELDS];
	u32 nfields;
};

static struct vector *vectors;
static u32 nvectors;

/* ------------------------------------------------------ reading them */

static u32 parse_hex(struct vector *v, char **line)
{
	u32 n = 0, byte, times;

	while (isxdigit((*line)[0]) && isxdigit((*line)[1])) {
		sscanf(*line, "%2x", &byte);
		*line += 2;
		times = **line == '*' ? strtoul(*line + 1, line, 10) : 1;
		CHECK(v->len + times <= MAX_BYTES);
		CHECK(**line == ' ' || **line == '\t' || **line == '\n');
		memset(v->bytes + v->len, byte, times);
		v->len += times;
		n += times;
		while (**line == ' ')
			++*line;
	}
	return n;
}

static struct value parse_value(const char *s)
{
	struct value v = {};

	if (strlen(s) != 34) {		/* not 0x and 128 bits */
		v.lo = *s == '-' ? strtoll(s, NULL, 0) : strtoull(s, NULL, 0);
		return v;
	}
	for (s += 2; *s; s++) {
		char digit[2] = { *s };

		v.hi = v.hi << 4 | v.lo >> 60;
		v.lo = v.lo << 4 | strtoul(digit, NULL, 16);
	}
	return v;
}

static struct value masked(struct value v, u32 width)
{
	if (width <= 64)
		v.hi = 0;
	if (width < 64)
		v.lo &= (1ULL << width) - 1;
	return v;
}

/* The line's bytes must be what its field says at bit @at. */
static void check_bits(const struct vector *v, const struct field *f, u32 at)
{
	struct value got = {};

	for (u32 i = at; i < at + f->width; i++) {
		got.hi = got.hi << 1 | got.lo >> 63;
		got.lo = got.lo << 1 | (v->bytes[i / 8] >> (7 - i % 8) & 1);
	}
	if (got.hi != f->v.hi || got.lo != f->v.lo)
		test_fail(__FILE__, __LINE__, "%s: %s is not what its bytes say",
			  v->name, f->name);
}

static void parse_line(struct vector *v, char *line)
{
	u32 at = v->len * 8, n = parse_hex(v, &line), end = v->len * 8;
	char word[128], value[64];
	bool header = true;
	int used;

	CHECK(n);
	while (sscanf(line, " %127s%n", word, &used) == 1) {
		struct field f = { .read = word[0] != '(' };

		line += used;
		if (!strcmp(word, "payload") || !strcmp(word, "pad")) {
			if (!strcmp(word, "pad"))
				v->pad = n;
			header = false;
			at = end;
			continue;
		}
		if (sscanf(word, "-:%u", &f.width) == 1) {
			f.read = false;
			strcpy(f.name, "reserved");
		} else {
			CHECK(sscanf(word + !f.read, "%39[^:]:%u=%63[^)]",
				     f.name, &f.width, value) == 3);
			f.v = masked(parse_value(value), f.width);
			CHECK(v->nfields < MAX_FIELDS);
			v->field[v->nfields++] = f;
		}
		CHECK(at + f.width <= end);
		check_bits(v, &f, at);
		for (u32 i = at; i < at + f.width; i++)
			v->read[i] = f.read;
		at += f.width;
	}
	/* Without a word for every bit something has been forgotten. */
	CHECK_EQ(at, end);
	if (header)
		v->hdrlen = v->len;
}

static void load(const char *name)
{
	char path[256], line[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
	file = fopen(path, "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (line[0] == '[') {
			struct vector *v = &vectors[nvectors++];

			CHECK(nvectors <= MAX_VECTORS);
			CHECK(sscanf(line, "[%63[^]]]", v->name) == 1);
			v->exact = strstr(line, "] exact");
			continue;
		}
		CHECK(nvectors);
		parse_line(&vectors[nvectors - 1], line);
	}
	fclose(file);
}

static void load_all(void)
{
	if (vectors)
		return;
	vectors = calloc(MAX_VECTORS, sizeof(*vectors));
	load("mrc.txt");
	load("extensions.txt");
	CHECK(nvectors > 20);
}

#define for_each_vector(v)						\
	for (struct vector *v = (load_all(), vectors);			\
	     v < vectors + nvectors; v++)

static u64 get_nth(const struct vector *v, const char *name, u32 nth)
{
	for (u32 i = 0; i < v->nfields; i++)
		if (!strcmp(v->field[i].name, name) && !nth--)
			return v->field[i].v.lo;
	test_fail(__FILE__, __LINE__, "%s has no %s", v->name, name);
}

static u64 get(const struct vector *v, const char *name)
{
	return get_nth(v, name, 0);
}

static bool has(const struct vector *v, const char *name)
{
	for (u32 i = 0; i < v->nfields; i++)
		if (!strcmp(v->field[i].name, name))
			return true;
	return false;
}

/* ------------------------------------------------------ decoding */

/* What the decoders make of a packet: names and values in wire order. */
struct said {
	struct {
		const char *name;
		struct value v;
	} field[256];
	u32 n;
};

static void say2(struct said *s, const char *name, u64 hi, u64 lo)
{
	CHECK(s->n < ARRAY_SIZE(s->field));
	s->field[s->n].name = name;
	s->field[s->n].v.hi = hi;
	s->field[s->n++].v.lo = lo;
}

static void say(struct said *s, const char *name, u64 v)
{
	say2(s, name, 0, v);
}

static void say_addr(struct said *s, const char *name, const u8 *addr)
{
	u64 half[2];

	memcpy(half, addr, sizeof(half));
	say2(s, name, be64_to_cpu(half[0]), be64_to_cpu(half[1]));
}

static void say_pkt(struct said *s, const struct mrc_pkt *p)
{
	u16 f = mrc_opcode_flags(p->op);

	say(s, "bth.opcode", p->op);
	say(s, "bth.se", p->se);
	say(s, "bth.pad", p->pad);
	say(s, "bth.tver", 0);
	say(s, "bth.dqpn", p->dqpn);
	say(s, "bth.ackreq", p->ackreq);
	say(s, "bth.calm", p->calm);
	say(s, "bth.rtx", p->rtx);
	say(s, "bth.ts", p->ts);
	say(s, "bth.psn", p->psn);
	say(s, "meth.rqmsn", p->rqmsn);
	say(s, "meth.msn", p->msn);
	if (p->ts)
		say(s, "tseth.tx_timestamp", p->tx_timestamp);
	if (f & MRC_OPF_XRETH)
		say(s, "xreth.first_psn", p->first_psn);
	if (f & MRC_OPF_RETH) {
		say(s, "reth.va", p->va);
		say(s, "reth.rkey", p->rkey);
		say(s, "reth.dmalen", p->dmalen);
	}
	if (f & MRC_OPF_XOETH) {
		say(s, "xoeth.offset", p->offset);
		say(s, "xoeth.len", p->dmalen);
	}
	if (f & MRC_OPF_ATOMIC) {
		say(s, "atomiceth.va", p->va);
		say(s, "atomiceth.rkey", p->rkey);
		say(s, "atomiceth.swap_add", p->swap_add);
		say(s, "atomiceth.compare", p->compare);
	}
	if (f & MRC_OPF_IMM)
		say(s, p->op == MRC_OP_X_SEND_LAST_INV ? "ieth.rkey" :
			"immdt.imm", be32_to_cpu(p->imm));
}

static void say_datagram(struct said *s, const struct mrc_datagram *d)
{
	say(s, "bth.opcode", d->op);
	say(s, "bth.se", d->se);
	say(s, "bth.pad", d->pad);
	say(s, "bth.tver", 0);
	say(s, "bth.dqpn", d->dqpn);
	say(s, "bth.psn", d->psn);
	say(s, "deth.qkey", d->qkey);
	say(s, "deth.sqpn", d->sqpn);
	if (d->op == MRC_OP_UD_SEND_ONLY_IMM)
		say(s, "immdt.imm", be32_to_cpu(d->imm));
}

static void say_sack(struct said *s, const struct mrc_sack *k)
{
	say(s, "seth.type", 0);
	say(s, "seth.m", k->m);
	say(s, "seth.pr", k->probe);
	if (k->probe)
		say(s, "seth.probe_id", k->probe_id);
	else
		say(s, "seth.ack_psn_offset",
		    mrc_psn_diff(k->acked_psn, k->cack));
	say(s, "seth.entropy", k->entropy);
	say(s, "seth.spdcid", k->spdcid);
	say(s, "seth.dpdcid", k->dpdcid);
	say(s, "seth.cack_psn", k->cack);
	say(s, "seth.cc_type", 0);
	say(s, "seth.mpr", k->mpr);
	say(s, "seth.sack_offset", k->sack_offset);
	say(s, "seth.bitmap", k->bitmap);
	say(s, "cc.tx_timestamp", k->tx_timestamp);
	say(s, "cc.ooo_count", k->ooo_count);
	say(s, "cc.restore_cwnd", k->restore_cwnd);
	say(s, "cc.rcv_cwnd_pen", k->penalty);
	say(s, "cc.rcvd_bytes", k->rcvd_bytes);
}

static void say_nack(struct said *s, const struct mrc_nack *n)
{
	say(s, "neth.reason", n->reason);
	say(s, "neth.vendor", n->vendor);
	say(s, "neth.entropy", n->entropy);
	say(s, "neth.spdcid", n->spdcid);
	say(s, "neth.dpdcid", n->dpdcid);
	say(s, "neth.nack_psn", n->psn);
	say(s, "neth.cc_type", MRC_NACK_CC_TYPE);
	say(s, "neth.tx_timestamp", n->tx_timestamp);
}

static void say_hello(struct said *s, const struct mrc_hello *h)
{
	say(s, "hello.version", h->version);
	say(s, "hello.nports", h->nports);
	say(s, "hello.mpr", h->mpr);
	say(s, "hello.features", be32_to_cpu(h->features));
	say(s, "hello.nonce", be64_to_cpu(h->nonce));
	say(s, "hello.instance", be64_to_cpu(h->instance));
	say(s, "hello.speed", be32_to_cpu(h->speed));
	say_addr(s, "hello.host", h->host);
	for (int i = 0; i < h->nports; i++) {
		say(s, "hello.port.plane", h->port[i].plane);
		say(s, "hello.port.up",
		    !!(h->port[i].flags & MRC_HELLO_PORT_UP));
		say(s, "hello.port.mtu", be16_to_cpu(h->port[i].mtu));
		say_addr(s, "hello.port.addr", h->port[i].addr);
	}
}

/* Headers of control packets, @h being what follows the BTH. */
static bool decode_control(u8 op, const void *h, struct said *s)
{
	const struct mrc_cc_state *cc = h + sizeof(struct mrc_seth);
	struct mrc_probe probe;
	struct mrc_sack sack;
	struct mrc_nack nack;
	struct mrc_ep ep;

	switch (op) {
	case MRC_OP_ACK:
		say(s, "aeth.syndrome", mrc_aeth_syndrome(h));
		return true;
	case MRC_OP_SACK:
	case MRC_OP_X_SACK_ACK:
		if (!mrc_sack_decode(&sack, h, cc))
			return false;
		say_sack(s, &sack);
		if (op == MRC_OP_X_SACK_ACK)
			say(s, "aeth.syndrome",
			    mrc_aeth_syndrome((const void *)(cc + 1)));
		return true;
	case MRC_OP_NACK:
		if (!mrc_nack_decode(&nack, h))
			return false;
		say_nack(s, &nack);
		return true;
	case MRC_OP_PROBE:
		mrc_probe_decode(&probe, h);
		say(s, "peth.probe_id", probe.id);
		say(s, "peth.spdcid", probe.spdcid);
		say(s, "peth.dpdcid", probe.dpdcid);
		say(s, "peth.tx_timestamp", probe.tx_timestamp);
		return true;
	case MRC_OP_EP_REQUEST:
		mrc_ep_req_decode(&ep, h);
		say(s, "erth.op", ep.op);
		say(s, "erth.port_status_mask", ep.ports);
		say(s, "erth.tx_timestamp", ep.tx_timestamp);
		return true;
	case MRC_OP_EP_RESPONSE:
		mrc_ep_resp_decode(&ep, h);
		say(s, "eeth.op", ep.op);
		say(s, "eeth.tx_timestamp", ep.tx_timestamp);
		return true;
	case MRC_OP_X_HELLO_REQ:
	case MRC_OP_X_HELLO_RESP:
		if (!mrc_hello_valid(h))
			return false;
		say_hello(s, h);
		return true;
	}
	test_fail(__FILE__, __LINE__, "opcode %02x has no decoder", op);
}

/* As kernel/port/rx.c and what it calls do. False: the packet is refused. */
static bool decode(const void *buf, u32 len, struct said *s)
{
	const struct mrc_bth *bth = buf;
	struct mrc_datagram d;
	struct mrc_pkt p;
	int hdrlen;

	s->n = 0;
	if (len < sizeof(*bth))
		return false;
	hdrlen = mrc_bth_check(bth, len);
	if (hdrlen < 0)
		return false;
	CHECK(hdrlen >= sizeof(*bth) && hdrlen <= len);
	if (mrc_opcode_flags(bth->opcode)) {
		if (!mrc_pkt_decode(&p, buf, len, len))
			return false;
		CHECK_EQ(p.hdrlen, hdrlen);
		CHECK_EQ(p.hdrlen + p.plen + p.pad, len);
		say_pkt(s, &p);
		return true;
	}
	if (bth->opcode == MRC_OP_UD_SEND_ONLY ||
	    bth->opcode == MRC_OP_UD_SEND_ONLY_IMM) {
		CHECK(mrc_datagram_decode(&d, buf, len, len));
		CHECK_EQ(d.hdrlen, hdrlen);
		CHECK_EQ(d.hdrlen + d.plen + d.pad, len);
		say_datagram(s, &d);
		return true;
	}
	say(s, "bth.opcode", bth->opcode);
	say(s, "bth.pad", mrc_bth_pad(bth));
	say(s, "bth.tver", 0);
	say(s, "bth.dqpn", be32_to_cpu(bth->dqpn) & MRC_QPN_MASK);
	if (bth->opcode == MRC_OP_ACK)
		say(s, "bth.psn", be32_to_cpu(bth->psn) & MRC_PSN_MASK);
	if (bth->opcode == MRC_OP_EP_REQUEST ||
	    bth->opcode == MRC_OP_EP_RESPONSE)
		say(s, "bth.request_id", (u16)be32_to_cpu(bth->psn));
	return decode_control(bth->opcode, bth + 1, s);
}

static bool decode_copy(const u8 *bytes, u32 len, struct said *s)
{
	u8 *buf = malloc(len);
	bool ok;

	memcpy(buf, bytes, len);
	ok = decode(buf, len, s);
	free(buf);
	return ok;
}

static bool same(const struct said *a, const struct said *b)
{
	if (a->n != b->n)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (strcmp(a->field[i].name, b->field[i].name) ||
		    a->field[i].v.hi != b->field[i].v.hi ||
		    a->field[i].v.lo != b->field[i].v.lo)
			return false;
	return true;
}

TEST(golden__decoded)
{
	for_each_vector(v) {
		struct said s;
		u32 n = 0;

		if (!decode_copy(v->bytes, v->len, &s))
			test_fail(__FILE__, __LINE__, "%s is refused", v->name);
		for (u32 i = 0; i < v->nfields; i++) {
			const struct field *f = &v->field[i];
			struct value got;

			if (!f->read)
				continue;
			if (n == s.n || strcmp(s.field[n].name, f->name))
				test_fail(__FILE__, __LINE__,
					  "%s: %s is not decoded, but %s",
					  v->name, f->name, n == s.n ?
					  "nothing" : s.field[n].name);
			got = masked(s.field[n++].v, f->width);
			if (got.hi != f->v.hi || got.lo != f->v.lo)
				test_fail(__FILE__, __LINE__,
					  "%s: %s is %llx, not %llx", v->name,
					  f->name, got.lo, f->v.lo);
		}
		CHECK_EQ(n, s.n);
	}
	test_note("%u packets", nvectors);
}

/* ------------------------------------------------------ encoding */

static void put_addr(u8 *addr, const struct vector *v, const char *name,
		     u32 nth)
{
	u64 half[2] = {};

	for (u32 i = 0; i < v->nfields; i++)
		if (!strcmp(v->field[i].name, name) && !nth--) {
			half[0] = cpu_to_be64(v->field[i].v.hi);
			half[1] = cpu_to_be64(v->field[i].v.lo);
			break;
		}
	memcpy(addr, half, sizeof(half));
}

static u32 encode_pkt(const struct vector *v, void *buf)
{
	u16 f = mrc_opcode_flags(v->bytes[0]);
	/* Fields that are not in the packet must not leak into it. */
	struct mrc_pkt p = {
		.op = get(v, "bth.opcode"),
		.se = get(v, "bth.se"),
		.pad = get(v, "bth.pad"),
		.dqpn = get(v, "bth.dqpn") | 0xff000000,
		.ackreq = get(v, "bth.ackreq"),
		.calm = get(v, "bth.calm"),
		.rtx = get(v, "bth.rtx"),
		.ts = get(v, "bth.ts"),
		.psn = get(v, "bth.psn") | 0xff000000,
		.rqmsn = get(v, "meth.rqmsn"),
		.msn = get(v, "meth.msn"),
		.tx_timestamp = 0xaaaa, .va = ~0ULL, .rkey = ~0U,
		.dmalen = ~0U, .offset = ~0U, .imm = ~0U, .first_psn = ~0U,
		.swap_add = ~0ULL, .compare = ~0ULL,
	};

	if (p.ts)
		p.tx_timestamp = get(v, "tseth.tx_timestamp");
	if (f & MRC_OPF_XRETH)
		p.first_psn = get(v, "xreth.first_psn") | 0xff000000;
	if (f & MRC_OPF_RETH) {
		p.va = get(v, "reth.va");
		p.rkey = get(v, "reth.rkey");
		p.dmalen = get(v, "reth.dmalen");
	}
	if (f & MRC_OPF_XOETH) {
		p.offset = get(v, "xoeth.offset");
		p.dmalen = get(v, "xoeth.len");
	}
	if (f & MRC_OPF_ATOMIC) {
		p.va = get(v, "atomiceth.va");
		p.rkey = get(v, "atomiceth.rkey");
		p.swap_add = get(v, "atomiceth.swap_add");
		p.compare = get(v, "atomiceth.compare");
	}
	if (f & MRC_OPF_IMM)
		p.imm = cpu_to_be32(get(v, has(v, "ieth.rkey") ? "ieth.rkey" :
					   "immdt.imm"));
	return mrc_pkt_encode(&p, buf);
}

static u32 encode_datagram(const struct vector *v, void *buf)
{
	struct mrc_datagram d = {
		.op = get(v, "bth.opcode"),
		.se = get(v, "bth.se"),
		.pad = get(v, "bth.pad"),
		.dqpn = get(v, "bth.dqpn") | 0xff000000,
		.psn = get(v, "bth.psn") | 0xff000000,
		.qkey = get(v, "deth.qkey"),
		.sqpn = get(v, "deth.sqpn") | 0xff000000,
		.imm = ~0U,
	};

	if (has(v, "immdt.imm"))
		d.imm = cpu_to_be32(get(v, "immdt.imm"));
	return mrc_datagram_encode(&d, buf);
}

static void encode_sack(const struct vector *v, struct mrc_seth *seth)
{
	struct mrc_cc_state *cc = (void *)(seth + 1);
	struct mrc_sack s = {
		.m = get(v, "seth.m"),
		.probe = get(v, "seth.pr"),
		.entropy = get(v, "seth.entropy"),
		.spdcid = get(v, "seth.spdcid"),
		.dpdcid = get(v, "seth.dpdcid"),
		.cack = get(v, "seth.cack_psn"),
		.mpr = get(v, "seth.mpr"),
		.sack_offset = get(v, "seth.sack_offset"),
		.bitmap = get(v, "seth.bitmap"),
		.tx_timestamp = get(v, "cc.tx_timestamp"),
		.ooo_count = get(v, "cc.ooo_count") | 0x8000,
		.restore_cwnd = get(v, "cc.restore_cwnd"),
		.penalty = get(v, "cc.rcv_cwnd_pen") | 0x80,
		.rcvd_bytes = get(v, "cc.rcvd_bytes") | 0xff000000,
	};

	if (s.probe)
		s.probe_id = get(v, "seth.probe_id");
	else
		s.acked_psn = mrc_psn_add(s.cack,
					  (s16)get(v, "seth.ack_psn_offset"));
	mrc_sack_encode(&s, seth, cc);
	if (has(v, "aeth.syndrome"))
		mrc_aeth_encode((void *)(cc + 1), get(v, "aeth.syndrome"),
				get(v, "aeth.msn") | 0xff000000);
}

static void encode_hello(const struct vector *v, struct mrc_hello *h)
{
	h->version = get(v, "hello.version");
	h->nports = get(v, "hello.nports");
	h->mpr = get(v, "hello.mpr");
	h->features = cpu_to_be32(get(v, "hello.features"));
	h->nonce = cpu_to_be64(get(v, "hello.nonce"));
	h->instance = cpu_to_be64(get(v, "hello.instance"));
	h->speed = cpu_to_be32(get(v, "hello.speed"));
	put_addr(h->host, v, "hello.host", 0);
	for (int i = 0; i < h->nports; i++) {
		struct mrc_hello_port *port = &h->port[i];

		port->plane = get_nth(v, "hello.port.plane", i);
		if (get_nth(v, "hello.port.up", i))
			port->flags = MRC_HELLO_PORT_UP;
		port->mtu = cpu_to_be16(get_nth(v, "hello.port.mtu", i));
		put_addr(port->addr, v, "hello.port.addr", i);
	}
}

/* Bytes of headers that a control packet has behind its BTH. */
static u32 encode_control(const struct vector *v, u8 op, void *h)
{
	switch (op) {
	case MRC_OP_ACK:
		mrc_aeth_encode(h, get(v, "aeth.syndrome"),
				get(v, "aeth.msn") | 0xff000000);
		return sizeof(struct mrc_aeth);
	case MRC_OP_SACK:
	case MRC_OP_X_SACK_ACK:
		encode_sack(v, h);
		return sizeof(struct mrc_seth) + sizeof(struct mrc_cc_state) +
		       (op == MRC_OP_SACK ? 0 : sizeof(struct mrc_aeth));
	case MRC_OP_NACK:
		mrc_nack_encode(&(struct mrc_nack){
			.reason = get(v, "neth.reason"),
			.vendor = get(v, "neth.vendor"),
			.entropy = get(v, "neth.entropy"),
			.spdcid = get(v, "neth.spdcid"),
			.dpdcid = get(v, "neth.dpdcid"),
			.psn = get(v, "neth.nack_psn") | 0xff000000,
			.tx_timestamp = get(v, "neth.tx_timestamp"),
		}, h);
		return sizeof(struct mrc_neth);
	case MRC_OP_PROBE:
		mrc_probe_encode(&(struct mrc_probe){
			.id = get(v, "peth.probe_id"),
			.spdcid = get(v, "peth.spdcid"),
			.dpdcid = get(v, "peth.dpdcid"),
			.tx_timestamp = get(v, "peth.tx_timestamp"),
		}, h);
		return sizeof(struct mrc_peth);
	case MRC_OP_EP_REQUEST:
		mrc_ep_req_encode(&(struct mrc_ep){
			.op = get(v, "erth.op") | 0xfc,
			.ports = get(v, "erth.port_status_mask"),
			.tx_timestamp = get(v, "erth.tx_timestamp"),
		}, h);
		return sizeof(struct mrc_erth);
	case MRC_OP_EP_RESPONSE:
		mrc_ep_resp_encode(&(struct mrc_ep){
			.op = get(v, "eeth.op") | 0xfc,
			.ports = ~0U,
			.tx_timestamp = get(v, "eeth.tx_timestamp"),
		}, h);
		return sizeof(struct mrc_eeth);
	case MRC_OP_X_HELLO_REQ:
	case MRC_OP_X_HELLO_RESP:
		/* the one structure that is filled in place, zeroed before */
		memset(h, 0, sizeof(struct mrc_hello));
		encode_hello(v, h);
		return sizeof(struct mrc_hello);
	}
	test_fail(__FILE__, __LINE__, "opcode %02x has no encoder", op);
}

static u32 encode(const struct vector *v, void *buf)
{
	u8 op = v->bytes[0];
	struct mrc_bth *bth = buf;
	u32 psn;

	if (mrc_opcode_flags(op))
		return encode_pkt(v, buf);
	if (has(v, "deth.qkey"))
		return encode_datagram(v, buf);
	psn = get(v, has(v, "bth.psn") ? "bth.psn" : "bth.request_id");
	mrc_bth_encode(bth, get(v, "bth.opcode"),
		       get(v, "bth.dqpn") | 0xff000000, psn | 0xff000000);
	return sizeof(*bth) + encode_control(v, op, bth + 1);
}

TEST(golden__encoded)
{
	for_each_vector(v) {
		u8 *buf = malloc(v->hdrlen);
		u32 n;

		memset(buf, 0xa5, v->hdrlen);
		n = encode(v, buf);
		if (n != v->hdrlen)
			test_fail(__FILE__, __LINE__,
				  "%s: %u bytes of headers, not %u", v->name,
				  n, v->hdrlen);
		for (u32 i = 0; i < n; i++)
			if (buf[i] != v->bytes[i])
				test_fail(__FILE__, __LINE__,
					  "%s: byte %u is %02x, not %02x",
					  v->name, i, buf[i], v->bytes[i]);
		free(buf);
	}
}

/* ------------------------------------------------------ bits, lengths */

TEST(golden__every_packet_type_has_one)
{
	bool seen[256] = {};
	u32 types = 0;

	for_each_vector(v)
		seen[v->bytes[0]] = true;
	for (u32 op = 0; op < 256; op++) {
		if (mrc_opcode_hdrlen(op) && !seen[op])
			test_fail(__FILE__, __LINE__,
				  "opcode %02x has no golden bytes", op);
		CHECK(mrc_opcode_hdrlen(op) || !seen[op]);
		types += seen[op];
	}
	test_note("%u packet types", types);
}

/*
 * Another value of any bit that is read makes another packet or none; of any
 * other bit, reserved ones among them, it changes nothing.
 */
TEST(golden__each_bit)
{
	u32 bits = 0, reserved = 0;

	for_each_vector(v) {
		struct said before, after;
		u8 bytes[MAX_BYTES];

		memcpy(bytes, v->bytes, v->len);
		CHECK(decode_copy(bytes, v->len, &before));
		for (u32 i = 0; i < v->len * 8; i++) {
			bool ok;

			bytes[i / 8] ^= 0x80 >> i % 8;
			ok = decode_copy(bytes, v->len, &after) &&
			     same(&before, &after);
			bytes[i / 8] ^= 0x80 >> i % 8;
			if (ok == v->read[i])
				test_fail(__FILE__, __LINE__,
					  "%s: byte %u, bit %u is %slooked at",
					  v->name, i / 8, 7 - i % 8,
					  ok ? "not " : "");
			bits++;
			reserved += !v->read[i];
		}
	}
	test_note("%u bits, %u of them not looked at", bits, reserved);
}

/* Shorter than headers and pad: refused; longer: only where it may be. */
TEST(golden__each_length)
{
	u32 lengths = 0;

	for_each_vector(v) {
		u8 bytes[MAX_BYTES + 8] = {};
		struct said s;

		memcpy(bytes, v->bytes, v->len);
		for (u32 n = 1; n <= v->len + 8; n++) {
			bool good = n >= v->hdrlen + v->pad && !(n & 3) &&
				    !(v->exact && n > v->hdrlen);

			if (decode_copy(bytes, n, &s) != good)
				test_fail(__FILE__, __LINE__,
					  "%s of %u bytes is %s", v->name, n,
					  good ? "refused" : "taken");
			lengths++;
		}
	}
	test_note("%u lengths", lengths);
}

/* Only as much of a packet may be looked at as lies in one piece. */
TEST(mrc_pkt_decode__headers_are_not_all_there)
{
	for_each_vector(v) {
		for (u32 n = 1; n < v->hdrlen; n++) {
			u8 *buf = malloc(n);
			struct mrc_datagram d;
			struct mrc_pkt p;

			memcpy(buf, v->bytes, n);
			CHECK(!mrc_pkt_decode(&p, buf, n, v->len));
			CHECK(!mrc_datagram_decode(&d, buf, n, v->len));
			free(buf);
		}
	}
}

static void put_random(struct rng *r, u8 *bytes, u32 len)
{
	for (u32 i = 0; i < len; i++)
		bytes[i] = rng_next(r) >> 56;
}

TEST(decode__random_bytes)
{
	u64 packets = test_env("GOLDEN_RANDOM", 200000);
	u64 seed = test_env("SEED", 1), taken = 0;
	struct rng r = { .x = seed };
	u8 bytes[MAX_BYTES];

	load_all();
	test_seed(seed);
	for (u64 i = 0; i < packets; i++) {
		const struct vector *v = &vectors[rng_below(&r, nvectors)];
		u32 len = 1 + rng_below(&r, v->len + 16);
		struct said s;

		/* half of them noise, half golden bytes with a few changes */
		put_random(&r, bytes, len);
		if (rng_chance(&r, 500000)) {
			memcpy(bytes, v->bytes, min(len, v->len));
			for (u32 n = rng_below(&r, 6); n; n--)
				bytes[rng_below(&r, len)] = rng_next(&r);
		} else if (rng_chance(&r, 900000)) {
			bytes[0] = v->bytes[0];
			if (len > 1)
				bytes[1] &= 0xf0;
		}
		taken += decode_copy(bytes, len, &s);
	}
	test_note("%llu packets, %llu of them taken for one",
		  packets, taken);
	CHECK(taken > packets / 100 && taken < packets);
}

/* ------------------------------------------------------ hello */

static void good_hello(struct mrc_hello *h)
{
	load_all();
	for_each_vector(v)
		if (v->bytes[0] == MRC_OP_X_HELLO_REQ)
			memcpy(h, v->bytes + sizeof(struct mrc_bth),
			       sizeof(*h));
	CHECK(mrc_hello_valid(h));
}

static void set_v4(u8 *addr, u32 v4)
{
	memset(addr, 0, 16);
	addr[10] = 0xff;
	addr[11] = 0xff;
	v4 = cpu_to_be32(v4);
	memcpy(addr + 12, &v4, sizeof(v4));
}

TEST(mrc_hello_valid__counts_and_planes)
{
	struct mrc_hello h;

	good_hello(&h);
	h.nports = 0;
	CHECK(!mrc_hello_valid(&h));
	for (int i = 0; i < MRC_MAX_PORTS; i++)
		h.port[i].plane = i;
	h.nports = MRC_MAX_PORTS;
	CHECK(mrc_hello_valid(&h));
	h.nports = MRC_MAX_PORTS + 1;
	CHECK(!mrc_hello_valid(&h));
	h.nports = MRC_MAX_PORTS;
	h.port[31].plane = 32;
	CHECK(!mrc_hello_valid(&h));
	h.port[31].plane = 0;		/* twice */
	CHECK(!mrc_hello_valid(&h));
	good_hello(&h);
	h.mpr = 0;
	CHECK(!mrc_hello_valid(&h));
	good_hello(&h);
	h.nonce = 0;
	CHECK(!mrc_hello_valid(&h));
	for (int version = 0; version < 256; version++) {
		good_hello(&h);
		h.version = version;
		CHECK(mrc_hello_valid(&h) == (version == MRC_HELLO_VERSION));
	}
}

TEST(mrc_hello_valid__addresses)
{
	static const struct {
		u32 addr;
		bool good;
	} v4[] = {
		{ 0x0a000001, true }, { 0xc0a80101, true },
		{ 0xa9fe0001, true }, { 0xf0000001, true },
		{ 0x00000000, false }, { 0x00ffffff, false },
		{ 0x7f000001, false }, { 0x7fffffff, false },
		{ 0xe0000001, false }, { 0xefffffff, false },
		{ 0xffffffff, false },
	};
	static const struct {
		u8 addr[16];
		bool good;
	} v6[] = {
		{ { 0x20, 1, [15] = 1 }, true },
		{ { 0xfd, [15] = 1 }, true },
		{ { 0xfe, 0x80, [15] = 1 }, true },
		{ { 0xff, 2, [15] = 1 }, false },
		{ { [15] = 1 }, false },	/* loopback */
		{ { 0 }, false },		/* as host; as port: none */
	};
	struct mrc_hello h;

	for (u32 i = 0; i < ARRAY_SIZE(v4); i++) {
		good_hello(&h);
		set_v4(h.host, v4[i].addr);
		CHECK(mrc_hello_valid(&h) == v4[i].good);
		good_hello(&h);
		set_v4(h.port[1].addr, v4[i].addr);
		CHECK(mrc_hello_valid(&h) == v4[i].good);
	}
	for (u32 i = 0; i < ARRAY_SIZE(v6); i++) {
		good_hello(&h);
		memset(h.port[1].addr, 0, sizeof(h.port[1].addr));
		memcpy(h.host, v6[i].addr, sizeof(h.host));
		CHECK(mrc_hello_valid(&h) == v6[i].good);
	}
	/* of the other family than the host */
	good_hello(&h);
	memcpy(h.port[1].addr, v6[0].addr, sizeof(h.port[1].addr));
	CHECK(!mrc_hello_valid(&h));
	memcpy(h.host, v6[0].addr, sizeof(h.host));
	CHECK(mrc_hello_valid(&h));
	set_v4(h.port[1].addr, v4[0].addr);
	CHECK(!mrc_hello_valid(&h));
}
