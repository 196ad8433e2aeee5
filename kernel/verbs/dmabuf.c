// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * MRs over dma-bufs. It is the CPU that copies, so the buffer has to consist
 * of ordinary memory (udmabuf, system heap, buffers of graphics in main
 * memory); memory of a device is refused.
 */
#include <linux/dma-buf.h>
#include <linux/iosys-map.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "verbs.h"

MRC_IMPORT_NS_DMA_BUF;

struct mrc_dmabuf {
	struct dma_buf *buf;
	struct iosys_map map;	/* keeps the pages where they are */
};

/* The page behind an address of the mapping, if it is ordinary memory. */
static struct page *mrc_dmabuf_page(void *addr)
{
	struct page *page;

	if (is_vmalloc_addr(addr))
		page = vmalloc_to_page(addr);
	else
		page = virt_addr_valid(addr) ? virt_to_page(addr) : NULL;
	if (!page || !pfn_valid(page_to_pfn(page)) ||
	    is_zone_device_page(page))
		return NULL;
	return page;
}

static int mrc_dmabuf_map(struct mrc_mr *mr, u64 offset, u64 length)
{
	void *addr = mr->dmabuf->map.vaddr + offset;
	u64 left = length;
	int err;

	mr->length = length;
	mr->max_segs = (offset_in_page(addr) + length + PAGE_SIZE - 1) >>
		       PAGE_SHIFT;
	mr->segs = kvmalloc_array(mr->max_segs, sizeof(*mr->segs), GFP_KERNEL);
	if (!mr->segs)
		return -ENOMEM;
	while (left) {
		u64 n = min_t(u64, left, PAGE_SIZE - offset_in_page(addr));
		struct page *page = mrc_dmabuf_page(addr);

		if (!page) {
			ibdev_dbg(&mr->dev->ibdev,
				  "MR: the dma-buf is no ordinary memory\n");
			return -EOPNOTSUPP;
		}
		err = mrc_mr_add_piece(mr, page, offset_in_page(addr), n);
		if (err)
			return err;
		addr += n;
		left -= n;
	}
	return 0;
}

static struct mrc_dmabuf *mrc_dmabuf_get(struct mrc_dev *dev, int fd,
					 u64 offset, u64 length)
{
	struct mrc_dmabuf *d;
	int err;

	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->buf = dma_buf_get(fd);
	if (IS_ERR(d->buf)) {
		err = PTR_ERR(d->buf);
		goto free;
	}
	if (!length || offset > d->buf->size ||
	    length > d->buf->size - offset) {
		ibdev_dbg(&dev->ibdev, "MR: %#llx bytes at %#llx of a dma-buf of %#zx\n",
			  length, offset, d->buf->size);
		err = -EINVAL;
		goto put;
	}
	err = dma_buf_begin_cpu_access(d->buf, DMA_BIDIRECTIONAL);
	if (err)
		goto put;
	err = dma_buf_vmap_unlocked(d->buf, &d->map);
	if (err)
		goto end;
	if (d->map.is_iomem) {
		ibdev_dbg(&dev->ibdev, "MR: the dma-buf is memory of a device\n");
		err = -EOPNOTSUPP;
		goto unmap;
	}
	return d;

unmap:
	dma_buf_vunmap_unlocked(d->buf, &d->map);
end:
	dma_buf_end_cpu_access(d->buf, DMA_BIDIRECTIONAL);
put:
	dma_buf_put(d->buf);
free:
	kfree(d);
	return ERR_PTR(err);
}

/**
 * mrc_dmabuf_put - let go of the buffer of an MR
 * @d: what mr->dmabuf is; may be NULL
 *
 * Process context.
 */
void mrc_dmabuf_put(struct mrc_dmabuf *d)
{
	if (!d)
		return;
	dma_buf_vunmap_unlocked(d->buf, &d->map);
	dma_buf_end_cpu_access(d->buf, DMA_BIDIRECTIONAL);
	dma_buf_put(d->buf);
	kfree(d);
}

/**
 * mrc_reg_user_mr_dmabuf - ib_device_ops.reg_user_mr_dmabuf
 * @ibpd: the PD
 * @offset: of the memory, in the buffer
 * @length: bytes
 * @iova: of the first byte, for those who use the MR
 * @fd: the buffer
 * @access: IB_ACCESS_*
 * @arg: not used
 */
struct ib_mr *mrc_reg_user_mr_dmabuf(struct ib_pd *ibpd, u64 offset, u64 length,
				     u64 iova, int fd, int access,
				     MRC_DMAH_PARAM
				     mrc_dmabuf_arg_t *arg)
{
	struct mrc_dev *dev = to_mdev(ibpd->device);
	struct mrc_dmabuf *d;
	struct mrc_mr *mr;
	int err;

	if (mrc_dmah_given())
		return ERR_PTR(-EOPNOTSUPP);
	if (iova + length < iova || (iova ^ offset) & ~PAGE_MASK)
		return ERR_PTR(-EINVAL);
	mr = mrc_mr_new(dev, ibpd, MRC_MR_USER, access);
	if (IS_ERR(mr))
		return ERR_CAST(mr);
	d = mrc_dmabuf_get(dev, fd, offset, length);
	if (IS_ERR(d)) {
		err = PTR_ERR(d);
		goto free;
	}
	mr->dmabuf = d;
	mr->iova = iova;
	err = mrc_dmabuf_map(mr, offset, length);
	if (err)
		goto free;
	err = mrc_mr_publish(mr, MRC_MR_VALID);
	if (err)
		goto free;
	return &mr->ibmr;
free:
	mrc_mr_free(mr);
	return ERR_PTR(err);
}
