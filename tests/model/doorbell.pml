/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Doorbell elision of a send queue: provider/ring.h, mrc_ring_publish(), and
 * kernel/message: mrc_req_next(), sq_sleep(), mrc_qp_run().
 *
 * The application posts ENTRIES requests and rings only when told to. The
 * kernel runs the queue from the doorbell and from acknowledgments, one CPU at
 * a time. Memory is weak where it matters: what either side stores into the
 * shared header lies in a buffer of its own until a barrier, or chance, lets
 * it out.
 *
 * Holds: everything that is posted is taken. A request that nobody is going
 * to look at shows as a deadlock.
 *
 * Bugs that must be found: NO_USER_BARRIER, NO_KERNEL_BARRIER, NO_SECOND_LOOK,
 * NO_RERUN, ELIDE_EARLY (no doorbell wanted although nothing is in flight).
 */
#define ENTRIES		4
#define CLOCKED		2	/* MRC_ACK_CLOCKED */

/* the shared header */
byte prod;
bool want = true;
/* stores under way: the user's of prod, the kernel's of want */
byte buf_prod; bool buf_prod_full;
bool buf_want; bool buf_want_full;

/* the QP */
bool lock;
bool running, rerun;
byte taken;
byte inflight;
bool posted_all;

inline spin_lock() { atomic { !lock -> lock = true } }
/* a release: what the kernel stored before it is seen after it */
inline spin_unlock() { kernel_mb(); lock = false }

#ifdef NO_USER_BARRIER
inline user_mb() { skip }
#else
inline user_mb() { !buf_prod_full }
#endif
inline kernel_mb() { !buf_want_full }
#ifdef NO_KERNEL_BARRIER
inline sleep_mb() { skip }
#else
inline sleep_mb() { kernel_mb() }
#endif

inline set_want(v)
{
	kernel_mb();			/* one store at a time */
	atomic { buf_want = v; buf_want_full = true }
}

/* The buffers drain at any time; first prod, then it is read by the others. */
active proctype memory()
{
end:	do
	:: atomic { buf_prod_full -> prod = buf_prod; buf_prod_full = false }
	:: atomic { buf_want_full -> want = buf_want; buf_want_full = false }
	od
}

/* mrc_qp_run(): @again, @sleep and @got are the caller's. */
inline qp_run()
{
	spin_lock();
	if
	:: running ->
#ifndef NO_RERUN
		rerun = true;
#endif
		spin_unlock()
	:: else ->
		running = true;
		do
		:: true ->
			rerun = false;
			/* send_one() until there is nothing */
			do
			:: prod != taken ->
				set_want(false);
				taken++;
				inflight++
			:: prod == taken ->
				if
#ifdef ELIDE_EARLY
				:: true -> break
#else
				:: inflight >= CLOCKED -> break
				:: else ->
					set_want(true);
					sleep_mb();
#ifdef NO_SECOND_LOOK
					break
#else
					if
					:: prod == taken -> break
					:: else
					fi
#endif
#endif
				fi
			od;
			/* xmit_all() without the lock */
			spin_unlock();
			spin_lock();
			if
			:: !rerun -> break
			:: else
			fi
		od;
		running = false;
		spin_unlock()
	fi
}

active proctype application()
{
	byte n;
	bool bell;

	do
	:: n < ENTRIES ->
		n++;
		!buf_prod_full;
		atomic { buf_prod = n; buf_prod_full = true };
		user_mb();
		bell = want;
		if
		:: bell -> qp_run()
		:: else
		fi
	:: else -> break
	od;
	posted_all = true
}

/* Acknowledgments, one or several packets each. */
active proctype softirq()
{
	do
	:: inflight > 0 ->
		spin_lock();
		if
		:: inflight--
		:: inflight = 0
		fi;
		spin_unlock();
		qp_run()
	:: posted_all && taken == ENTRIES && inflight == 0 -> break
	od;
	assert(taken == ENTRIES && prod == ENTRIES)
}
