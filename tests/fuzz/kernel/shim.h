/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * As much of a kernel as kernel/message and the rings and regions of
 * kernel/verbs need to run in a process of one thread: every header of the
 * kernel's that they include is this one. Locks only check that they nest,
 * RCU frees at once when asked to, timers and work items are run by the test,
 * memory allocation fails when the test wants it to.
 */
#ifndef MRC_FUZZ_SHIM_H
#define MRC_FUZZ_SHIM_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/stddef.h>
#include <linux/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef long long s64;
typedef unsigned int gfp_t;

#define __force
#define __user
#define __rcu
#define __percpu
#define __init
#define __exit
#define __ro_after_init
#define __must_check
#define noinline
#define noinline_for_stack
#define fallthrough		__attribute__((__fallthrough__))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define BIT(n)			(1UL << (n))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ALIGN(x, a)		(((x) + (__typeof__(x))(a) - 1) & \
				 ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a)	(!((x) & ((__typeof__(x))(a) - 1)))
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define PAGE_MASK		(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)		ALIGN(x, PAGE_SIZE)
#define SMP_CACHE_BYTES		64
#define offset_in_page(p)	((unsigned long)(p) & ~PAGE_MASK)
#define U8_MAX			0xffU
#define U16_MAX			0xffffU
#define U32_MAX			0xffffffffU
#define S16_MAX			0x7fff
#define S16_MIN			(-0x8000)
#define S32_MAX			0x7fffffff
#define U64_MAX			0xffffffffffffffffULL
#define S64_MAX			0x7fffffffffffffffLL
#define NSEC_PER_USEC		1000ULL
#define NSEC_PER_MSEC		1000000ULL
#define NSEC_PER_SEC		1000000000ULL
#define EXPORT_SYMBOL_GPL(x)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define DECLARE_FLEX_ARRAY(t, n) __DECLARE_FLEX_ARRAY(t, n)
#define struct_size(p, m, n)	(sizeof(*(p)) + sizeof((p)->m[0]) * (size_t)(n))
#define BUILD_BUG_ON(c)		_Static_assert(!(c), #c)
#define static_assert(c, ...)	_Static_assert(c, #c)

/* comparing pointers of the types warns where they differ */
#define __mrc_cmp(x, y, op) ({ __typeof__(x) __x = (x);		\
	__typeof__(y) __y = (y); (void)(&__x == &__y);		\
	__x op __y ? __x : __y; })
#define min(x, y)		__mrc_cmp(x, y, <)
#define max(x, y)		__mrc_cmp(x, y, >)
#define min3(x, y, z)		min((__typeof__(x))min(x, y), z)
#define max3(x, y, z)		max((__typeof__(x))max(x, y), z)
#define min_t(t, x, y)		min((t)(x), (t)(y))
#define max_t(t, x, y)		max((t)(x), (t)(y))
#define clamp(v, lo, hi)	min((__typeof__(v))max(v, lo), hi)
#define clamp_t(t, v, lo, hi)	clamp((t)(v), (t)(lo), (t)(hi))
#define swap(a, b) \
	do { __typeof__(a) __t = (a); (a) = (b); (b) = __t; } while (0)

#define cpu_to_be16		htobe16
#define cpu_to_be32		htobe32
#define cpu_to_be64		htobe64
#define be16_to_cpu		be16toh
#define be32_to_cpu		be32toh
#define be64_to_cpu		be64toh
#define be64_to_cpus(p)		(*(p) = be64toh(*(p)))
#define htons			htobe16
#define ntohs			be16toh

/* complaints end the run */
#define WARN_ON(c) ({ bool __c = (c); if (__c) { fprintf(stderr, \
	"%s:%d: WARN_ON %s\n", __FILE__, __LINE__, #c); abort(); } __c; })
#define WARN_ON_ONCE		WARN_ON

/* ------------------------------------------------------------ memory order */

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb()
#define smp_mb__after_atomic()
#define smp_acquire__after_ctrl_dep()
#define barrier()		__asm__ volatile("" ::: "memory")
#define cpu_relax()		abort()		/* nobody else would move on */
#define cmpxchg(p, o, n) ({ __typeof__(*(p)) __old = *(p);	\
	if (__old == (o)) *(p) = (n); __old; })
#define cmpxchg64		cmpxchg

typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
typedef struct { s64 counter; } atomic64_t;
#define atomic_inc(v)		((v)->counter++)
#define atomic_dec(v)		((v)->counter--)
#define atomic_read(v)		((v)->counter)
#define atomic_long_read(v)	((v)->counter)
#define atomic_long_add(n, v)	((v)->counter += (n))
#define atomic_long_sub(n, v)	((v)->counter -= (n))
#define atomic64_inc_return(v)	(++(v)->counter)
#define atomic64_fetch_add(n, v) ({ s64 __o; __builtin_memcpy(&__o, v, 8); \
	s64 __n = (s64)((u64)__o + (u64)(n)); __builtin_memcpy(v, &__n, 8); __o; })
#define atomic_add_unless(v, n, u) \
	((v)->counter != (u) ? ((v)->counter += (n), true) : false)

typedef struct { int refs; } refcount_t;

static inline void refcount_set(refcount_t *r, int n) { r->refs = n; }
static inline int refcount_read(const refcount_t *r) { return r->refs; }

static inline void refcount_inc(refcount_t *r)
{
	WARN_ON(r->refs <= 0);
	r->refs++;
}

static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return r->refs > 0 ? (r->refs++, true) : false;
}

static inline bool refcount_dec_and_test(refcount_t *r)
{
	WARN_ON(r->refs <= 0);
	return !--r->refs;
}

/* ------------------------------------------------------------ locks */

typedef struct { int held; } spinlock_t;

static inline void spin_lock_init(spinlock_t *l) { l->held = 0; }

static inline void spin_lock(spinlock_t *l)
{
	WARN_ON(l->held);	/* there is one thread: this one */
	l->held = 1;
}

static inline void spin_unlock(spinlock_t *l)
{
	WARN_ON(!l->held);
	l->held = 0;
}

#define spin_lock_bh		spin_lock
#define spin_unlock_bh		spin_unlock
#define spin_lock_irq		spin_lock
#define spin_unlock_irq		spin_unlock
#define spin_lock_irqsave(l, f)	((void)((f) = 0), spin_lock(l))
#define spin_unlock_irqrestore(l, f) ((void)(f), spin_unlock(l))
#define rcu_read_lock()
#define rcu_read_unlock()
#define rcu_dereference(p)	(p)
#define local_bh_disable()
#define local_bh_enable()
#define wait_var_event(v, c)	WARN_ON(!(c))
#define wake_up_var(v)

struct mutex { int held; };
struct completion { int done; };
struct nf_hook_ops { int priority; };
struct rcu_head { void *next; };
#define init_completion(c)	((c)->done = 0)
#define complete(c)		((c)->done++)
#define wait_for_completion(c)	WARN_ON(!(c)->done)

/* ------------------------------------------------------------ memory */

#define GFP_KERNEL		1
#define GFP_ATOMIC		2
#define __GFP_NOWARN		4

bool fuzz_no_memory(gfp_t gfp);

static inline void *kmalloc(size_t n, gfp_t gfp)
{
	return fuzz_no_memory(gfp) ? NULL : malloc(n);
}

static inline void *kzalloc(size_t n, gfp_t gfp)
{
	return fuzz_no_memory(gfp) ? NULL : calloc(1, n);
}

#define kfree(p)		free((void *)(p))
#define kvfree(p)		free(p)
#define vfree(p)		free(p)
#define kfree_rcu(p, f)		free(p)
#define kmalloc_array(n, s, g)	kmalloc((size_t)(n) * (s), g)
#define kvmalloc_array		kmalloc_array
#define kvcalloc(n, s, g)	kzalloc((size_t)(n) * (s), g)
#define kvzalloc		kzalloc

static inline void *vmalloc_user(size_t n)
{
	void *p = aligned_alloc(64, n);

	return p ? memset(p, 0, n) : NULL;
}

/* A page is a place in memory, and that is all. */
struct page;
#define page_address(p)		((void *)(p))
#define virt_to_page(a)		((struct page *)((unsigned long)(a) & PAGE_MASK))
#define compound_head(p)	(p)
#define page_size(p)		PAGE_SIZE
#define sendpage_ok(p)		true
#define get_page(p)
#define ib_virt_dma_to_page(a)	virt_to_page((void *)(a))

#define IS_ERR(p)		((unsigned long)(p) >= -4095UL)
#define IS_ERR_OR_NULL(p)	(!(p) || IS_ERR(p))
#define PTR_ERR(p)		((long)(p))
#define ERR_PTR(e)		((void *)(long)(e))
#define ERR_CAST(p)		((void *)(p))

static inline int __ffs(unsigned long x) { return __builtin_ctzl(x); }
static inline int __ffs64(u64 x) { return __builtin_ctzll(x); }
static inline u32 rol32(u32 x, int n) { return x << n | x >> (32 - n); }
static inline int ilog2(u64 x) { return 63 - __builtin_clzll(x); }
static inline u64 div_u64(u64 a, u32 b) { return a / b; }
static inline s64 div_s64(s64 a, s32 b) { return a / b; }
static inline u64 div64_u64(u64 a, u64 b) { return a / b; }

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (unsigned __int128)a * b / c;
}

static inline unsigned long roundup_pow_of_two(unsigned long x)
{
	return x <= 1 ? 1 : 1UL << (64 - __builtin_clzl(x - 1));
}

/* ------------------------------------------------------------ lists, trees */

struct list_head { struct list_head *next, *prev; };

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list_head *l)
{
	return l->next == l;
}

#define list_empty_careful list_empty

static inline void list_add_tail(struct list_head *n, struct list_head *l)
{
	WARN_ON(l->prev->next != l);
	n->prev = l->prev;
	n->next = l;
	l->prev->next = n;
	l->prev = n;
}

static inline void list_add(struct list_head *n, struct list_head *l)
{
	list_add_tail(n, l->next);
}

static inline void list_del(struct list_head *n)
{
	WARN_ON(n->next->prev != n || n->prev->next != n);
	n->next->prev = n->prev;
	n->prev->next = n->next;
	n->next = (void *)0x100;
	n->prev = (void *)0x122;
}

static inline void list_del_init(struct list_head *n)
{
	list_del(n);
	INIT_LIST_HEAD(n);
}

#define list_entry		container_of
#define list_first_entry(l, t, m) list_entry((l)->next, t, m)
#define list_last_entry(l, t, m) list_entry((l)->prev, t, m)
#define list_first_entry_or_null(l, t, m) \
	(list_empty(l) ? NULL : list_first_entry(l, t, m))
#define list_for_each_entry(p, l, m)					\
	for (p = list_first_entry(l, __typeof__(*p), m); &p->m != (l);	\
	     p = list_entry(p->m.next, __typeof__(*p), m))
#define list_for_each_entry_rcu	list_for_each_entry
#define list_for_each_entry_safe(p, n, l, m)				\
	for (p = list_first_entry(l, __typeof__(*p), m),		\
	     n = list_entry(p->m.next, __typeof__(*p), m); &p->m != (l); \
	     p = n, n = list_entry(n->m.next, __typeof__(*n), m))

/* Not balanced, which nobody can tell. */
struct rb_node { struct rb_node *rb_left, *rb_right, *parent; };
struct rb_root { struct rb_node *rb_node; };
#define RB_ROOT			((struct rb_root){})
#define rb_entry		container_of
#define RB_CLEAR_NODE(n)	((n)->parent = (n))
#define RB_EMPTY_ROOT(r)	(!(r)->rb_node)

static inline void rb_link_node(struct rb_node *n, struct rb_node *parent,
				struct rb_node **link)
{
	*n = (struct rb_node){ .parent = parent };
	*link = n;
}

#define rb_insert_color(n, r)	((void)(r))

static inline struct rb_node *rb_first(const struct rb_root *r)
{
	struct rb_node *n = r->rb_node;

	while (n && n->rb_left)
		n = n->rb_left;
	return n;
}

static inline struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->rb_right) {
		n = n->rb_right;
		while (n->rb_left)
			n = n->rb_left;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->rb_right)
		n = n->parent;
	return n->parent;
}

static inline void rb_erase(struct rb_node *n, struct rb_root *r)
{
	struct rb_node *child = n->rb_left ? n->rb_left : n->rb_right;
	struct rb_node **link = !n->parent ? &r->rb_node :
		n->parent->rb_left == n ? &n->parent->rb_left :
					  &n->parent->rb_right;

	if (n->rb_left && n->rb_right) {
		/* hang the left branch below the leftmost of the right */
		struct rb_node *m = n->rb_right;

		while (m->rb_left)
			m = m->rb_left;
		m->rb_left = n->rb_left;
		m->rb_left->parent = m;
		child = n->rb_right;
	}
	*link = child;
	if (child)
		child->parent = n->parent;
}

struct xarray { struct { unsigned long index; void *ptr; } *e; u32 n; };
struct ida { int unused; };
#define XA_LIMIT(lo, hi)	0
#define XA_FLAGS_ALLOC1		0
#define xa_err(p)		(IS_ERR(p) ? (int)PTR_ERR(p) : 0)
#define xa_init(x)		memset(x, 0, sizeof(*(x)))
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_store(struct xarray *xa, unsigned long index, void *p, gfp_t gfp);
int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
void *xa_erase(struct xarray *xa, unsigned long index);
void xa_destroy(struct xarray *xa);
#define xa_cmpxchg(xa, i, o, n, g) \
	(xa_load(xa, i) == (o) ? xa_erase(xa, i) : NULL)
int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *p, int limit, u32 *next,
		    gfp_t gfp);
#define xa_for_each(xa, i, p) \
	for (i = 0; i < (xa)->n && ((p) = (xa)->e[i].ptr, true); i++)
struct rhash_head { void *next; };
struct rhashtable { int unused; };

/* ------------------------------------------------------------ time, work */

typedef s64 ktime_t;
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *t);
	u64 at;			/* 0: not armed */
	bool rel;
};
struct work_struct { void (*fn)(struct work_struct *w); bool queued; };
struct delayed_work { struct work_struct work; };
struct workqueue_struct;

/* Tracepoints are functions that do nothing. */
#define TP_PROTO(...)		__VA_ARGS__
#define DECLARE_EVENT_CLASS(...)
#define DEFINE_EVENT(class, name, proto, ...)				\
	static inline void trace_##name(proto) { }
#define TRACE_EVENT(name, proto, ...)					\
	static inline void trace_##name(proto) { }

extern u64 fuzz_now;
#define HRTIMER_MODE_ABS_SOFT	0
#define HRTIMER_MODE_REL_SOFT	1
#define CLOCK_MONOTONIC		1
#define ns_to_ktime(n)		((ktime_t)(n))
#define ktime_get_ns()		(fuzz_now += 10)
#define hrtimer_setup(t, f, c, m) ((t)->function = (f), (t)->at = 0)
#define hrtimer_start(t, when, m) \
	((t)->at = (m) ? fuzz_now + (when) + 1 : (u64)(when) + 1)
#define hrtimer_cancel(t)	((t)->at = 0)
#define INIT_WORK(w, f)		((w)->fn = (f))
#define queue_work(q, w) \
	((w)->queued ? false : ((w)->queued = true))
#define cancel_work_sync(w) \
	((w)->queued ? ((w)->queued = false, true) : false)

u32 get_random_u32(void);
#define get_random_u8()		((u8)get_random_u32())

/* ------------------------------------------------------------ network */

#define IFNAMSIZ		16
#define ETH_ALEN		6
#define VLAN_N_VID		4096
#define is_zero_ether_addr(a)	(!memcmp(a, "\0\0\0\0\0\0", 6))
#define ether_addr_copy(d, s)	memcpy(d, s, 6)
typedef struct { int unused; } netdevice_tracker;
struct net;
struct net_device { int mtu; char name[IFNAMSIZ]; };
#define netif_running(d)	((d)->mtu > 0)
#define netif_carrier_ok(d)	((d)->mtu > 0)
struct platform_device;
struct kobject;
struct sock;
struct dst_entry;
struct iphdr { u8 bytes[20]; };
struct ipv6hdr { u8 bytes[40]; };
struct udphdr { __be16 source, dest, len; __u16 check; };
struct in6_addr { union { u8 s6_addr[16]; __be32 s6_addr32[4]; }; };
#define dev_net(d)		((struct net *)NULL)
#define IPV6_ADDR_LINKLOCAL	0x20
#define ipv6_addr_type(a)	0
#define ipv6_addr_v4mapped(a)	((a)->s6_addr[10] == 0xff)
#define ipv6_addr_is_multicast(a) ((a)->s6_addr[0] == 0xff)
#define ipv4_is_multicast(a)	((be32toh(a) >> 28) == 14)

struct page_frag { struct page *page; u32 off, size; };
#define MAX_SKB_FRAGS		17
#define SKBFL_SHARED_FRAG	1
struct skb_shared_info {
	u8 nr_frags, flags;
	struct page_frag frags[MAX_SKB_FRAGS];
};
struct sk_buff {
	union {
		struct { struct sk_buff *next, *prev; void *dev; };
		struct rb_node rbnode;
	};
	char cb[48] __attribute__((aligned(8)));
	u32 len, data_len, truesize;
	u8 *head, *data, *tail, *end;
	u8 network[40];
	struct skb_shared_info info;
};
struct sk_buff_head { struct sk_buff *first, *last; u32 qlen; };
#define rb_to_skb(n)		container_of(n, struct sk_buff, rbnode)
#define skb_shinfo(s)		(&((struct sk_buff *)(s))->info)
#define skb_headlen(s)		((s)->len - (s)->data_len)
#define skb_network_header(s)	((s)->network)
#define skb_frag_size_add(f, n)	((f)->size += (n))

static inline void skb_fill_page_desc(struct sk_buff *s, int i,
				      struct page *page, int off, int size)
{
	WARN_ON(i >= MAX_SKB_FRAGS);
	s->info.frags[i] = (struct page_frag){ page, off, size };
	s->info.nr_frags = i + 1;
}

static inline void *skb_put(struct sk_buff *s, u32 n)
{
	void *p = s->tail;

	WARN_ON(s->data_len || n > (u32)(s->end - s->tail));
	s->tail += n;
	s->len += n;
	return p;
}

#define skb_put_data(s, d, n)	memcpy(skb_put(s, n), d, n)
#define skb_put_zero(s, n)	memset(skb_put(s, n), 0, n)
int skb_copy_bits(const struct sk_buff *s, int off, void *to, int len);
void kfree_skb(struct sk_buff *s);
#define consume_skb		kfree_skb
#define skb_queue_len(q)	((q)->qlen)

static inline void __skb_queue_head_init(struct sk_buff_head *q)
{
	*q = (struct sk_buff_head){};
}

static inline void __skb_queue_tail(struct sk_buff_head *q, struct sk_buff *s)
{
	s->next = NULL;
	if (q->last)
		q->last->next = s;
	else
		q->first = s;
	q->last = s;
	q->qlen++;
}

static inline struct sk_buff *__skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *s = q->first;

	if (s) {
		q->first = s->next;
		if (!q->first)
			q->last = NULL;
		q->qlen--;
	}
	return s;
}

/* ------------------------------------------------------------ RDMA */

struct netlink_ext_ack;
#include "shim_verbs.h"

#define HAVE_HRTIMER_SETUP
#define HAVE_DMA_BUF_VMAP_UNLOCKED
#define HAVE_IB_VIRT_DMA_TO_PAGE
#define HAVE_REPORT_PORT_EVENT
#define HAVE_UDP_TUNNEL_SK
#define HAVE_NETDEV_DUMMY
#define NL_SET_ERR_MSG_FMT

#include "compat.h"

#define this_cpu_inc(x)		((x)++)
#define this_cpu_add(x, n)	((x) += (n))

#endif
