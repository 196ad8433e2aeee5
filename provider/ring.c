// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Mapping a ring and checking its geometry.
 */
#include <errno.h>
#include <sys/mman.h>

#include "ring.h"

/**
 * mrc_ring_attach - take over the ring that lies at @base
 * @map: filled in
 * @base: start of the mapping
 * @size: its size in bytes
 * @min_entry: the least entry size that the caller writes or reads
 *
 * Return: 0, or EINVAL if the header describes entries outside of the mapping.
 */
int mrc_ring_attach(struct mrc_ring_map *map, void *base, size_t size,
		    size_t min_entry)
{
	struct mrc_ring *hdr = base;
	uint32_t log2_entries, entry_size, offset;

	if (size < sizeof(*hdr))
		return EINVAL;

	log2_entries = __atomic_load_n(&hdr->log2_entries, __ATOMIC_RELAXED);
	entry_size = __atomic_load_n(&hdr->entry_size, __ATOMIC_RELAXED);
	offset = __atomic_load_n(&hdr->offset, __ATOMIC_RELAXED);

	if (log2_entries > 30 || entry_size < min_entry || entry_size % 8 ||
	    offset < sizeof(*hdr) || offset % 8 || offset > size ||
	    (size - offset) >> log2_entries < entry_size)
		return EINVAL;

	map->hdr = hdr;
	map->size = size;
	map->entries = (uint8_t *)base + offset;
	map->entry_size = entry_size;
	map->mask = (1u << log2_entries) - 1;
	return 0;
}

/**
 * mrc_ring_mmap - map the ring that a create command has answered with
 * @map: filled in
 * @fd: the context's command file
 * @info: what the kernel said
 * @min_entry: the least entry size that the caller writes or reads
 *
 * The mapping is shared with the kernel, not pinned by it: it needs no
 * ibv_dontfork_range(), because fork() makes no private copy of it.
 *
 * Return: 0 or an errno value.
 */
int mrc_ring_mmap(struct mrc_ring_map *map, int fd,
		  const struct mrc_mmap_info *info, size_t min_entry)
{
	void *base;
	int ret;

	if (!info->size || info->size > SIZE_MAX)
		return EINVAL;

	base = mmap(NULL, info->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    info->offset);
	if (base == MAP_FAILED)
		return errno;

	ret = mrc_ring_attach(map, base, info->size, min_entry);
	if (ret)
		munmap(base, info->size);
	return ret;
}

/**
 * mrc_ring_unmap - let go of a ring; harmless where there is none
 * @map: the ring
 */
void mrc_ring_unmap(struct mrc_ring_map *map)
{
	if (map->hdr)
		munmap(map->hdr, map->size);
	map->hdr = NULL;
}
