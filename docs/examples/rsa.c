/* A driver in C that has RSA done by an accelerator: one type 50 block out, one type 80 block back.
 *
 *   gcc rsa.c $(ghostcard bus --flags) -o rsa
 *   ghostcard bus --profile cex8a -- ./rsa N E DATA        (hexadecimal, up to 256 bytes each)
 *
 * It prints DATA ** E mod N. What a driver of the kernel's does is here in little: reset the queue, switch the
 * interrupt on, enqueue, wait, dequeue. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ghostcard-ap.h>

enum { QID = 0x0000, HEADER = 16, WIDTH = 256, REQUEST = HEADER + 3 * WIDTH, KEYBLOCK_MEB2 = 0x0002 };

static ghostcard_ap *ap;

static void die(const char *what)
{
    fprintf(stderr, "rsa: %s\n", ap && ghostcard_ap_error(ap) ? ghostcard_ap_error(ap) : what);
    exit(1);
}

/* Hexadecimal digits, right-justified in WIDTH bytes. */
static void operand(unsigned char *place, const char *digits)
{
    size_t count = strlen(digits);
    if (count % 2 || count > 2 * WIDTH) die("an operand is an even number of digits, up to 512");
    for (size_t i = 0; i < count; i += 2) {
        unsigned byte;
        if (sscanf(digits + i, "%2x", &byte) != 1) die("an operand is hexadecimal");
        place[WIDTH - (count - i) / 2] = (unsigned char)byte;
    }
}

/* Type 50, format MEB2: exponent, modulus, message. */
static void pack(unsigned char *block, char **arguments)
{
    memset(block, 0, REQUEST);
    block[1] = 0x50;
    block[2] = REQUEST >> 8;
    block[3] = REQUEST & 0xFF;
    block[9] = KEYBLOCK_MEB2;
    operand(block + HEADER, arguments[2]);
    operand(block + HEADER + WIDTH, arguments[1]);
    operand(block + HEADER + 2 * WIDTH, arguments[3]);
}

/* Until the reset is over, and then until the I bit is there. */
static void initialise(uint8_t *indicator)
{
    ghostcard_event event;
    if (GHOSTCARD_RESPONSE_CODE(ghostcard_rapq(ap, QID)) != GHOSTCARD_NORMAL) die("there is no queue 00.0000");
    while (GHOSTCARD_RESPONSE_CODE(ghostcard_tapq(ap, QID, NULL)) == GHOSTCARD_RESET_IN_PROGRESS)
        if (ghostcard_wait(ap, ghostcard_now(ap) + 1000000, &event)) die("no bus");
    ghostcard_aqic(ap, QID, 1, indicator);
    while (!(ghostcard_tapq(ap, QID, NULL) & GHOSTCARD_INTERRUPTS_ENABLED))
        if (ghostcard_wait(ap, ghostcard_now(ap) + 1000, &event)) die("no bus");
}

int main(int count, char **arguments)
{
    unsigned char request[REQUEST], reply[1024];
    uint8_t indicator = 0;
    uint64_t psmid, gr0 = 0;
    size_t length, residual;
    ghostcard_event event;
    uint32_t status;

    if (count != 4) die("usage: rsa N E DATA");
    pack(request, arguments);
    if (!(ap = ghostcard_ap_open(NULL))) die("no bus: run it by `ghostcard bus -- ./rsa`");
    initialise(&indicator);

    status = ghostcard_nqap(ap, QID, 0x123456789ABCDEF0, request, sizeof request, 0);
    if (GHOSTCARD_RESPONSE_CODE(status) != GHOSTCARD_NORMAL) die("the request is not taken");
    if (ghostcard_wait(ap, GHOSTCARD_NEVER, &event) || event.kind != GHOSTCARD_INTERRUPT || !indicator)
        die("no interrupt");
    status = ghostcard_dqap(ap, QID, &psmid, reply, sizeof reply, &length, &residual, &gr0);
    if (GHOSTCARD_RESPONSE_CODE(status) != GHOSTCARD_NORMAL || psmid != 0x123456789ABCDEF0) die("no reply");
    if (reply[1] != 0x80 || length != HEADER + WIDTH) {
        fprintf(stderr, "rsa: the card answers type %02x, code %02x\n", reply[1], reply[4]);
        return 1;
    }
    for (size_t i = HEADER; i < length; i++) printf("%02x", reply[i]);
    printf("\n");
    ghostcard_ap_close(ap);
    return 0;
}
