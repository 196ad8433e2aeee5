/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * One stream, its paths and its congestion window, for tests that go packet by
 * packet. Packets are numbered from 0, whatever their PSN.
 */
#ifndef MRC_TEST_STREAM_H
#define MRC_TEST_STREAM_H

#include "harness.h"
#include "transport/tx.h"

#define USEC		1000ULL
#define MSEC		1000000ULL
#define RTT		(200 * USEC)
#define BYTES		1000

extern struct mrc_tx tx;
extern struct mrc_txent board[4096];
extern struct mrc_cc cc;
extern struct mrc_peer_state ps;
extern struct mrc_tx_result res;
extern u32 first;
extern u64 now;

/* A new stream; begin(): one that wraps soon, with retry_cnt 3. */
void begin_with(u32 psn, u32 entries, u32 window, u64 rto, u8 retry);
void begin(void);
/* PSN of packet @n. */
u32 nth(u32 n);
/* Send a packet now; the path it took. */
int send_psn(u32 psn);
/* Send @n new packets, a microsecond and a bit apart. */
void send_new(u32 n);
u32 entropy_of(u32 path);
u32 last_path(u32 psn);
/* A SACK: all below number @cack arrived, of the others those in @bits. */
struct mrc_sack sack_of(u32 cack, u32 base, u64 bits, u32 named);
void sack(u32 cack, u32 base, u64 bits, u32 named);
/* Is packet @n the next to be sent again? */
bool lost(u32 n);
unsigned int timer(bool awaiting);
/* Let time pass until something is due; its action. */
unsigned int wait_timer(bool awaiting);

#endif
