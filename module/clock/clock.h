/* What libghostcard.so and libghostcard-clock.so, if that is loaded, tell each other. Times are nanoseconds. */
#pragma once

/* From now on the clocks are those of the cards, at their time 0. `sleep` lets simulated time pass for the calling
 * thread, and answers 0 if it did. `think`: of a thread's CPU time so much is time on its clock; 0: none is. */
void ghostcard_clock_begin(int (*sleep)(long ns), double think);

/* The calling thread has entered the library (1) or left it (-1): inside, clocks are the host's. */
void ghostcard_clock_inside(int by);

/* The time that has passed on the calling thread's clock since it was last told, which is taken from it. */
long ghostcard_clock_take(void);

/* A request has ended at this time of the cards, which is that of the calling thread. */
void ghostcard_clock_tell(long cards_ns);
