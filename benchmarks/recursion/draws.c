/* Service times that vary: emulator/draws.py and emulator/variates.py, integer for integer. */

#include "machine.h"

__extension__ typedef unsigned __int128 wide;

#define GOLDEN UINT64_C(0x9E3779B97F4A7C15)
#define SERVICE (UINT64_C(5) << 48) /* purpose of the streams */
#define TABLE_BITS 10
#define FRACTION_BITS 32
#define LN2_Q32 UINT64_C(2977044472)

static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94D049BB133111EB);
    return word ^ (word >> 31);
}

static uint64_t random_word(uint64_t seed, uint64_t client, uint64_t number)
{
    uint64_t key = mix(seed + (SERVICE | client) * GOLDEN);
    return mix(key + (number + 1) * GOLDEN);
}

/* value * share / 2^64 */
static uint64_t part(wide value, uint64_t share) { return (uint64_t)(value * share >> 64); }

static uint64_t unit_exponential(const uint64_t *log2, uint64_t random)
{
    random = random ? random : 1;
    int zeros = __builtin_clzll(random);
    uint64_t mantissa = (random << zeros) & (UINT64_MAX >> 1);
    uint64_t index = mantissa >> (63 - TABLE_BITS);
    uint64_t fraction = (mantissa >> (31 - TABLE_BITS)) & 0xFFFFFFFF;
    uint64_t logarithm = log2[index] + ((log2[index + 1] - log2[index]) * fraction >> 32);
    uint64_t doublings = ((uint64_t)(zeros + 1) << FRACTION_BITS) - logarithm;
    return (uint64_t)((wide)doublings * LN2_Q32 >> FRACTION_BITS);
}

static uint64_t empirical(const sampler_figures *s, uint64_t mean, uint64_t random)
{
    uint64_t drawn = part(s->bounds[s->values - 1], random);
    int32_t low = 0, high = s->values;
    while (low < high) { /* the first bound above it */
        int32_t middle = low + (high - low) / 2;
        if (drawn < s->bounds[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return (uint64_t)((wide)mean * s->permille[low] / 1000);
}

/* The engine time of a message, which its client and its number alone decide. */
int64_t service_ns(kernel *k, const message *m)
{
    const machine_figures *f = k->figures;
    uint64_t mean = (uint64_t)m->price->engine_ns, time = mean;
    if (m->price->sampler < 0)
        return m->price->engine_ns;
    const sampler_figures *s = &f->sampler[m->price->sampler];
    uint64_t seed = k->queues[m->queue].on->figures->seed;
    uint64_t random = random_word(seed, f->client[m->client].number, m->number);
    uint64_t half = (uint64_t)((wide)mean * s->spread_permille / 1000);
    switch (s->kind) {
    case DRAW_EXPONENTIAL: time = (uint64_t)((wide)mean * unit_exponential(f->log2, random) >> FRACTION_BITS); break;
    case DRAW_UNIFORM: time = mean - half + part((wide)2 * half + 1, random); break;
    case DRAW_EMPIRICAL: time = empirical(s, mean, random); break;
    }
    if (time > (uint64_t)TIME_MAX)
        k->status = KERNEL_OVERFLOW;
    return (int64_t)time;
}
