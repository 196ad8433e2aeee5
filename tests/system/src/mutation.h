/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Ways to change a packet of MRC in flight. See mutation.c; mrc-mutate
 * (mutate.c) forwards the packets.
 */
#ifndef MUTATION_H
#define MUTATION_H

#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdint.h>

#define FRAME_MAX	65536
#define FRAME_ROOM	64	/* a packet may get longer by so much */

struct frame {
	struct virtio_net_hdr vnet;
	int to;				/* which of the two netdevs */
	int len;
	unsigned char pad[2];		/* so that the IP header is aligned */
	unsigned char data[FRAME_MAX + FRAME_ROOM];
};

enum intent {
	/*
	 * What a bad network does: damage that the ICRC shows, and values, in a
	 * packet that is otherwise right, that must have no consequence.
	 */
	INTENT_NOISE,
	/*
	 * Packets with a right ICRC that ask for what must be refused. They may
	 * end a connection, but never lead to a wrong byte.
	 */
	INTENT_ABSURD,
	/*
	 * Anything, with a right ICRC: whoever can do that can also write other
	 * bytes where bytes may be written.
	 */
	INTENT_LIES,
	INTENTS
};

extern const char *const intent_name[INTENTS];

/* Below 2^32: a number below @below, which is not 0. */
uint32_t rnd(uint32_t below);
void rnd_seed(uint64_t seed);

/* Bytes from the BTH up to and including the ICRC; 0: not a packet of MRC. */
int frame_body(struct frame *f, uint16_t udp_port);

/*
 * Change @f, which has a body of @body bytes, in one way. @other: an earlier
 * packet of MRC, or NULL. @only: name of the one way to use, or NULL. Returns
 * the name of the way; NULL: none could be found.
 */
const char *frame_mutate(struct frame *f, int body, enum intent intent,
			 struct frame *other, int other_body, const char *only);

#endif
