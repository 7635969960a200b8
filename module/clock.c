/* The program's clock, where it is ours (clock/clock.h): a library that has been loaded before all others. */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "library.h"

#include "clock/clock.h"

static struct {
    __typeof__(&ghostcard_clock_begin) begin;
    __typeof__(&ghostcard_clock_inside) inside;
    __typeof__(&ghostcard_clock_take) take;
    __typeof__(&ghostcard_clock_tell) tell;
} ours; /* all NULL, or none */

void clock_find(void)
{
    *(void **)&ours.begin = dlsym(RTLD_DEFAULT, "ghostcard_clock_begin");
    *(void **)&ours.take = dlsym(RTLD_DEFAULT, "ghostcard_clock_take");
    *(void **)&ours.tell = dlsym(RTLD_DEFAULT, "ghostcard_clock_tell");
    *(void **)&ours.inside = dlsym(RTLD_DEFAULT, "ghostcard_clock_inside");
}

void clock_enter(void)
{
    if (ours.inside) ours.inside(1);
}

void clock_leave(void)
{
    if (ours.inside) ours.inside(-1);
}

/* A thread that sleeps is outside the gate: it holds up neither a fork nor C_Finalize. */
static int sleep_on_cards(long ns)
{
    long answer;
    int before;
    if (library_enter()) return -1;
    library_leave();
    before = outside_enter();
    answer = cross_sleep((CK_ULONG)ns);
    outside_leave(before);
    return answer < 0 ? -1 : 0;
}

int clock_begin(double think)
{
    if (!ours.begin) return 0;
    ours.begin(sleep_on_cards, think);
    return 1;
}

long clock_take(void)
{
    return ours.take();
}

void clock_tell(long cards_ns)
{
    ours.tell(cards_ns);
}
