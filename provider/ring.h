/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * The rings of mrc-abi.h as this side sees them.
 *
 * Both ends of a ring are CPUs that share ordinary cached memory: what is
 * needed are the compiler's acquire and release, not the barriers for device
 * memory that other providers use.
 *
 * The geometry is read once, checked, and kept here: the header is writable
 * by anything in the process that goes astray, and an index computed from it
 * must not lead outside of the mapping.
 */
#ifndef MRC_RING_H
#define MRC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rdma/mrc-abi.h>

struct mrc_ring_map {
	struct mrc_ring	*hdr;	/* start of the mapping, NULL: no ring */
	size_t		size;
	uint8_t		*entries;
	uint32_t	entry_size;
	uint32_t	mask;
};

/* ring.c */
int mrc_ring_attach(struct mrc_ring_map *map, void *base, size_t size,
		    size_t min_entry);
int mrc_ring_mmap(struct mrc_ring_map *map, int fd,
		  const struct mrc_mmap_info *info, size_t min_entry);
void mrc_ring_unmap(struct mrc_ring_map *map);

static inline void *mrc_ring_entry(const struct mrc_ring_map *map,
				   uint32_t index)
{
	return map->entries + (size_t)(index & map->mask) * map->entry_size;
}

static inline uint32_t mrc_ring_prod(const struct mrc_ring_map *map)
{
	return __atomic_load_n(&map->hdr->prod, __ATOMIC_ACQUIRE);
}

static inline uint32_t mrc_ring_cons(const struct mrc_ring_map *map)
{
	return __atomic_load_n(&map->hdr->cons, __ATOMIC_ACQUIRE);
}

/* Hand the entries before @prod to the kernel; is a doorbell wanted? */
static inline bool mrc_ring_publish(const struct mrc_ring_map *map,
				    uint32_t prod)
{
	__atomic_store_n(&map->hdr->prod, prod, __ATOMIC_RELEASE);
	/*
	 * Pairs with the barrier of a consumer that announces its sleep and
	 * then looks at prod once more: one of the two must see the other.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&map->hdr->want_doorbell, __ATOMIC_RELAXED);
}

/* Give the entries before @cons back to the kernel. */
static inline void mrc_ring_release(const struct mrc_ring_map *map,
				    uint32_t cons)
{
	__atomic_store_n(&map->hdr->cons, cons, __ATOMIC_RELEASE);
}

#endif /* MRC_RING_H */
