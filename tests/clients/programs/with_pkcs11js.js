// node's pkcs11js: keys made, data encrypted and signed in the token; OpenSSL of node verifies.
"use strict";
const crypto = require("crypto");
const assert = require("assert");
const pkcs11js = require("pkcs11js");

const [library, label, pin] = process.argv.slice(2);
const pkcs11 = new pkcs11js.PKCS11();
pkcs11.load(library);
pkcs11.C_Initialize();
const slot = pkcs11.C_GetSlotList(true).find(
  (one) => pkcs11.C_GetTokenInfo(one).label.trim() === label
);
const session = pkcs11.C_OpenSession(slot, pkcs11js.CKF_RW_SESSION | pkcs11js.CKF_SERIAL_SESSION);
pkcs11.C_Login(session, pkcs11js.CKU_USER, pin);

const data = crypto.randomBytes(1000);

const keys = pkcs11.C_GenerateKeyPair(
  session,
  { mechanism: pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN, parameter: null },
  [
    { type: pkcs11js.CKA_VERIFY, value: true },
    { type: pkcs11js.CKA_MODULUS_BITS, value: 2048 },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
  ],
  [{ type: pkcs11js.CKA_SIGN, value: true }]
);
pkcs11.C_SignInit(session, { mechanism: pkcs11js.CKM_SHA256_RSA_PKCS }, keys.privateKey);
const signature = pkcs11.C_Sign(session, data, Buffer.alloc(256));
const [n, e] = pkcs11
  .C_GetAttributeValue(session, keys.publicKey, [
    { type: pkcs11js.CKA_MODULUS },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT },
  ])
  .map((one) => one.value.toString("base64url"));
const key = crypto.createPublicKey({ key: { kty: "RSA", n, e }, format: "jwk" });
assert(crypto.verify("sha256", data, key, signature));

const secret = pkcs11.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
  { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
  { type: pkcs11js.CKA_ENCRYPT, value: true },
  { type: pkcs11js.CKA_DECRYPT, value: true },
  { type: pkcs11js.CKA_SENSITIVE, value: false },
  { type: pkcs11js.CKA_EXTRACTABLE, value: true },
]);
const iv = crypto.randomBytes(12);
const gcm = {
  mechanism: pkcs11js.CKM_AES_GCM,
  parameter: { type: pkcs11js.CK_PARAMS_AES_GCM, iv, aad: Buffer.from("aad"), tagBits: 128 },
};
pkcs11.C_EncryptInit(session, gcm, secret);
const sealed = pkcs11.C_Encrypt(session, data, Buffer.alloc(data.length + 16));
const [{ value }] = pkcs11.C_GetAttributeValue(session, secret, [{ type: pkcs11js.CKA_VALUE }]);
const decipher = crypto.createDecipheriv("aes-256-gcm", value, iv);
decipher.setAAD(Buffer.from("aad")).setAuthTag(sealed.subarray(data.length));
const opened = Buffer.concat([decipher.update(sealed.subarray(0, data.length)), decipher.final()]);
assert.deepStrictEqual(opened, data);

assert.throws(
  () => pkcs11.C_SignInit(session, { mechanism: pkcs11js.CKM_SHA256_RSA_PKCS }, secret),
  /CKR_KEY_TYPE_INCONSISTENT/
);
pkcs11.C_CloseSession(session);
pkcs11.C_Finalize();
console.log("done");
