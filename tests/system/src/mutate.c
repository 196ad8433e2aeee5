// SPDX-License-Identifier: GPL-2.0
/*
 * mrc-mutate: forwards packets between two netdevs, in place of a bridge, and
 * changes some of MRC's on their way: what they hold (mutation.c), or when and
 * how often they come. Ends by SIGTERM and prints how often it did what.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mutation.h"

#define OLD		64	/* packets kept, to be sent again or spliced */
#define WAYS		64

static const char usage[] =
"mrc-mutate [options] DEV1 DEV2\n"
"  -p PPM      change so many of a million packets (default 20000)\n"
"  -i INTENT   noise (default), absurd or lies: see mutation.h\n"
"  -o WAY      in this way only: again, twice, later, or as printed at the end\n"
"  -s SEED     default 1\n"
"  -P PORT     MRC's UDP port (default 4971)\n";

static struct {
	const char *name;
	unsigned long long count;
} way[WAYS];

static volatile sig_atomic_t stop;
static unsigned long long packets, changed, lost;
static struct frame *old[OLD];
static unsigned int nold;
static struct frame *held;
static int sock[2];
static uint16_t udp_port = 4971;
static uint32_t ppm = 20000;
static enum intent intent = INTENT_NOISE;
static const char *only;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	exit(2);
}

static void count(const char *name)
{
	int i;

	changed++;
	for (i = 0; i < WAYS - 1 && way[i].name && way[i].name != name; i++)
		;
	way[i].name = name;
	way[i].count++;
}

/* ------------------------------------------------------------ sending and keeping */

static void send_frame(struct frame *f)
{
	struct iovec iov[2] = {
		{ &f->vnet, sizeof(f->vnet) },
		{ f->data, f->len },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	while (sendmsg(sock[f->to], &msg, 0) < 0) {
		if (errno == EINTR)
			continue;
		/* a full queue, or longer than the link takes: lost like any other */
		lost++;
		break;
	}
}

static struct frame *copy_of(const struct frame *f)
{
	struct frame *c = malloc(sizeof(*c));

	if (!c)
		die("malloc");
	memcpy(c, f, offsetof(struct frame, data) + f->len);
	return c;
}

static void keep(const struct frame *f)
{
	unsigned int i = nold < OLD ? nold++ : rnd(OLD);

	free(old[i]);
	old[i] = copy_of(f);
}

static void send_held(void)
{
	if (held)
		send_frame(held);
	free(held);
	held = NULL;
}

/* ------------------------------------------------------------ changes */

/* When and how often a packet comes. Returns the name of the way; NULL: as it would. */
static const char *reorder(struct frame *f)
{
	static const char *const name[] = { "again", "twice", "later" };
	int what = rnd(3);

	if (only && strcmp(only, name[what]))
		return NULL;
	switch (what) {
	case 0:	/* an old one besides */
		if (!nold)
			return NULL;
		send_frame(old[rnd(nold)]);
		break;
	case 1:
		send_frame(f);
		break;
	default:
		send_held();
		held = copy_of(f);
		f->len = 0;
	}
	return name[what];
}

static void change(struct frame *f, int body)
{
	struct frame *other = nold ? old[rnd(nold)] : NULL;
	const char *name = NULL;

	if (!rnd(5))
		name = reorder(f);
	if (!name)
		name = frame_mutate(f, body, intent, other,
				    other ? frame_body(other, udp_port) : 0, only);
	if (name)
		count(name);
}

static void forward(struct frame *f)
{
	int body = frame_body(f, udp_port);

	/* what is many packets in one goes on as it is */
	if (body && f->vnet.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		packets++;
		if (!rnd(16))
			keep(f);
		if (rnd(1000000) < ppm)
			change(f, body);
		else if (!rnd(8))
			send_held();
	}
	if (f->len)
		send_frame(f);
}

/* ------------------------------------------------------------ set-up */

static int open_dev(const char *name)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(name),
	};
	struct packet_mreq promisc = {
		.mr_ifindex = addr.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	int s = socket(AF_PACKET, SOCK_RAW, 0), one = 1, size = 8 << 20;

	if (s < 0 || !addr.sll_ifindex)
		die(name);
	if (setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) ||
	    bind(s, (struct sockaddr *)&addr, sizeof(addr)))
		die(name);
	return s;
}

static bool receive(int from, struct frame *f)
{
	struct iovec iov[2] = {
		{ &f->vnet, sizeof(f->vnet) },
		{ f->data, FRAME_MAX },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(sock[from], &msg, MSG_DONTWAIT);

	if (n < (ssize_t)sizeof(f->vnet))
		return false;
	f->len = n - sizeof(f->vnet);
	f->to = !from;
	return true;
}

static void report(void)
{
	printf("packets %llu changed %llu lost %llu\n", packets, changed, lost);
	for (int i = 0; i < WAYS && way[i].name; i++)
		printf("way %s %llu\n", way[i].name, way[i].count);
}

int main(int argc, char **argv)
{
	struct sched_param first = { .sched_priority = 1 };
	struct sigaction sa = { .sa_handler = on_signal };
	struct frame *f = malloc(sizeof(*f));
	struct pollfd fds[2];
	int c, i, n;

	if (!f)
		die("malloc");
	rnd_seed(1);
	while ((c = getopt(argc, argv, "p:i:o:s:P:")) != -1) {
		switch (c) {
		case 'p': ppm = strtoul(optarg, NULL, 0); break;
		case 'o': only = optarg; break;
		case 's': rnd_seed(strtoull(optarg, NULL, 0)); break;
		case 'P': udp_port = strtoul(optarg, NULL, 0); break;
		case 'i':
			for (n = 0; n < INTENTS && strcmp(optarg, intent_name[n]); n++)
				;
			if (n < INTENTS) {
				intent = n;
				break;
			}
			/* fall through */
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return 2;
	}
	for (i = 0; i < 2; i++) {
		sock[i] = open_dev(argv[optind + i]);
		fds[i] = (struct pollfd){ sock[i], POLLIN, 0 };
	}
	/* A switch does not wait for the hosts' programs, which may poll all day. */
	if (sched_setscheduler(0, SCHED_FIFO, &first))
		die("sched_setscheduler");
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	printf("ready\n");
	fflush(stdout);
	while (!stop) {
		if (poll(fds, 2, 20) < 0)
			continue;
		for (i = 0; i < 2; i++)
			for (n = 0; n < 64 && receive(i, f); n++)
				forward(f);
		/* nothing else comes: what was held goes on */
		if (!(fds[0].revents | fds[1].revents))
			send_held();
	}
	report();
	return 0;
}
