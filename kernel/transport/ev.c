// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/* EVs made from fields, as an odometer turns. */
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "ev.h"

static enum mrc_ev_fault check_fields(const struct mrc_ev_field *fields,
				      u32 nfields, u32 n)
{
	u32 bits = 0;
	u64 made = 1;

	for (u32 i = 0; i < nfields; i++) {
		const struct mrc_ev_field *f = &fields[i];

		if (!f->width || f->width > 32 || f->width > 32 - bits)
			return MRC_EV_TOO_WIDE;
		bits += f->width;
		if (f->min > f->init || f->init > f->max ||
		    (u64)f->max >> f->width)
			return MRC_EV_BAD_RANGE;
		if (made < n)
			made *= (u64)f->max - f->min + 1;
	}
	return made < n ? MRC_EV_TOO_FEW : MRC_EV_OK;
}

/**
 * mrc_ev_check - can these EVs be used?
 * @ev: the EVs
 * @n: how many
 *
 * Return: MRC_EV_OK or MRC_EV_NO_PORT.
 */
enum mrc_ev_fault mrc_ev_check(const u32 *ev, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (!(ev[i] & 0xffff))
			return MRC_EV_NO_PORT;
	return MRC_EV_OK;
}

/**
 * mrc_ev_generate - make EVs of fields
 * @fields: the fields, the first in the lowest bits and the fastest to change
 * @nfields: how many, 1 to MRC_EV_FIELDS
 * @ev: where to
 * @n: how many EVs
 *
 * Return: MRC_EV_OK, or why not; @ev is undefined then.
 */
enum mrc_ev_fault mrc_ev_generate(const struct mrc_ev_field *fields,
				  u32 nfields, u32 *ev, u32 n)
{
	enum mrc_ev_fault fault = check_fields(fields, nfields, n);
	u32 value[MRC_EV_FIELDS];

	if (fault)
		return fault;
	for (u32 i = 0; i < nfields; i++)
		value[i] = fields[i].init;
	for (u32 k = 0; k < n; k++) {
		u32 shift = 0;

		ev[k] = 0;
		for (u32 i = 0; i < nfields; i++) {
			ev[k] |= (value[i] & fields[i].mask) << shift;
			shift += fields[i].width;
		}
		for (u32 i = 0; i < nfields; i++) {
			value[i] = value[i] == fields[i].max ? fields[i].min :
							       value[i] + 1;
			if (value[i] != fields[i].init)
				break;
		}
	}
	return mrc_ev_check(ev, n);
}
