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
#define PLANES	32
/* Columns that a window has for each state of paths to have its own. */
#define WIDE	110
#define BAR	40

struct device {
	char name[NAME], netdev[NAME];
	uint32_t index, planes, up, peers, qps;
	uint64_t tx_bytes, rx_bytes, tx_packets, sent, resent, drops, ecn;
};

struct port {
	char dev[NAME], netdev[NAME];
	uint32_t plane;
	bool up, enabled;
};

/* A plane's paths to one peer. */
struct way {
	char dev[NAME], peer[NAME], local[NAME];
	uint32_t plane, good, skip, bad, denied, srtt;
	bool down;
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
	p->enabled = !attrs[MRC_A_PORT_ENABLED] ||
		     get_u32(attrs, MRC_A_PORT_ENABLED);
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
	w->down = get_u32(attrs, MRC_A_PLANE_DOWN);
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

/* A number that has to fit into a column. */
static const char *count(uint32_t n, int column)
{
	char *text = scratch();

	if (snprintf(text, SCRATCH_SIZE, "%u", n) > column)
		return rate(n);
	return text;
}

/* A name that has to fit, without its middle if need be. */
static const char *fit(const char *name, int column)
{
	char *text = scratch();
	int length = strlen(name), tail = column / 2;

	if (length <= column)
		return name;
	snprintf(text, SCRATCH_SIZE, "%.*s~%s", column - tail - 1, name,
		 name + length - tail);
	return text;
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

static bool same_peer(const struct way *a, const struct way *b)
{
	return !strcmp(a->dev, b->dev) && !strcmp(a->peer, b->peer) &&
	       !strcmp(a->local, b->local);
}

static const struct way *old_way(const struct way *w)
{
	/* The order hardly changes, so it is not far from the last one. */
	static size_t next;
	size_t i;

	for (i = 0; i < old.num_ways; i++) {
		const struct way *o = &old.ways[(next + i) % old.num_ways];

		if (o->plane == w->plane && same_peer(o, w)) {
			next = (next + i + 1) % old.num_ways;
			return o;
		}
	}
	return NULL;
}

static void show_device(const struct device *d)
{
	const char *gap = width >= WIDE ? "   " : " ";
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
	line("0", " out %sb/s%sin %sb/s%spackets %s/s%sagain %s/s (%.1f%%)%secn %s/s%sdrops %s/s",
	     rate(8 * growth(o->tx_bytes, d->tx_bytes)), gap,
	     rate(8 * growth(o->rx_bytes, d->rx_bytes)), gap,
	     rate(growth(o->tx_packets, d->tx_packets)), gap, rate(resent),
	     sent + resent ? 100 * resent / (sent + resent) : 0, gap,
	     rate(growth(o->ecn, d->ecn)), gap,
	     rate(growth(o->drops, d->drops)));
}

/* What goes over one plane to all peers, or over all planes to one. */
struct sum {
	const char *dev, *peer;
	double sent, lost;
	uint32_t good, skip, bad, denied, planes, planes_bad;
	char by_plane[PLANES + 1];	/* # good, + some bad, - none good */
	uint64_t srtt;
	uint32_t sampled;
};

static void add_way(struct sum *s, const struct way *w)
{
	bool lost = w->down || !(w->good + w->skip);
	const struct way *o = old_way(w);

	if (o) {
		s->sent += growth(o->tx, w->tx);
		s->lost += growth(o->lost, w->lost);
	}
	s->good += w->good;
	s->skip += w->skip;
	s->bad += w->bad;
	s->denied += w->denied;
	if (s->planes < PLANES)
		s->by_plane[s->planes] = lost ? '-' :
					 w->bad + w->denied ? '+' : '#';
	s->planes++;
	s->planes_bad += lost;
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

/* Which device it is need only be said if there are several. */
static const char *device_column(const char *name)
{
	char *text = scratch();

	if (cur.num_devs < 2)
		return "";
	snprintf(text, SCRATCH_SIZE, "%-8.8s ", name);
	return text;
}

static const char *states_head(void)
{
	return width >= WIDE ? " GOOD  SKIP   BAD DENIED" : " GOOD  BAD";
}

/* Paths by state; a narrow window has two columns for the four. */
static const char *states_text(const struct sum *s)
{
	char *text = scratch();

	if (width >= WIDE)
		snprintf(text, SCRATCH_SIZE, "%5s %5s %5s %6s",
			 count(s->good, 5), count(s->skip, 5), count(s->bad, 5),
			 count(s->denied, 6));
	else
		snprintf(text, SCRATCH_SIZE, "%5s %4s",
			 count(s->good + s->skip, 5),
			 count(s->bad + s->denied, 4));
	return text;
}

static int longest(int least, const char *name)
{
	int length = strlen(name);

	return length > least ? length : least;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

static void show_planes(int room)
{
	int fixed = strlen(device_column("")) + strlen(states_head()) + 37;
	int name = 6, length;
	double all = 0;
	size_t i;

	for (i = 0; i < cur.num_ports; i++) {
		all += plane_sum(&cur.ports[i]).sent;
		name = longest(name, cur.ports[i].netdev);
	}
	length = smaller(width - fixed - name, BAR);
	if (length < 4)
		length = 4;
	line("7", "%sPLANE %-*s %-4s %-*s %6s %6s %8s %s",
	     device_column("DEVICE"), name, "NETDEV", "", length, "LOAD",
	     "SENT/s", "LOST/s", "RTT", states_head());
	for (i = 0; i < cur.num_ports && row < height; i++, room--) {
		const struct port *p = &cur.ports[i];
		struct sum s = plane_sum(p);

		if (room <= 1 && i + 1 < cur.num_ports) {
			line("0", "... and %zu more", cur.num_ports - i);
			break;
		}
		line(!p->up || s.bad ? "31" : "0",
		     "%s%5u %-*s %-4s %s %6s %6s %8s %s",
		     device_column(p->dev), p->plane, name, p->netdev,
		     !p->enabled ? "off" : p->up ? "up" : "down",
		     bar(all > 0 ? s.sent / all : 0, length), rate(s.sent),
		     rate(s.lost), sum_rtt(&s), states_text(&s));
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

static void list_peers(const struct sum *sums, size_t n)
{
	static const char title[] = "PEERS, THE WORST FIRST";
	int fixed = strlen(device_column("")) + strlen(states_head()) + 38;
	int name = sizeof(title) - 1, by_plane = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		name = longest(name, sums[i].peer);
		if (width >= WIDE)
			by_plane = longest(by_plane ?: 9, sums[i].by_plane);
	}
	if (by_plane)
		fixed += by_plane + 1;
	name = smaller(name, width - fixed);
	if (name < 8)
		name = 8;
	line("7", "%s%-*.*s PLANES%*s %6s %6s %6s %8s %s",
	     device_column("DEVICE"), name, name, title,
	     by_plane ? -by_plane - 1 : 0, by_plane ? " BY PLANE" : "",
	     "SENT/s", "LOST/s", "LOSS", "RTT", states_head());
	for (i = 0; i < n && row < height; i++) {
		const struct sum *s = &sums[i];

		if (row + 1 == height && i + 1 < n) {
			line("0", "... and %zu more", n - i);
			break;
		}
		line(s->bad ? "31" : "0",
		     "%s%-*s %2u/%-3u%s%*s %6s %6s %5.1f%% %8s %s",
		     device_column(s->dev), name, fit(s->peer, name),
		     s->planes - s->planes_bad, s->planes,
		     by_plane ? " " : "", -by_plane,
		     by_plane ? s->by_plane : "", rate(s->sent), rate(s->lost),
		     s->sent > 0 ? 100 * s->lost / s->sent : 0, sum_rtt(s),
		     states_text(s));
	}
}

static void show_peers(void)
{
	struct sum *sums = NULL;
	size_t n = 0, i;

	/* The kernel tells of one peer after the other. */
	for (i = 0; i < cur.num_ways; i++) {
		const struct way *w = &cur.ways[i];

		if (!i || !same_peer(w, w - 1)) {
			sums = more(sums, n++, sizeof(*sums));
			sums[n - 1].dev = w->dev;
			sums[n - 1].peer = w->peer;
		}
		add_way(&sums[n - 1], w);
	}
	if (n)
		qsort(sums, n, sizeof(*sums), worse);
	list_peers(sums, n);
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
