// SPDX-License-Identifier: GPL-2.0
/*
 * mrc top: a live screen of what goes over the planes and to whom. Two
 * samples are compared; what grows is shown per second.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "mrc.h"

#define NAME	64

struct device {
	char name[NAME], netdev[NAME];
	uint32_t index, planes, up, peers, qps;
	uint64_t tx_bytes, rx_bytes, tx_packets, sent, resent, drops, ecn;
};

struct port {
	char dev[NAME], netdev[NAME];
	uint32_t plane;
	bool up;
};

/* A plane's paths to one peer. */
struct way {
	char dev[NAME], peer[NAME], local[NAME];
	uint32_t plane, good, skip, bad, denied, srtt;
	uint64_t tx, lost;
};

/* One look at everything. */
struct sample {
	double at;		/* s */
	struct device *devs;
	struct port *ports;
	struct way *ways;
	size_t num_devs, num_ports, num_ways;
};

static struct sample old, cur;

/* ------------------------------------------------------------ sampling */

static void *more(void *array, size_t n, size_t size)
{
	char *bytes = must(realloc(array, (n + 1) * size));

	memset(bytes + n * size, 0, size);
	return bytes;
}

static void copy_name(char *to, const char *from)
{
	snprintf(to, NAME, "%s", from);
}

static void on_device(struct nlattr **attrs)
{
	struct device *d;

	cur.devs = more(cur.devs, cur.num_devs, sizeof(*d));
	d = &cur.devs[cur.num_devs++];
	copy_name(d->name, get_string(attrs, MRC_A_DEV_NAME));
	copy_name(d->netdev, get_string(attrs, MRC_A_DEV_IFNAME));
	d->index = get_u32(attrs, MRC_A_DEV_INDEX);
	d->planes = get_u32(attrs, MRC_A_DEV_PLANES);
	d->up = get_u32(attrs, MRC_A_DEV_PLANES_UP);
	d->peers = get_u32(attrs, MRC_A_DEV_PEERS);
	d->qps = get_u32(attrs, MRC_A_DEV_QPS);
}

static void on_port(struct nlattr **attrs)
{
	struct port *p;

	cur.ports = more(cur.ports, cur.num_ports, sizeof(*p));
	p = &cur.ports[cur.num_ports++];
	copy_name(p->dev, get_string(attrs, MRC_A_PORT_DEV));
	copy_name(p->netdev, get_string(attrs, MRC_A_PORT_IFNAME));
	p->plane = get_u32(attrs, MRC_A_PORT_PLANE);
	p->up = get_u32(attrs, MRC_A_PORT_UP);
}

static void on_plane(struct nlattr **attrs)
{
	struct way *w;

	cur.ways = more(cur.ways, cur.num_ways, sizeof(*w));
	w = &cur.ways[cur.num_ways++];
	copy_name(w->dev, get_string(attrs, MRC_A_PLANE_DEV));
	copy_name(w->peer, get_address(attrs, MRC_A_PLANE_REMOTE));
	copy_name(w->local, get_address(attrs, MRC_A_PLANE_LOCAL));
	w->plane = get_u32(attrs, MRC_A_PLANE_PLANE);
	w->good = get_u32(attrs, MRC_A_PLANE_GOOD);
	w->skip = get_u32(attrs, MRC_A_PLANE_SKIP);
	w->bad = get_u32(attrs, MRC_A_PLANE_ASSUMED_BAD);
	w->denied = get_u32(attrs, MRC_A_PLANE_DENIED);
	w->srtt = get_u32(attrs, MRC_A_PLANE_SRTT);
	w->tx = get_u64(attrs, MRC_A_PLANE_TX);
	w->lost = get_u64(attrs, MRC_A_PLANE_LOST);
}

static struct device *counted;	/* whose counters are being read */

static void on_counter(const char *name, uint64_t value)
{
	if (!strcmp(name, "tx_bytes"))
		counted->tx_bytes = value;
	else if (!strcmp(name, "rx_bytes"))
		counted->rx_bytes = value;
	else if (!strcmp(name, "tx_packets"))
		counted->tx_packets = value;
	else if (!strcmp(name, "tx_data_packets"))
		counted->sent = value;
	else if (!strcmp(name, "retransmits"))
		counted->resent = value;
	else if (!strcmp(name, "ecn_marked"))
		counted->ecn = value;
	else if (!strncmp(name, "drop_", 5))
		counted->drops += value;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int take_sample(const struct filter *filter)
{
	size_t i;
	int ret;

	free(old.devs);
	free(old.ports);
	free(old.ways);
	old = cur;
	memset(&cur, 0, sizeof(cur));
	cur.at = now();
	ret = fetch(&dev_list, filter, on_device) ?:
	      fetch(&port_list, filter, on_port) ?:
	      fetch(&plane_list, filter, on_plane);
	for (i = 0; !ret && i < cur.num_devs; i++) {
		counted = &cur.devs[i];
		ret = read_counters(counted->index, on_counter);
	}
	return ret;
}

/* ------------------------------------------------------------ screen */

static int width, height, row;

/* One line, cut at the right edge; lines below the screen are left out. */
static void line(const char *attr, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void line(const char *attr, const char *format, ...)
{
	char text[512];
	va_list ap;
	int n;

	if (row >= height)
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n > width)
		n = width;
	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	/* A heading is a bar over the whole width. */
	if (*attr == '7')
		printf("\033[%d;1H\033[%sm%-*.*s\033[0m", row + 1, attr,
		       width, n, text);
	else
		printf("\033[%d;1H\033[%sm%.*s\033[0m\033[K", row + 1, attr, n,
		       text);
	row++;
}

static const char *rate(double per_second)
{
	static const char *const units[] = { "", "k", "M", "G", "T" };
	char *text = scratch();
	size_t i = 0;

	for (; per_second >= 999.5 && i < 4; i++)
		per_second /= 1000;
	snprintf(text, SCRATCH_SIZE, per_second < 10 && i ? "%.1f%s" : "%.0f%s",
		 per_second, units[i]);
	return text;
}

/* Growth per second; what began anew has grown from 0. */
static double growth(uint64_t before, uint64_t after)
{
	double seconds = cur.at - old.at;

	if (seconds <= 0)
		return 0;
	return (after < before ? after : after - before) / seconds;
}

static const char *bar(double part, int length)
{
	char *text = scratch();
	int i, full = part * length + 0.5;

	for (i = 0; i < length && i < SCRATCH_SIZE - 1; i++)
		text[i] = i < full ? '#' : '.';
	text[i] = '\0';
	return text;
}

static const struct device *old_device(const struct device *d)
{
	size_t i;

	for (i = 0; i < old.num_devs; i++) {
		if (old.devs[i].index == d->index)
			return &old.devs[i];
	}
	return NULL;
}

static const struct way *old_way(const struct way *w)
{
	size_t i;

	for (i = 0; i < old.num_ways; i++) {
		const struct way *o = &old.ways[i];

		if (o->plane == w->plane && !strcmp(o->dev, w->dev) &&
		    !strcmp(o->peer, w->peer) && !strcmp(o->local, w->local))
			return o;
	}
	return NULL;
}

static void show_device(const struct device *d)
{
	const struct device *o = old_device(d);
	double sent, resent;

	line("1", "%s on %s: planes %s%s%s, %u peers, %u QPs", d->name,
	     d->netdev, format_planes(d->planes),
	     d->planes & ~d->up ? ", down " : "",
	     d->planes & ~d->up ? format_planes(d->planes & ~d->up) : "",
	     d->peers, d->qps);
	if (!o) {
		line("0", "  measuring ...");
		return;
	}
	sent = growth(o->sent, d->sent);
	resent = growth(o->resent, d->resent);
	line("0", " out %sb/s in %sb/s packets %s/s again %s/s (%.1f%%) ecn %s/s drops %s/s",
	     rate(8 * growth(o->tx_bytes, d->tx_bytes)),
	     rate(8 * growth(o->rx_bytes, d->rx_bytes)),
	     rate(growth(o->tx_packets, d->tx_packets)), rate(resent),
	     sent + resent ? 100 * resent / (sent + resent) : 0,
	     rate(growth(o->ecn, d->ecn)), rate(growth(o->drops, d->drops)));
}

/* What goes over one plane to all peers, or over all planes to one. */
struct sum {
	const char *dev, *peer, *local;
	double sent, lost;
	uint32_t good, bad, denied, planes, planes_bad;
	uint64_t srtt;
	uint32_t sampled;
};

static void add_way(struct sum *s, const struct way *w)
{
	const struct way *o = old_way(w);

	if (o) {
		s->sent += growth(o->tx, w->tx);
		s->lost += growth(o->lost, w->lost);
	}
	s->good += w->good + w->skip;
	s->bad += w->bad;
	s->denied += w->denied;
	s->planes++;
	s->planes_bad += !(w->good + w->skip);
	if (w->srtt) {
		s->srtt += w->srtt;
		s->sampled++;
	}
}

static const char *sum_rtt(const struct sum *s)
{
	return format_time(s->sampled ? s->srtt / s->sampled : 0);
}

static struct sum plane_sum(const struct port *p)
{
	struct sum s = {};
	size_t i;

	for (i = 0; i < cur.num_ways; i++) {
		if (cur.ways[i].plane == p->plane &&
		    !strcmp(cur.ways[i].dev, p->dev))
			add_way(&s, &cur.ways[i]);
	}
	return s;
}

static void show_planes(int room)
{
	int length = width >= 110 ? width - 76 : 14;
	double all = 0;
	size_t i;

	for (i = 0; i < cur.num_ports; i++)
		all += plane_sum(&cur.ports[i]).sent;
	if (length > 100)
		length = 100;
	line("7", "%-8s %5s %-9s %-4s %-*s %7s %7s %8s %5s %4s", "DEVICE",
	     "PLANE", "NETDEV", "", length, "LOAD", "SENT/s", "LOST/s", "RTT",
	     "GOOD", "BAD");
	for (i = 0; i < cur.num_ports && room > 0; i++, room--) {
		const struct port *p = &cur.ports[i];
		struct sum s = plane_sum(p);

		line(!p->up || s.bad ? "31" : "0",
		     "%-8.8s %5u %-9.9s %-4s %s %7s %7s %8s %5u %4u", p->dev,
		     p->plane, p->netdev, p->up ? "up" : "down",
		     bar(all > 0 ? s.sent / all : 0, length), rate(s.sent),
		     rate(s.lost), sum_rtt(&s), s.good, s.bad + s.denied);
	}
}

/* The worst first: of most loss, then of most paths out of use. */
static int worse(const void *pa, const void *pb)
{
	const struct sum *a = pa, *b = pb;
	double la = a->sent > 0 ? a->lost / a->sent : 0;
	double lb = b->sent > 0 ? b->lost / b->sent : 0;

	if (la != lb)
		return la < lb ? 1 : -1;
	if (a->bad != b->bad)
		return a->bad < b->bad ? 1 : -1;
	if (a->sent != b->sent)
		return a->sent < b->sent ? 1 : -1;
	return strcmp(a->peer, b->peer);
}

static void show_peers(void)
{
	struct sum *sums = NULL;
	size_t n = 0, i, k;

	for (i = 0; i < cur.num_ways; i++) {
		const struct way *w = &cur.ways[i];

		for (k = 0; k < n; k++) {
			if (!strcmp(sums[k].dev, w->dev) &&
			    !strcmp(sums[k].peer, w->peer) &&
			    !strcmp(sums[k].local, w->local))
				break;
		}
		if (k == n) {
			sums = more(sums, n++, sizeof(*sums));
			sums[k].dev = w->dev;
			sums[k].peer = w->peer;
			sums[k].local = w->local;
		}
		add_way(&sums[k], w);
	}
	if (n)
		qsort(sums, n, sizeof(*sums), worse);
	line("7", "%-8s %-*s %6s %6s %6s %6s %8s %5s %4s", "DEVICE",
	     width >= 110 ? width - 58 : 22, "PEERS, THE WORST FIRST", "PLANES",
	     "SENT/s", "LOST/s", "LOSS", "RTT", "GOOD", "BAD");
	for (i = 0; i < n && row < height; i++) {
		const struct sum *s = &sums[i];

		line(s->bad ? "31" : "0",
		     "%-8.8s %-*s %2u/%-3u %6s %6s %5.1f%% %8s %5u %4u", s->dev,
		     width >= 110 ? width - 58 : 22, s->peer,
		     s->planes - s->planes_bad, s->planes, rate(s->sent),
		     rate(s->lost), s->sent > 0 ? 100 * s->lost / s->sent : 0,
		     sum_rtt(s), s->good, s->bad + s->denied);
	}
	free(sums);
}

static void draw(void)
{
	struct winsize ws = {};
	time_t t = time(NULL);
	char clock[16];
	size_t i;
	int room;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws);
	width = ws.ws_col ?: 80;
	height = ws.ws_row ?: 24;
	row = 0;
	strftime(clock, sizeof(clock), "%T", localtime(&t));
	line("0", "mrc top  %s  every %.1f s  q quits", clock,
	     old.at ? cur.at - old.at : 0);
	for (i = 0; i < cur.num_devs; i++)
		show_device(&cur.devs[i]);
	if (!cur.num_devs)
		line("0", "no MRC device in this network namespace; \"rdma link add\" makes one");
	line("0", "%s", "");
	/* Half of what is left is for the peers. */
	room = (height - row) / 2;
	show_planes(room > 4 ? room : 4);
	line("0", "%s", "");
	show_peers();
	printf("\033[J");
	fflush(stdout);
}

/* ------------------------------------------------------------ terminal */

static struct termios saved;
static volatile sig_atomic_t ending;

static void on_signal(int sig)
{
	if (sig != SIGWINCH)
		ending = 1;
}

static void terminal_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios raw;

	tcgetattr(STDIN_FILENO, &saved);
	raw = saved;
	raw.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGWINCH, &action, NULL);
	/* The other screen, without cursor and line wrap. */
	printf("\033[?1049h\033[?25l\033[?7l\033[2J");
}

static void terminal_end(void)
{
	printf("\033[?7h\033[?25h\033[?1049l");
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

/* Until the next sample is due, draw anew when the window changes. */
static void wait_until(double until)
{
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	double left;
	char key;
	int n;

	while (!ending && (left = until - now()) > 0) {
		n = poll(&pfd, 1, left * 1000 + 1);
		if (n < 0 && errno == EINTR && !ending)
			draw();
		if (n <= 0)
			continue;
		n = read(STDIN_FILENO, &key, 1);
		if (n <= 0 || key == 'q' || key == 'Q')
			ending = 1;
	}
}

static int run(struct args *args)
{
	struct filter filter = {};
	uint32_t interval = 1000;
	struct param params[] = {
		{ .name = "interval", .parse = parse_number,
		  .value = &interval, .max = 60000 },
		{ .name = NULL }
	};
	int ret;

	ret = parse_params(args, params, &filter.dev, false);
	if (ret)
		return ret;
	if (interval < 100)
		return usage("interval must be at least 100 ms");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return usage("top needs a terminal; programs read \"mrc -j stat\" and \"mrc -j path show\"");
	/* An error is for the screen that stays. */
	ret = take_sample(&filter);
	if (ret)
		return ret;
	terminal_begin();
	draw();
	/* The first rates soon. */
	wait_until(now() + 0.3);
	while (!ending) {
		ret = take_sample(&filter);
		if (ret) {
			terminal_end();
			/* once more, for the message */
			return take_sample(&filter);
		}
		draw();
		wait_until(now() + interval / 1000.0);
	}
	terminal_end();
	return 0;
}

const struct object top_object = {
	.name = "top",
	.help = "a live screen: throughput, planes, the worst peers",
	.run = run,
	.synopsis = "[DEV] [interval MS]",
};
