"""RSA test vectors of RSA Laboratories, public since 2001, for the self tests of three families.

Origin: `pss-vect.txt` and `oaep-vect.txt` (the archive pkcs-1v2-1d2-vec.zip), and the companion
files `pkcs1v15sign-vectors.txt` and `pkcs1v15crypt-vectors.txt` as carried by pyca/cryptography.
Each is example 1.1 of its file; the signature files share a key, the encryption files another.
"""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.key import Key


class VectorKey:
    """A published 1024-bit key: n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p in hexadecimal."""

    def __init__(self, n: str, e: str, d: str, *crt: str) -> None:
        self._public = bytes.fromhex(n + e.zfill(16))
        self._private = bytes.fromhex(d + "".join(crt))

    def pair(self) -> tuple[Key, Key]:
        """The private key and the public key."""
        public = Key(ck.CKO_PUBLIC_KEY, ck.CKK_RSA, 1024, self._public)
        private = Key(ck.CKO_PRIVATE_KEY, ck.CKK_RSA, 1024, self._public + self._private)
        return private, public


SIGNING_KEY = VectorKey(
    "a56e4a0e701017589a5187dc7ea841d156f2ec0e36ad52a44dfeb1e61f7ad991d8c51056ffedb162"
    "b4c0f283a12a88a394dff526ab7291cbb307ceabfce0b1dfd5cd9508096d5b2b8b6df5d671ef6377"
    "c0921cb23c270a70e2598e6ff89d19f105acc2d3f0cb35f29280e1386b6f64c4ef22e1e1f20d0ce8"
    "cffb2249bd9a2137",
    "010001",
    "33a5042a90b27d4f5451ca9bbbd0b44771a101af884340aef9885f2a4bbe92e894a724ac3c568c8f"
    "97853ad07c0266c8c6a3ca0929f1e8f11231884429fc4d9ae55fee896a10ce707c3ed7e734e44727"
    "a39574501a532683109c2abacaba283c31b4bd2f53c3ee37e352cee34f9e503bd80c0622ad79c6dc"
    "ee883547c6a3b325",
    "e7e8942720a877517273a356053ea2a1bc0c94aa72d55c6e86296b2dfc967948c0a72cbccca7eacb"
    "35706e09a1df55a1535bd9b3cc34160b3b6dcd3eda8e6443",
    "b69dca1cf7d4d7ec81e75b90fcca874abcde123fd2700180aa90479b6e48de8d67ed24f9f19d85ba"
    "275874f542cd20dc723e6963364a1f9425452b269a6799fd",
    "28fa13938655be1f8a159cbaca5a72ea190c30089e19cd274a556f36c4f6e19f554b34c077790427"
    "bbdd8dd3ede2448328f385d81b30e8e43b2fffa027861979",
    "1a8b38f398fa712049898d7fb79ee0a77668791299cdfa09efc0e507acb21ed74301ef5bfd48be45"
    "5eaeb6e1678255827580a8e4e8e14151d1510a82a3f2e729",
    "27156aba4126d24a81f3a528cbfb27f56886f840a9f6e86e17a44b94fe9319584b8e22fdde1e5a2e"
    "3bd8aa5ba8d8584194eb2190acf832b847f13a3d24a79f4d",
)

PKCS1_MESSAGE = bytes.fromhex(
    "cdc87da223d786df3b45e0bbbc721326d1ee2af806cc315475cc6f0d9c66e1b62371d45ce2392e1a"
    "c92844c310102f156a0d8d52c1f4c40ba3aa65095786cb769757a6563ba958fed0bcc984e8b517a3"
    "d5f515b23b8a41e74aa867693f90dfb061a6e86dfaaee64472c00e5f20945729cbebe77f06ce78e0"
    "8f4098fba41f9d6193c0317e8b60d4b6084acb42d29e3808a3bc372d85e331170fcbf7cc72d0b71c"
    "296648b3a4d10f416295d0807aa625cab2744fd9ea8fd223c42537029828bd16be02546f130fd2e3"
    "3b936d2676e08aed1b73318b750a0167d0"
)
PKCS1_SIGNATURE = bytes.fromhex(
    "6bc3a06656842930a247e30d5864b4d819236ba7c68965862ad7dbc4e24af28e86bb531f03358be5"
    "fb74777c6086f850caef893f0d6fcc2d0c91ec013693b4ea00b80cd49aac4ecb5f8911afe539ada4"
    "a8f3823d1d13e472d1490547c659c7617f3d24087ddb6f2b72096167fc097cab18e9a458fcb634cd"
    "ce8ee35894c484d7"
)

PSS_MESSAGE = bytes.fromhex(
    "cdc87da223d786df3b45e0bbbc721326d1ee2af806cc315475cc6f0d9c66e1b62371d45ce2392e1a"
    "c92844c310102f156a0d8d52c1f4c40ba3aa65095786cb769757a6563ba958fed0bcc984e8b517a3"
    "d5f515b23b8a41e74aa867693f90dfb061a6e86dfaaee64472c00e5f20945729cbebe77f06ce78e0"
    "8f4098fba41f9d6193c0317e8b60d4b6084acb42d29e3808a3bc372d85e331170fcbf7cc72d0b71c"
    "296648b3a4d10f416295d0807aa625cab2744fd9ea8fd223c42537029828bd16be02546f130fd2e3"
    "3b936d2676e08aed1b73318b750a0167d0"
)
PSS_SIGNATURE = bytes.fromhex(
    "9074308fb598e9701b2294388e52f971faac2b60a5145af185df5287b5ed2887e57ce7fd44dc8634"
    "e407c8e0e4360bc226f3ec227f9d9e54638e8d31f5051215df6ebb9c2f9579aa77598a38f914b5b9"
    "c1bd83c4e2f9f382a0d0aa3542ffee65984a601bc69eb28deb27dca12c82c2d4c3f66cd500f1ff2b"
    "994d8a4e30cbb33c"
)

ENCRYPTION_KEY = VectorKey(
    "a8b3b284af8eb50b387034a860f146c4919f318763cd6c5598c8ae4811a1e0abc4c7e0b082d693a5"
    "e7fced675cf4668512772c0cbc64a742c6c630f533c8cc72f62ae833c40bf25842e984bb78bdbf97"
    "c0107d55bdb662f5c4e0fab9845cb5148ef7392dd3aaff93ae1e6b667bb3d4247616d4f5ba10d4cf"
    "d226de88d39f16fb",
    "010001",
    "53339cfdb79fc8466a655c7316aca85c55fd8f6dd898fdaf119517ef4f52e8fd8e258df93fee180f"
    "a0e4ab29693cd83b152a553d4ac4d1812b8b9fa5af0e7f55fe7304df41570926f3311f15c4d65a73"
    "2c483116ee3d3d2d0af3549ad9bf7cbfb78ad884f84d5beb04724dc7369b31def37d0cf539e9cfcd"
    "d3de653729ead5d1",
    "d32737e7267ffe1341b2d5c0d150a81b586fb3132bed2f8d5262864a9cb9f30af38be448598d413a"
    "172efb802c21acf1c11c520c2f26a471dcad212eac7ca39d",
    "cc8853d1d54da630fac004f471f281c7b8982d8224a490edbeb33d3e3d5cc93c4765703d1dd79164"
    "2f1f116a0dd852be2419b2af72bfe9a030e860b0288b5d77",
    "0e12bf1718e9cef5599ba1c3882fe8046a90874eefce8f2ccc20e4f2741fb0a33a3848aec9c9305f"
    "becbd2d76819967d4671acc6431e4037968db37878e695c1",
    "95297b0f95a2fa67d00707d609dfd4fc05c89dafc2ef6d6ea55bec771ea333734d9251e79082ecda"
    "866efef13c459e1a631386b7e354c899f5f112ca85d71583",
    "4f456c502493bdc0ed2ab756a3a6ed4d67352a697d4216e93212b127a63d5411ce6fa98d5dbefd73"
    "263e3728142743818166ed7dd63687dd2a8ca1d2f4fbd8e1",
)

PKCS1_PLAINTEXT = bytes.fromhex("6628194e12073db03ba94cda9ef9532397d50dba79b987004afefe34")
PKCS1_CIPHERTEXT = bytes.fromhex(
    "50b4c14136bd198c2f3c3ed243fce036e168d56517984a263cd66492b80804f169d210f2b9bdfb48"
    "b12f9ea05009c77da257cc600ccefe3a6283789d8ea0e607ac58e2690ec4ebc10146e8cbaa5ed4d5"
    "cce6fe7b0ff9efc1eabb564dbf498285f449ee61dd7b42ee5b5892cb90601f30cda07bf26489310b"
    "cd23b528ceab3c31"
)

OAEP_PLAINTEXT = bytes.fromhex("6628194e12073db03ba94cda9ef9532397d50dba79b987004afefe34")
OAEP_CIPHERTEXT = bytes.fromhex(
    "354fe67b4a126d5d35fe36c777791a3f7ba13def484e2d3908aff722fad468fb21696de95d0be911"
    "c2d3174f8afcc201035f7b6d8e69402de5451618c21a535fa9d7bfc5b8dd9fc243f8cf927db31322"
    "d6e881eaa91a996170e657a05a266426d98c88003f8477c1227094a0d9fa1e8c4024309ce1ecccb5"
    "210035d47ac72e8a"
)
