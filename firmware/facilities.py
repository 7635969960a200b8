"""The facility word of each firmware image (AP sheet 1.4, 2), known without loading the image."""

FACILITIES = {
    "cca": 0x92800000,  # special commands, CCA coprocessor, APXA, full set
    "accelerator": 0x6A800000,  # RSA ME and CRT up to 4096 bits, accelerator, APXA, full set
    "ep11": 0x06800000,  # EP11 coprocessor, APXA, full set
}
