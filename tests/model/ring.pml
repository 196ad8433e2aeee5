/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * A ring between two that share nothing else: mrc_wq_full() and
 * mrc_ring_publish() of the provider, mrc_ring_avail(), the copying of an
 * entry and its retirement in the kernel. Indices run freely and wrap.
 *
 * An entry is two words, so that one half written, or half overwritten, is
 * seen. Where a release or acquire is missing the steps may change places.
 *
 * Holds: each entry is taken once, in order, whole; and no index is read that
 * would let a consumer take what is not there.
 *
 * Bugs that must be found: NO_RELEASE (prod before the entry), EARLY_RETIRE
 * (cons before the copy), FULL_BY_ONE (producer goes one too far),
 * AS_NUMBERS (indices compared as such, not by their distance).
 */
#define SIZE	2
#define WRAP	7		/* mask of the indices */
#define ENTRIES	9		/* so they wrap */

#ifdef FULL_BY_ONE
#define FULL(p, c)	((((p) - (c)) & WRAP) > SIZE)
#else
#define FULL(p, c)	((((p) - (c)) & WRAP) >= SIZE)
#endif
#ifdef AS_NUMBERS
#define EMPTY(p, c)	((p) <= (c))
#else
#define EMPTY(p, c)	((((p) - (c)) & WRAP) == 0)
#endif

byte prod = 6, cons = 6;
byte lo[SIZE], hi[SIZE];

active proctype producer()
{
	byte p = 6, n = 1;

	do
	:: n <= ENTRIES ->
		!FULL(p, cons);		/* waits */
#ifdef NO_RELEASE
		if
		:: prod = (p + 1) & WRAP; lo[p % SIZE] = n; hi[p % SIZE] = n
		:: lo[p % SIZE] = n; hi[p % SIZE] = n; prod = (p + 1) & WRAP
		fi;
#else
		lo[p % SIZE] = n;
		hi[p % SIZE] = n;
		prod = (p + 1) & WRAP;
#endif
		p = (p + 1) & WRAP;
		n++
	:: else -> break
	od
}

active proctype consumer()
{
	byte taken = 6, n = 1, seen, a, b;

	do
	:: n <= ENTRIES ->
		atomic { !EMPTY(prod, taken) -> seen = prod }
		assert(((seen - taken) & WRAP) <= SIZE);
#ifdef EARLY_RETIRE
		cons = (taken + 1) & WRAP;
#endif
		a = lo[taken % SIZE];
		b = hi[taken % SIZE];
		assert(a == n && b == n);
		taken = (taken + 1) & WRAP;
#ifndef EARLY_RETIRE
		cons = taken;
#endif
		n++
	:: else -> break
	od
}
