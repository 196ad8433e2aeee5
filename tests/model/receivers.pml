/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Parallel placement: kernel/message/responder.c, mrc_resp_data(), drain(),
 * conclude(), and kernel/message/run.c, mrc_qp_busy(), mrc_qp_unbusy(),
 * mrc_msg_error(); the window of kernel/transport/rxwin.c as two sets of bits.
 *
 * Two CPUs receive the packets of two messages of two packets in any order,
 * one of them twice. The first packet of a message is placed at once, without
 * the QP's lock; its last is held until all before it are done, and then
 * placed and completed by one CPU at a time. With ERRORS somebody brings the
 * QP into error at any moment, and what the packets are placed into is freed
 * when nobody is busy any more.
 *
 * Holds: a packet is placed once; a message's last packet after all before
 * it; a message is complete when, and only when, it has been placed, the first
 * before the second; cack never covers what is not placed; in the end all
 * is complete; nobody places into what has been freed, and it is freed.
 *
 * Bugs that must be found: DONE_EARLY (done before placed), NO_LOOK (a drainer
 * ends without looking again), NO_HOLD (a last packet placed as it arrives),
 * CLAIM_LATE (claimed after it was placed), and with ERRORS: NO_BUSY, NO_FLUSH.
 */
#define PACKETS		4
#define ARRIVALS	5
#define LAST(p)		((p) % 2 == 1)
#define BIT(p)		(1 << (p))

bool lock;
byte claimed, done, held, placed;
byte next;			/* cack + 1 */
byte completed;			/* messages */
bool draining;
byte busy;
bool error, flush_pending, freed;
byte copies[PACKETS];		/* on their way */

inline spin_lock() { atomic { !lock -> lock = true } }
inline spin_unlock() { lock = false }

inline flush()
{
	assert(!busy && !freed);
	flush_pending = false;
	held = 0;
	freed = true
}

inline unbusy()
{
	busy--;
	if
#ifndef NO_FLUSH
	:: !busy && flush_pending -> flush()
#endif
	:: else
	fi
}

/* Copying takes its time: others run between its begin and its end. */
inline place(p)
{
	assert(!freed);
	assert(!(placed & BIT(p)));
	/* what polls the last byte of a message sees all of it */
	assert(!LAST(p) || (placed & (BIT(p) - 1)) == BIT(p) - 1);
	skip;
	assert(!freed);
	placed = placed | BIT(p)
}

inline rxwin_done(p)
{
	done = done | BIT(p);
	do
	:: next < PACKETS && (done & BIT(next)) ->
		assert(placed & BIT(next));
		next++
	:: else -> break
	od
}

inline drain()
{
	if
	:: draining
	:: else ->
		draining = true;
		busy++;
		do
		:: !error && next < PACKETS && (held & BIT(next)) ->
			q = next;
			held = held & ~BIT(q);
			spin_unlock();
			place(q);
			spin_lock();
			if
			:: !error ->
				/* conclude() */
				assert(completed == q / 2);
				assert((placed & (BIT(q + 1) - 1)) ==
				       BIT(q + 1) - 1);
				completed++;
				rxwin_done(q)
			:: else
			fi
#ifdef NO_LOOK
			; break
#endif
		:: else -> break
		od;
		draining = false;
		unbusy()
	fi
}

proctype cpu()
{
	byte p, q;

	do
	:: atomic { copies[0] -> copies[0]--; p = 0 }; goto arrived
	:: atomic { copies[1] -> copies[1]--; p = 1 }; goto arrived
	:: atomic { copies[2] -> copies[2]--; p = 2 }; goto arrived
	:: atomic { copies[3] -> copies[3]--; p = 3 }; goto arrived
	:: !copies[0] && !copies[1] && !copies[2] && !copies[3] -> break;
arrived:
		spin_lock();
		if
		:: error || (claimed & BIT(p)) || p < next -> goto drop
		:: else
		fi;
#ifndef CLAIM_LATE
		claimed = claimed | BIT(p);
#endif
#ifdef DONE_EARLY
		rxwin_done(p);
#endif
		if
		:: !LAST(p) ->
#ifndef NO_BUSY
			busy++;
#endif
			spin_unlock();
			place(p);
			spin_lock();
#ifndef NO_BUSY
			unbusy();
#endif
			if
			:: error -> goto drop
			:: else
			fi;
			claimed = claimed | BIT(p);
			rxwin_done(p)
		:: else ->
			claimed = claimed | BIT(p);
#ifdef NO_HOLD
			place(p);
#endif
			held = held | BIT(p)
		fi;
		drain();
drop:		spin_unlock()
	od
}

#ifdef ERRORS
proctype modify_qp()
{
	spin_lock();
	error = true;
	if
	:: busy -> flush_pending = true
	:: else -> flush()
	fi;
	spin_unlock()
}
#endif

init
{
	atomic {
		copies[0] = 1; copies[1] = 1; copies[2] = 1; copies[3] = 1;
		/* one of them arrives twice */
		if
		:: copies[0]++
		:: copies[1]++
		:: copies[2]++
		:: copies[3]++
		fi;
		run cpu();
		run cpu();
#ifdef ERRORS
		run modify_qp();
#endif
	};
	_nr_pr == 1;
	assert(!busy && !lock);
#ifdef ERRORS
	assert(freed)
#else
	assert(completed == 2 && next == PACKETS && !held)
#endif
}
